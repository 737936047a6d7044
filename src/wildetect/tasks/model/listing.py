"""The tasks that show the registered models and move their aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, say, verb
from wildetect.wording import commas, in_bytes, listed

if TYPE_CHECKING:
    from wildetect.registry.connection import Connection
    from wildetect.registry.history import AliasMove
    from wildetect.registry.manifest import Manifest, Thresholds
    from wildetect.registry.versions import RegisteredModel, Version
    from wildetect.settings import Project

__all__ = ["connected", "history", "list_models", "name_one", "show"]

_THRESHOLDS = "confidence {confidence:g}, {overlap_metric} {iou:g}"


def name_one(how: str) -> str:
    """Say where the names of models are found, and how a task takes one.

    Args:
        how: The task with a name in capitals, as "model.show NAME@ALIAS".
    """
    return f"uv run invoke model.list shows the models and their versions; then {how}"


def connected(project: Project | None = None) -> Connection:
    """Reach the project's server.

    Raises:
        ServerError: None answers, or it is another project's.
    """
    from wildetect.settings import Project
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.connecting import connect_for

    project = project or Project.find()
    export_variables(project)
    return connect_for(project, Terminal())


@verb(
    name="list",
    help={"name": "only this registered model", "json": "the list as a JSON document on stdout"},
    words=["name"],
)
def list_models(context: Context, name: str | None = None, json: bool = False) -> None:
    """List the registered models with versions and aliases."""
    del context
    from wildetect.registry.reference import model_named
    from wildetect.registry.versions import list_models as registered_models

    rows = [
        _Row(
            name=model.name,
            version=version.version,
            aliases=list(version.aliases),
            family=version.tags.get("family"),
            sha256=version.tags.get("sha256"),
            registered_at=version.tags.get("registered_at"),
        )
        for model in _chosen(registered_models(connected()), name and model_named(name))
        for version in model.versions
    ]
    if json:
        emit({"models": [row._asdict() for row in rows]})
        return
    if not rows:
        say("nothing is registered yet: uv run invoke model.register --weights FILE")
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        known = f"{row.family or '-':<12}  {(row.sha256 or '-')[:12]:<12}  {row.registered_at or '-':<25}"
        print(f"{row.name:<{width}}  {row.version:>4}  {known}  {commas(row.aliases)}".rstrip())


class _Row(NamedTuple):
    """A line of the list."""

    name: str
    version: str
    aliases: list[str]
    family: str | None
    sha256: str | None
    registered_at: str | None


def _chosen(models: list[RegisteredModel], name: str | None) -> list[RegisteredModel]:
    from wildetect.errors import ModelError

    chosen = [model for model in models if name in (None, model.name)]
    if name is not None and not chosen:
        held = listed((model.name for model in models), none="no model")
        raise ModelError(f"there is no registered model {name}", hint=f"The registry holds: {held}.")
    return chosen


@verb(
    help={
        "model": "name@alias, name/version or name/latest",
        "json": "everything as a JSON document on stdout",
    },
    words=["model"],
)
def show(context: Context, model: str | None = None, json: bool = False) -> None:
    """Show all that is known of one registered version."""
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.cache import stored_manifest
    from wildetect.registry.evaluations import metrics_of
    from wildetect.registry.learning.card import card_of, words_of_people
    from wildetect.registry.reference import ModelReference
    from wildetect.registry.versions import resolve
    from wildetect.settings import Project

    if model is None:
        raise ConfigurationError("no model is named", hint=name_one("model.show NAME@ALIAS"))
    reference = ModelReference.parse(model)
    project = Project.find()
    connection = connected(project)
    version = resolve(connection, reference)
    manifest = stored_manifest(connection, version)
    metrics, of_run = metrics_of(connection, version), _in_a_run(project, manifest)
    card = card_of(connection, version, manifest)
    if json:
        emit(
            {
                "name": version.name,
                "version": version.version,
                "aliases": list(version.aliases),
                "description": words_of_people(version.description),
                "card": [list(row) for row in card],
                "tags": dict(sorted(version.tags.items())),
                "metrics": metrics,
                "manifest": manifest.model_dump(mode="json"),
                "run_thresholds": of_run and of_run.model_dump(mode="json"),
            }
        )
    else:
        _print_version(version, manifest, metrics, of_run)
        print("\nmodel card")
        width = max(len(title) for title, _ in card)
        for title, said in card:
            print(f"{title:<{width}}  {said}")


def _in_a_run(project: Project, manifest: Manifest) -> Thresholds | None:
    """The thresholds of a run with the project's settings; None where these are broken."""
    from wildetect.errors import ConfigurationError
    from wildetect.settings import load_settings
    from wildetect.settings.detection import DetectionSettings
    from wildetect.workflows.detection_plan import thresholds_of_run

    try:
        settings = load_settings(DetectionSettings, project)
    except ConfigurationError:
        return None
    return thresholds_of_run(settings, manifest)


