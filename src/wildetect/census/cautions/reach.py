"""Whether the lines stand for the area that a number is given for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wildetect.census.cautions.caution import Caution
from wildetect.census.estimates.class_estimates import FARTHEST_SHARE
from wildetect.census.estimates.sample_records import SampledStratum
from wildetect.wording import form, listed, percent

__all__ = ["coverage"]

_FAR = 0.1  # of a stratum
_MOST_NAMED = 5


def coverage(strata: Sequence[SampledStratum]) -> Iterator[Caution]:
    """Strata of which a good part is far from any searched ground, and lines that stop short."""
    for stratum in strata:
        reach = stratum.reach
        if reach is None or not stratum.area_km2 or reach.worst_share > FARTHEST_SHARE:
            continue  # without a stratum's area, or where most of it is not stood for, there is no estimate
        searched = f"{percent(stratum.searched_km2 / stratum.area_km2, 1)} of it was searched"
        if reach.far_share > _FAR:
            yield Caution(
                "far",
                f"{percent(reach.far_share)} of {stratum.name} lies farther than two line spacings "
                f"({2 * reach.spacing_km:.3g} km) from any ground that was searched; {searched}. The "
                "estimate takes it to hold as many animals as the rest.",
                "Draw the outline (survey.strata) around what was flown, or fly lines across the rest.",
            )
        if reach.short:
            names = listed(reach.short, most=_MOST_NAMED)
            lines = f"{names} {form(len(reach.short), 'stops', 'stop')}"
            yield Caution(
                "short",
                f"In {stratum.name} {lines} short: {percent(reach.unflown_share)} of the way of all lines "
                "through it lies before their beginning or behind their end, and is taken to hold as many "
                "animals as the rest.",
                "Fly from edge to edge, or draw the outline (survey.strata) to where the lines end.",
            )
