"""The tasks that measure registered models on labelled pictures and compare them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, say, verb

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.registry.connection import Connection
    from wildetect.settings import Project
    from wildetect.tasks.detect_request import Request

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
    from wildetect.tasks.detect_request import Request

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
    document = _evaluated(project, request, (path, folder), dataset or path.stem)
    if json:
        emit(document)
    else:
        _print_scores(document)


def _evaluated(
    project: Project, request: Request, labelled: tuple[Path, Path | None], dataset: str
) -> dict[str, Any]:
    """Check everything, measure, write the results, log them."""
    from wildetect.evaluation.annotations import read_annotations
    from wildetect.evaluation.labelled_files import labelled_files
    from wildetect.evaluation.measuring import EvaluationPlan, evaluate_into_folder
    from wildetect.settings.project import from_caller
    from wildetect.tasks.detect_request import limit_of, prepared, settings_for
    from wildetect.tasks.model_choice import chosen_model
    from wildetect.tasks.progress import progress_on

    annotations, folder = labelled
    limit = limit_of(request.limit)
    settings = settings_for(project, request)
    model, connection = chosen_model(project, settings, request.model)
    truth = read_annotations(annotations, model.manifest.class_names, limit=limit)
    files = labelled_files(truth, annotations, folder)
    for name, count in truth.unknown.items():
        say(f"warning: {count} boxes of {name} are left out: the model has no such class")
    detector, options = prepared(settings, model)
    plan = EvaluationPlan(
        model=model,
        detector=detector,
        options=options,
        truth=truth,
        files=files,
        dataset=dataset,
        output=from_caller(request.output) if request.output else _folder(project, str(model), dataset),
    )
    say(f"evaluating {model} on {len(files)} pictures of {dataset}, on {detector.device}")
    with progress_on(sys.stderr) as progress:
        document = evaluate_into_folder(plan, progress)
    if connection is not None:
        _log(connection, document, plan.output)
    return {**document, "output": str(plan.output)}


def _folder(project: Project, model: str, dataset: str) -> Path:
    import re

    return project.root / "results" / "evaluation" / re.sub(r"[^\w.-]+", "-", f"{model} on {dataset}")


def _log(connection: Connection, document: dict[str, Any], output: Path) -> None:
    """Log an evaluation; its results must not be lost because the server went away meanwhile."""
    from wildetect.errors import ModelError, ServerError
    from wildetect.registry.evaluations import EXPERIMENT, Evaluation, log_evaluation, metric_name

    model, dataset = document["model"], document["dataset"]
    measures = ("precision", "recall", "ap50", "ap50_95")
    of_classes = {
        metric_name(measure, one["name"]): one[measure] for one in document["classes"] for measure in measures
    }
    evaluation = Evaluation(
        dataset=dataset["name"],
        digest=dataset["sha256"],
        metrics={name: value for name, value in document["metrics"].items() if value is not None},
        of_classes={name: value for name, value in of_classes.items() if value is not None},
        settings={
            **document["settings"],
            "pictures": dataset["pictures"],
            "classes": ", ".join(one["name"] for one in document["classes"]),
            "device": document["device"],
        },
        folder=output,
    )
    try:
        run_id, model_id = log_evaluation(connection, (model["name"], model["version"]), evaluation)
    except (ServerError, ModelError) as error:
        say(f"warning: the results are written, but not logged: {error.message}. {error.hint}")
        return
    where = {"uri": connection.uri, "experiment": EXPERIMENT}
    document["mlflow"] = {**where, "run_id": run_id, "model_id": model_id}


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
