"""What to know before the numbers of a census are used, in the words of the field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from wildetect.census.cautions.cameras import cameras, edited, lens, pitch, resolution, yaw
from wildetect.census.cautions.caution import Caution, Survey, number_of
from wildetect.census.cautions.flights import dates, heights, jumps, rounded, same_position, yaw_leaps
from wildetect.census.counting.animals import Animals, default_tolerance
from wildetect.census.ground.photographs import Photograph, Views
from wildetect.census.ground.views import View
from wildetect.wording import form, percent

__all__ = ["cautions"]

_TILTED = 10.0  # degrees from straight down
_FARTHEST = 100_000.0  # m: beyond, lengths in one plane are wrong by more than one in 10,000
_SCALE, _TURN = 0.05, 3.0  # part and degrees by which photographs may not fit each other
_TABLE = "Name a CSV file with their positions as detection.exif_gps_update.csv_path."


def cautions(
    photographs: Sequence[Photograph],
    views: Views,
    trained_gsd: float | None = None,
    animals: Animals | None = None,
) -> list[Caution]:
    """All that is doubtful about where the photographs look, what spoils most first.

    Args:
        photographs: Photographs as `make_views` was given them.
        views: What it made of them.
        trained_gsd: Resolution of the pictures that the model learned from, in m/px.
        animals: Counted once, as they show whether the photographs fit together.
    """
    shots = [view for view in views.views if isinstance(view, View)]
    survey = Survey(photographs, views, shots, animals, trained_gsd)
    return [caution for look in _LOOKS for caution in look(survey)]


def _left_out(survey: Survey) -> Iterator[Caution]:
    of_reason: dict[str, list[str]] = defaultdict(list)
    for file, reason in survey.views.left_out.items():
        of_reason[reason.partition(" (")[0]].append(file)
    for reason, files in of_reason.items():
        number = f"{number_of(files, verb=False)} {form(len(files), 'does', 'do')}"
        them = form(len(files), "it", "them")
        if "position" in reason:
            kind, fix = "no-position", _TABLE
        elif "horizon" in reason:
            kind, fix = "horizon", "Fly with the gimbal at -90 degrees."
        else:
            kind, fix = "no-place", "Leave them out, or correct what they say of themselves."
        yield Caution(kind, f"{number} not count, with the animals in {them}: {reason}.", fix, files)


def _dark(survey: Survey) -> Iterator[Caution]:
    files = [one.file for one in survey.photographs if one.dark]
    if files:
        yield Caution(
            "dark",
            f"{number_of(files, verb=False)} {form(len(files), 'is', 'are')} almost black: animals "
            "there can hardly be seen, and the area counts as searched all the same.",
            "Stretch 16-bit values to their full range, or leave these photographs out.",
            files,
        )


def _tilted(survey: Survey) -> Iterator[Caution]:
    tilts = {view.file: abs(view.pitch + 90) for view in survey.shots if abs(view.pitch + 90) > _TILTED}
    if tilts:
        files = list(tilts)
        yield Caution(
            "tilted",
            f"In {number_of(files, verb=False)} the gimbal was tilted, by up to {max(tilts.values()):.0f} "
            "degrees: animals at the far edge are small and easily missed, and places are right only on flat "
            "ground.",
            "Fly with the gimbal at -90 degrees; compare with a count without these photographs.",
            files,
        )


def _position(survey: Survey) -> Iterator[Caution]:
    yield from same_position(survey.shots)
    yield from rounded(survey.shots, default_tolerance(survey.views))
    yield from jumps(survey.shots)
    yield from yaw_leaps(survey.shots)
    places = np.array([(view.x, view.y) for view in survey.views.views]).reshape(-1, 2)
    extent = float(np.ptp(places, axis=0).max()) if len(places) else 0.0
    if extent > _FARTHEST:
        yield Caution(
            "extent",
            f"The photographs lie up to {extent / 1000:,.0f} km apart.",
            "Take a census of each area by itself; if there is one area only, some positions are wrong.",
        )


def _heights(survey: Survey) -> Iterator[Caution]:
    yield from heights(survey.photographs, survey.shots)


def _fit(survey: Survey) -> Iterator[Caution]:
    if survey.animals is None:
        return
    scale, turn = survey.animals.misfit
    if abs(scale - 1) > _SCALE:
        larger = "larger" if scale > 1 else "smaller"
        yield Caution(
            "scale",
            f"Animals detected twice show that all photographs are taken as {percent(abs(scale - 1))} "
            f"{larger} than they are: height above the ground or lens is wrong. Detected numbers allow for "
            "it; areas and densities do not.",
            "Give the ground resolution as detection.flight_specs.gsd, or a terrain file as survey.terrain; "
            f"or set survey.corrections.scale: {1 / scale:.3f} in configs/census.yaml.",
        )
    if abs(turn) > _TURN:
        yield Caution(
            "turn",
            f"Animals detected twice show that all photographs are taken as turned by {abs(turn):.0f} "
            "degrees: the drone's compass is off. Detected numbers allow for it; places are a little off.",
            "Calibrate the compass before the next flight. To put the places right, set "
            f"survey.corrections.yaw: {-turn:.1f} in configs/census.yaml.",
        )


_Look = Callable[[Survey], Iterator[Caution]]
_LOOKS: tuple[_Look, ...] = (
    _left_out,
    _dark,
    _position,
    _heights,
    _fit,
    _tilted,
    pitch,
    yaw,
    lens,
    edited,
    resolution,
    cameras,
    dates,
)
