"""How well a detector does on a survey, from units that people reviewed: precision, recall, threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wildetect.evaluation.reviewed_sample import ReviewedSample
from wildetect.evaluation.two_phase import Reviewed, correct

__all__ = ["DetectorQuality", "Share", "quality_of"]

_Numbers = NDArray[np.float64]
_NORMAL = 1.959963984540054  # 0.975 of the standard normal distribution
_STEPS = tuple(step / 20 for step in range(1, 20))


@dataclass(frozen=True, slots=True)
class Share:
    """A share with 95% limits.

    Attributes:
        value: 0 to 1.
        lower: 95% limit.
        upper: 95% limit.
    """

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class DetectorQuality:
    """Quality of a detector on one survey.

    Attributes:
        precision: Share of the detections that show an animal; null without detections.
        recall: Share of the animals that were detected; null without animals.
        best_confidence: Confidence at which the number of detections of a photograph is nearest to that of
            its animals.
    """

    precision: Share | None
    recall: Share | None
    best_confidence: float | None


def quality_of(sample: ReviewedSample, species: str | None = None) -> DetectorQuality:
    """Estimate the shares for all units from those that were reviewed.

    Args:
        sample: What the detector and people say.
        species: A class, for which only what both call so is right; None: all, whatever they are called.
    """
    boxes = sample.boxes
    if species is not None:
        boxes = tuple(
            box._replace(
                detected=box.detected if box.detected == species else None,
                animal=box.animal if box.animal == species else None,
                agreed=box.agreed and box.same_class,
            )
            for box in boxes
        )
        sample = replace(sample, boxes=boxes)
    detected = sample.count([box.detected is not None for box in boxes])
    right = sample.count([box.detected is not None and box.agreed for box in boxes])
    animals = sample.count([box.animal is not None for box in boxes])
    found = sample.count([box.animal is not None and box.agreed for box in boxes])
    return DetectorQuality(
        _share(sample.design, right, detected),
        _share(sample.design, found, animals),
        _best_confidence(sample, animals),
    )


def _share(design: Reviewed, part: _Numbers, whole: _Numbers) -> Share | None:
    """A ratio of two totals, with E. B. Wilson's limits for as many boxes as its variance is worth.

    The variance of the ratio is that of part - share * whole (Cochran 1977, 6.13).
    """
    which = design.reviewed
    weight = design.weights[design.stratum[which]]
    total = float((weight * whole[which]).sum())
    if not total:
        return None
    value = float((weight * part[which]).sum()) / total
    if (design.numbers_reviewed == design.sizes).all():
        return Share(value, value, value)  # everything was looked at
    ratio = np.full(len(design.sizes), value)
    variance = correct(design, whole, part, ratio).variance() / total**2
    worth = float(whole[which].sum())
    if variance > 0 and 0 < value < 1:
        worth = min(value * (1 - value) / variance, worth)
    return Share(value, *_wilson(value, worth))


def _wilson(value: float, number: float) -> tuple[float, float]:
    """Wilson, E. B. 1927. Probable inference. J. American Statistical Association 22, 209-212."""
    square = _NORMAL**2 / number
    middle = (value + square / 2) / (1 + square)
    reach = _NORMAL / (1 + square) * math.sqrt(value * (1 - value) / number + square / (4 * number))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def _best_confidence(sample: ReviewedSample, animals: _Numbers) -> float | None:
    which = sample.design.reviewed
    weight = sample.design.weights[sample.design.stratum]
    confidences = [box.confidence for box in sample.boxes if box.detected is not None]
    if not confidences:
        return None
    lowest = min(confidences)
    steps = [step for step in _STEPS if step >= lowest - 1e-6] or [lowest]

    def misfit(step: float) -> float:
        detected = sample.count([box.detected is not None and box.confidence >= step for box in sample.boxes])
        return float((weight * (detected - animals) ** 2)[which].sum())

    return min(steps, key=misfit)
