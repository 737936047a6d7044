"""What is doubtful about the cameras of a survey."""

from __future__ import annotations

from collections.abc import Iterator

from wildetect.census.caution import Caution, Survey, number_of
from wildetect.imagery.lens import is_cut

__all__ = ["cameras", "lens", "resolution", "yaw"]

_COARSER = 1.5  # times the resolution that the model knows
_UNEVEN = 2.0  # coarsest over finest resolution of one survey


def yaw(survey: Survey) -> Iterator[Caution]:
    """Photographs without a direction."""
    track = [view.file for view in survey.shots if view.sources["yaw"] == "flight track"]
    none = [view.file for view in survey.shots if view.sources["yaw"] == "none"]
    if track:
        yield Caution(
            "yaw-from-track",
            f"{number_of(track)} no direction of the camera: it is taken from the way flown, as if the upper edge "
            "of each photograph pointed forward.",
            "If the camera was mounted across, or flew sideways, do not use places; numbers of single photographs "
            "stay right.",
            track,
        )
    if none:
        yield Caution(
            "yaw-unknown",
            f"{number_of(none)} no direction of the camera, and no neighbours on the way: they are taken as with "
            "north at the top.",
            "Animals in their overlap with others may be counted twice: look at the merged pairs.",
            none,
        )


def lens(survey: Survey) -> Iterator[Caution]:
    """Photographs whose lens is not known, or not in the middle."""
    assumed = [
        view.file
        for view in survey.shots
        if view.sources["lens"] == "flight_specs" and view.sources["height"] == "flight_specs"
    ]
    cut = [one.file for one in survey.photographs if is_cut(one.tags, (one.width, one.height))]
    if assumed:
        yield Caution(
            "lens-assumed",
            f"{number_of(assumed)} neither lens nor height: resolution and searched area rest on the settings.",
            f"Check sensor_height, focal_length and flight_height {_SPECS}, or give gsd there.",
            assumed,
        )
    if cut:
        yield Caution(
            "cut",
            f"{number_of(cut, verb=False).capitalize()} {'was' if len(cut) == 1 else 'were'} cut out of larger ones: "
            "where the camera was is not above the middle.",
            "Detect in the photographs as they came from the camera.",
            cut,
        )


def resolution(survey: Survey) -> Iterator[Caution]:
    """Resolution that is uneven, or far from what the model knows."""
    gsd = {view.file: view.gsd for view in survey.views.views if view.gsd}
    if not gsd:
        return
    finest, coarsest = min(gsd.values()), max(gsd.values())
    if coarsest > _UNEVEN * finest:
        yield Caution(
            "resolution-varies",
            f"Resolution differs from {finest * 100:.1f} to {coarsest * 100:.1f} cm/px: a model does not find "
            "animals equally well in both.",
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
    """More than one camera."""
    names = sorted({one.tags.camera for one in survey.photographs if one.tags.camera is not None})
    if len(names) > 1:
        yield Caution(
            "mixed-cameras",
            f"{len(names)} cameras: {', '.join(names)}.",
            "Check that all photographs belong to this survey; a model may find less with one of them.",
        )
