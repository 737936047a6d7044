"""What is doubtful about the cameras of a survey."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from wildetect.census.cautions.caution import Caution, Survey, number_of
from wildetect.census.ground.photographs import Photograph
from wildetect.imagery.camera.lens import is_cut
from wildetect.wording import listed

__all__ = ["cameras", "edited", "lens", "pitch", "resolution", "yaw"]

_FEWEST_FROM_NOSE = 3  # photographs: one alone may point exactly north by chance
_COARSER = 1.5  # times the resolution that the model knows
_MOST_REASONS = 3  # that are named
_EXCHANGED = (5, 6, 7, 8)  # orientations of EXIF in which rows and columns are exchanged
_UNEVEN = 2.0  # coarsest over finest resolution of one survey


def yaw(survey: Survey) -> Iterator[Caution]:
    """Photographs without a direction."""
    track = [view.file for view in survey.shots if view.source_of("yaw") == "flight track"]
    none = [view.file for view in survey.shots if view.source_of("yaw") == "none"]
    nose = [one.file for one in survey.photographs if one.tags.yaw_from_nose]
    if len(nose) >= _FEWEST_FROM_NOSE:
        yield Caution(
            "yaw-zero",
            f"{number_of(nose)} a yaw of the gimbal of exactly 0 while the drone flew in another direction: "
            "they are taken as with north at the top, but some gimbals count from the drone's nose.",
            "Look at some merged pairs in the report: if animals lie elsewhere, the yaw is wrong and animals "
            "in overlaps count twice.",
            nose,
        )
    if track:
        mounted = next((view.sources["mounting"] for view in survey.shots if "mounting" in view.sources), "0")
        how = (
            f"turned by {mounted} degrees, as it is in the photographs that tell theirs"
            if mounted not in {"0", "-0"}
            else "as if the upper edge of each photograph pointed forward"
        )
        yield Caution(
            "yaw-from-track",
            f"{number_of(track)} no direction of the camera: it is taken from the way flown, {how}.",
            "Look at some merged pairs in the report: if the camera was mounted otherwise, they are wrong, "
            "and animals in overlaps count twice.",
            track,
        )
    if none:
        yield Caution(
            "yaw-unknown",
            f"{number_of(none)} no direction of the camera, and no neighbours on the way: they are taken as "
            "with north at the top.",
            "Animals in their overlap with others may count twice: look at the merged pairs in the report.",
            none,
        )


def pitch(survey: Survey) -> Iterator[Caution]:
    """Photographs that do not say whether the camera looked straight down."""
    files = [view.file for view in survey.shots if view.source_of("pitch") == "none"]
    if files:
        yield Caution(
            "pitch-unknown",
            f"{number_of(files)} no pitch of the camera: they are taken as straight down. If it was tilted, "
            "places and searched areas are wrong: at 45 degrees by as much as the drone is high.",
            "Look at some photographs: trees and animals seen from the side mean that the camera was tilted. "
            "Use photographs as they came from the drone, with their XMP tags.",
            files,
        )


def lens(survey: Survey) -> Iterator[Caution]:
    """Photographs whose lens is not known, or not in the middle."""
    assumed = [
        view.file
        for view in survey.shots
        if view.source_of("lens") == "flight_specs" and view.source_of("height") == "flight_specs"
    ]
    cut = [one.file for one in survey.photographs if is_cut(one.tags, (one.width, one.height))]
    if assumed:
        yield Caution(
            "lens-assumed",
            f"{number_of(assumed)} neither lens nor height: resolution and searched area rest on the "
            "settings.",
            "Check sensor_height, focal_length and flight_height in detection.flight_specs, or give its gsd.",
            assumed,
        )
    zoomed = [one.file for one in survey.photographs if one.tags.zoom is not None]
    if zoomed:
        yield Caution(
            "digital-zoom",
            f"{number_of(zoomed)} been enlarged by a digital zoom: they show less ground than their lens "
            "sees, and cameras do not agree on which of their tags allow for it. Resolution, area and "
            "places may be wrong by as many times.",
            "Fly without digital zoom; give the resolution as detection.flight_specs.gsd where it is known.",
            zoomed,
        )
    if cut:
        yield Caution(
            "cut",
            f"{number_of(cut)} been cut out of a larger picture: the camera was not above the middle.",
            "Detect in the photographs as they came from the camera.",
            cut,
        )


def edited(survey: Survey) -> Iterator[Caution]:
    """Photographs that a program has written again after the flight."""
    why = _stand_among_others(survey.photographs)
    why |= {one.file: one.tags.edited for one in survey.photographs if one.tags.edited is not None}
    if why:
        reasons = list(dict.fromkeys(why.values()))
        files = list(why)
        yield Caution(
            "edited",
            f"{number_of(files)} been edited after the flight ({listed(reasons, most=_MOST_REASONS)}): "
            "where a program has turned, cut or scaled the picture, the direction and the lens in its tags "
            "are those of another picture, and its animals count twice.",
            "Put the camera's own files in their place, and detect again.",
            files,
        )


def _stand_among_others(photographs: Sequence[Photograph]) -> dict[str, str]:
    """Photographs whose stored picture is upright where most of the same camera's lie across, or vice versa.

    A camera that is turned writes an orientation, and stores the picture as it always does.
    """
    found: dict[tuple[str, int, int], dict[bool, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in photographs:
        if one.georeference is None and one.width != one.height:
            exchanged = one.tags.orientation in _EXCHANGED
            short, long = sorted((one.width, one.height))
            group = found[one.tags.camera or "", short, long]
            group[(one.height > one.width) != exchanged].append(one.file)
    said = {True: "stands upright where the others lie across", False: "lies across where the others stand"}
    return {
        file: said[upright]
        for ways in found.values()
        for upright, files in ways.items()
        if len(files) < len(ways.get(not upright, ()))
        for file in files
    }


def resolution(survey: Survey) -> Iterator[Caution]:
    """Resolution that is uneven, or far from what the model knows."""
    gsd = {view.file: view.gsd for view in survey.views.views if view.gsd}
    if not gsd:
        return
    finest, coarsest = min(gsd.values()), max(gsd.values())
    if coarsest > _UNEVEN * finest:
        yield Caution(
            "resolution-varies",
            f"Resolution differs from {finest * 100:.1f} to {coarsest * 100:.1f} cm/px: a model does not "
            "find animals equally well in both.",
            "Take a census of each flight height by itself.",
        )
    known = survey.trained_gsd
    if known is not None:
        far = [file for file, one in gsd.items() if not known / _COARSER <= one <= known * _COARSER]
        if far:
            yield Caution(
                "resolution",
                f"{number_of(far)} another resolution than the pictures that the model learned from "
                f"({known * 100:.1f} cm/px): expect missed animals.",
                "Check the number in some photographs by eye before it is used.",
                far,
            )


def cameras(survey: Survey) -> Iterator[Caution]:
    """More than one camera, or one with pictures of several sizes."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in survey.photographs:
        if one.georeference is None:
            short, long = sorted((one.width, one.height))
            found[f"{one.tags.camera or 'unknown'} {long} x {short}"].append(one.file)
    if len(found) > 1:
        most = max(found.values(), key=len)
        named = listed(f"{name} ({len(files):,})" for name, files in sorted(found.items()))
        yield Caution(
            "mixed-cameras",
            f"{len(found)} cameras or sizes of pictures: {named}.",
            "Check that all photographs belong to this survey; a model may find less with one camera than "
            "with another.",
            [file for files in found.values() if files is not most for file in files],
        )
