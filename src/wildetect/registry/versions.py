"""Registered versions: found, listed, and moved to by an alias."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow, unlike_mlflow
from wildetect.registry.history import record_move
from wildetect.registry.probe import harmless
from wildetect.registry.reference import LATEST, ModelReference
from wildetect.wording import listed, plural, quoted

__all__ = [
    "RegisteredModel",
    "Version",
    "aliases_of",
    "all_pages",
    "list_models",
    "move_alias",
    "resolve",
    "take_alias_away",
    "versions_of",
]

MOST_PAGES = 5000
"""Most pages of one list; MLflow's hold 100 to 10,000 entries each."""


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        name: The model's name.
        version: Its number.
        aliases: The aliases that point at it.
        tags: Its labels, `sha256` and `family` among them.
        description: Markdown.
        created: When, in ms since 1970 UTC.
    """

    name: str
    version: str
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    created: int | None = None

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model: its newest versions first, and where each alias points."""

    name: str
    versions: tuple[Version, ...]
    aliases: Mapping[str, str]


def resolve(connection: Connection, reference: ModelReference) -> Version:
    """Find the version that a reference means now.

    Raises:
        ModelError: Where the registry does not hold it; the message lists what it holds.
        ServerError: Where the server fails.
    """
    client = connection.client
    try:
        with errors_of_mlflow(f"model {reference}"):
            if reference.alias:
                found = client.get_model_version_by_alias(reference.name, reference.alias)
            elif reference.version == LATEST:
                newest = client.search_model_versions(
                    f"name = '{reference.name}'", max_results=1, order_by=["version_number DESC"]
                )
                if not newest:
                    raise _unknown(connection, reference)
                found = newest[0]
            else:
                found = client.get_model_version(reference.name, str(reference.version))
    except ModelError as error:
        raise _unknown(connection, reference) from error
    return Version(
        found.name,
        str(found.version),
        tuple(found.aliases),
        dict(found.tags),
        found.description or None,
        found.creation_timestamp,
    )


def _unknown(connection: Connection, reference: ModelReference) -> ModelError:
    held = {model.name: model for model in list_models(connection)}
    known = [
        f"{model.name}{which}"
        for model in held.values()
        for which in (
            *(f"@{alias}" for alias in model.aliases),
            *(f"/{one.version}" for one in model.versions),
        )
    ]
    small = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(str(reference).casefold(), small, n=1)
    meant = f"Did you mean {quoted(small[near[0]])}? " if near else ""
    model = held.get(reference.name)
    if not held:
        hint = "Nothing is registered yet: uv run invoke model.register --weights FILE"
    elif model is None:
        hint = f"It holds: {listed(sorted(held))}. See uv run invoke model.list"
    else:
        aliases = listed(
            (f"{alias} -> {version}" for alias, version in sorted(model.aliases.items())), none="none"
        )
        versions = listed((version.version for version in model.versions), none="none")
        hint = f"{model.name} has {plural(len(model.versions), 'version')} {versions}; aliases {aliases}."
    return ModelError(f"the registry at {connection.uri} holds no model {reference}", hint=meant + hint)


def list_models(connection: Connection) -> list[RegisteredModel]:
    """All registered models by name, each with its versions, newest first.

    Raises:
        ServerError: Where the server fails.
    """
    with errors_of_mlflow("list of models"):
        found = all_pages(connection.client.search_registered_models, order_by=["name"])
    return [
        RegisteredModel(
            harmless(model.name),
            versions_of(connection, model.name, model.aliases or {}),
            {harmless(alias): str(version) for alias, version in (model.aliases or {}).items()},
        )
        for model in found
    ]


def versions_of(
    connection: Connection, name: str, aliases: Mapping[str, object] | None = None
) -> tuple[Version, ...]:
    """The versions of a model, newest first; none where there is no such model.

    Args:
        connection: The server.
        name: Name of the model.
        aliases: Where each alias points, which the server does not say with the versions.

    Raises:
        ServerError: Where the server fails.
    """
    with errors_of_mlflow(f"versions of {name}"):
        found = all_pages(connection.client.search_model_versions, f"name = '{name}'")
    pointing = [(alias, str(version)) for alias, version in (aliases or {}).items()]
    versions = (
        Version(
            harmless(one.name),
            str(one.version),
            tuple(sorted(harmless(alias) for alias, version in pointing if version == str(one.version))),
            dict(one.tags),
            one.description or None,
            one.creation_timestamp,
        )
        for one in found
    )
    try:
        return tuple(sorted(versions, key=lambda version: int(version.version), reverse=True))
    except ValueError as error:
        raise unlike_mlflow(f"the versions of {harmless(name)}") from error


def all_pages(search: Any, *arguments: Any, **options: Any) -> list[Any]:
    """Collect what one of the client's searches gives, page after page.

    Raises:
        ServerError: The pages do not end.
    """
    found: list[Any] = []
    token, before = None, set[str]()
    while len(before) < MOST_PAGES:
        page = search(*arguments, page_token=token, **options)
        found += page
        token = page.token
        if not token:
            return found
        if token in before:
            break
        before.add(token)
    raise unlike_mlflow("a list that does not end,")


def aliases_of(connection: Connection, name: str) -> dict[str, str]:
    """Where each alias of a model points; nothing where there is no such model.

    Raises:
        ServerError: Where the server fails.
    """
    with errors_of_mlflow(f"model {name}"):
        found = all_pages(connection.client.search_registered_models, f"name = '{name}'")
    return {alias: str(version) for model in found for alias, version in (model.aliases or {}).items()}


def move_alias(
    connection: Connection,
    reference: ModelReference,
    alias: str,
    *,
    requirements: Sequence[str] = (),
    undo: bool = False,
) -> tuple[Version, str | None]:
    """Point an alias at a version, and write the move down where it changes anything.

    Args:
        connection: The server.
        reference: The version.
        alias: What is to point at it.
        requirements: What was required of the version, with the figures that met it.
        undo: Whether this takes a move back.

    Returns:
        The version, and the number of the one that the alias pointed at before, if any.

    Raises:
        ModelError: Where the registry does not hold the version.
        ServerError: Where the server fails.
    """
    connection.wait_for_turn()
    version = resolve(connection, reference)
    client = connection.client
    before = aliases_of(connection, version.name).get(alias)
    with errors_of_mlflow(f"model {reference}"):
        _point(client, version, alias)
    if before != version.version:
        record_move(
            connection,
            version.name,
            alias,
            (before, version.version),
            requirements=requirements,
            undo=undo,
        )
    return version, before


def _point(client: Any, version: Version, alias: str) -> None:
    """Set an alias; two that set the same new one at once both succeed, and the later one counts."""
    from mlflow.exceptions import MlflowException

    try:
        client.set_registered_model_alias(version.name, alias, version.version)
    except MlflowException as error:
        if "UNIQUE constraint" not in str(error):
            raise
        client.set_registered_model_alias(version.name, alias, version.version)


def take_alias_away(connection: Connection, name: str, alias: str, *, undo: bool = False) -> None:
    """Delete an alias, and write that down.

    Raises:
        ModelError: The registry does not hold the model.
        ServerError: Where the server fails.
    """
    before = aliases_of(connection, name).get(alias)
    if before is None:
        return
    connection.wait_for_turn()
    with errors_of_mlflow(f"model {name}"):
        connection.client.delete_registered_model_alias(name, alias)
    record_move(connection, name, alias, (before, None), undo=undo)
