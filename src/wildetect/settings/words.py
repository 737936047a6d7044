"""Words that settings and options allow and that have a record of their own: one list for each kind.

A new family of detectors or a new form of results is a word here, and a file with its record
(`detection/families/`, `results/exports/formats/`). Nothing is imported here, so that help texts can name
the words at no cost.
"""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["EXPORTS", "FAMILIES", "Export", "Family"]

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
