"""The task that puts versions of a model side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, say, verb

__all__ = ["compare"]

MEASURES = {
    "map50": "mAP50",
    "map50_95": "mAP50-95",
    "precision": "precision",
    "recall": "recall",
    "tiles_per_second": "tiles/s",
}


@verb(
    help={
        "name": "registered name",
        "versions": "numbers or aliases, such as 1,2,production; without it the newest six",
        "json": "everything as a JSON document on stdout",
    },
    words=["name", "versions"],
)
def compare(
    context: Context, name: str | None = None, versions: str | None = None, json: bool = False
) -> None:
    """Put versions of a model side by side.

    What they are, and how they did on labelled pictures.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.comparison import compare as compare_versions
    from wildetect.registry.comparison import versions_to_compare
    from wildetect.settings import Project
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.connecting import connect_for

    if name is None:
        raise ConfigurationError("no model is named", hint="uv run invoke model.compare detector 1,2")
    wanted = [word.strip() for word in versions.split(",") if word.strip()] if versions else []
    project = Project.find()
    export_variables(project)
    connection = connect_for(project, Terminal())
    document = compare_versions(connection, versions_to_compare(connection, name, wanted))
    for note in document["notes"]:
        say(f"warning: {note}")
    if json:
        emit(document)
    else:
        _print(document)


def _print(document: dict[str, Any]) -> None:
    from wildetect.tasks.table import print_table

    columns = document["versions"]
    rows = [
        ["aliases", *(", ".join(one["aliases"]) or "-" for one in columns)],
        ["registered", *(one["registered_at"] or "-" for one in columns)],
        ["weights", *(one["weights"] or "-" for one in columns)],
        ["sha256", *((one["sha256"] or "-")[:12] for one in columns)],
        ["family", *(one["family"] or "-" for one in columns)],
        ["input", *map(_input, columns)],
        ["classes", *_classes(columns)],
        ["confidence", *(_threshold(one, "confidence") for one in columns)],
        ["NMS", *(_threshold(one, "iou") for one in columns)],
        *_measured(columns),
    ]
    print_table([document["name"], *(f"version {one['version']}" for one in columns)], rows)
    if all(not one["evaluations"] for one in columns):
        say("hint: None of them was measured: uv run invoke model.evaluate --model ... --annotations FILE")


def _input(version: dict[str, Any]) -> str:
    fed = version["input"]
    return f"{fed['width']} x {fed['height']} {fed['dtype']}" if fed["width"] else "-"


def _threshold(version: dict[str, Any], name: str) -> str:
    thresholds = version["thresholds"]
    if not thresholds:
        return "-"
    return (
        f"{thresholds['overlap_metric']} {thresholds[name]:g}" if name == "iou" else f"{thresholds[name]:g}"
    )


def _classes(columns: Sequence[dict[str, Any]], most: int = 4) -> list[str]:
    """The classes of the first version, and of the others in what they differ."""
    cells: list[str] = []
    first: list[str] | None = None
    for one in columns:
        names = one["class_names"]
        if names is None:
            cells.append("-")
        elif first is None:
            first = names
            more = f" and {len(names) - most} more" if len(names) > most else ""
            cells.append(f"{len(names)}: {', '.join(names[:most])}{more}")
        elif names == first:
            cells.append("the same")
        else:
            differences = [f"+{name}" for name in names if name not in first]
            differences += [f"-{name}" for name in first if name not in names]
            more = f" and {len(differences) - most} more" if len(differences) > most else ""
            cells.append(f"{len(names)}: {' '.join(differences[:most]) or 'in another order'}{more}")
    return cells


def _measured(columns: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Rows of each data set: when and how it was measured, and the numbers."""
    from wildetect.registry.comparison import datasets_of

    rows = []
    for dataset in datasets_of(columns):
        evaluations = [one["evaluations"].get(dataset) for one in columns]
        rows.append([f"{dataset}: measured", *map(_when_and_how, evaluations)])
        rows += [
            [f"{dataset}: {title}", *(_number(one, measure) for one in evaluations)]
            for measure, title in MEASURES.items()
        ]
    return rows


def _when_and_how(evaluation: dict[str, Any] | None) -> str:
    if evaluation is None:
        return "-"
    settings = evaluation["settings"]
    return (
        f"{evaluation['at'][:10]}, tiles {settings.get('tile_size')} px, pictures: {settings.get('pictures')}"
    )


def _number(evaluation: dict[str, Any] | None, measure: str) -> str:
    value = evaluation["metrics"].get(measure) if evaluation else None
    return "-" if value is None else f"{value:.3f}"
