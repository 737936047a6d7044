"""How many transects a wanted precision takes, and what more of them buy, from a pilot census.

Sources:
    Cochran, W. G. 1977. Sampling Techniques. 3rd edition. Wiley: 4.6 (size of a sample for a coefficient of
        variation), 5.5 (optimum allocation of a sample to strata).
    Norton-Griffiths, M. 1978. Counting Animals. 2nd edition. African Wildlife Leadership Foundation, Nairobi.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

from wildetect.census.estimates.limits import variance_of_total

__all__ = ["LEAST", "Effort", "PilotStratum", "Step", "StratumEffort", "effort_for"]

LEAST = 5  # transects in a stratum: with fewer the limits are not firm
SURE = 0.8  # how surely the safe number is enough, as far as the pilot's spread is known
_FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True, slots=True)
class PilotStratum:
    """What a pilot census says of one species in one stratum.

    Attributes:
        name: Name of the stratum.
        flown: Transects flown (n).
        possible: Transects possible (N).
        estimate: Animals.
        standard_error: Standard error of the estimate; 0 where none were seen.
        freedom: Degrees of freedom of that.
        km: Mean length of a transect.
    """

    name: str
    flown: int
    possible: float
    estimate: float
    standard_error: float
    freedom: float
    km: float

    @property
    def most(self) -> int:
        """Transects that fit into it."""
        return max(math.floor(self.possible), self.flown)

    def variance(self, transects: float, *, safe: bool = False) -> float:
        """Give the variance with so many transects: N (N - n) / n * s², s² from the pilot's standard error.

        Args:
            transects: How many (n), 1 to N.
            safe: Whether to take an s² that the true one is below in 4 of 5 cases, d s² / chi²(d, 0.2).
        """
        possible = max(self.possible, float(self.most))
        if self.standard_error == 0 or possible <= self.flown:
            return 0.0
        spread = self.standard_error**2 * self.flown / (possible * (possible - self.flown))
        if safe:
            spread *= self.freedom / _chi_square(self.freedom, 1 - SURE)
        return variance_of_total(possible, transects, spread)


@dataclass(frozen=True, slots=True)
class StratumEffort:
    """What a wanted precision takes in a stratum.

    Attributes:
        name: Name of the stratum.
        flown: Transects of the pilot.
        possible: Transects possible.
        needed: Transects for the wanted coefficient of variation.
        safe: The same, allowing for a pilot that shows too little spread.
        km: Length of the needed ones.
        one_more_cv: Coefficient of variation of the sum with one transect more than the pilot's here.
    """

    name: str
    flown: int
    possible: float
    needed: int
    safe: int
    km: float
    one_more_cv: float


@dataclass(frozen=True, slots=True)
class Step:
    """What a number of transects buys.

    Attributes:
        transects: Transects in all strata, shared out as in the pilot.
        km: Their length.
        cv: Coefficient of variation of the sum.
    """

    transects: int
    km: float
    cv: float


@dataclass(frozen=True, slots=True)
class Effort:
    """What a wanted precision takes for one species.

    Attributes:
        cv: Coefficient of variation of the pilot.
        needed: Transects in all strata.
        safe: The same, allowing for a pilot that shows too little spread.
        km: Length of the needed ones.
        strata: Each of them.
        steps: What half, one and a half, two, three and four times the pilot's effort buys.
    """

    cv: float
    needed: int
    safe: int
    km: float
    strata: tuple[StratumEffort, ...]
    steps: tuple[Step, ...]


def effort_for(pilot: Sequence[PilotStratum], wanted_cv: float, known: float = 0.0) -> Effort:
    """The fewest transects that bring a coefficient of variation, shared out among the strata.

    Each stratum gets 5 (or all that fit), and each further transect goes where it lowers the variance most:
    as the gain of one more only falls, no other way to share out as many does better.

    Args:
        pilot: Each stratum with its estimate; one at least has animals.
        wanted_cv: Standard error / estimate of the sum, above 0.
        known: Animals of strata that were counted wholly, in the sum without an error.

    Raises:
        ValueError: No stratum has animals, or the wanted precision is none.
    """
    total = known + math.fsum(one.estimate for one in pilot)
    if total <= 0 or wanted_cv <= 0:
        raise ValueError("effort takes an estimate and a coefficient of variation above 0")
    flown = [one.flown for one in pilot]
    needed = _allocated(pilot, (wanted_cv * total) ** 2, safe=False)
    safe = _allocated(pilot, (wanted_cv * total) ** 2, safe=True)
    strata = tuple(
        StratumEffort(
            one.name,
            one.flown,
            one.possible,
            needed[row],
            safe[row],
            needed[row] * one.km,
            _error(pilot, [min(n + (row == other), pilot[other].most) for other, n in enumerate(flown)])
            / total,
        )
        for row, one in enumerate(pilot)
    )
    return Effort(
        _error(pilot, flown) / total,
        sum(needed),
        sum(safe),
        math.fsum(each.km for each in strata),
        strata,
        tuple(_steps(pilot, total)),
    )


def _allocated(pilot: Sequence[PilotStratum], target: float, *, safe: bool) -> list[int]:
    transects = [min(LEAST, one.most) for one in pilot]

    def gain(row: int) -> float:
        here = pilot[row]
        return here.variance(transects[row], safe=safe) - here.variance(transects[row] + 1, safe=safe)

    left = math.fsum(one.variance(n, safe=safe) for one, n in zip(pilot, transects, strict=True))
    gains = [(-gain(row), row) for row, one in enumerate(pilot) if transects[row] < one.most]
    heapq.heapify(gains)
    while left > target and gains:
        lost, row = heapq.heappop(gains)
        left += lost
        transects[row] += 1
        if transects[row] < pilot[row].most:
            heapq.heappush(gains, (-gain(row), row))
    return transects


def _steps(pilot: Sequence[PilotStratum], total: float) -> list[Step]:
    steps: dict[int, Step] = {}
    for factor in _FACTORS:
        transects = [min(max(round(factor * one.flown), 2), one.most) for one in pilot]
        km = math.fsum(n * one.km for n, one in zip(transects, pilot, strict=True))
        steps[sum(transects)] = Step(sum(transects), km, _error(pilot, transects) / total)
    return list(steps.values())


def _error(pilot: Sequence[PilotStratum], transects: Sequence[int]) -> float:
    variance = math.fsum(one.variance(n) for one, n in zip(pilot, transects, strict=True))
    return math.sqrt(max(variance, 0.0))


def _chi_square(freedom: float, share: float) -> float:
    """What a chi-square variable is below with this probability."""
    from scipy.special import chdtri

    return float(chdtri(freedom, 1 - share))
