"""What a family of detectors is: one record of how it is recognised, fed, decoded and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import NDArray

from wildetect.detections import Detections
from wildetect.registry.manifest import Manifest
from wildetect.settings.registration import BoxKind, BoxUnit, Column
from wildetect.settings.words import Family

__all__ = [
    "IMAGENET",
    "Array",
    "DetectorFamily",
    "Frame",
    "Outputs",
    "Reading",
    "Shape",
    "Shapes",
    "only_largest_rank",
]

Array = NDArray[Any]
Outputs = Sequence[Array]
Shape = tuple[int | None, ...]
"""Lengths of an output's dimensions; None where any is possible."""


IMAGENET: Mapping[str, Any] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
"""What networks are fed with that were trained from ImageNet's weights, after a scale of 1/255
(torchvision and timm): https://docs.pytorch.org/vision/stable/models.html"""


class Frame(NamedTuple):
    """Size of the network's input in px."""

    width: int
    height: int


class Shapes(NamedTuple):
    """What is known of a file before it is run.

    Attributes:
        outputs: Shapes of all outputs, with or without a batch dimension.
        frame: Size of the network's input, if known.
        classes: Number of classes, if known.
    """

    outputs: Sequence[Shape]
    frame: Frame | None = None
    classes: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What decoding needs besides the outputs.

    Attributes:
        frame: Size of the network's input.
        classes: Number of class names.
        columns: Order of a table's columns; None: the family's own.
        box_unit: Unit of its boxes; None: the family's own.
        first_label: Number of the first class in the outputs; None: the family's own.
        point_size: Side of the box around a point in px; None: the usual one.
    """

    frame: Frame
    classes: int
    columns: tuple[Column, ...] | None = None
    box_unit: BoxUnit | None = None
    first_label: int | None = None
    point_size: int | None = None

    @classmethod
    def of(cls, manifest: Manifest) -> Reading:
        """What a manifest says of it."""
        frame = Frame(*manifest.feeding.size)
        told = manifest.columns, manifest.box_unit, manifest.first_label, manifest.point_size
        return cls(frame, len(manifest.detected_names), *told)


def only_largest_rank(outputs: Outputs, index: int, _size: int, rank: int) -> list[Array] | None:
    """Give the outputs of one picture of a batch, by their first dimension.

    Args:
        outputs: All outputs of a forward pass.
        index: Place of the picture in the batch.
        _size: Pictures in the batch.
        removes_doubles: Whether decoding leaves one box on each animal, though boxes may overlap.
        rank: Dimensions of the largest output for one picture.

    Returns:
        The picture's outputs; None where the outputs have no batch dimension.
    """
    if max(output.ndim for output in outputs) > rank:
        return [output[index] for output in outputs]
    return None


@dataclass(frozen=True, slots=True)
class DetectorFamily:
    """How the detectors of one family are recognised, fed, decoded and checked.

    Attributes:
        name: The word in the settings.
        exported_from: Which detectors are exported so, for the documentation.
        outputs: The outputs for a person; C is the number of classes.
        fits: Whether outputs of these shapes can be the family's.
        decode: Boxes of at least this confidence from the outputs for one picture, without the batch
            dimension; xyxy in px of the network's input.
        implausible: Why finite output values for one picture cannot be the family's, for a person.
        doubt: What of the reading the output values for one picture put in doubt, for a person.
        feeding: Fields of `Feeding` in which the family differs from the defaults.
        lists_animals: Whether the outputs are a list of animals, of which a graph gives so many at most.
        listed: Rows of at least a confidence, where only some files of the family give a list of animals; it
            gives None for the others.
        removes_doubles: Whether decoding leaves one box on each animal, though boxes may overlap.
        rank: Dimensions of the largest output for one picture, without the batch.
        every_output: Whether all outputs are read; else only the first.
        marks_pictures: Whether rows of all pictures come in one output, each with its picture's number.
        ultralytics: Whether Ultralytics exports the family, so that its metadata can tell it.
        box_kind: What stands behind its boxes.
        task: What Ultralytics' metadata call the family's task.
        first_label: Number of the first class in the outputs; None: files differ, so that it is looked for.
        box_units: Whether files of the family give boxes in px or in fractions, so that it can be said.
        columns: Order of the columns of a table that comes in several orders; empty for other families.
        one_picture: Outputs of one picture of a batch; None where they cannot be told apart.
    """

    name: Family
    exported_from: str
    outputs: str
    fits: Callable[[Shapes], bool]
    decode: Callable[[Outputs, Reading, float], Detections]
    implausible: Callable[[Outputs, Reading], str | None]
    doubt: Callable[[Outputs, Reading], str | None] | None = None
    feeding: Mapping[str, Any] = field(default_factory=dict)
    lists_animals: bool = False
    listed: Callable[[Outputs, Reading, float], int | None] | None = None
    removes_doubles: bool = False
    rank: int = 2
    every_output: bool = False
    marks_pictures: bool = False
    ultralytics: bool = False
    box_kind: BoxKind = "boxes"
    task: str = "detect"
    first_label: int | None = 0
    box_units: bool = False
    columns: tuple[Column, ...] = ()
    one_picture: Callable[[Outputs, int, int, int], list[Array] | None] = only_largest_rank
