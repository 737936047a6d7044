"""The task that puts versions of a model side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, say, verb

if TYPE_CHECKING:
    from wildetect.registry.comparison import Comparison
    from wildetect.registry.evaluations import Evaluated
    from wildetect.registry.manifest import Manifest

__all__ = ["compare"]

MEASURES = {
    "map50": "mAP50",
    "map50_95": "mAP50-95",
    "precision": "precision",
    "recall": "recall",
    "best_confidence": "counts best at",
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
    found = compare_versions(connection, versions_to_compare(connection, name, wanted))
    for note in found.notes:
        say(f"warning: {note}")
    if json:
        emit(found.document())
    else:
        _print(found)


def _print(found: Comparison) -> None:
    from wildetect.tasks.table import print_table

    columns = found.versions
    manifests = [one.manifest for one in columns]
    rows = [
        ["aliases", *(", ".join(one.aliases) or "-" for one in columns)],
        ["registered", *(one.registered_at or "-" for one in columns)],
        ["weights", *("-" if one is None else one.source.file or "-" for one in manifests)],
        ["sha256", *("-" if one is None else one.sha256[:12] for one in manifests)],
        ["family", *("-" if one is None else one.family for one in manifests)],
        ["input", *map(_input, manifests)],
        ["classes", *_classes(manifests)],
        ["confidence", *("-" if one is None else f"{one.thresholds.confidence:g}" for one in manifests)],
        ["NMS", *map(_same_animal, manifests)],
        *_measured(found),
    ]
    print_table([found.name, *(f"version {one.version}" for one in columns)], rows)
    if not found.datasets:
        say("hint: None of them was measured: uv run invoke model.evaluate --model ... --annotations FILE")


def _input(manifest: Manifest | None) -> str:
    fed = manifest and manifest.feeding
    return f"{fed.width} x {fed.height} {fed.dtype}" if fed and fed.width else "-"


def _same_animal(manifest: Manifest | None) -> str:
    thresholds = manifest and manifest.thresholds
    return f"{thresholds.overlap_metric} {thresholds.iou:g}" if thresholds else "-"


def _classes(manifests: Sequence[Manifest | None], most: int = 4) -> list[str]:
    """The classes of the first version, and of the others in what they differ."""
    cells: list[str] = []
    first: tuple[str, ...] | None = None
    for one in manifests:
        names = None if one is None else one.class_names
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


def _measured(found: Comparison) -> list[list[str]]:
    """Rows of each data set: when and how it was measured, and the numbers."""
    rows = []
    for dataset in found.datasets:
        evaluations = [one.evaluations.get(dataset) for one in found.versions]
        rows.append([f"{dataset}: measured", *map(_when_and_how, evaluations)])
        numbers = {
            title: [_number(one, measure) for one in evaluations] for measure, title in MEASURES.items()
        }
        rows += [
            [f"{dataset}: {title}", *cells]
            for title, cells in numbers.items()
            if any(cell != "-" for cell in cells)
        ]
    return rows


def _when_and_how(evaluation: Evaluated | None) -> str:
    if evaluation is None:
        return "-"
    settings = evaluation.settings
    day = evaluation.at.date().isoformat()
    if evaluation.of_survey:
        day = f"{day}, reviewed by people"
    tiles = f"{settings.get('tile_size')} px"
    if settings.get("scale") == "auto":
        tiles = f"cut for {settings.get('trained_gsd_cm')} cm/px"
    return f"{day}, tiles {tiles}, pictures: {settings.get('pictures')}"


def _number(evaluation: Evaluated | None, measure: str) -> str:
    """A measure, with the limits of one that was estimated."""
    from wildetect.registry.evaluations import limits_of

    metrics = evaluation.metrics if evaluation else {}
    if measure not in metrics:
        return "-"
    limits = [metrics[name] for name in limits_of(measure) if name in metrics]
    shown = f" ({limits[0]:.3f} to {limits[1]:.3f})" if len(limits) == 2 else ""  # noqa: PLR2004 - two limits
    return f"{metrics[measure]:.3f}{shown}"
