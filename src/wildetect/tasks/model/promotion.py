"""The task that moves an alias, with proof where that is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.model.listing import connected, name_one
from wildetect.tasks.support import say, say_hint, verb
from wildetect.wording import quoted

if TYPE_CHECKING:
    from wildetect.registry.connection import Connection
    from wildetect.registry.reference import ModelReference

__all__ = ["promote"]


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
    reference = ModelReference.parse(text)
    if better_than is None and (on or guard):
        raise _beats_nothing(reference, alias, on, guard or ())
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


def _beats_nothing(
    reference: ModelReference, alias: str, on: str | None, guarded: Sequence[str]
) -> Exception:
    from wildetect.errors import ConfigurationError, ServerError
    from wildetect.results.journal.command import Command
    from wildetect.workflows.learning.promotion import to_beat

    promoting = f"model.promote {quoted(str(reference))} {alias}"
    try:
        other = to_beat(connected(), reference, alias)
    except ServerError:  # whatever the server has to say, it was not asked for
        other = alias
    options = [("--better-than", other), ("--on", on), *(("--guard", one) for one in guarded)]
    hint = Command.given(promoting, options if other else [])
    return ConfigurationError("--on and --guard say how --better-than is to be shown", hint=str(hint))


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
