"""Photographs that a census lacks: without a place on the ground, gone, or failed in detection."""

from __future__ import annotations

from collections.abc import Iterator

from wildetect.census.cautions.caution import Caution, number_of
from wildetect.census.gathering import Gathered
from wildetect.census.ground.photographs import Views
from wildetect.census.result import LeftOut
from wildetect.errors import InputError
from wildetect.results.run import DetectionRun
from wildetect.wording import form, plural

__all__ = ["cautions_of", "left_out_of", "of_the_run", "refuse_nowhere"]


def refuse_nowhere(gathered: Gathered, views: Views) -> None:
    """Go no further where no photograph has a place on the ground.

    Raises:
        InputError: Naming the first ones, each with the reason.
    """
    if views.views:
        return
    named = list(views.left_out.items())[:3]
    raise InputError(
        f"none of the {number_of(gathered.photographs, verb=False)} has a place on the ground",
        hint="Name a CSV file with their positions as detection.exif_gps_update.csv_path in "
        "configs/census.yaml.",
        details=[f"{file}: {reason}" for file, reason in named],
    )


def left_out_of(gathered: Gathered, views: Views) -> Iterator[LeftOut]:
    """The photographs that do not count, for want of a place or of their file."""
    boxes = {photograph.file: len(photograph.detections) for photograph in gathered.photographs}
    for file, reason in views.left_out.items():
        yield LeftOut(file, reason, boxes[file])
    for file, number in gathered.vanished.items():
        yield LeftOut(file, "the file cannot be read any more, nor its tags", number)


def cautions_of(gathered: Gathered) -> Iterator[Caution]:
    """What the run and the drive make uncertain; all else is in module cautions."""
    if gathered.vanished:
        number = len(gathered.vanished)
        yield Caution(
            "vanished",
            f"The {plural(number, 'file')} of {number_of(gathered.vanished, verb=False)} cannot be read any "
            f"more: animals in {form(number, 'it', 'them')} do not count.",
            f"{gathered.way_back}, or name their folder as detection.image_dir in configs/census.yaml; then "
            "give the same command again.",
            list(gathered.vanished),
        )
    if gathered.changed:
        reason = next(iter(gathered.changed.values()))
        yield Caution(
            "changed",
            f"The {plural(len(gathered.changed), 'file')} of {number_of(gathered.changed, verb=False)} "
            f"changed after detection ({reason}): boxes count where the tags say that are in it now. That "
            "is right where a program only wrote tags, such as positions; where another picture took the "
            "name, they count in a wrong place.",
            "Where pictures were replaced, put those back that detection read, or detect again.",
            list(gathered.changed),
        )
    if gathered.failed:
        yield Caution(
            "failed",
            f"Detection failed in {number_of(gathered.failed, verb=False)}: animals there were not looked "
            "for, and the ground there does not count as searched.",
            "The detection run's report says why; fix the files and give its command again.",
            list(gathered.failed),
        )


def of_the_run(run: DetectionRun) -> Iterator[Caution]:
    """What the detection run itself doubts: a count is no better than what it counts."""
    if run.model.unchecked is not None:
        yield Caution(
            "model-unchecked",
            f"Whether the detector is read rightly is not sure, so that numbers, classes and places may be "
            f"wrong: {run.model.unchecked}.",
            "Look at some boxes in the detection run's report; register the model with model.register "
            "--picture FILE, a photograph with animals, and detect again with --restart.",
        )
    for doubt in run.doubts:
        yield Caution(
            "detection-doubt",
            f"Detections in {number_of(doubt.files, verb=False)} may be wrong: {doubt.what}.",
            "See the detection run's report; fix the cause, and detect again with --restart.",
            list(doubt.files),
        )
    if run.left_out.images:
        yield Caution(
            "gone-photographs",
            f"{run.left_out} had been done and were not found when the run went on: they and their ground "
            "do not count.",
            "Where a drive or folder was away, bring it back and give the detection's command again.",
        )
    yield from _lost_in_tiles(run)


def _lost_in_tiles(run: DetectionRun) -> Iterator[Caution]:
    """What failed, full or small tiles cost."""
    if broken := [image.file for image in run.tiles_failed]:
        tiles = sum(len(image.tiles) for image in run.tiles_failed)
        yield Caution(
            "failed-tiles",
            f"Detection failed in {tiles:,} {plural(tiles, 'tile')} of {number_of(broken, verb=False)}: "
            "animals there do not count, though the ground there counts as searched.",
            "The detection run's report says why; fix the files and give its command again.",
            broken,
        )
    if full := [image.file for image in run.full_images]:
        yield Caution(
            "full-tiles",
            f"The detector gave as many boxes as it can in tiles of {number_of(full, verb=False)}: "
            "animals may be missing there.",
            "Detect again with smaller tiles (processing.tile_size) or a higher processing.max_detections.",
            full,
        )
    if run.many_cut:
        yield Caution(
            "cut-animals",
            f"{run.cut_boxes.number:,} boxes end at the border of a tile: animals longer than tiles "
            "overlap may count in parts.",  # never one
            "Detect again with the overlap that the detection run's report names.",
            list(run.cut_boxes.files),
        )
