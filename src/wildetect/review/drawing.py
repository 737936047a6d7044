"""Draw the units that a person is to look at, and say what limits to expect from them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from wildetect.evaluation.two_phase import Corrected
from wildetect.results.ids import ids_of
from wildetect.results.records import ImageResult
from wildetect.review.plan import Outline, Plan, PlanStratum, Unit

__all__ = [
    "LEAST_DRAWN",
    "Candidate",
    "allocation",
    "candidates_of",
    "draw",
    "error_with_more",
    "expected_error",
    "inside",
    "least_for",
    "run_digest",
]

LEAST_DRAWN = 8
"""Units of each stratum that are drawn at least, or all of it where it has fewer."""

_STRATA: tuple[tuple[str, int, int | None], ...] = (
    ("0", 0, 0),
    ("1-2", 1, 2),
    ("3-7", 3, 7),
    ("8+", 8, None),
)
_OFF_BORDER = 0.02  # px
_SPREADS = (0.15, 0.9, 1.5, 3.0)  # animals: of the residuals in each stratum, before anyone has looked


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that may be drawn.

    Attributes:
        image: Its photograph.
        detected: Detections in it.
        outline: Its own ground; null: all of it.
    """

    image: str
    detected: int
    outline: Outline | None = None


def run_digest(results: Iterable[ImageResult]) -> str:
    """sha256 of the run's detections: another one if a box or a class is another."""
    digest = hashlib.sha256()
    for result in results:
        if result.detections is not None:
            classes = result.detections.class_id.tolist()
            line = "\0".join([result.name, *ids_of(result), *map(str, classes)]) + "\n"
            digest.update(line.encode("utf-8", errors="surrogatepass"))
    return digest.hexdigest()


def candidates_of(
    results: Iterable[ImageResult],
    outlines: Mapping[str, Outline] | None = None,
    class_id: int | None = None,
) -> list[Candidate]:
    """Make a unit of each image that did not fail, with the detections on its own ground.

    Args:
        results: Results of the run.
        outlines: Own ground of the images that overlap with others, by name; one without corners has none.
        class_id: Whose detections count; null: all.
    """
    found = []
    for result in results:
        if result.detections is None:
            continue
        outline = None if outlines is None else outlines.get(result.name)
        boxes = result.detections.xyxy
        own = inside((boxes[:, :2] + boxes[:, 2:]) / 2, outline)
        if class_id is not None:
            own &= result.detections.class_id == class_id
        if outline != ():
            found.append(Candidate(result.name, int(own.sum()), outline))
    return found


def inside(points: NDArray[np.floating], outline: Outline | None) -> NDArray[np.bool_]:
    """Which points of (n, 2) in px lie on a unit's own ground, shape (n,)."""
    if outline is None or not len(points):
        return np.full(len(points), outline is None)
    if not outline:
        return np.zeros(len(points), np.bool_)
    import shapely

    # what lies on the border of two photographs that point the same way must be in one of them, not in none
    x, y = points[:, 0] + _OFF_BORDER, points[:, 1] + _OFF_BORDER
    return np.asarray(shapely.contains_xy(shapely.Polygon(outline), x, y))


def draw(
    candidates: Sequence[Candidate], photographs: int, seed: int, digest: str, species: str | None = None
) -> Plan:
    """Draw units by chance. With the same seed a larger number adds to a smaller one.

    Args:
        candidates: All units of the run.
        photographs: How many to draw; more are where the strata need them, fewer where there are no more.
        seed: Seed of the random numbers.
        digest: Digest of the run.
        species: Whose detections the candidates count; null: all.
    """
    members = _by_stratum(candidates)
    numbers = allocation([len(one) for one in members], photographs)
    places: list[tuple[float, str]] = []
    for row, (one, number) in enumerate(zip(members, numbers, strict=True)):
        names = sorted(candidate.image for candidate in one)
        order = np.random.default_rng([seed, row]).permutation(len(names))[:number]
        # strata take turns: whoever stops early has looked at some of each
        places += [((rank + 0.5) / number, names[place]) for rank, place in enumerate(order.tolist())]
    place_of = {name: place for place, (_, name) in enumerate(sorted(places), 1)}
    return Plan(
        seed=seed,
        purpose="estimate",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        run_digest=digest,
        species=species,
        strata=tuple(
            PlanStratum(name=name, least=least, most=most, units=len(one), drawn=number)
            for (name, least, most), one, number in zip(_STRATA, members, numbers, strict=True)
        ),
        units=tuple(
            Unit(
                image=one.image,
                stratum=_STRATA[_stratum_of(one.detected)][0],
                detected=one.detected,
                place=place_of.get(one.image),
                outline=one.outline,
            )
            for one in candidates
        ),
    )


