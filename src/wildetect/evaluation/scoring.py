"""How well detections agree with labelled pictures: the measures of the COCO benchmark.

A detection hits a labelled animal of its class if their IoU reaches a threshold; the most confident one
chooses first, and each animal is hit once (Lin et al. 2014, "Microsoft COCO: common objects in context").
Two things differ from the benchmark, since an aerial picture can
hold hundreds of animals: all boxes of a picture count, not its 100 best, and there are no size classes.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildetect.detections import Detections
from wildetect.evaluation.annotations import Annotations
from wildetect.results.files import replacing

__all__ = [
    "IOU",
    "RECALLS",
    "ClassScore",
    "Counts",
    "ScoredBox",
    "Scores",
    "match_boxes",
    "score",
    "write_precision_recall",
]

_MOST_CURVES = 10  # more cannot be told apart
_DOTS_PER_INCH = 120


def write_precision_recall(path: Path, scores: Scores, *, title: str, confidence: float) -> None:
    """Draw the precision-recall curve of each class, with a dot where a run at `confidence` stands.

    Args:
        path: A PNG file.
        scores: Classes without labelled animals are left out; of many classes those with most animals
            are drawn.
        title: What was measured on what.
        confidence: Confidence of the run.

    Raises:
        InputError: The file cannot be written.
    """
    # not pyplot: it would look for a screen, and keep the figure
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 6), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    by_animals = sorted(scores.classes, key=lambda one: -one.counts.animals)
    for one in by_animals[:_MOST_CURVES]:
        if one.curve is None:
            continue
        (line,) = axes.plot(RECALLS, one.curve, label=f"{one.name}: AP50 {one.ap50:.3f}")
        recall, precision = one.counts.recall, one.counts.precision
        if recall is not None and precision is not None:
            axes.plot(recall, precision, "o", color=line.get_color())
    axes.set(
        xlim=(0, 1.01),
        ylim=(0, 1.01),
        xlabel="recall: part of the animals that is found",
        ylabel="precision: part of the boxes that is right",
        title=f"{title}\nIoU {IOU:g}; dots: confidence {confidence:g}",
    )
    axes.grid(alpha=0.3)
    if axes.get_lines():
        axes.legend(loc="lower left")
    with replacing(path) as file:
        canvas.print_figure(file, format="png", dpi=_DOTS_PER_INCH)


def match_boxes(
    found: Mapping[str, Detections], truth: Annotations
) -> tuple[NDArray[np.float64], list[Mapping[str, Any]]]:
    """Match the detections of the classes that both sides have.

    Args:
        found: The detections of each picture, by its name; one without an entry has none.
        truth: The labelled pictures.

    Returns:
        Precision at each IoU (0.5, 0.55, ..., 0.95), recall (0, 0.01, ..., 1) and class of
        `truth.classes`, shape (10, 101, classes), -1 where no animal is labelled; and pycocotools'
        own record of the matches in each picture and class.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # it tells its progress
        evaluation = _evaluated(found, truth)
    precision = np.asarray(evaluation.eval["precision"][:, :, :, 0, 0])
    return precision, [match for match in evaluation.evalImgs if match is not None]


