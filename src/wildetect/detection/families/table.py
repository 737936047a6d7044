"""All families of detectors, one record each: the one table that everything else asks.

A new family is one file with its record, in grids/, rows/ or points/, and its word in settings/words.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wildetect.catalogue import gathered
from wildetect.detection.families.family import DetectorFamily, Frame, Outputs, Reading, Shape, Shapes
from wildetect.settings.words import FAMILIES, Family

__all__ = ["TABLE", "families_fitting", "fits", "implausible"]

TABLE: dict[Family, DetectorFamily] = gathered("wildetect.detection.families", DetectorFamily, FAMILIES)
"""The records by the words of the settings, in their order."""


def fits(family: Family, shapes: Shapes) -> bool:
    """Say whether a family's outputs can have these shapes; an empty shape is unknown."""
    return any(not shape for shape in shapes.outputs) or TABLE[family].fits(shapes)


def families_fitting(
    shapes: Sequence[Shape], frame: Frame | None = None, classes: int | None = None
) -> tuple[Family, ...]:
    """List the families whose outputs can have these shapes.

    Several is normal: a shape does not name a family.

    Args:
        shapes: Shapes of all outputs, with or without a batch dimension.
        frame: Size of the network's input, if known.
        classes: Number of classes, if known.
    """
    known = Shapes(shapes, frame, classes)
    return tuple(family for family in TABLE if fits(family, known))


def implausible(family: Family, outputs: Outputs, reading: Reading) -> str | None:
    """Say why the outputs for one picture cannot be the family's, for a person; None if they can.

    Wrong feeding and a wrong family fail quietly: boxes come out, in wrong places. Some mistakes show in
    the range of the values, on any picture; these are looked for when a model is registered.

    Args:
        family: Family as declared.
        outputs: Without the batch dimension, of shapes that fit the family.
        reading: Size of the network's input and number of classes.
    """
    floats = [output.astype(np.float32) if output.dtype.kind == "f" else output for output in outputs]
    if not all(np.isfinite(output).all() for output in floats):
        return "some values are not finite numbers"
    return TABLE[family].implausible(floats, reading)