def allocation(sizes: Sequence[int], photographs: int, spreads: Sequence[float] = _SPREADS) -> list[int]:
    """Share photographs out over strata: some of each, the rest where N_h times the spread is largest.

    J. Neyman's allocation (Cochran 1977, 5.5), with `LEAST_DRAWN` units of each at the least.

    Args:
        sizes: N_h.
        photographs: To be drawn in all.
        spreads: Standard deviation of the residuals in each stratum.
    """
    numbers = [min(size, LEAST_DRAWN) for size in sizes]
    return _with_more(sizes, numbers, spreads, photographs - sum(numbers))


def _with_more(
    sizes: Sequence[int], numbers: Sequence[int], spreads: Sequence[float], more: int
) -> list[int]:
    """Draw more units of strata of which some are drawn, each where it takes most from the variance."""
    found = list(numbers)
    for _ in range(min(more, sum(sizes) - sum(found))):
        # N² s² (1 / m - 1 / (m + 1))
        gains = [
            (size * spread) ** 2 / (number * (number + 1)) if 0 < number < size else -1.0
            for size, spread, number in zip(sizes, spreads, found, strict=True)
        ]
        found[int(np.argmax(gains))] += 1
    return found


def _error_left(sizes: Sequence[int], numbers: Sequence[int], spreads: Sequence[float]) -> float:
    """Root of V2 = sum N² (1 - m / N) s² / m, over the strata of which units are drawn."""
    return math.sqrt(
        sum(
            size**2 * (1 - number / size) * spread**2 / number
            for size, spread, number in zip(sizes, spreads, numbers, strict=True)
            if number
        )
    )


def expected_error(
    candidates: Sequence[Candidate], photographs: int, spreads: Sequence[float] = _SPREADS
) -> float | None:
    """Guess the coefficient of variation that the review leaves in a total; None where nothing was detected.

    That of the flight's own sampling comes on top of it.
    """
    sizes = [len(one) for one in _by_stratum(candidates)]
    total = sum(one.detected for one in candidates)
    if not total:
        return None
    return _error_left(sizes, allocation(sizes, photographs, spreads), spreads) / total


def error_with_more(corrected: Corrected, more: int) -> float:
    """Guess the standard error that the review leaves in a total if more photographs are reviewed.

    The spread in each stratum is the one that the review has shown, or the usual one where that is less: a
    sample without any missed animal does not show that there is none.

    Args:
        corrected: Corrected estimate from the photographs reviewed so far.
        more: Photographs to come; 0 for those so far.
    """
    design = corrected.design
    sizes, drawn = design.sizes.tolist(), design.numbers_reviewed.tolist()
    spreads = [max(math.sqrt(spread), _SPREADS[0]) for spread in corrected.spreads().tolist()]
    return _error_left(sizes, _with_more(sizes, drawn, spreads, more), spreads)


def least_for(candidates: Sequence[Candidate], wanted: float) -> int:
    """How many units must be drawn for a coefficient of variation."""
    low, high = 1, len(candidates)
    while low < high:
        middle = (low + high) // 2
        expected = expected_error(candidates, middle)
        if expected is not None and expected <= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def _stratum_of(detected: int) -> int:
    return next(row for row, (_, _, most) in enumerate(_STRATA) if most is None or detected <= most)


def _by_stratum(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    members: list[list[Candidate]] = [[] for _ in _STRATA]
    for one in candidates:
        members[_stratum_of(one.detected)].append(one)
    return members
