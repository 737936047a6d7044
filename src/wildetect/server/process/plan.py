"""What a server will be: decided from the settings before anything is started."""

from __future__ import annotations

import logging
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from wildetect.errors import ConfigurationError
from wildetect.registry.probe import Credentials, Probe, is_loopback
from wildetect.server.access.sharing import is_every_address, shared_urls
from wildetect.server.access.signin import credentials_of
from wildetect.server.process.ports import local_url
from wildetect.server.store.stores import Artifacts, Store, artifacts_of, store_of
from wildetect.settings import Project
from wildetect.settings.address import TRACKING_URI
from wildetect.settings.mlflow import MlflowSettings
from wildetect.settings.project import as_read

__all__ = ["DEFAULT_PORT", "Plan", "plan_server", "points_at", "server_folder"]

logger = logging.getLogger(__name__)


DEFAULT_PORT = 5000


@dataclass(frozen=True)
class Plan:
    """A server to be started.

    Attributes:
        project: Its workspace.
        folder: Where its database, logs and server.json lie.
        host: The address to listen on.
        port: The port.
        store: The database.
        artifacts: The place for files.
        workers: Number of server processes.
        sign_in: Whether it asks for a password.
        open_browser: Whether its page is to be opened.
    """

    project: Project = field(repr=False)
    folder: Path
    host: str
    port: int
    store: Store
    artifacts: Artifacts
    workers: int = 1
    sign_in: bool = False
    open_browser: bool = True

    @property
    def url(self) -> str:
        """The address for this machine."""
        return local_url(self.host, self.port)

    @property
    def shared_urls(self) -> list[str]:
        """The addresses for others; none where only this machine is served."""
        return shared_urls(self.host, self.port)

    def probe(self, credentials: Credentials | None = None) -> Probe:
        """The server to be, ready to be asked."""
        return Probe(self.url, credentials or credentials_of(self.project))


def server_folder(project: Project) -> Path:
    """Where a workspace's server keeps its files."""
    return project.runs / "mlflow"


def plan_server(project: Project, settings: MlflowSettings) -> Plan:
    """Decide port, store and sign-in.

    A port that clients do not look at, and a shared server without sign-in, cost a warning.

    Raises:
        ConfigurationError: Where the store or the tracking URI make no sense.
    """
    folder = server_folder(project)
    host = "127.0.0.1" if settings.host.lower() == "localhost" else settings.host.strip("[]")
    host = "0.0.0.0" if host == "*" else host  # noqa: S104 - what the user asked for
    shared = not is_loopback(host)
    sign_in = settings.sign_in == "on" or (settings.sign_in == "auto" and shared)
    if shared and not sign_in:
        logger.warning("anyone on the network can read, change and delete models here: sign-in is off")
    return Plan(
        project=project,
        folder=folder,
        host=host,
        port=_port(project, settings, host),
        store=store_of(settings.backend_store_uri, root=project.root, default=folder / "mlflow.db"),
        artifacts=artifacts_of(
            settings.artifacts_destination, root=project.root, default=folder / "artifacts"
        ),
        workers=settings.workers,
        sign_in=sign_in,
        open_browser=settings.open_browser,
    )


def _port(project: Project, settings: MlflowSettings, host: str) -> int:
    """The port of the settings, else the one that clients look at."""
    uri = project.variable(TRACKING_URI)
    if not uri:  # the tasks find this project's own server, wherever it listens
        return settings.port or DEFAULT_PORT
    looked_at = _address(uri)
    here = looked_at is not None and _is_this_machine(looked_at[0], host)
    port = settings.port or (looked_at[1] if looked_at and here else DEFAULT_PORT)
    if not here or port != looked_at[1]:  # type: ignore[index]
        line = f"{TRACKING_URI}={local_url(host, port)}"
        told = as_read(f"to have them use this one put this line into .env: {line}")
        logger.warning("the tasks look for the server at %s; %s", _shown(uri), told)
    return port


def points_at(uri: str | None, host: str, port: int) -> bool:
    """Whether the tasks reach this project's server, on a host and port of this machine.

    Args:
        uri: The tracking URI that is named for them; where none is, they find the server by its record.
        host: Where the server listens.
        port: Its port.
    """
    if not uri:
        return True
    address = _address(uri)
    return address is not None and address[1] == port and _is_this_machine(address[0], host)


def _address(uri: str) -> tuple[str, int] | None:
    """Host and port of an http address; None for anything else.

    Raises:
        ConfigurationError: Where its port is none.
    """
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    try:
        return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise ConfigurationError(
            f"{TRACKING_URI} has no valid port: {_shown(uri)}",
            hint=f"Write {TRACKING_URI}=http://127.0.0.1:{DEFAULT_PORT} into .env.",
        ) from error


def _is_this_machine(name: str, host: str) -> bool:
    """Whether a client that asks for `name` reaches a server of this machine that listens on `host`."""
    if is_loopback(name):
        return is_loopback(host) or is_every_address(host)
    wanted = f"[{name}]" if ":" in name else name
    return any(
        urllib.parse.urlsplit(url).netloc.rpartition(":")[0].lower() == wanted for url in shared_urls(host, 1)
    )


def _shown(uri: str) -> str:
    """A URI without the user and password that may stand in it."""
    head, at, tail = uri.rpartition("@")
    return f"{head.partition('://')[0]}://...@{tail}" if at else uri
