"""The tasks that measure registered models on labelled pictures and compare them."""

from __future__ import annotations

from typing import Any

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, verb

__all__ = ["evaluate"]


@verb(
    help={
        "model": "name@alias, name/version, name/latest or a weights file",
        "annotations": "COCO file with the labelled boxes",
        "images": "folder of the pictures; without it beside the COCO file, or images/ or pictures/ there",
        "dataset": "what the labelled pictures are called; without it as the COCO file",
        "config": "settings file; without it configs/detection.yaml",
        "device": "auto, cpu, cuda, directml or openvino",
        "confidence": "boxes below it are not counted, 0 to 1; mAP does not depend on it",
        "tile-size": "side of a tile in px; 0 takes each photograph whole",
        "overlap": "overlap of neighbouring tiles as a part of a tile, such as 0.2",
        "limit": "only the first so many labelled pictures",
        "output": "folder of the results; without it one below results/evaluation",
        "json": "the outcome as a JSON document on stdout",
    },
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
    boxes down to a confidence of 0.001, makes the precision-recall curve.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.settings import Project
    from wildetect.settings.project import from_caller
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.detection_plan import Request
    from wildetect.workflows.evaluation import evaluate as evaluate_model

    if annotations is None:
        raise ConfigurationError(
            "no annotations are given",
            hint="uv run invoke model.evaluate --model detector@production --annotations truth.json",
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
    folder = from_caller(images) if images else None
    document = evaluate_model(project, request, (path, folder), dataset or path.stem, Terminal())
    if json:
        emit(document)
    else:
        _print_scores(document)


def _print_scores(document: dict[str, Any]) -> None:
    from wildetect.tasks.table import print_table

    model, dataset, settings = document["model"], document["dataset"], document["settings"]
    metrics, counts = document["metrics"], document["counts"]
    version = f" version {model['version']}" if model["version"] else ""
    tiles = f"tiles of {settings['tile_size']} px" if settings["tile_size"] else "whole pictures"
    print(
        f"{model['name']}{version} on {dataset['name']}: pictures {dataset['pictures']}, "
        f"animals {dataset['animals']}, {tiles}, confidence {settings['confidence']:g}, IoU 0.5"
    )
    measures = ("precision", "recall", "ap50", "ap50_95")
    whole = ("animals", "found", "missed", "wrong")
    rows = [
        [one["name"], *(str(one[key]) for key in whole), *(_share(one[key]) for key in measures)]
        for one in document["classes"]
    ]
    total = [str(dataset["animals"]), *(str(counts[key]) for key in whole[1:])]
    means = [_share(metrics[key]) for key in ("precision", "recall", "map50", "map50_95")]
    rows.append(["all", *total, *means])
    head = ["class", *whole, "precision", "recall", "mAP50", "mAP50-95"]
    print_table(head, rows, numbers=True)
    print(f"{document['tiles']} tiles, {metrics['tiles_per_second']:.2f} tiles/s on {document['device']}")
    print(f"results: {document['output']}")
    if document["mlflow"]:
        print(f"logged: run {document['mlflow']['run_id']} of the experiment evaluation")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
