"""What to know before the numbers of a census are used, in the words of the field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wildetect.census.headings import flight_order
from wildetect.census.photographs import Photograph, Views
from wildetect.census.views import View

__all__ = ["Caution", "cautions"]

_TILTED: Final = 10.0  # degrees off straight down
_ROLLED: Final = 10.0
_SAME_PLACE: Final = 0.5  # m; a drone that hovers drifts more than that
_DRIFT: Final = 0.2  # of the usual height
_JUMP: Final = 10.0  # usual distances between neighbours on the flight
_LEAST_JUMP: Final = 200.0  # m
_FEW: Final = 4  # photographs that show what is usual
_WIDEST: Final = 100_000.0  # m: beyond, one flat projection is wrong by more than a photograph's own errors
_OTHER_RESOLUTION: Final = 2.0  # times finer or coarser than trained on
_SINGULAR: Final = {"": "", "have": "has", "do": "does", "are": "is", "lie": "lies", "tell": "tells"}


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that makes the numbers uncertain.

    Attributes:
        kind: One word, the same in every language.
        message: What is the matter, with the number of photographs.
        mend: What to do about it.
        files: The photographs.
    """

    kind: str
    message: str
    mend: str
    files: list[str] = field(default_factory=list)


def cautions(
    photographs: Sequence[Photograph], views: Views, trained_gsd: float | None = None
) -> list[Caution]:
    """All that is doubtful about where the photographs look.

    Args:
        photographs: All of them.
        views: Of those that have a place.
        trained_gsd: Ground sampling distance that the model was trained with in m/px; null: unknown.
    """
    looks = [view for view in views.views if isinstance(view, View)]
    found = list(_nowhere(views))
    for check in (_one_place, _jumps, _tilted, _unknown_heights, _drift, _yaw, _lens, _wide):
        found += check(looks)
    found += _mixed(photographs, looks)
    if trained_gsd is not None:
        found += _resolution(views, trained_gsd)
    return found


def _nowhere(views: Views) -> Iterator[Caution]:
    reasons = Counter(views.left_out.values())
    for reason, number in reasons.most_common():
        yield Caution(
            "nowhere",
            f"{_photographs(number, 'have')} no place on the ground, and animals there do not count: "
            f"{reason}.",
            "Name a CSV file with positions as detection.exif_gps_update.csv_path in configs/census.yaml."
            if "position" in reason
            else "Leave them out of the survey, or correct what they say.",
            [file for file, why in views.left_out.items() if why == reason],
        )


def _one_place(looks: Sequence[View]) -> Iterator[Caution]:
    places = _places(looks)
    if len(looks) > 1 and np.ptp(places, axis=0).max() < _SAME_PLACE:
        yield Caution(
            "one-place",
            f"All {_photographs(len(looks))} state one position, and cannot be told apart on the ground.",
            "Is it the place of take-off? Give each photograph its own position in a CSV file "
            "(detection.exif_gps_update.csv_path in configs/census.yaml).",
            [view.file for view in looks],
        )


def _jumps(looks: Sequence[View]) -> Iterator[Caution]:
    """Single photographs far from both of their neighbours on the flight."""
    if len(looks) < _FEW:
        return
    order = flight_order([(view.file, view.taken) for view in looks])
    steps = np.hypot(*np.diff(_places(looks)[order], axis=0).T)
    far = max(_JUMP * float(np.median(steps)), _LEAST_JUMP)
    away = (np.append(np.inf, steps) > far) & (np.append(steps, np.inf) > far)
    files = [looks[order[row]].file for row in np.flatnonzero(away)]
    # a survey of many single places has no track to leave
    if files and len(files) <= len(looks) // _FEW:
        yield Caution(
            "jump",
            f"{_photographs(len(files), 'lie')} more than {far:,.0f} m from the photographs taken "
            "before and after: a jump in position.",
            "Compare with the flight plan; correct the position in a CSV file, or leave the photograph out.",
            files,
        )


def _tilted(looks: Sequence[View]) -> Iterator[Caution]:
    tilted = [view for view in looks if abs(view.pitch + 90) > _TILTED]
    if tilted:
        most = max(abs(view.pitch + 90) for view in tilted)
        yield Caution(
            "tilted",
            f"In {_photographs(len(tilted))} the camera did not look straight down (up to {most:.0f} degrees "
            "off): places at the far side are uncertain, and animals there look smaller.",
            "Fly with the gimbal at -90 degrees; leave photographs of turns and landings out.",
            [view.file for view in tilted],
        )


