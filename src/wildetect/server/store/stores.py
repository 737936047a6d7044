"""Where the server keeps things: the database behind a `backend_store_uri`, the place for artifacts."""

from __future__ import annotations

import importlib.util
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from wildetect.errors import ConfigurationError
from wildetect.wording import with_extra

__all__ = ["Artifacts", "Store", "artifacts_of", "holds_file_store", "store_of"]

SETTINGS_FILE = "configs/mlflow.yaml"
DATABASE_SERVERS = {
    # scheme: what MLflow is given, the driver's module, the usual port
    "postgresql": ("postgresql+psycopg2", "psycopg2", 5432),
    "postgres": ("postgresql+psycopg2", "psycopg2", 5432),
    "postgresql+psycopg2": ("postgresql+psycopg2", "psycopg2", 5432),
    "postgresql+psycopg": ("postgresql+psycopg", "psycopg", 5432),
    "mysql+pymysql": ("mysql+pymysql", "pymysql", 3306),
}
OBJECT_STORES = {"s3": "boto3"}
NOT_IN_THE_EXTRA = {"psycopg": '"psycopg[binary]"', "pymysql": "pymysql"}
"""Packages that the extra "server" does not bring along, as pip calls them."""


@dataclass(frozen=True)
class Store:
    """The database that holds experiments, runs and registered models.

    Attributes:
        uri: What MLflow is given; may hold a password, so it is kept out of `repr`.
        shown: The same for people, without the password.
        database: The SQLite file; None for a database server.
        address: Host and port of a database server; None for SQLite.
    """

    uri: str = field(repr=False)
    shown: str
    database: Path | None = None
    address: tuple[str, int] | None = None


@dataclass(frozen=True)
class Artifacts:
    """Where files of runs and models go: a folder, or an object store.

    Attributes:
        uri: What MLflow is given.
        shown: The same for people.
        folder: The folder; None for an object store.
    """

    uri: str
    shown: str
    folder: Path | None = None


def store_of(uri: str | None, *, root: Path, default: Path) -> Store:
    """Read a `backend_store_uri`.

    Args:
        uri: Address of the store as in the settings; None means SQLite in the default file.
        root: The folder that relative paths start from.
        default: Default file.

    Raises:
        ConfigurationError: Where it names no database that the server can use, or a driver is missing.
    """
    if uri is None:
        return _sqlite(default)
    scheme, _, rest = uri.partition("://")
    if scheme == "sqlite" and rest.strip("/"):
        # sqlite:///relative.db, sqlite:////absolute.db, sqlite:///C:/absolute.db
        return _sqlite((root / rest.removeprefix("/")).resolve())
    if scheme in DATABASE_SERVERS:
        return _database_server(uri, scheme)
    if scheme in ("sqlite", "file") or not rest:
        raise ConfigurationError(
            f"mlflow.backend_store_uri = {uri!r} names no database (MLflow has given up the file store)",
            hint=f"Leave it null in {SETTINGS_FILE}, or write sqlite:///path/to/file.db; "
            "uv run invoke mlflow.migrate --source FOLDER takes over an old file store.",
        )
    raise ConfigurationError(
        f"mlflow.backend_store_uri begins with {scheme!r}, which is not a known database",
        hint=f"In {SETTINGS_FILE} write sqlite:///file.db or postgresql://user:password@host/name.",
    )


def _sqlite(database: Path) -> Store:
    if "?" in str(database):
        raise ConfigurationError(
            f'the database {database} has a "?" in its path, which a database address cannot hold',
            hint="Move the project to a folder without it.",
        )
    return Store(f"sqlite:///{database.as_posix()}", str(database), database=database)


def _database_server(uri: str, scheme: str) -> Store:
    given_as, driver, usual_port = DATABASE_SERVERS[scheme]
    # SQLAlchemy 2.1 takes a bare postgresql:// for psycopg 3, which nobody has installed.
    parts = urllib.parse.urlsplit("database" + uri[len(scheme) :])
    try:
        host, port = parts.hostname or "localhost", parts.port or usual_port
    except ValueError as error:
        raise ConfigurationError(
            "the port in mlflow.backend_store_uri is not a number",
            hint=f"In {SETTINGS_FILE} write postgresql://user:password@host:5432/name.",
        ) from error
    _demand(driver, f"mlflow.backend_store_uri ({scheme}) needs the package {driver}")
    user = f"{parts.username}@" if parts.username else ""
    shown = f"{scheme.partition('+')[0]}://{user}{host}:{port}{parts.path}"
    return Store(given_as + uri[len(scheme) :], shown, address=(host, port))


def artifacts_of(uri: str | None, *, root: Path, default: Path) -> Artifacts:
    """Read an `artifacts_destination`: a path, or the address of an object store.

    Raises:
        ConfigurationError: Where a package for that object store is missing.
    """
    scheme, found, _ = (uri or "").partition("://")
    if not found:
        folder = (root / uri).resolve() if uri else default
        return Artifacts(folder.as_uri(), str(folder), folder)
    if scheme == "file":
        return Artifacts(str(uri), str(uri))
    if scheme in OBJECT_STORES:
        module = OBJECT_STORES[scheme]
        _demand(module, f"mlflow.artifacts_destination ({scheme}) needs the package {module}")
    parts = urllib.parse.urlsplit(str(uri))
    return Artifacts(str(uri), f"{scheme}://{parts.hostname or ''}{parts.path}")


def _demand(module: str, what: str) -> None:
    if importlib.util.find_spec(module) is None:
        alone = NOT_IN_THE_EXTRA.get(module)
        raise ConfigurationError(
            what, hint=f"Install it: {f'uv pip install {alone}' if alone else with_extra('server')}"
        )


def holds_file_store(folder: Path) -> bool:
    """Whether a folder is a file store of old: what `--backend-store-uri runs/mlflow` used to make."""
    if not folder.is_dir():
        return False
    names = (
        entry for entry in folder.iterdir() if entry.name.isdigit() or entry.name in (".trash", "models")
    )
    return any(
        (entry / "meta.yaml").is_file() or any(inner.is_file() for inner in entry.glob("*/meta.yaml"))
        for entry in names
    )
