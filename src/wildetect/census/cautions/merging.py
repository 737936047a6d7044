"""Whether boxes of overlapping photographs that show the same ground were joined as they should be."""

from __future__ import annotations

from collections.abc import Iterator

from wildetect.census.cautions.caution import Caution, number_of
from wildetect.census.ground.photographs import Views
from wildetect.census.merging.partners import MergingCheck, Rate

__all__ = ["merging"]

_FIX = (
    "Look at the overlaps in the report, the worst first. Check yaw, height and lens of some photographs and "
    "the position error that they state; over slopes name survey.terrain. Until then use the conservative "
    "count, which takes each spot of ground from one photograph only."
)


def merging(check: MergingCheck, views: Views) -> Iterator[Caution]:
    """What the overlaps say against the number."""
    files = [views.views[row].file for row in check.guilty]
    if check.off:
        yield Caution(
            "merging",
            f"{_rates(check)}, and boxes without a partner lie within {check.displaced.metres:.0f} m of each "
            "other far more often than animals that were missed would: places are off by more than the "
            "tolerance, or animals walked. Animals are counted twice or more.",
            _FIX,
            files,
        )
    elif check.low:
        yield Caution(
            "merging",
            f"{_rates(check)}: the photographs do not lie as their tags say, animals walked, or the "
            "detector misses more than half of them. In the first two cases animals are counted twice or "
            "more.",
            _FIX,
            files,
        )
    if files:
        yield Caution(
            "merging-photographs",
            f"The boxes of {number_of(files, verb=False)} were joined with those of their neighbours far "
            "more rarely than all others: their position, direction or height is wrong, and their animals "
            "count twice.",
            "Were they turned or cut after the flight, or has one of them another height? Put the originals "
            "back or leave them out.",
            files,
        )
    if check.worse_across:
        yield Caution(
            "merging-across",
            f"Along a line of flight {_part(check.along)} of the boxes in overlaps were joined, across "
            f"lines only {_part(check.across)}: what lies longer apart in time, or is seen from farther "
            "aside, fits less. Animals that walked, slopes, or a direction that is off make animals of "
            "neighbouring lines count twice.",
            "Compare the number with the conservative count, which takes each spot of ground from one "
            "photograph only; where animals walk, fly neighbouring lines soon after each other, or without "
            "overlap.",
        )


def _rates(check: MergingCheck) -> str:
    return (
        f"Of {check.all.expected:,} boxes that lie well inside another photograph {_part(check.all)} were "
        "joined to a box of it"
    )


def _part(rate: Rate) -> str:
    return f"{rate.share or 0:.0%}"