def _unknown_heights(looks: Sequence[View]) -> Iterator[Caution]:
    files = [view.file for view in looks if view.sources.get("height") == "flight_specs"]
    if files:
        height = next(view.height_above_ground for view in looks if view.file == files[0])
        yield Caution(
            "height",
            f"{_photographs(len(files), 'do')} not tell a usable height; {height:,.0f} m above "
            "ground is taken from the settings. Areas are wrong by twice as many percent as that height.",
            "Set detection.flight_specs.flight_height in configs/census.yaml to the height flown, or name a "
            "CSV file with heights.",
            files,
        )


def _drift(looks: Sequence[View]) -> Iterator[Caution]:
    told = [view for view in looks if view.sources.get("height") != "flight_specs"]
    if len(told) < _FEW:
        return
    heights = np.array([view.height_above_ground for view in told])
    usual = float(np.median(heights))
    off = np.abs(heights - usual) > _DRIFT * usual
    if off.any():
        yield Caution(
            "drift",
            f"{_photographs(int(off.sum()), 'are')} more than {_DRIFT:.0%} above or below the "
            f"usual height of {usual:,.0f} m (from {heights.min():,.0f} to {heights.max():,.0f} m): small "
            "animals are found less often from higher up.",
            "Leave climbs and descents out; over hills name a terrain file as survey.terrain.",
            [told[row].file for row in np.flatnonzero(off)],
        )


def _yaw(looks: Sequence[View]) -> Iterator[Caution]:
    for source, message in (
        ("flight track", "no direction of their camera; that of the flight is taken"),
        ("none", "no direction of their camera, and no flight track shows it; north is taken as up"),
    ):
        files = [view.file for view in looks if view.sources.get("yaw") == source]
        if files:
            yield Caution(
                "yaw",
                f"{_photographs(len(files), 'tell')} {message}: animals at the edges may be "
                "counted twice, or two of them as one.",
                "Keep the original files of the drone: programs that shrink or edit them drop these tags.",
                files,
            )


def _lens(looks: Sequence[View]) -> Iterator[Caution]:
    files = [view.file for view in looks if view.sources.get("lens") == "flight_specs"]
    if files:
        yield Caution(
            "lens",
            f"{_photographs(len(files), 'do')} not tell the lens; sensor and focal length are "
            "taken from the settings.",
            "Check sensor_height and focal_length of detection.flight_specs in configs/census.yaml.",
            files,
        )


def _wide(looks: Sequence[View]) -> Iterator[Caution]:
    widest = float(np.ptp(_places(looks), axis=0).max()) if looks else 0.0
    if widest > _WIDEST:
        yield Caution(
            "extent",
            f"The photographs lie up to {widest / 1000:,.0f} km apart.",
            "Make a census of each area by itself; look for wrong positions.",
        )


def _mixed(photographs: Sequence[Photograph], looks: Sequence[View]) -> Iterator[Caution]:
    seen = {view.file for view in looks}
    cameras: dict[tuple[str, int, int], list[str]] = {}
    for one in photographs:
        if one.file in seen:
            short, long = sorted((one.width, one.height))
            cameras.setdefault((one.tags.camera or "unknown", short, long), []).append(one.file)
    if len(cameras) > 1:
        most = max(cameras.values(), key=len)
        named = ", ".join(
            f"{name} {long} x {short} ({len(files):,})" for (name, short, long), files in cameras.items()
        )
        yield Caution(
            "cameras",
            f"The photographs come from {len(cameras)} cameras or settings: {named}.",
            "Different cameras find animals at different rates: make a stratum, or a census, of each.",
            [file for files in cameras.values() if files is not most for file in files],
        )


def _resolution(views: Views, trained: float) -> Iterator[Caution]:
    off = [
        view for view in views.views if not 1 / _OTHER_RESOLUTION <= view.gsd / trained <= _OTHER_RESOLUTION
    ]
    if off:
        sizes = [view.gsd * 100 for view in off]
        yield Caution(
            "resolution",
            f"{_photographs(len(off), 'have')} {min(sizes):.1f} to {max(sizes):.1f} cm per px; the "
            f"model was trained with {trained * 100:.1f}: it may miss animals, or find what is none.",
            "Measure the model on labelled photographs of this survey (model.evaluate).",
            [view.file for view in off],
        )


def _places(looks: Sequence[View]) -> NDArray[np.float64]:
    return np.array([(view.x, view.y) for view in looks], np.float64).reshape(-1, 2)


def _photographs(number: int, verb: str = "") -> str:
    """So many photographs, and what they do, in singular or plural."""
    noun = "photograph" if number == 1 else "photographs"
    return f"{number:,} {noun} {_SINGULAR[verb] if number == 1 else verb}".rstrip()
