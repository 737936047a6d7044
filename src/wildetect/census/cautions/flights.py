"""What is doubtful about positions and heights of a flight."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np

from wildetect.census.cautions.caution import Caution, Survey, number_of
from wildetect.census.counting.animals import ERRORS_IN_TOLERANCE
from wildetect.census.ground.headings import flight_order, straight_legs
from wildetect.census.ground.photographs import Photograph
from wildetect.census.ground.views import View, camera_axes
from wildetect.imagery.camera.optics import LOWEST
from wildetect.imagery.positions.heads import Head
from wildetect.wording import listed, percent

__all__ = ["dates", "heights", "jumps", "rounded", "same_position", "yaw_leaps"]

_ZONES = timedelta(days=1)  # a camera's clock may be that of any time zone
_FIRST_YEAR = (
    1996  # of Exif, which wrote the first dates into photographs; clocks that lost power say earlier
)
_FASTEST = 60.0  # m/s: faster than any survey aircraft
_LEAP = 20.0  # usual steps
_LEAST_TRACK = 5  # photographs
_DRIFT = 0.2  # of the usual height
_YAW_LEAP = 60.0  # degrees between photographs of one leg: no wind turns a drone so far
_GRIDS = {  # degrees, the coarsest first
    "1 decimal": 1e-1,
    "whole minutes": 1 / 60,
    "2 decimals": 1e-2,
    "3 decimals": 1e-3,
    "whole seconds": 1 / 3600,
    "hundredths of minutes": 1 / 6000,
    "4 decimals": 1e-4,
    "tenths of seconds": 1 / 36_000,
    "thousandths of minutes": 1 / 60_000,
    "5 decimals": 1e-5,
}
_ON_GRID = 0.01  # of a step: tags hold seconds to some digits
_DEGREE = 111_200.0  # m of latitude
_TABLE = "CSV"
_MEASURED = ("XMP", _TABLE)  # above take-off, or what a table gives for it
_WIDE = 5.0  # times the height: an area in which the ground may well rise or fall
_RISE = 0.1  # of the height


def dates(survey: Survey) -> Iterator[Caution]:
    """Photographs dated after today, or before there were such photographs: a clock is wrong."""
    today = datetime.now()  # noqa: DTZ005 - cameras write the time of where they are
    taken = [(view.file, view.taken.replace(tzinfo=None)) for view in survey.shots if view.taken]
    wrong = [(file, time) for file, time in taken if time > today + _ZONES or time.year < _FIRST_YEAR]
    if wrong:
        span = listed(sorted({f"{time:%Y-%m-%d}" for _, time in wrong}), most=3)
        yield Caution(
            "clock",
            f"{number_of(wrong)} a date that cannot be true: {span}, where this machine's clock says "
            f"{today:%Y-%m-%d}. Dates in what is published are wrong, and photographs of cameras with "
            "clocks that differ are put into a wrong order.",
            "Set the clock that is wrong, the camera's or this machine's, the latter before the census is "
            "taken again. Photographs keep the date that their camera wrote; do not publish it.",
            [file for file, _ in wrong],
        )


def same_position(shots: Sequence[View]) -> Iterator[Caution]:
    """All photographs, or many, at one place."""
    at: dict[tuple[float, float], list[str]] = defaultdict(list)
    for view in shots:
        at[view.longitude, view.latitude].append(view.file)
    repeated = [file for files in at.values() if len(files) > 1 for file in files]
    if len(at) == 1 and len(shots) > 1:
        yield Caution(
            "one-position",
            f"All {len(shots):,} photographs have one and the same position: animals at the same spot of "
            "two photographs were taken for one, and searched area and density are wrong.",  # never one
            "The drone had no satellites, or a program wrote one position into all: remove the tags and name "
            "a CSV file with the true positions as detection.exif_gps_update.csv_path.",
            repeated,
        )
    elif repeated:
        yield Caution(
            "same-position",
            f"{number_of(repeated)} exactly the position of another: the drone hovered or had no satellites, "
            "or a photograph is there twice. Copies always agree with each other, so that the partner rate "
            "and the recall look better than they are; where a position is wrong, animals count twice, or "
            "two as one.",
            "Move copies away. If the drone did not hover, leave these photographs out, or give their "
            "positions in a CSV file.",
            repeated,
        )


def rounded(shots: Sequence[View], tolerance: float) -> Iterator[Caution]:
    """Positions that all lie on one coarse grid: somebody, or a program, left digits out.

    Args:
        shots: Where photographs look.
        tolerance: Tolerance in m, that follows from the errors that positions state.
    """
    degrees = np.unique(np.array([(view.longitude, view.latitude) for view in shots]).reshape(-1, 2), axis=0)
    if len(degrees) < _LEAST_TRACK:
        return
    for name, step in _GRIDS.items():
        if not np.all(np.abs(degrees / step - np.round(degrees / step)) < _ON_GRID):
            continue
        across = math.cos(math.radians(float(np.median(degrees[:, 1]))))
        metres = step * _DEGREE * math.sqrt((1 + across**2) / 12)  # standard deviation of even errors
        if ERRORS_IN_TOLERANCE * metres > tolerance:
            stated = float(np.median([view.position_error for view in shots]))
            yield Caution(
                "rounded-positions",
                f"All positions are rounded to {name}, {step * _DEGREE:.1f} m of latitude: each is off by "
                f"{metres:.1f} m as a rule, and the census takes {stated:.2g} m. Animals in overlaps may "
                "count twice, and what the overlaps seem to say of height, lens or yaw may come from it.",
                "Use the photographs as they came from the camera, or a table of positions with 6 decimals "
                "or more; until then the conservative count is the safer one.",
            )
        return


def jumps(shots: Sequence[View]) -> Iterator[Caution]:
    """Photographs that lie off the way between those before and after them, or are reached too fast."""
    order = flight_order([(view.file, view.taken) for view in shots])
    if len(order) < _LEAST_TRACK:
        return
    track = np.array([(shots[row].x, shots[row].y) for row in order])
    steps = np.hypot(*np.diff(track, axis=0).T)
    far = _LEAP * max(float(np.median(steps)), 1.0)
    astray = []
    for place in range(1, len(order) - 1):
        past = float(np.hypot(*(track[place + 1] - track[place - 1])))
        if min(steps[place - 1], steps[place]) > max(far, 2 * past):
            astray.append(shots[order[place]].file)
    for place, step in enumerate(steps):
        before, after = shots[order[place]], shots[order[place + 1]]
        if before.taken is None or after.taken is None or {before.file, after.file} & set(astray):
            continue
        # the clock of many cameras knows whole seconds only
        if step > far and step > _FASTEST * ((after.taken - before.taken).total_seconds() + 1):
            astray.append(after.file)
    if astray:
        yield Caution(
            "jump",
            f"The position jumps at {number_of(astray, verb=False)}, farther than a drone flies in the time.",
            "Look at them on the map of the report; leave out those with a wrong position.",
            astray,
        )


def yaw_leaps(shots: Sequence[View]) -> Iterator[Caution]:
    """Photographs whose direction is another than that of the others on the same straight leg of the flight.

    A leg's first and last photograph may have been taken in the turn.
    """
    told = [view for view in shots if view.source_of("yaw") == "XMP"]
    metres = np.array([(view.x, view.y) for view in told], np.float64).reshape(-1, 2)
    astray, most = [], 0.0
    for leg in straight_legs([(view.file, view.taken) for view in told], metres):
        up = np.array([_up(told[row]) for row in leg])
        off = min((np.abs(np.degrees(np.angle(up / one))) for one in up), key=np.sum)
        for place in np.flatnonzero(off[1:-1] > _YAW_LEAP).tolist():
            astray.append(told[leg[place + 1]].file)
            most = max(most, float(off[place + 1]))
    if astray:
        yield Caution(
            "yaw-leaps",
            f"{number_of(astray)} another direction, by up to {most:.0f} degrees, than the others on the "
            "same straight line of flight: where the drone did not turn there, the yaw in the tags is not "
            "that of the picture, and animals in overlaps count twice.",
            "Look at their overlaps in the report. Put the camera's own files in their place, or leave them "
            "out, and detect again.",
            astray,
        )


def _up(view: View) -> complex:
    """Direction of the sensor's upper edge on the ground, north + i east."""
    east, north, _ = -camera_axes(view.yaw, view.pitch, view.roll)[1]
    return complex(north, east) or 1 + 0j


