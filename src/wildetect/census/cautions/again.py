"""Ground that was flown more than once, hours or days apart: what walked meanwhile counts twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.cautions.caution import Caution
from wildetect.census.counting.animals import Animals
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.headings import flight_order
from wildetect.census.ground.photographs import Views
from wildetect.census.ground.raster_views import RasterView
from wildetect.wording import form, number_of

__all__ = ["flown_again"]

_LATER = 600.0  # s: longer than from one line to the next of most flights
_NEXT_FLIGHT = 120.0  # s, where the folder is another one, too: longer than a turn, shorter than a landing
_FLIGHTS = 1800.0  # s: two passes that lie so far apart are two flights
_COVERED = 0.75  # of a photograph: neighbouring lines of one flight rarely have more in common
_FEWEST, _SHARE = 3, 0.05  # photographs; part of them, or of the animals: any drone flies home some way
_MINUTES, _HOURS = 5400.0, 172_800.0  # s, up to which minutes and hours are told


class _Again(NamedTuple):
    """What was flown again.

    Attributes:
        rows: Rows of Views.views, the later ones.
        ground: Outline that earlier ones had shown, too, in m: a shapely geometry.
        gap: Usual time in s since; nan where photographs do not tell.
    """

    rows: NDArray[np.intp]
    ground: Any
    gap: float


def flown_again(views: Views, boxes: GroundBoxes, animals: Animals) -> Iterator[Caution]:
    """Photographs of ground that others had shown long before.

    Args:
        views: Where the photographs look.
        boxes: All that count.
        animals: Made of them.
    """
    found = _again(views)
    number = len(animals.members)
    there = np.flatnonzero(shapely.contains_xy(found.ground, animals.xy)) if number else np.zeros(0, int)
    few = not any(isinstance(views.views[row], RasterView) for row in found.rows)
    if len(found.rows) < (_FEWEST if few else 1):
        return
    if max(len(found.rows) / len(views.views), len(there) / max(number, 1)) < _SHARE:
        return
    late = set(found.rows.tolist())
    alone = sum(all(int(boxes.view[box]) in late for box in animals.members[row]) for row in there.tolist())
    passes = "passes" if found.gap < _FLIGHTS else "flights"
    yield Caution(
        "flown-again",
        f"Two {passes} over the same ground: {number_of(len(found.rows), 'photograph')} of "
        f"{len(views.views):,} {form(len(found.rows), 'shows', 'show')} ground that others had shown "
        f"{_before(found.gap)}. "
        f"{_animals(len(there), number, alone)} Transects over the same ground are no independent samples: "
        "where there are limits, they are too narrow.",
        "Count one flight: put the photographs of each into a folder of its own, detect in each (detect.run "
        "--source FOLDER --output RESULTS), and take a census of each. They are two counts of the same "
        "animals: compare them, and do not add them up.",
        [views.views[row].file for row in found.rows.tolist()],
    )


def _before(gap: float) -> str:
    """When the ground was shown first."""
    if np.isnan(gap):
        return "from another folder, and not all tell when"
    if gap < _MINUTES:
        return f"{gap / 60:.0f} minutes before"
    if gap < _HOURS:
        return f"{gap / 3600:.1f} hours before"
    return f"{gap / 86400:.0f} days before"


def _animals(there: int, number: int, alone: int) -> str:
    """How many animals are in doubt."""
    if not there:
        return "No animal was detected there."
    lie = f"{there:,} of {number_of(number, 'animal')} {form(there, 'lies', 'lie')} there"
    if not alone:
        return f"{lie}; the earlier photographs show all of them, so that none counts twice for it."
    return (
        f"{lie}, {alone:,} of which only the later photographs show: animals that walked meanwhile count "
        f"twice. Without the later photographs {number - alone:,} would count."
    )


def _again(views: Views) -> _Again:
    grounds = np.array([shapely.Polygon(view.footprint) for view in views.views], object)
    late, early, gap = _long_before(views, grounds)
    order = np.argsort(late, kind="stable")
    late, early, gap = late[order], early[order], gap[order]
    starts = np.flatnonzero(np.diff(late, prepend=-1))
    rows, shared, gaps = [], [], []
    for some in np.split(np.arange(len(late)), starts[1:]) if len(late) else []:
        row = int(late[some[0]])
        both = shapely.intersection(shapely.union_all(grounds[early[some]]), grounds[row])
        if both.area >= _COVERED * grounds[row].area:
            rows.append(row)
            shared.append(both)
            gaps.append(float(np.median(gap[some])))
    usual = float(np.median(gaps)) if gaps else np.nan
    return _Again(np.array(rows, np.intp), shapely.union_all(shared), usual)


def _long_before(
    views: Views, grounds: NDArray[np.object_]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Photographs of common ground of which the one was taken long before the other, or in another flight.

    Returns:
        Rows of the later ones, of the earlier ones, and the seconds between them (nan: unknown); each of
        shape (n,).
    """
    shots = views.views
    place = np.empty(len(shots), np.intp)
    place[flight_order([(view.file, view.taken) for view in shots])] = np.arange(len(shots))
    first = min((view.taken for view in shots if view.taken is not None), default=None)
    seconds = np.array(
        [
            np.nan if view.taken is None or first is None else (view.taken - first).total_seconds()
            for view in shots
        ]
    )
    folder = np.unique([str(PurePosixPath(view.file).parent) for view in shots], return_inverse=True)[1]
    raster = np.array([isinstance(view, RasterView) for view in shots], bool)
    at = np.array([(view.longitude, view.latitude) for view in shots], np.float64).reshape(-1, 2)
    late, early = shapely.STRtree(grounds).query(grounds, predicate="intersects")
    after = place[late] > place[early]
    late, early = late[after], early[after]
    gap = np.abs(seconds[late] - seconds[early])
    other = (folder[late] != folder[early]) | raster[late] | raster[early]
    # without a time of its own, what was taken at exactly the same place is a copy
    copies = np.unique(late[np.isnan(gap) & (at[late] == at[early]).all(axis=1)])
    flown = np.where(np.isnan(gap), other, (gap >= _LATER) | (other & (gap >= _NEXT_FLIGHT)))
    apart = flown & ~np.isin(late, copies)
    return late[apart], early[apart], gap[apart]
