"""A detector measured on labelled pictures, through the very pipeline that surveys run."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from PIL import Image

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.detection.run.run import settings_of
from wildetect.detection.tiles.tiling import tile_windows
from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.evaluation.annotations import Annotations, LabelledImage
from wildetect.evaluation.areas import BOXES, boxes_table
from wildetect.evaluation.paired import PICTURES, PictureCounts, pictures_table
from wildetect.evaluation.record import (
    EVALUATION,
    ClassMeasures,
    EvaluatedModel,
    EvaluationRecord,
    FoundCounts,
    LabelledSet,
    Measures,
    tell_replaced,
    write_evaluation_file,
)
from wildetect.evaluation.scoring import IOU, ClassScore, Counts, Scores, score, write_precision_recall
from wildetect.imagery.camera.camera import camera_of
from wildetect.imagery.camera.lens import ground_resolution
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.discovery import ImageFile
from wildetect.registry.cache import FetchedModel
from wildetect.registry.evaluations import DOUBTFUL, LEARNED_FROM, NEAR_LEARNED
from wildetect.remote.place import for_pillow
from wildetect.results.files import all_together, make_folder, write_text
from wildetect.results.records import ImageResult, RunSummary
from wildetect.results.run_parts import Remark, remarks_of
from wildetect.tables.writing import table_pieces
from wildetect.wording import form, number_of

__all__ = ["FLOOR", "EvaluationPlan", "evaluate_into_folder"]

FLOOR = 0.001
"""Lowest confidence of the boxes behind the precision-recall curve.

It is what Ultralytics' own evaluation takes, so that numbers are like those of a training. The areas are
lower bounds: what a detector would find below this confidence counts as missed.

The counts come from a pass of their own, at the run's confidence: where tiles meet, a weak box can take
the place of a strong one that a border cut off, so that the strong boxes of a pass with weak ones are not
quite those that a survey would count.
"""

CURVES, CLASSES = "precision_recall.png", "classes.csv"
_DIGITS = 6
Progress = Callable[[RunSummary], None]


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """An evaluation that is known to be possible.

    Attributes:
        model: The detector's files.
        detector: The detector, loaded; its manifest's confidence is that of the counts.
        options: Tiles, thresholds, threads, as for a detection run.
        truth: The labelled pictures.
        files: Where each of them lies.
        dataset: What they are called.
        output: Folder of the results.
        learned_from: Whether the detector has learned from the pictures: "none", or "unknown".
        near_learned: Number of pictures taken near photographs that it has learned from.
        places: The place of each picture, by its name, where it is known.
    """

    model: FetchedModel
    detector: Detector
    options: PipelineOptions
    truth: Annotations
    files: Sequence[ImageFile]
    dataset: str
    output: Path
    learned_from: str = "unknown"
    near_learned: int = 0
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def confidence(self) -> float:
        """Lowest of the boxes that are counted, as in a detection run."""
        return self.detector.manifest.thresholds.confidence


def evaluate_into_folder(plan: EvaluationPlan, progress: Progress) -> EvaluationRecord:
    """Detect in the labelled pictures, compare, and write evaluation.json, tables and the plot.

    Args:
        plan: What to do.
        progress: Callback that is told after each picture. All are gone through twice where there is a curve:
            a picture counts as done after as many passes over pictures as there are passes.

    Returns:
        The content of evaluation.json.

    Raises:
        InputError: A picture cannot be read or is not of the size that was labelled (numbers over the
            rest would be those of another data set), or the folder cannot be written.
    """
    with_curve = plan.confidence > FLOOR
    passes = 1 + with_curve
    summary = RunSummary(expected=len(plan.files) * passes)

    def show(over_all: RunSummary) -> None:
        """Tell of pictures: their number is what people know, not that of passes over them."""
        progress(replace(over_all, expected=len(plan.files), done=over_all.done // passes))

    begun = time.monotonic()
    found = _detect(plan, plan.confidence, summary, show)
    seconds, tiles = time.monotonic() - begun, summary.tiles
    faint = _detect(plan, FLOOR, summary, show) if with_curve else None
    scores = score(found, plan.truth, for_curves=faint)
    record = _record(plan, scores, (tiles, seconds), tuple(_doubts(plan, summary)))
    make_folder(plan.output, hint="Give another one with --output.", what="the folder")
    tell_replaced(plan.output, record)
    title = f"{plan.model} on {plan.dataset}"
    with all_together(plan.output, (CURVES, CLASSES, PICTURES, BOXES, EVALUATION)) as folder:
        write_precision_recall(folder / CURVES, scores, title=title, confidence=plan.confidence)
        write_text(folder / CLASSES, _table(record.classes))
        write_text(folder / PICTURES, pictures_table(_pictures(plan, scores)))
        write_text(folder / BOXES, boxes_table(scores.boxes))
        write_evaluation_file(folder, record)
    return record


def _doubts(plan: EvaluationPlan, summary: RunSummary) -> Iterator[Remark]:
    """What a detection run would say of the pictures; none with an animal; tiles far off a model's scale."""
    if not any(len(image.animals) for image in plan.truth.images):
        yield Remark(
            "no animal of the model's classes is labelled in these pictures: every box counts as wrong, "
            "whatever it shows (a run's coco.json holds no boxes)",
            tuple(image.name for image in plan.truth.images),
        )
    if summary.full:
        yield Remark(
            "the limit on the boxes of a tile was reached: animals are missed", tuple(sorted(summary.full))
        )
    if summary.many_cut:
        cut = sum(summary.cut.values())
        yield Remark(
            f"{number_of(cut, 'box', 'boxes')} {form(cut, 'ends', 'end')} at the border of a tile: animals "
            "longer than the overlap of tiles may count more than once",
            tuple(sorted(summary.cut)),
        )
    if summary.dark:
        yield Remark("almost black: animals can hardly be seen", tuple(sorted(summary.dark)))
    yield from remarks_of(summary.doubts)
    yield from _off_scale(plan)