def heights(photographs: Sequence[Photograph], shots: Sequence[View]) -> Iterator[Caution]:
    """Heights that are missing, zero, or far from each other."""
    told = {one.file: one.tags.height for one in photographs}
    guessed = [view for view in shots if view.source_of("height") == "flight_specs"]
    zero = [
        view.file for view in guessed if (told.get(view.file) or LOWEST) < LOWEST or told.get(view.file) == 0
    ]
    missing = [view.file for view in guessed if view.file not in set(zero)]
    if zero:
        yield Caution(
            "height-zero",
            f"{number_of(zero)} a height of 0 or below: the {guessed[0].height_above_ground:g} m of "
            "detection.flight_specs.flight_height are used.",
            "Set flight_height to the height that was flown, or give heights in the table of positions; the "
            "drone writes 0 when its barometer fails.",
            zero,
        )
    if missing:
        yield Caution(
            "height-unknown",
            f"{number_of(missing)} no height above the ground: the {guessed[0].height_above_ground:g} m of "
            "detection.flight_specs.flight_height are used.",
            "Set flight_height to the height that was flown; or give heights in the table of positions, in a "
            "column (alt_col) that says height or relative. An altitude above sea needs survey.terrain.",
            missing,
        )
    yield from _drift(shots)
    over = [view for view in shots if view.source_of("height") == "terrain"]
    if not over:
        yield from _unknown_ground(shots)
    beside = [view.file for view in shots if over and view.source_of("height") == "XMP"]
    if beside:
        yield Caution(
            "terrain-gaps",
            f"The terrain file holds no ground under {number_of(beside, verb=False)}: there it is taken as "
            "flat.",
            "Name a terrain file that covers the whole survey, the place of take-off included.",
            beside,
        )


