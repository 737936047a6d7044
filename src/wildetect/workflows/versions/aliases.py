"""Move an alias, and take a move back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wildetect.registry.connection import Connection
from wildetect.registry.history import before_last_move, moves_of
from wildetect.registry.learning.card import refresh_card
from wildetect.registry.reference import ModelReference
from wildetect.registry.versions import Version, aliases_of, move_alias, take_alias_away
from wildetect.wording import hint_line, quoted
from wildetect.workflows.watching import Watcher

__all__ = ["CANDIDATE", "promote", "tell_moved", "undo_move"]

CANDIDATE = "candidate"
"""The alias that each training moves to what it made: nobody relies on where it was."""


def tell_moved(
    connection: Connection,
    version: Version,
    aliases: Sequence[str],
    pointed: Mapping[str, str],
    watcher: Watcher,
) -> None:
    """Warn of each alias that another version lost to a new one, and have that version's card say so.

    Args:
        connection: The server.
        version: The new one.
        aliases: What points at it now.
        pointed: Where each alias of the model pointed before.
        watcher: Observer that is told of each that moved, with the way back.

    Raises:
        ServerError: Where the server fails.
    """
    for alias in aliases:
        before = pointed.get(alias, version.version)
        if before == version.version:
            continue
        refresh_card(connection, version.name, before)
        moved = f"{version.name}@{alias} is version {version.version} now; version {before} lost it"
        if alias == CANDIDATE:
            watcher.notice(moved)
            continue
        back = f"uv run invoke model.promote {quoted(f'{version.name}@{alias}')} --undo takes it back"
        watcher.notice(f"warning: {moved}")
        watcher.notice(hint_line(back))


def undo_move(connection: Connection, name: str, alias: str) -> tuple[str | None, str | None]:
    """Point an alias where it pointed before its last move; again, and it goes one move further back.

    Args:
        connection: The server.
        name: Name of the registered model.
        alias: The alias.

    Returns:
        The versions that it pointed at, and points at now; None where the alias is gone.

    Raises:
        ModelError: No move is recorded, somebody moved the alias by other means, or the version is gone.
        ServerError: Where the server fails.
    """
    now = aliases_of(connection, name).get(alias)
    before = before_last_move(name, alias, moves_of(connection, name), now)
    if before is None:
        take_alias_away(connection, name, alias, undo=True)
    else:
        move_alias(connection, ModelReference(name, version=before), alias, undo=True)
    for version in (now, before):
        if version is not None:
            refresh_card(connection, name, version)
    return now, before


def promote(
    connection: Connection, reference: ModelReference, alias: str, met: Sequence[str] = ()
) -> tuple[Version, str | None]:
    """Point an alias at a version, and have the cards of both versions say so.

    Args:
        connection: The server.
        reference: The version.
        alias: What is to point at it.
        met: What was required of the version, with the figures that met it.

    Returns:
        The version, and the number of the one that the alias pointed at before, if any.

    Raises:
        ModelError: Where the registry does not hold the version.
        ServerError: Where the server fails.
    """
    version, before = move_alias(connection, reference, alias, requirements=met)
    refresh_card(connection, version.name, version.version)
    if before is not None and before != version.version:
        refresh_card(connection, version.name, before)
    return version, before