def _off_scale(plan: EvaluationPlan) -> Iterator[Remark]:
    """Tiles of a set that show animals far too small or too large to the model: they have no tags to tell."""
    found: dict[str, list[str]] = defaultdict(list)
    if plan.options.scale is None:
        return
    for image in plan.truth.images:
        if image.gsd_cm is None or image.size is None:
            continue
        tile, *_ = tile_windows(*image.size, plan.options.tile_size, 0, plan.options.shape)
        far = plan.options.scale.far_off(image.gsd_cm / 100, tile)
        if far is not None:
            found[far].append(image.name)
    yield from (Remark(what, tuple(files)) for what, files in found.items())


def _detect(
    plan: EvaluationPlan, confidence: float, summary: RunSummary, progress: Progress
) -> dict[str, Detections]:
    """The boxes of each picture; only those of a run at its own confidence go into the summary."""
    labelled = {image.name: image for image in plan.truth.images}
    counted = confidence == plan.confidence
    found: dict[str, Detections] = {}
    for result in detect_images(plan.files, plan.detector, replace(plan.options, confidence=confidence)):
        found[result.name] = _usable(result, labelled[result.name])
        nothing = ImageResult(name=result.name, path=result.path, detections=Detections.empty())
        summary.add(result if counted else nothing)
        progress(summary)
    return found


def _usable(result: ImageResult, image: LabelledImage) -> Detections:
    unread = result.failure or next(iter(result.tiles_failed), None)
    if result.detections is None or unread:
        raise InputError(
            f"{result.name} cannot be evaluated: {unread}",
            hint="Fix it, or take it out of the annotations: the numbers are for all pictures or none.",
        )
    size = (result.width, result.height)
    if image.size is not None and image.size != size:
        raise InputError(
            f"{result.name} has {size[0]} x {size[1]} px, "
            f"but was labelled with {image.size[0]} x {image.size[1]} px",
            hint="Take the pictures that were labelled, not resized or turned; EXIF rotation is applied.",
        )
    return result.detections


def _record(
    plan: EvaluationPlan, scores: Scores, work: tuple[int, float], doubts: tuple[Remark, ...]
) -> EvaluationRecord:
    model, truth, counts = plan.model, plan.truth, scores.counts
    tiles, seconds = work
    manifest = model.manifest
    return EvaluationRecord(
        model=EvaluatedModel(model.name, model.version, manifest.source.file, manifest.sha256),
        dataset=LabelledSet(
            plan.dataset, truth.sha256, len(truth.images), counts.animals, dict(truth.unknown)
        ),
        settings={
            **settings_of(plan.detector, plan.options),
            "gsd_cm": _gsd_cm(plan),
            "lowest_confidence": min(FLOOR, plan.confidence),
            "iou": IOU,
            LEARNED_FROM: plan.learned_from,
            NEAR_LEARNED: plan.near_learned,
            DOUBTFUL: len({file for doubt in doubts for file in doubt.files}),
        },
        metrics=Measures(
            map50=_rounded(scores.map50),
            map50_95=_rounded(scores.map50_95),
            precision=_rounded(counts.precision),
            recall=_rounded(counts.recall),
            tiles_per_second=round(tiles / seconds, 3),
        ),
        counts=FoundCounts(counts.found, counts.missed, counts.wrong),
        classes=tuple(map(_class, scores.classes)),
        device=plan.detector.device,
        tiles=tiles,
        seconds=round(seconds, 3),
        doubts=doubts,
    )


def _gsd_cm(plan: EvaluationPlan) -> float | None:
    """Median ground resolution in cm/px of the pictures that tell theirs; None where none does."""
    found = [image.gsd_cm for image in plan.truth.images if image.gsd_cm is not None]
    if found:
        return round(statistics.median(found), 3)
    for file in plan.files:
        try:
            with Image.open(for_pillow(file.path)) as picture:
                tags, size = camera_of(picture), picture.size
        except OSError:
            continue  # a raster that Pillow does not read
        resolution = ground_resolution(tags, size, Flight())
        if not resolution.assumed:
            found.append(resolution.gsd * 100)
    return round(statistics.median(found), 3) if found else None


def _class(one: ClassScore) -> ClassMeasures:
    counts = one.counts
    shares = map(_rounded, (counts.precision, counts.recall, one.ap50, one.ap50_95))
    return ClassMeasures(one.name, counts.animals, counts.found, counts.missed, counts.wrong, *shares)


def _pictures(plan: EvaluationPlan, scores: Scores) -> Iterator[PictureCounts]:
    """What was found in each picture: with it two detectors can be compared on the same pictures."""
    labelled = {image.name: image for image in plan.truth.images}
    for file in plan.files:
        with file.path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        for one in scores.classes:
            counts = scores.by_picture.get((file.name, one.name), Counts(0, 0, 0))
            yield PictureCounts(
                picture=file.name,
                sha256=digest,
                name=one.name,
                found=counts.found,
                missed=counts.missed,
                wrong=counts.wrong,
                photograph=labelled[file.name].photograph,
                place=plan.places.get(file.name, ""),
            )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _table(classes: Sequence[ClassMeasures]) -> Iterator[str]:
    return table_pieces(ClassMeasures.columns(), (asdict(one).values() for one in classes))
