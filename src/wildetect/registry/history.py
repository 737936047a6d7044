"""Who moved which alias when, and why: tags of the registered model, so that its page in MLflow shows them.

One move is one tag: its name begins with "alias", its value is a JSON document. Nothing is ever changed in
them, and a move that was made in MLflow's page shows as a gap between two.
"""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.settings.address import USERNAME
from wildetect.wording import number_of, quoted

__all__ = ["AliasMove", "before_last_move", "moves_of", "record_move", "user", "with_gaps"]

_TAG = "alias "
_LONGEST = 4500  # characters of a value; MLflow takes 5000


class AliasMove(BaseModel):
    """One move of an alias.

    Attributes:
        alias: Its name.
        before: Number of the version it pointed at; None where it was new.
        after: Number of the version it points at since; None where it was taken away.
        at: When, in UTC; None for a move that nothing recorded.
        by: Who: the name of the sign-in, else of the user of the machine.
        on: Which machine.
        requirements: What was required, with the figures that met it: "map50>=0.6 (0.71)".
        undo: Whether it took the move before it back.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    alias: str
    before: str | None = Field(default=None, alias="from")
    after: str | None = Field(default=None, alias="to")
    at: datetime | None = None
    by: str | None = None
    on: str | None = None
    requirements: tuple[str, ...] = ()
    undo: bool = False


def user() -> str:
    """The name of the machine's user, or "unknown"."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name in the environment, and none for the user id
        return "unknown"


def record_move(
    connection: Connection,
    name: str,
    alias: str,
    versions: tuple[str | None, str | None],
    *,
    requirements: Sequence[str] = (),
    undo: bool = False,
) -> AliasMove:
    """Write down a move that was made.

    Args:
        connection: The server.
        name: Name of the registered model.
        alias: What was moved.
        versions: Where it pointed before, and points now.
        requirements: What was required, with figures.
        undo: Whether it took a move back.

    Raises:
        ServerError: Where the server fails.
    """
    move = AliasMove(
        alias=alias,
        before=versions[0],
        after=versions[1],
        at=datetime.now(UTC),
        by=os.environ.get(USERNAME) or user(),
        on=platform.node(),
        requirements=tuple(requirements),
        undo=undo,
    )
    key = f"{_TAG}{alias} {move.at:%Y-%m-%d %H:%M:%S.%f}"
    value = move.model_dump_json(by_alias=True, exclude_defaults=True)
    if len(value) > _LONGEST:
        short = move.model_copy(update={"requirements": (f"{number_of(len(requirements), 'requirement')}",)})
        value = short.model_dump_json(by_alias=True, exclude_defaults=True)
    with errors_of_mlflow(f"model {name}"):
        connection.client.set_registered_model_tag(name, key, value)
    return move


def moves_of(connection: Connection, name: str) -> list[AliasMove]:
    """Read the recorded moves of a model's aliases, oldest first.

    Raises:
        ModelError: There is no such model.
        ServerError: Where the server fails.
    """
    with errors_of_mlflow(f"model {name}"):
        tags: Mapping[str, str] = connection.client.get_registered_model(name).tags
    found = []
    for key, value in tags.items():
        if key.startswith(_TAG):
            try:
                move = AliasMove.model_validate_json(value)
            except ValidationError:  # a tag that somebody made by hand
                continue
            if move.at is not None:
                found.append((move.at, key, move))
    return [move for _, _, move in sorted(found, key=lambda one: one[:2])]


def with_gaps(moves: Iterable[AliasMove], aliases: Mapping[str, str]) -> list[AliasMove]:
    """Put in the moves that nothing recorded: where an alias was not where the last move left it.

    Args:
        moves: The recorded ones, oldest first.
        aliases: Where each alias points now.
    """
    found: list[AliasMove] = []
    at: dict[str, str | None] = {}
    for move in moves:
        if at.get(move.alias) != move.before:
            found.append(_unrecorded(move.alias, at.get(move.alias), move.before))
        found.append(move)
        at[move.alias] = move.after
    return found + [
        _unrecorded(alias, at.get(alias), aliases.get(alias))
        for alias in sorted({*at, *aliases})
        if at.get(alias) != aliases.get(alias)
    ]


def _unrecorded(alias: str, before: str | None, after: str | None) -> AliasMove:
    return AliasMove(alias=alias, before=before, after=after)


def before_last_move(name: str, alias: str, moves: Iterable[AliasMove], now: str | None) -> str | None:
    """Find where an alias pointed before its last move that was not taken back.

    Args:
        name: Name of the registered model.
        alias: The alias.
        moves: All recorded ones, oldest first.
        now: The version it points at.

    Returns:
        A version's number; None where the alias was new then.

    Raises:
        ModelError: No move is recorded, or the alias was moved since by other means.
    """
    standing: list[AliasMove] = []
    for move in moves:
        if move.alias != alias:
            continue
        if move.undo and standing:
            standing.pop()
        else:
            standing.append(move)
    if not standing:
        raise ModelError(
            f"no move of {name}@{alias} is left to be taken back",
            hint=f"Name the version: uv run invoke model.promote {quoted(f'{name}/NUMBER')} {alias}",
        )
    last = standing[-1]
    if last.after != now:
        raise ModelError(
            f"{name}@{alias} points at version {now or 'none'}, and its last recorded move led to "
            f"{last.after or 'none'}: somebody moved it in another way",
            hint=f"Name the version: uv run invoke model.promote {quoted(f'{name}/NUMBER')} {alias}",
        )
    return last.before