def _unknown_ground(shots: Sequence[View]) -> Iterator[Caution]:
    """Heights above the place of take-off, in a survey so wide that the ground below may be another."""
    flown = [view.height_above_ground for view in shots if view.source_of("height") in _MEASURED]
    if not flown:
        return
    usual = float(np.median(flown))
    extent = float(np.ptp(np.array([(view.x, view.y) for view in shots]), axis=0).max())
    if extent <= _WIDE * usual:
        return
    less = 1 - (1 - _RISE) ** 2
    yield Caution(
        "flat-ground",
        f"{_whence(shots)} how the ground lies along the "
        f"{extent:,.0f} m of the survey: where it is {_RISE * usual:.0f} m higher, photographs show "
        f"{percent(less)} less ground than is taken for searched, and densities come out too low; where it "
        "is lower, too high.",
        "Name the heights of the ground as survey.terrain, a GeoTIFF; on ground level to a few metres "
        "nothing is to be done.",
    )


def _whence(shots: Sequence[View]) -> str:
    """From where the heights count that were used, up to the word "how"."""
    columns = [view.sources.get("height column", "") for view in shots if view.source_of("height") == _TABLE]
    named = listed(dict.fromkeys(columns))
    if not columns:
        return "Heights are above the place of take-off, and nothing says"
    if all(Head.of(column).names_ground for column in columns):
        return (
            f"Heights are those of the column {named} of the table of positions, and are taken as above the "
            "ground under each photograph; if they were measured from the place of take-off, as most drones "
            "do, it matters"
        )
    photographs = "" if len(columns) == len(shots) else "those of photographs, and "
    return (
        f"Heights are {photographs}those of the column {named} of the table of positions, taken as above the "
        "place of take-off, and nothing says"
    )


def _drift(shots: Sequence[View]) -> Iterator[Caution]:
    flown = {view.file: view.height_above_ground for view in shots if view.source_of("height") in _MEASURED}
    if len(flown) < _LEAST_TRACK:
        return
    usual = float(np.median(list(flown.values())))
    off = [file for file, height in flown.items() if abs(height - usual) > _DRIFT * usual]
    if off:
        low, high = min(flown.values()), max(flown.values())
        yield Caution(
            "height-drift",
            f"{number_of(off)} a height more than {percent(_DRIFT)} off the usual {usual:.0f} m ({low:.0f} "
            f"to {high:.0f} m): the drone climbed, followed the ground, or its barometer drifted. The ground "
            "is taken as flat, so that searched areas may be wrong.",
            "Leave climbs and descents out; over hills name the heights of the ground as survey.terrain.",
            off,
        )
