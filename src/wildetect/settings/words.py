"""Words that settings allow and other rooms know: one list for each kind.

A new family of detectors, form of results or of a census, or method of a census is a word here, and a file
with its record (`detection/families/`, `results/exports/formats/`, `census/exports/`,
`census/estimates/methods/`). Nothing is imported here, so that
help texts can name the words at no cost.
"""

from __future__ import annotations

from typing import Literal, get_args

__all__ = [
    "CENSUS_EXPORTS",
    "CURLY",
    "EXPORTS",
    "FAMILIES",
    "METHODS",
    "UNSEEN",
    "CensusExport",
    "ChannelOrder",
    "CropShape",
    "Device",
    "Export",
    "Family",
    "Licence",
    "Method",
    "OtherPositions",
    "OverlapMetric",
    "RelabelledConfidence",
    "Resize",
    "Shrink",
    "StretchRule",
]

CURLY = "“”„‟«»‘’‚‹›"  # noqa: RUF001 - they are meant
"""What word processors make of straight quotes; in no file of settings they are quotes."""
UNSEEN = "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
"""Letters without a width: Windows puts one before a path that is copied from a file's properties."""

Family = Literal[
    "yolov8",
    "end-to-end",
    "end-to-end-7",
    "yolov5",
    "yolov5-raw",
    "yolox",
    "detr",
    "nanodet",
    "fastestdet",
    "rt-detr",
    "rf-detr",
    "torchvision",
    "end-to-end-split",
    "yolo-nas",
    "yolov8-seg",
    "end-to-end-seg",
    "herdnet",
    "heat-map",
    "obb",
]
"""How a detector is fed and read; docs/models.md explains each."""
FAMILIES: tuple[Family, ...] = get_args(Family)

Export = Literal[
    "megadetector",
    "csv",
    "coco",
    "geojson",
    "report",
    "overlays",
    "labelstudio",
    "gpkg",
    "yolo",
    "wisdam",
]
"""The forms in which a run's results are written; docs/results.md explains each."""
EXPORTS: tuple[Export, ...] = get_args(Export)

CensusExport = Literal["aed", "dwc", "xlsx", "summary", "citation"]
"""The forms in which a census leaves the house; docs/tasks/census.export.md explains each."""
CENSUS_EXPORTS: tuple[CensusExport, ...] = get_args(CensusExport)

Method = Literal["total count", "Jolly 2"]
"""How a census comes from a stratum to its number; the first that applies is used."""
METHODS: tuple[Method, ...] = get_args(Method)

Device = Literal["auto", "cpu", "cuda", "directml", "openvino"]
"""Where inference runs; auto: the best that is installed."""

ChannelOrder = Literal["rgb", "bgr"]
"""The order in which a network takes colours."""
Resize = Literal["letterbox", "letterbox-corner", "stretch"]
"""How a tile gets the size of a network's input."""
Shrink = Literal["average", "sample"]
"""How a tile larger than that is made smaller: by all of its pixels, or by the four around each place."""
OverlapMetric = Literal["IOU", "IOS"]
"""Overlap of two boxes as a share of both together, or of the smaller one."""
CropShape = Literal["square", "box"]
"""What is cut out around a box for the second stage."""
RelabelledConfidence = Literal["product", "detector"]
"""Confidence of a box with a new class: times the classifier's own, or as the detector gave it."""
Licence = Literal["CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0"]
"""What others may do with published data: those that GBIF takes (https://www.gbif.org/terms)."""
OtherPositions = Literal["latitude", "longitude", "both", "swapped"]
"""What of all positions is the other way round: `survey.corrections.positions`."""
StretchRule = Literal["auto", "percentiles"]
"""How values of more than 8 bits become 8, where two values do not say it."""
