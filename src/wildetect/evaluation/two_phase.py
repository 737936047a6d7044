"""The corrected number: what the detector counted in all units, set right by what people saw in some.

Two-phase ratio estimation by strata. With G detections and F animals in a unit, of N_h units of a stratum
m_h reviewed:

    b_h = sum F / sum G over the reviewed, residual e = F - b_h G
    y   = b_h G, and for a reviewed unit + N_h / m_h e
    V2  = sum N_h² (1 - m_h / N_h) s²_e,h / m_h

Sources:
    Cochran, W. G. 1977. Sampling Techniques. 3rd edition. Wiley, chapters 6, 11 and 12.
    Saerndal, C.-E., Swensson, B. and Wretman, J. 1992. Model Assisted Survey Sampling. Springer, chapter 9.
    Chang, J.-H., Hart, D. R., Shank, B. V. et al. 2016. Combining imperfect automated annotations of
        underwater images with human annotations to obtain precise and unbiased population estimates.
        Methods in Oceanography 17, 169-186.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Corrected", "Reviewed", "correct"]

_Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Reviewed:
    """Which units there are, and which of them a person looked at.

    Attributes:
        stratum: Index of each unit's stratum, from 0, shape (n,).
        reviewed: Whether each unit was drawn and reviewed, shape (n,).
    """

    stratum: NDArray[np.int64]
    reviewed: NDArray[np.bool_]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """N_h, shape (strata,)."""
        return np.bincount(self.stratum, minlength=1)

    @property
    def numbers_reviewed(self) -> NDArray[np.int64]:
        """m_h, shape (strata,)."""
        return np.bincount(self.stratum[self.reviewed], minlength=len(self.sizes))

    @property
    def weights(self) -> _Numbers:
        """N_h / m_h, how many units a reviewed one stands for, shape (strata,); N_h where none is."""
        return np.asarray(self.sizes / np.maximum(self.numbers_reviewed, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """What follows for one kind of animal.

    Attributes:
        units: Corrected count of each unit (y), shape (n,); may be below 0 where boxes were wrong.
        ratio: b_h of each stratum, shape (strata,).
        residual: F - b_h G, 0 for units that were not reviewed, shape (n,).
        design: Which units there are.
    """

    units: _Numbers
    ratio: _Numbers
    residual: _Numbers
    design: Reviewed

    def total(self, weight: _Numbers | None = None) -> float:
        """The sum over all units, each taken `weight` times, shape (n,)."""
        return math.fsum(self.units if weight is None else self.units * weight)

    def variance(self, weight: _Numbers | None = None) -> float:
        """V2 of the total."""
        return math.fsum(self.variances(weight))

    def variances(self, weight: _Numbers | None = None) -> _Numbers:
        """The part of V2 of each stratum, shape (strata,)."""
        sizes = self.design.sizes.astype(np.float64)
        drawn = self.design.numbers_reviewed.astype(np.float64)
        open_part = np.where(drawn > 0, 1 - drawn / np.maximum(sizes, 1), 0)
        return sizes**2 * open_part * self.spreads(weight) / np.maximum(drawn, 1)

    def spreads(self, weight: _Numbers | None = None) -> _Numbers:
        """s²_e,h: the variance of the residuals in each stratum, shape (strata,); 0 of a single one."""
        which = self.design.reviewed
        residual = (self.residual if weight is None else self.residual * weight)[which]
        stratum, number = self.design.stratum[which], len(self.design.sizes)
        drawn = np.bincount(stratum, minlength=number)
        mean = np.bincount(stratum, residual, number) / np.maximum(drawn, 1)
        squares = np.bincount(stratum, (residual - mean[stratum]) ** 2, number)
        return np.asarray(np.where(drawn > 1, squares / np.maximum(drawn - 1, 1), 0.0))

    def freedom(self, weight: _Numbers | None = None) -> float:
        """Degrees of freedom of V2: (sum v)² / sum(v² / (m_h - 1)) (Satterthwaite 1946)."""
        parts = self.variances(weight)
        drawn = self.design.numbers_reviewed
        firm = math.fsum(
            part**2 / max(number - 1, 1) for part, number in zip(parts.tolist(), drawn.tolist(), strict=True)
        )
        return math.fsum(parts) ** 2 / firm if firm > 0 else math.inf


def correct(
    design: Reviewed, detected: _Numbers, animals: _Numbers, ratio: _Numbers | None = None
) -> Corrected:
    """Set the detector's counts right.

    Args:
        design: Which units there are, and which were reviewed; at least one of each stratum.
        detected: G of each unit, shape (n,).
        animals: F of each unit that was reviewed, shape (n,); the others' values are not looked at.
        ratio: b_h, where these counts are of a part of the area and the ratio is that of the whole; null:
            from these counts.
    """
    which = design.reviewed
    if ratio is None:
        ratio = _ratios(design, detected, animals)
    by_ratio = ratio[design.stratum] * detected
    residual = np.where(which, animals - by_ratio, 0.0)
    return Corrected(by_ratio + design.weights[design.stratum] * residual, ratio, residual, design)


def _ratios(design: Reviewed, detected: _Numbers, animals: _Numbers) -> _Numbers:
    """b_h of each stratum; 0 where nothing was detected.

    A rare species may be detected in a stratum and in none of the units that were reviewed there: its ratio
    is that of the other strata then, and 1, the detector's word, where no unit says anything.
    """
    which, number = design.reviewed, len(design.sizes)
    counted = np.bincount(design.stratum[which], detected[which], number)
    there = np.bincount(design.stratum[which], animals[which], number)
    factor = design.weights
    known = counted > 0
    elsewhere = float((factor * counted)[known].sum())
    pooled = float((factor * there)[known].sum()) / elsewhere if elsewhere else 1.0
    anywhere = np.bincount(design.stratum, detected, number) > 0
    return np.divide(there, counted, out=np.where(anywhere, pooled, 0.0), where=known)
