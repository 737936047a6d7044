"""The accounts of the server that the project's tasks use."""

from __future__ import annotations

from wildetect.errors import ConfigurationError, ServerError
from wildetect.registry.probe import Probe, how_to_start
from wildetect.server.access.accounts import Accounts
from wildetect.server.access.signin import credentials_of
from wildetect.server.process.server import address_of_tasks
from wildetect.settings import Project
from wildetect.workflows.connecting import refuse_unnamed

__all__ = ["accounts_of"]

TIMEOUT = 15.0  # s; a password is hashed slowly on purpose


def accounts_of(project: Project) -> Accounts:
    """Reach the accounts of the project's server.

    Raises:
        ConfigurationError: The server asks for no sign-in, or .env holds none.
        ServerError: No server answers, or the sign-in is not accepted.
    """
    address = address_of_tasks(project)
    refuse_unnamed(project, address)
    uri = address.uri
    credentials = credentials_of(project)
    probe = Probe(uri).within(TIMEOUT)
    if not probe.healthy():
        here = "Start it: uv run invoke mlflow.serve --host 0.0.0.0"
        raise ServerError(
            f"no MLflow server answers at {uri}",
            hint=here if address.own or address.foreign else how_to_start(uri),
        )
    if _open_to_all(probe):
        share = "Share it with sign-in: uv run invoke mlflow.restart --host 0.0.0.0"
        raise ConfigurationError(
            f"the server at {uri} asks for no sign-in: it has no accounts",
            hint=share
            if address.own
            else f"It is not this project's own. In the project that it belongs to: {share}",
        )
    if credentials is None:
        raise ConfigurationError(
            "no sign-in is set to look after accounts with",
            hint="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in .env.",
        )
    return Accounts(Probe(uri, credentials).within(TIMEOUT))


def _open_to_all(probe: Probe) -> bool:
    """Whether the server gives its experiments to somebody who has not signed in."""
    try:
        probe.get("/api/2.0/mlflow/registered-models/search", {"max_results": 1})
    except ServerError as error:
        if "sign-in" in error.message:
            return False
        raise
    return True
