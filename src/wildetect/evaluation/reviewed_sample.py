"""A run's detections beside what people saw in some of its units."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.evaluation.two_phase import Corrected, Reviewed, correct

__all__ = ["LEAST_REVIEWED", "CorrectedNumber", "Hold", "ReviewedSample", "UnitBox", "limits_of_total"]

LEAST_REVIEWED = 8
"""Units of each stratum that must be reviewed, or all of it where it has fewer."""

_DIGITS = 4  # of numbers of animals in files

Hold = Literal["detector", "sampling", "availability"]
"""An error that limits hold: of the detector, of photographs for an area, of animals that cannot be seen."""


class UnitBox(NamedTuple):
    """A box on a unit's own ground.

    Attributes:
        unit: Index of the unit.
        x: Middle of the box in px of the upright image.
        y: Middle of the box in px.
        detected: Class that the detector gives it; null for an animal that it missed.
        confidence: Confidence of the detector; 0 for an animal that it missed.
        animal: Class of the animal that a person sees there; null for the detector's own box.
        agreed: Whether detector and person agree that an animal is there: a detection that is right, an
            animal that was found.
        same_class: Whether they agree on its class, too; where only one of them sees it, there is nothing
            to disagree on.
    """

    unit: int
    x: float
    y: float
    detected: str | None
    confidence: float
    animal: str | None
    agreed: bool
    same_class: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedNumber:
    """A number of animals that a review set right.

    Attributes:
        value: Animals.
        lower: 95% limit.
        upper: 95% limit.
        standard_error: Standard error of the value.
        holds: Which errors the limits hold.
    """

    value: float
    lower: float
    upper: float
    standard_error: float
    holds: tuple[Hold, ...]

    def rounded(self) -> CorrectedNumber:
        """Return the same number as files write it."""
        value, lower, upper, error = (
            round(number, _DIGITS) for number in (self.value, self.lower, self.upper, self.standard_error)
        )
        return CorrectedNumber(value=value, lower=lower, upper=upper, standard_error=error, holds=self.holds)

    def document(self) -> dict[str, Any]:
        """What run.json says of it."""
        return asdict(self.rounded()) | {"holds": list(self.holds)}


@dataclass(frozen=True, slots=True, eq=False)
class ReviewedSample:
    """What is known of all units.

    Attributes:
        images: Photograph of each unit.
        design: Stratum of each unit, and whether it was drawn and reviewed.
        strata: Names of the strata, by index.
        boxes: On the own ground of the units.
        complete: Units that a person looked at, drawn or not, shape (n,).
    """

    images: tuple[str, ...]
    design: Reviewed
    strata: tuple[str, ...]
    boxes: tuple[UnitBox, ...]
    complete: NDArray[np.bool_]

    @property
    def digest(self) -> str:
        """SHA-256 of all that is known, by which a sample is known again."""
        units = [self.images, self.strata, self.design.stratum.tolist(), self.design.reviewed.tolist()]
        return sha256(json.dumps([*units, self.boxes]).encode()).hexdigest()

    @property
    def refusal(self) -> str | None:
        """Why no number follows from the review; None where one does."""
        drawn, sizes = self.design.numbers_reviewed, self.design.sizes
        short = [
            f"{name} detections: {int(have)} of {min(int(size), LEAST_REVIEWED)}"
            for name, have, size in zip(self.strata, drawn, sizes, strict=True)
            if have < min(size, LEAST_REVIEWED)
        ]
        if not short:
            return None
        return "too few photographs of the plan are reviewed to correct the number (" + "; ".join(short) + ")"

    def detected(self, species: Collection[str], confidence: float = 0.0) -> NDArray[np.float64]:
        """G of each unit, shape (n,): detections of these classes from a confidence on."""
        return self.count([box.detected in species and box.confidence >= confidence for box in self.boxes])

    def animals(self, species: Collection[str]) -> NDArray[np.float64]:
        """F of each unit, shape (n,): animals of these classes that a person saw."""
        return self.count([box.animal in species for box in self.boxes])

    def count(self, which: Sequence[bool]) -> NDArray[np.float64]:
        """Boxes of each unit, shape (n,), of those for which `which` is true."""
        units = [box.unit for box, counts in zip(self.boxes, which, strict=True) if counts]
        return np.bincount(np.array(units, np.int64), minlength=len(self.images)).astype(np.float64)

    def corrected(self, species: Collection[str], confidence: float = 0.0) -> Corrected:
        """Set the counts of these classes together right."""
        return correct(self.design, self.detected(species, confidence), self.animals(species))


def limits_of_total(corrected: Corrected) -> CorrectedNumber:
    """The animals in all units with 95% limits.

    Animals in units without detections are rare and seldom drawn: a sample that holds few of them shows too
    little spread, too, and limits by t missed the truth upwards 15 times in 100. Their number T0 has limits
    of its own, with a variance in proportion to it (k T0, as E. B. Wilson's limits of a share have it):

        T0 + (t² k ± sqrt(t^4 k² + 4 t² k T0)) / 2

    None in m of N empty units leaves room for t² N / m, near the "rule of three". The other strata have
    limits by t, and both distances are added as the root of their squares (Zou, G. Y. and Donner, A. 2008.
    Construction of confidence limits about effect measures. Statistics in Medicine 27, 1693-1702).
    """
    from scipy.special import stdtrit

    value = corrected.total()
    rare = _Rare.of(corrected)
    rest = max(corrected.variance() - rare.measured, 0.0)
    square = float(stdtrit(corrected.freedom(), 0.975)) ** 2
    root = math.sqrt((square * rare.step) ** 2 + 4 * square * rare.step * rare.number)
    below = min((root - square * rare.step) / 2, rare.number)
    above = (root + square * rare.step) / 2
    return CorrectedNumber(
        value=max(value, 0.0),
        lower=max(value - math.hypot(math.sqrt(square * rest), below), 0.0),
        upper=max(value + math.hypot(math.sqrt(square * rest), above), 0.0),
        standard_error=math.sqrt(rest + max(rare.measured, rare.step * rare.number)),
        holds=("detector",),
    )


class _Rare(NamedTuple):
    """Animals in strata without detections.

    Attributes:
        number: Estimated (T0).
        step: What one more adds to the variance (k).
        measured: The variance as the sample shows it.
    """

    number: float
    step: float
    measured: float

    @classmethod
    def of(cls, corrected: Corrected) -> _Rare:
        """From the strata whose ratio is 0."""
        design = corrected.design
        drawn, sizes = design.numbers_reviewed, design.sizes
        variances = corrected.variances()
        number = step = measured = 0.0
        for row in np.flatnonzero((corrected.ratio == 0) & (drawn < sizes)).tolist():
            seen = corrected.residual[design.reviewed & (design.stratum == row)]
            if not len(seen) or (seen < 0).any():
                continue
            # animals that stand together are missed together
            together = max(float((seen**2).sum() / seen.sum()), 1.0) if seen.any() else 1.0
            factor = float(sizes[row] / drawn[row])
            step = max(step, together * factor * (1 - 1 / factor))
            number += factor * float(seen.sum())
            measured += float(variances[row])
        return cls(number, step, measured)
