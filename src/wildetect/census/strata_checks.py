"""Whether strata, transects and photographs have to do with each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wildetect.census.transect_records import Transects
from wildetect.census.vector_files import Area
from wildetect.errors import InputError

__all__ = ["check_names", "check_places", "same_name"]


def check_names(strata: Sequence[Area], transects: Transects) -> None:
    """Every stratum that a transect is said to lie in is there.

    Raises:
        InputError: One is not.
    """
    known = {_plain(area.name) for area in strata}
    lost = [each for each in transects if each.stratum and _plain(each.stratum) not in known]
    if lost:
        raise InputError(
            f"transect {lost[0].name} is said to lie in the stratum {lost[0].stratum}, which is not among "
            f"the strata: {', '.join(area.name for area in strata)}",
            hint="Write the names of strata alike in both files.",
            details=[f"transect {each.name}: stratum {each.stratum}" for each in lost[1:]],
        )


def check_places(strata: Sequence[Area], polygons: Sequence[Any], everything: Any) -> None:
    """The photographs show at least a part of one stratum.

    Args:
        strata: By their names.
        polygons: Their outlines in m.
        everything: The ground that the photographs show, in m.

    Raises:
        InputError: They show none.
    """
    if any(polygon.intersects(everything) for polygon in polygons):
        return
    distances = [polygon.distance(everything) for polygon in polygons]
    nearest = int(np.argmin(distances))
    names = ", ".join(area.name for area in strata)
    raise InputError(
        f"the photographs show no part of any stratum ({names}): the nearest, "
        f"{strata[nearest].name}, is {distances[nearest] / 1000:,.1f} km away",
        hint="Give the strata of this survey (survey.strata), and check their coordinate system.",
    )


def same_name(one: str, other: str) -> bool:
    """Whether two names differ in spaces and letter case only."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
