"""The task that puts versions of a model side by side, and says whether one is better than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.model.listing import name_one
from wildetect.tasks.support import emit, export_variables, say, say_hint, verb
from wildetect.wording import commas, listed

if TYPE_CHECKING:
    from wildetect.evaluation.paired import Difference
    from wildetect.registry.comparison import Comparison
    from wildetect.registry.evaluations import Evaluated
    from wildetect.registry.manifest import Manifest
    from wildetect.workflows.learning.comparing import Compared

__all__ = ["compare"]

MEASURES = {
    "map50": "mAP50",
    "map50_95": "mAP50-95",
    "precision": "precision",
    "recall": "recall",
    "best_confidence": "counts best at",
    "tiles_per_second": "tiles/s",
}
PAIRED = {**MEASURES, "f1": "F1", "count": "boxes for each animal"}


@verb(
    help={
        "name": "registered name, or the first version as name/version or name@alias",
        "versions": "numbers, aliases or whole references, such as production,4, may be given more than "
        "once; without it the newest six",
        "on": "only this data set of labelled pictures",
        "json": "everything as a JSON document on stdout",
    },
    words=["name", "versions"],
    iterable=["versions"],
)
def compare(
    context: Context,
    name: str | None = None,
    versions: list[str] | None = None,
    on: str | None = None,
    json: bool = False,
) -> None:
    """Put versions of a model side by side.

    What they are, and how they did on labelled pictures. Each version is also set against the first one on
    the pictures that both were measured on: differences in recall, precision, F1, mAP and counts of each
    class, with 95% limits.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.comparison import compare as compare_versions
    from wildetect.registry.comparison import versions_to_compare
    from wildetect.settings import Project
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.connecting import connect_for
    from wildetect.workflows.learning.comparing import compare_with_first

    if name is None:
        raise ConfigurationError("no model is named", hint=name_one("model.compare NAME 1 2"))
    wanted = [word.strip() for text in versions or () for word in text.split(",") if word.strip()]
    project = Project.find()
    export_variables(project)
    connection = connect_for(project, Terminal())
    chosen = versions_to_compare(connection, name, wanted)
    found = compare_versions(connection, chosen)
    paired, notes = compare_with_first(connection, chosen, on)
    if on is not None and on not in found.datasets:
        held = listed(found.datasets, none="nothing")
        raise ConfigurationError(f"none of them was measured on {on}", hint=f"They were measured on: {held}.")
    for note in (*found.notes, *notes):
        say(f"warning: {note}")
    if json:
        told = replace(found, notes=(*found.notes, *notes))
        emit({**told.document(), "paired": [one.document() for one in paired]})
        return
    _print(found)
    for one in paired:
        _print_paired(one)


def _print_paired(compared: Compared) -> None:
    """A row for each measure and class; limits that do not hold 0 are said to be more than chance."""
    from wildetect.tasks.table import print_table

    before, after = (f"version {one.version}" for one in (compared.before, compared.after))
    print(f"\n{after} against {before} on {compared.where}")
    for doubt in compared.doubts:
        say(f"warning: {doubt}")
    rows = [
        [one.name, PAIRED[measure], *_cells(difference, measure)]
        for one in (compared.paired.overall, *compared.paired.classes)
        for measure, difference in one.measures.items()
    ]
    print_table(["class", "measure", before, after, "difference", "95% limits", ""], rows)


def _cells(difference: Difference, measure: str) -> list[str]:
    before, after = ("-" if one is None else f"{one:.3f}" for one in (difference.before, difference.after))
    gain = "-" if difference.gain is None else f"{difference.gain:+.3f}"
    if difference.lower is None or difference.upper is None:
        return [before, after, gain, "-", ""]
    limits = f"{difference.lower:+.3f} to {difference.upper:+.3f}"
    up, down = ("more", "fewer") if measure == "count" else ("better", "worse")
    said = up if difference.above_chance else down if difference.below_chance else "may be chance"
    return [before, after, gain, limits, said]


def _print(found: Comparison) -> None:
    from wildetect.tasks.table import print_table

    columns = found.versions
    manifests = [one.manifest for one in columns]
    rows = [
        ["aliases", *(commas(one.aliases, none="-") for one in columns)],
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
        say_hint("None of them was measured: uv run invoke model.evaluate --model ... --annotations FILE")


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
            cells.append(f"{len(names)}: {listed(names, most=most)}")
        elif names == first:
            cells.append("the same")
        else:
            differences = [f"+{name}" for name in names if name not in first]
            differences += [f"-{name}" for name in first if name not in names]
            told = listed(differences, most=most, none="in another order")
            cells.append(f"{len(names)}: {told}")
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