def _print_version(
    version: Version, manifest: Manifest, metrics: Mapping[str, float], of_run: Thresholds | None
) -> None:
    from wildetect.registry.learning.card import words_of_people
    from wildetect.registry.names import for_people

    feeding, thresholds = manifest.feeding.model_dump(), manifest.thresholds
    aliases = commas(version.aliases)
    in_a_run = None
    if of_run is None:
        in_a_run = "thresholds unknown: configs/detection.yaml has mistakes (uv run invoke config.show)"
    elif of_run != thresholds:
        in_a_run = f"{_THRESHOLDS.format_map(of_run.model_dump())}: configs/detection.yaml or .env says so"
    rows = {
        "model": f"{version.name} version {version.version}" + (f" ({aliases})" if aliases else ""),
        "description": words_of_people(version.description),
        "family": manifest.family,
        "classes": commas(manifest.class_names),
        "input": "{width} x {height} px, {dtype}, {channel_order}, {resize}".format_map(feeding),
        "trained on": manifest.trained_gsd_cm and f"{manifest.trained_gsd_cm:g} cm/px",
        "thresholds": _THRESHOLDS.format_map(thresholds.model_dump()),
        "in a run": in_a_run,
        "in doubt": manifest.unchecked,
        "second stage": manifest.classifier and manifest.classifier.source.file,
        "sha256": manifest.sha256,
        "weights": f"{manifest.source.file}, {in_bytes(manifest.source.size)}",
        **{
            name.replace("_", " "): value
            for name, value in sorted(version.tags.items())
            if name not in type(manifest).model_fields and not name.startswith("eval.")
        },
        **{for_people(name, manifest.class_names): f"{value:.4g}" for name, value in metrics.items()},
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        if value:
            print(f"{name:<{width}}  {value}")


@verb(
    help={"name": "the registered model", "json": "the moves as a JSON document on stdout"},
    words=["name"],
)
def history(context: Context, name: str | None = None, json: bool = False) -> None:
    """Show who moved which alias of a model, when and why."""
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.history import moves_of, with_gaps
    from wildetect.registry.reference import model_named
    from wildetect.registry.versions import aliases_of

    if name is None:
        raise ConfigurationError("no model is named", hint=name_one("model.history NAME"))
    name = model_named(name)
    connection = connected()
    aliases = aliases_of(connection, name)
    moves = with_gaps(moves_of(connection, name), aliases)
    if json:
        document = [
            {**move.model_dump(mode="json", by_alias=True), "recorded": move.at is not None} for move in moves
        ]
        emit({"name": name, "aliases": aliases, "moves": document})
        return
    if not moves:
        say(f"no alias of {name} was ever set")
    for move in moves:
        print(_line(move))


def _line(move: AliasMove) -> str:
    when = f"{move.at:%Y-%m-%d %H:%M:%S} UTC" if move.at else f"{'not recorded':<23}"
    who = f"{move.by} on {move.on}" if move.at else "in MLflow's page, or by an earlier WildDetect"
    why = commas([*(["undo"] if move.undo else []), *move.requirements])
    versions = f"{move.before or '-'} -> {move.after or '-'}"
    return f"{when}  {move.alias:<12}  {versions:<10}  {who}{f'  ({why})' if why else ''}".rstrip()
