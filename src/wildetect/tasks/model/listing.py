"""The tasks that show the registered models and move their aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, say, say_hint, verb
from wildetect.wording import commas, listed, quoted

if TYPE_CHECKING:
    from wildetect.registry.connection import Connection
    from wildetect.registry.history import AliasMove
    from wildetect.registry.manifest import Manifest, Thresholds
    from wildetect.registry.reference import ModelReference
    from wildetect.registry.versions import RegisteredModel, Version
    from wildetect.settings import Project

__all__ = ["connected", "history", "list_models", "name_one", "promote", "show"]

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
        for model in _chosen(registered_models(connected()), name)
        for version in model.versions
    ]
    if json:
        emit({"models": [row._asdict() for row in rows]})
        return
    if not rows:
        say("nothing is registered yet: uv run invoke model.register")
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
        "weights": f"{manifest.source.file}, {manifest.source.size} bytes",
        **{
            name.replace("_", " "): value
            for name, value in sorted(version.tags.items())
            if name not in type(manifest).model_fields and not name.startswith("eval.")
        },
        **{name: f"{value:.4g}" for name, value in metrics.items()},
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        if value:
            print(f"{name:<{width}}  {value}")


@verb(
    help={
        "model": "the version: name/version, name@alias or name/latest",
        "name": "registered name, with --version in place of --model",
        "version": "version number, with --name",
        "alias": "the alias to move there, such as production",
        "require": 'what the version must reach, such as "map50>=0.6"; may be given more than once',
        "better-than": "the alias or version that it must beat on the same pictures, such as production",
        "on": "with --better-than: the labelled pictures; without it those that both were measured on",
        "guard": "with --better-than: a class that must not get worse at all; may be given more than once",
        "undo": "point the alias where it pointed before its last move: model.promote name@alias --undo",
    },
    words=["model", "alias"],
    iterable=["require", "guard"],
)
def promote(
    context: Context,
    model: str | None = None,
    name: str | None = None,
    version: str | None = None,
    alias: str | None = None,
    require: list[str] | None = None,
    better_than: str | None = None,
    on: str | None = None,
    guard: list[str] | None = None,
    undo: bool = False,
) -> None:
    """Point an alias at a version.

    With --better-than it goes there only where the version finds more on the same labelled pictures, by more
    than chance (95% limits of the paired difference in F1), and no class gets worse. Both must have been
    measured with model.evaluate.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.evaluations import metrics_of
    from wildetect.registry.reference import ModelReference, check_alias
    from wildetect.registry.requirement import Requirement
    from wildetect.registry.versions import resolve
    from wildetect.workflows.versions.aliases import promote as promote_version

    if undo:
        _undo(model or name, alias, others=bool(version or require or better_than))
        return
    text = model or (f"{name}/{version}" if name and version else None)
    if not (text and alias):
        raise ConfigurationError("a version and an alias are needed", hint=_to_promote(text, alias))
    if model and (name or version):
        raise ConfigurationError(
            "the version is named twice, by --model and by --name or --version",
            hint=f"uv run invoke model.promote {quoted(model)} {alias}",
        )
    check_alias(alias)
    if better_than is None and (on or guard):
        raise ConfigurationError(
            "--on and --guard say how --better-than is to be shown",
            hint=f"uv run invoke model.promote {quoted(text)} {alias} --better-than {alias}",
        )
    reference = ModelReference.parse(text)
    requirements = [Requirement.parse(text) for text in require or ()]
    connection = connected()
    met: list[str] = []
    if requirements:
        metrics = metrics_of(connection, resolve(connection, reference))
        met = [requirement.check(str(reference), metrics) for requirement in requirements]
    doubts = _doubts(connection, reference, alias) if better_than is None else []
    if better_than is not None:
        met += _proof(connection, reference, better_than, on, guard or ())
    moved, before = promote_version(connection, reference, alias, met)
    was = f" (was version {before})" if before and before != moved.version else ""
    print(f"{reference.name}@{alias} is version {moved.version}{was}")
    _tell(doubts, reference.name, alias)


def _tell(doubts: Sequence[str], name: str, alias: str) -> None:
    """Warn of what is not shown of a version that an alias was moved to, and say what takes it back."""
    for doubt in doubts:
        say(f"warning: {doubt}")
    if doubts:
        say_hint(
            f"uv run invoke model.promote {quoted(f'{name}@{alias}')} --undo takes it back; "
            f"--better-than {alias} moves it only where that is shown"
        )


def _proof(
    connection: Connection, reference: ModelReference, than: str, dataset: str | None, guarded: Sequence[str]
) -> list[str]:
    """The figures by which a version is better than another one of its model."""
    from wildetect.errors import ModelError
    from wildetect.registry.reference import ModelReference
    from wildetect.registry.versions import resolve
    from wildetect.workflows.learning.comparing import compare_on_pictures
    from wildetect.workflows.learning.promotion import proof_of

    after = resolve(connection, reference)
    before = resolve(connection, ModelReference.of(reference.name, than))
    if before.version == after.version:
        which = f"{after.name} version {after.version}"
        raise ModelError(
            f"--better-than {than} names {which} itself, which cannot be better than itself",
            hint=f"See the other versions: uv run invoke model.list {quoted(after.name)}",
        )
    proof = proof_of(compare_on_pictures(connection, before, after, dataset), guarded)
    for line in proof:
        print(line)
    return proof


def _doubts(connection: Connection, reference: ModelReference, alias: str) -> list[str]:
    """Say what is not shown of a version that is to take the place of another one."""
    from wildetect.registry.reference import ModelReference
    from wildetect.registry.versions import aliases_of, resolve
    from wildetect.workflows.learning.promotion import doubts_about
    from wildetect.workflows.versions.aliases import CANDIDATE

    in_place = aliases_of(connection, reference.name).get(alias)
    after = resolve(connection, reference)
    if alias == CANDIDATE or in_place in (None, after.version):
        return []
    return doubts_about(connection, resolve(connection, ModelReference.of(reference.name, in_place)), after)


def _to_promote(text: str | None, alias: str | None) -> str:
    if text and "/" in text:
        return f"uv run invoke model.promote {quoted(text)} production"
    return name_one(f"model.promote NAME/NUMBER {alias or 'production'}")


def _undo(model: str | None, alias: str | None, *, others: bool) -> None:
    from wildetect.errors import ConfigurationError
    from wildetect.registry.reference import ModelReference, check_name
    from wildetect.workflows.versions.aliases import undo_move

    if model and "@" in model and alias is None:
        reference = ModelReference.parse(model)
        model, alias = reference.name, reference.alias
    if not (model and alias) or others:
        raise ConfigurationError(
            "--undo takes a model and one of its aliases, and nothing else",
            hint=f"uv run invoke model.history {quoted(model)} shows its aliases"
            if model
            else name_one("model.promote NAME@ALIAS --undo"),
        )
    check_name(model)
    before, after = undo_move(connected(), model, alias)
    if after is None:
        print(f"{model}@{alias} is gone: it was new when it was set (was version {before})")
    else:
        print(f"{model}@{alias} is version {after} again (was version {before})")


@verb(
    help={"name": "the registered model", "json": "the moves as a JSON document on stdout"},
    words=["name"],
)
def history(context: Context, name: str | None = None, json: bool = False) -> None:
    """Show who moved which alias of a model, when and why."""
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.history import moves_of, with_gaps
    from wildetect.registry.versions import aliases_of

    if name is None:
        raise ConfigurationError("no model is named", hint=name_one("model.history NAME"))
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
