"""What a reader of an estimate must know, in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wildetect.census.estimates.records import Stratum
from wildetect.wording import first_lines, form, listed, number_of, percent

__all__ = [
    "SYSTEMATIC",
    "could_be",
    "doubt_of",
    "doubtful_strata",
    "more_flown_than_possible",
    "no_spread_anywhere",
    "none_detected",
    "none_of",
    "of_detected_elsewhere",
    "of_sample",
    "of_total_count",
    "same_everywhere",
    "searched_too_much",
    "silent_strata",
    "strata_missing",
    "too_far",
    "too_few",
    "too_short",
]

FEW_TRANSECTS = 5
_MOST_ON_ONE = 0.5  # of the animals
_LEAST_EFFECTIVE = 3.0
_EFFECTIVE_SHARE = 0.5
_ALL = 0.99995  # outlines that two programs write differ by less

SYSTEMATIC = (
    "The transects lie in a regular pattern: the chosen limits come from how much each differs from the next "
    "(estimator O2), the others from how much all differ."
)
_REASONS = 3


def too_few(stratum: Stratum) -> str:
    """The sample has no transect, or one."""
    if not stratum.units:
        return f"no transect was flown in {stratum.name}"
    return (
        f"only one transect ({stratum.units[0].name}) was flown in {stratum.name}: how much transects "
        "differ, which the limits rest on, takes two or more; fly or name more transects"
    )


def searched_too_much(name: str, searched: float, area: float) -> str:
    """More was searched than there is."""
    return (
        f"the transects of {name} add up to {searched:.4g} km², but it has {area:.4g} km²: transects "
        "overlap, or the stratum's outline is too small"
    )


def too_far(name: str, far_share: float, spacing_km: float) -> str:
    """Most of the stratum is far from any searched ground."""
    return (
        f"{percent(far_share)} of {name} lies farther than two line spacings ({2 * spacing_km:.3g} km) from "
        "any ground that was searched: the photographs do not stand for it; draw the outline (survey.strata) "
        "around what was flown, or fly the rest"
    )


def too_short(name: str, unflown_share: float) -> str:
    """The lines end before they have crossed half of the stratum."""
    return (
        f"{percent(unflown_share)} of the way of the transects through {name} lies before their beginning or "
        "behind their end: the photographs do not stand for it; draw the outline (survey.strata) to where "
        "the lines end, or fly the rest"
    )


def more_flown_than_possible(name: str, flown: int, possible: float) -> str:
    """N is not larger than n."""
    return (
        f"{number_of(flown, 'transect')} {form(flown, 'was', 'were')} flown in {name}, but only "
        f"{possible:.4g} are possible: nothing would be "
        "left unsearched; correct the number of possible transects (stratum's width / strip width)"
    )


def none_detected(name: str) -> str:
    """The formula would give 0 plus or minus 0."""
    return (
        f"no animal was detected on the transects of {name}: the formula would give 0 ± 0, which no one can "
        "know"
    )


def none_of(species: str) -> str:
    """One species was not detected in the whole survey, though others may have been."""
    return f"no {species} was detected, which does not mean that there is none: zero carries no limits"


def could_be(name: str, fraction: float) -> str:
    """How many animals can be there unseen: M with (1 - fraction)^M = 0.05, near 3 / fraction.

    The "rule of three" (Hanley, J. A. and Lippman-Hand, A. 1983. If nothing goes wrong, is everything all
    right? JAMA 249, 1743-1745) for animals that stand anywhere, each on its own.
    """
    most = math.log(0.05) / math.log1p(-min(fraction, 0.999))
    return (
        f"None detected is not none there: with {percent(fraction, 1)} of {name} searched, up to "
        f"{math.ceil(most)} animals standing each on its own would be missed wholly one time in twenty; "
        "in herds, more."
    )


def same_everywhere(name: str, flown: int) -> str:
    """All transects have the same density."""
    return (
        f"all {flown} transects of {name} show the same density: by chance there is no spread to take limits "
        "from"
    )


def of_sample(flown: int, stratum: Stratum, *, systematic: bool) -> tuple[str, ...]:
    """What the transects are like."""
    notes = [SYSTEMATIC] if systematic else []
    if flown < FEW_TRANSECTS:
        notes.append(
            f"Only {number_of(flown, 'transect')} in {stratum.name}: the limits are wide and not firm."
        )
    return tuple(notes)


def doubt_of(stratum: Stratum) -> str | None:
    """Why limits from this sample would hold the truth less often than 95 times in 100; null if nothing does.

    The counts y have the effective number (sum y)² / sum y² of transects: n where all count alike, 1 where
    one holds all (Kish, L. 1965. Survey Sampling. Wiley, in the form of an effective sample size). Below 3,
    or below half of n, the few large herds that decide the number are too few to tell how they vary; the
    bounds are those at which benchmarks/census_coverage.py sorts the surveys whose limits fail.
    """
    counts = [unit.counted for unit in stratum.units]
    total = math.fsum(counts)
    if total <= 0:
        return None
    flown = len(counts)
    if flown < _LEAST_EFFECTIVE:
        return (
            f"only {number_of(flown, 'transect')} {form(flown, 'was', 'were')} flown in {stratum.name}: "
            "how much transects differ is hardly known "
            "from so few"
        )
    largest = max(stratum.units, key=lambda unit: unit.counted)
    if largest.counted > _MOST_ON_ONE * total:
        return (
            f"{percent(largest.counted / total)} of the animals counted in {stratum.name} are on one "
            f"transect of {flown} ({largest.name})"
        )
    effective = total**2 / math.fsum(count**2 for count in counts)
    if effective < max(_LEAST_EFFECTIVE, _EFFECTIVE_SHARE * flown):
        return (
            f"the animals of {stratum.name} are so clustered that its {flown} transects tell as much as "
            f"{effective:.1f} with even numbers"
        )
    return None


def doubtful_strata(names: Sequence[str]) -> str:
    """Most of the variance comes from strata whose limits are in doubt."""
    return f"most of the uncertainty comes from {listed(names)}, whose limits are in doubt themselves"


def of_detected_elsewhere(stratum: Stratum) -> tuple[str, ...]:
    """Animals detected in turns and on the way."""
    number = stratum.detected_elsewhere
    if not number:
        return ()
    which = f"{number_of(number, 'more animal')} {form(number, 'was', 'were')}"
    note = (
        f"In {stratum.name} {which} detected in photographs of no transect: that does not raise the estimate."
    )
    return (note,)


def of_total_count(fraction: float) -> tuple[str, ...]:
    """What a total count leaves open."""
    part = "Everything" if fraction >= _ALL else f"{percent(fraction, 1)} of the area"
    note = (
        f"{part} was searched, so there is no sampling error; animals hidden from the camera or missed by "
        "the model are not in the number, and each wrong box of the model is."
    )
    if fraction >= _ALL:
        return (note,)
    return note, "Nothing is added for the rest that was not searched."


def strata_missing(missing: Sequence[tuple[str, str | None]]) -> str:
    """Some strata have no estimate: their names and why."""
    named = listed(name for name, _ in missing)
    return f"no sum over all strata, as there is no estimate for {named}: {_reasons(missing)}"


def no_spread_anywhere(silent: Sequence[tuple[str, str | None]]) -> str:
    """No stratum has limits: their names and why."""
    return f"no stratum carries limits: {_reasons(silent)}"


def _reasons(strata: Sequence[tuple[str, str | None]]) -> str:
    return "; ".join(first_lines((why for _, why in strata if why), _REASONS))


def silent_strata(names: Sequence[str]) -> str:
    """Some strata have an estimate but no limits."""
    return (
        f"{listed(names)}: no spread between the transects, so nothing is added to the limits, which are "
        "too narrow."
    )
