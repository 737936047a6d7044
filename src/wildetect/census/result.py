"""What a census found, before it is written anywhere: the one source of every number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wildetect.census.cautions.caution import Caution
from wildetect.census.counting.animals import Animals
from wildetect.census.counting.said import SaidUse
from wildetect.census.counting.thresholds import NumberDetected
from wildetect.census.design.transect_files import Transects
from wildetect.census.estimates.corrected import CorrectedEstimate
from wildetect.census.estimates.sample_records import ClassEstimate, Sample
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Photograph, Views
from wildetect.census.merging.partners import MergingCheck

__all__ = ["Census", "LeftOut", "Tolerance", "ToleranceCount", "ToleranceSource"]


ToleranceSource = Literal[
    "settings", "stated position errors", "assumed position errors", "position errors, some assumed"
]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How near two boxes must be to be one animal.

    Attributes:
        metres: The distance.
        source: The settings, or the errors of the photographs' positions, and who says these.
    """

    metres: float
    source: ToleranceSource


@dataclass(frozen=True, slots=True)
class ToleranceCount:
    """Animals detected at one tolerance.

    Attributes:
        name: "strict", "chosen" or "loose".
        metres: The tolerance.
        animals: Different animals.
        per_class: Different animals by class id.
    """

    name: Literal["strict", "chosen", "loose"]
    metres: float
    animals: int
    per_class: dict[int, int]

    @classmethod
    def of(
        cls, name: Literal["strict", "chosen", "loose"], metres: float, animals: Animals
    ) -> ToleranceCount:
        """Count them."""
        return cls(name, metres, len(animals.class_id), dict(Counter(animals.class_id.tolist())))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A photograph without a place on the ground.

    Attributes:
        file: Its name.
        reason: Why, for a person.
        boxes: How many boxes of it do not count therefore.
    """

    file: str
    reason: str
    boxes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """All that a census knows.

    Attributes:
        class_names: Names of the model's classes, by class id.
        wanted: Class ids that are reported: the target species, or else those that were detected.
        photographs: All that were looked at.
        views: Where they look.
        boxes: Those of the animals that count, with the confidence asked for.
        animals: Different ones.
        tolerance: Tolerance that was used.
        counts: Counts at the strict, the chosen and the loose tolerance.
        merging: What the overlaps say of how boxes were joined.
        by_confidence: Numbers at each threshold.
        transects: Which photographs make one.
        sample: Searched areas, and which animals lie where.
        estimates: Each class and all of them, each stratum and all.
        cautions: What to know before the numbers are used.
        left_out: Photographs without a place on the ground.
        corrected: The numbers as a review set them right; none without one.
        review_reason: Why there are none; null where there are some.
        said: What came of what people said of pairs; null where nobody did.
    """

    class_names: Sequence[str]
    wanted: tuple[int, ...]
    photographs: Sequence[Photograph]
    views: Views
    boxes: GroundBoxes
    animals: Animals
    tolerance: Tolerance
    counts: tuple[ToleranceCount, ...]
    merging: MergingCheck
    by_confidence: Sequence[NumberDetected]
    transects: Transects
    sample: Sample
    estimates: Sequence[ClassEstimate]
    cautions: Sequence[Caution] = ()
    left_out: tuple[LeftOut, ...] = ()
    corrected: Sequence[CorrectedEstimate] = ()
    review_reason: str | None = None
    said: SaidUse | None = None
