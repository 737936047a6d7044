"""Limits that the sample cannot carry: few herds, or one transect, decide the number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wildetect.census.cautions.caution import Caution
from wildetect.census.estimates.sample_records import ClassEstimate
from wildetect.wording import listed

__all__ = ["clustered"]

_FIX = (
    "Do not quote these limits alone: give the counts of the transects beside them, and fly more or longer "
    "ones, or a stratum of its own where herds stand."
)


_DOUBT = "Limits in doubt, as they may hold the truth less often than 95 times in 100."
_MOST_TOLD = 3


def clustered(estimates: Sequence[ClassEstimate], class_names: Sequence[str]) -> Iterator[Caution]:
    """One caution for all doubts about limits, with the species that each is about.

    Args:
        estimates: Estimates of each class and of all, in each stratum and in all.
        class_names: Names of the model's classes, by class id.
    """
    about: dict[str, list[str]] = {}
    everyone = {one.class_id for one in estimates}
    for one in estimates:
        if one.estimate.doubt is not None and one.estimate.method != "strata added":
            name = "all species" if one.class_id is None else class_names[one.class_id]
            about.setdefault(one.estimate.doubt, []).append(name)
    if about:
        told = [f"{_which(names, len(everyone))}: {doubt}" for doubt, names in about.items()]
        which = listed(told, most=_MOST_TOLD, comma="; ")
        yield Caution("clustered", f"{_DOUBT} It concerns {which}.", _FIX)


def _which(names: Sequence[str], all_of_them: int) -> str:
    which = dict.fromkeys(names)
    return "every estimate" if len(which) == all_of_them > 1 else listed(which)
