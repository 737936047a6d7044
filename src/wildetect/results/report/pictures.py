"""One pass over the images with detections: each is decoded once, for its overlay and its crops."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from wildetect.geometry import Window
from wildetect.how_far import through
from wildetect.imagery.damage import read_around_damage
from wildetect.imagery.reading import AS_IT_IS, Reading
from wildetect.imagery.source import ArraySource, ImageSource, UnreadableImageError
from wildetect.results.pictures.sight import open_seen
from wildetect.results.records import ImageResult
from wildetect.results.report.crops import Crop, CropSource, choose, cut
from wildetect.results.report.overlay import draw, save_overlay
from wildetect.wording import first_of, listed, number_of

__all__ = ["MOST_CROPS", "Pictures", "PicturesWanted", "make_pictures"]

MOST_CROPS = 400

_THREADS = 2  # each holds a decoded photograph and a copy of it
_LARGEST_RASTER = 50_000_000  # px; a raster is read in windows, so that memory does not grow with it

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PicturesWanted:
    """What to make of the images.

    Attributes:
        overlays: Most images to draw, the first ones with detections; None: all.
        crops: Most crops.
        reading: How the run read bands and values.
    """

    overlays: int | None = 100
    crops: int = MOST_CROPS
    reading: Reading = AS_IT_IS


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What was made.

    Attributes:
        overlays: Files written.
        crops: The surest first.
        unread: Why images could not be read again.
    """

    overlays: tuple[Path, ...] = ()
    crops: tuple[Crop, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Work:
    """What one image is decoded for."""

    result: ImageResult
    overlay: bool
    crops: Sequence[CropSource]


def make_pictures(
    folder: Path, results: Sequence[ImageResult], class_names: Sequence[str], wanted: PicturesWanted
) -> Pictures:
    """Draw overlays and cut crops.

    Damaged parts of rasters come out grey. Images that can no longer be read are left out, with one
    warning; so are overlays of large rasters.

    Args:
        folder: Folder of the overlays; made if there are any.
        results: Images without detections and failed ones are passed over.
        class_names: For the labels.
        wanted: How many of which.

    Raises:
        InputError: The folder or a file cannot be written.
    """
    work = list(_work(results, wanted))
    overlays: list[Path] = []
    crops: list[Crop] = []
    unread: list[str] = []
    with ThreadPoolExecutor(_THREADS) as threads:
        all_made = threads.map(lambda one: _make(folder, one, class_names, wanted.reading), work)
        for made in through(all_made, "images cut and drawn", len(work)):
            overlays += made.overlays
            crops += made.crops
            unread += made.unread
    if unread:
        logger.warning("%s", _warning(unread, wanted))
    crops.sort(key=lambda crop: (-crop.confidence, crop.image))
    return Pictures(overlays=tuple(overlays), crops=tuple(crops), unread=tuple(unread))


def _work(results: Sequence[ImageResult], wanted: PicturesWanted) -> Iterator[_Work]:
    drawn = {
        place
        for place, result in enumerate(results)
        if result.detections is not None and len(result.detections) and wanted.overlays != 0
    }
    if wanted.overlays is not None:
        drawn = set(sorted(drawn)[: wanted.overlays])
    chosen = choose(results, wanted.crops, drawn) if wanted.crops else {}
    for place in sorted(drawn | set(chosen)):
        yield _Work(results[place], place in drawn, chosen.get(place, []))


def _warning(unread: Sequence[str], wanted: PicturesWanted) -> str:
    """What is missing, and why."""
    who = number_of(len(unread), "image")
    missing = listed(
        ["no crops in report.html"] * bool(wanted.crops) + ["no overlays"] * (wanted.overlays != 0)
    )
    return f"{missing} of {who}, which cannot be read again: {first_of(unread)}"


def _make(folder: Path, work: _Work, class_names: Sequence[str], reading: Reading) -> Pictures:
    try:
        source = open_seen(work.result, reading)
    except UnreadableImageError as error:
        return Pictures(unread=(error.message,))
    overlays: tuple[Path, ...] = ()
    crops: list[Crop] = []
    unread: list[str] = []
    try:
        # what is drawn is kept, whatever else of the image cannot be read
        for crop in work.crops:
            try:
                crops.append(cut(source, work.result, crop.row))
            except UnreadableImageError as error:
                unread.append(error.message)
        try:
            overlays = _overlay(folder, source, work, class_names)
        except UnreadableImageError as error:
            unread.append(error.message)
    finally:
        source.close()
    return Pictures(overlays=overlays, crops=tuple(crops), unread=tuple(unread[:1]))


def _overlay(folder: Path, source: ImageSource, work: _Work, class_names: Sequence[str]) -> tuple[Path, ...]:
    if not work.overlay or work.result.detections is None:
        return ()
    if not isinstance(source, ArraySource) and source.width * source.height > _LARGEST_RASTER:
        logger.info("no overlay of %s: it is large; open the detections over it in QGIS", work.result.name)
        return ()
    pixels = read_around_damage(source, Window(0, 0, source.width, source.height))
    return (save_overlay(folder, work.result.name, draw(pixels, work.result.detections, class_names)),)