def _evaluated(found: Mapping[str, Detections], truth: Annotations) -> Any:
    from pycocotools.cocoeval import COCOeval

    labelled = [_boxes(number, image.animals, image.crowd) for number, image in enumerate(truth.images)]
    detected = []
    for number, image in enumerate(truth.images):
        # ranked, so that the order in which they come has no influence
        part = found.get(image.name, Detections.empty()).ranked()
        part = part.select(np.isin(part.class_id, truth.classes))
        detected.append(_boxes(number, part, np.zeros(len(part), np.bool_)))
    evaluation = COCOeval(_coco(labelled, truth.classes), _coco(detected, truth.classes), "bbox")
    parameters = evaluation.params
    parameters.maxDets = [max([1, *map(len, detected)])]
    parameters.areaRng, parameters.areaRngLbl = [[0.0, np.inf]], ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def _boxes(image: int, boxes: Detections, crowd: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Boxes of a picture as COCO writes them."""
    corners = boxes.xyxy.astype(np.float64)
    columns = (corners.tolist(), boxes.confidence.tolist(), boxes.class_id.tolist(), crowd.tolist())
    return [
        {
            "image_id": image,
            "category_id": class_id,
            "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
            "area": (x_max - x_min) * (y_max - y_min),
            "score": confidence,
            "iscrowd": int(is_crowd),
        }
        for (x_min, y_min, x_max, y_max), confidence, class_id, is_crowd in zip(*columns, strict=True)
    ]


def _coco(boxes: Sequence[Sequence[dict[str, Any]]], classes: Sequence[int]) -> Any:
    from pycocotools.coco import COCO

    every = [box for of_image in boxes for box in of_image]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number} for number in range(len(boxes))],
        "categories": [{"id": class_id} for class_id in classes],
        # ids start at 1, since 0 stands for "not matched" in its records
        "annotations": [{**box, "id": number} for number, box in enumerate(every, start=1)],
    }
    coco.createIndex()
    return coco


IOU = 0.5
"""Least IoU of a hit, for counts, precision, recall and the curve."""

RECALLS: NDArray[np.float64] = np.linspace(0, 1, 101)
"""The recalls at which the precision-recall curve is sampled, as COCO does."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Hits and misses at one IoU, of the boxes of a run at its own confidence.

    Attributes:
        found: Labelled animals that a detection of the same class hits.
        missed: Labelled animals without one.
        wrong: Detections that hit no labelled animal of their class.
    """

    found: int
    missed: int
    wrong: int

    @property
    def animals(self) -> int:
        """Labelled animals."""
        return self.found + self.missed

    @property
    def recall(self) -> float | None:
        """Part of the animals that were found; None where there are none."""
        return self.found / self.animals if self.animals else None

    @property
    def precision(self) -> float | None:
        """Part of the detections that are animals; None where there are none."""
        return self.found / (self.found + self.wrong) if self.found + self.wrong else None


@dataclass(frozen=True, slots=True, eq=False)
class ClassScore:
    """The scores of one class.

    Attributes:
        name: Name of the class.
        counts: Counts at `IOU`.
        ap50: Area under the precision-recall curve at IoU 0.5; None where no animal is labelled.
        ap50_95: The mean of the areas at IoU 0.5, 0.55, ..., 0.95; None where no animal is labelled.
        curve: Precision at each of `RECALLS`, at `IOU`; None where no animal is labelled.
    """

    name: str
    counts: Counts
    ap50: float | None
    ap50_95: float | None
    curve: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class ScoredBox:
    """A box, and whether it hits an animal.

    Attributes:
        picture: Its name.
        name: Name of the class.
        confidence: Confidence of the detector, 0 to 1.
        hits: Hits at IoU 0.5, 0.55, ..., 0.95: "1" where it does, "0" where it does not, "i" where it is
            ignored, on a herd that was not counted.
    """

    picture: str
    name: str
    confidence: float
    hits: str


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of all classes.

    Attributes:
        classes: Those that both the model and the labels have, in the model's order.
        by_picture: Counts by the names of picture and class; a pair without animals and boxes has none.
        boxes: Those behind the curves and areas, in the order of the pictures.
    """

    classes: Sequence[ClassScore]
    by_picture: Mapping[tuple[str, str], Counts] = field(default_factory=dict)
    boxes: Sequence[ScoredBox] = ()

    @property
    def counts(self) -> Counts:
        """All classes together: each animal weighs the same."""
        each = [one.counts for one in self.classes]
        return Counts(
            sum(one.found for one in each), sum(one.missed for one in each), sum(one.wrong for one in each)
        )

    @property
    def map50(self) -> float | None:
        """Mean of `ap50` over the classes with labelled animals: each class weighs the same."""
        return _mean(one.ap50 for one in self.classes)

    @property
    def map50_95(self) -> float | None:
        """Mean of `ap50_95` over the classes with labelled animals."""
        return _mean(one.ap50_95 for one in self.classes)


def score(
    found: Mapping[str, Detections], truth: Annotations, *, for_curves: Mapping[str, Detections] | None = None
) -> Scores:
    """Compare detections with labelled animals.

    Detections of classes that the labels do not have are left out: nobody looked for them. So is a box
    on a herd that the labels mark as a crowd.

    Args:
        found: The detections of each picture, by its name; one without an entry has none. All are counted.
        truth: The labelled pictures.
        for_curves: The like down to a low confidence, for the curves and areas; None: `found`.
    """
    precision, matches = match_boxes(found, truth)
    all_matches = matches
    if for_curves is not None:
        precision, all_matches = match_boxes(for_curves, truth)
    scores = []
    for index, class_id in enumerate(truth.classes):
        of_class = [match for match in matches if match["category_id"] == class_id]
        curves = precision[:, :, index]
        known = bool((curves >= 0).all())  # COCO writes -1 where nothing is labelled
        scores.append(
            ClassScore(
                name=truth.class_names[class_id],
                counts=_counts(of_class),
                ap50=float(curves[0].mean()) if known else None,
                ap50_95=float(curves.mean()) if known else None,
                curve=curves[0].copy() if known else None,
            )
        )
    by_picture = {
        (truth.images[match["image_id"]].name, truth.class_names[match["category_id"]]): _counts([match])
        for match in matches
    }
    return Scores(tuple(scores), by_picture, tuple(_scored_boxes(all_matches, truth)))


def _scored_boxes(matches: Iterable[Mapping[str, Any]], truth: Annotations) -> Iterator[ScoredBox]:
    for match in sorted(matches, key=lambda one: one["image_id"]):
        picture = truth.images[match["image_id"]].name
        name = truth.class_names[match["category_id"]]
        ignored, hits = np.asarray(match["dtIgnore"]) != 0, np.asarray(match["dtMatches"]) > 0
        signs = np.where(ignored, "i", np.where(hits, "1", "0"))
        for column, confidence in enumerate(match["dtScores"]):
            yield ScoredBox(picture, name, float(confidence), "".join(signs[:, column]))


def _counts(matches: Iterable[Mapping[str, Any]]) -> Counts:
    """Counts at the first IoU, which is 0.5."""
    found = wrong = animals = 0
    for match in matches:
        kept = match["dtIgnore"][0] == 0
        hits = kept & (match["dtMatches"][0] > 0)
        found += int(hits.sum())
        wrong += int((kept & ~hits).sum())
        animals += int((np.asarray(match["gtIgnore"]) == 0).sum())
    return Counts(found, animals - found, wrong)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
