"""Take a move of an alias back."""

from __future__ import annotations

from wildetect.registry.connection import Connection
from wildetect.registry.history import before_last_move, moves_of
from wildetect.registry.reference import ModelReference
from wildetect.registry.versions import aliases_of, move_alias, take_alias_away

__all__ = ["undo_move"]


def undo_move(connection: Connection, name: str, alias: str) -> tuple[str | None, str | None]:
    """Point an alias where it pointed before its last move; again, and it goes one move further back.

    Args:
        connection: The server.
        name: Of the registered model.
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
        return now, None
    move_alias(connection, ModelReference(name, version=before), alias, undo=True)
    return now, before
