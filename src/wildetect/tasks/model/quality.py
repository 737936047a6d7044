"""The tasks that measure registered models on labelled pictures and compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, verb
from wildetect.tasks.table import print_table
from wildetect.wording import number_of, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.evaluation.record import EvaluationRecord

__all__ = ["evaluate"]


@verb(
    help={
        "model": "name@alias, name/version, name/latest or a weights file",
        "annotations": "the labelled boxes: a COCO file, a folder of VOC or YOLO label files, or a CSV table",
        "images": "folder of the pictures; without it beside the labels, or images/ or pictures/ there",
        "dataset": "what the labelled pictures are called; without it as their file or training set",
        "config": "settings file; without it configs/detection.yaml",
        "device": "auto, cpu, cuda, directml or openvino",
        "confidence": "boxes below it are not counted, 0 to 1; mAP does not depend on it",
        "tile-size": "longer side of a tile in px; 0 takes each photograph whole",
        "overlap": "overlap of neighbouring tiles as a part of a tile, such as 0.2",
        "limit": "only the first so many labelled pictures",
        "output": "folder of the results; without it one below results/evaluation",
        "json": "the outcome as a JSON document on stdout",
    },
    words=["model", "annotations"],
    paths=["annotations"],
)
def evaluate(
    context: Context,
    model: str | None = None,
    annotations: str | None = None,
    images: str | None = None,
    dataset: str | None = None,
    config: str | None = None,
    device: str | None = None,
    confidence: str | None = None,
    tile_size: str | None = None,
    overlap: str | None = None,
    limit: str | None = None,
    output: str | None = None,
    json: bool = False,
) -> None:
    """Measure a model on labelled pictures, and log it.

    It gives mAP, and precision and recall of each class.

    The pictures go through the same pipeline as in detect.run, with the same settings. Precision,
    recall and the counts are those of a run at its own confidence, at an IoU of 0.5; a second pass, with
    boxes down to a confidence of 0.001, makes the precision-recall curve. A version that has learned from
    one of the pictures, whatever it is called, is refused.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.reference import check_detector
    from wildetect.settings import Project
    from wildetect.settings.project import from_caller, given_path
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.detection_plan import Request
    from wildetect.workflows.evaluation import evaluate as evaluate_model

    if annotations is None:
        check_detector(model)
        raise ConfigurationError(
            "no annotations are given",
            hint=f"uv run invoke model.evaluate --model {quoted(model or 'NAME@ALIAS')} --annotations FILE",
        )
    request = Request(
        config=config,
        model=model,
        device=device,
        confidence=confidence,
        tile_size=tile_size,
        overlap=overlap,
        limit=limit,
        output=output,
    )
    project = Project.find()
    export_variables(project)
    path = from_caller(annotations)
    folder = given_path(images)
    record, place = evaluate_model(project, request, (path, folder), dataset, Terminal())
    if json:
        emit({**record.document(), "output": str(place)})
    else:
        _print_scores(record, place)


def _print_scores(record: EvaluationRecord, place: Path) -> None:
    model, dataset, metrics = record.model, record.dataset, record.metrics
    version = f" version {model.version}" if model.version else ""
    print(
        f"{model.name}{version} on {dataset.name} (digest {dataset.sha256[:8]}): "
        f"pictures {dataset.pictures:,}, animals {dataset.animals:,}, {record.cut_into}, "
        f"confidence {record.confidence:g}, IoU 0.5"
    )
    rows = [
        [
            one.name,
            *map(_whole, (one.animals, one.found, one.missed, one.wrong)),
            *map(_share, (one.precision, one.recall, one.ap50, one.ap50_95)),
        ]
        for one in record.classes
    ]
    counts = record.counts
    total = map(_whole, (dataset.animals, counts.found, counts.missed, counts.wrong))
    means = map(_share, (metrics.precision, metrics.recall, metrics.map50, metrics.map50_95))
    rows.append(["all", *total, *means])
    head = ["class", "animals", "found", "missed", "wrong", "precision", "recall", "mAP50", "mAP50-95"]
    print_table(head, rows, numbers=True)
    print(f"{number_of(record.tiles, 'tile')}, {metrics.tiles_per_second:.2f} tiles/s on {record.device}")
    print(f"results: {place}")
    if record.mlflow:
        print(f"logged: run {record.mlflow.run_id} of the experiment evaluation")


def _whole(number: int) -> str:
    return f"{number:,}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
