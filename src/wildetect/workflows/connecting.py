"""Reach the MLflow server that the environment, .env or a settings file names."""

from __future__ import annotations

from wildetect.errors import ServerError
from wildetect.registry.connection import Connection, connect, require_whole_answers
from wildetect.server.process.server import address_of_tasks, running
from wildetect.settings import Project
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["connect_for"]


def connect_for(project: Project, watcher: Watcher = SILENT, *, configured: str | None = None) -> Connection:
    """Connect to the project's server.

    Where nothing names a server it is this project's own. Another project's server on this machine is
    used only where it is named, and a line says so.

    Args:
        project: Its environment and .env take precedence.
        watcher: Observer that is told where another project's server is used.
        configured: A server that a settings file names.

    Raises:
        ServerError: No server answers, or nothing names the one that does and it is not this project's, or
            another program holds the database of this project's own. Where this project's own server runs
            elsewhere, the hint is the line for .env that makes them agree.
    """
    address = address_of_tasks(project, configured)
    origin = project.origin_of("MLFLOW_TRACKING_URI")[0]  # before MLflow's client sets the variable itself
    try:
        connection = connect(address.uri, address.database)
    except ServerError as error:
        own = running(project)
        if own is None:
            raise
        raise ServerError(
            error.message,
            hint=f"This project's server runs at {own.url}: put MLFLOW_TRACKING_URI={own.url} into .env.",
        ) from error
    connection.wait_for_turn(to_write=False)
    require_whole_answers(connection.uri)
    if address.foreign and not address.named:
        raise ServerError(
            f"the MLflow server at {address.uri} is another project's, and this project's own is not running",
            hint=f"Start this project's own: uv run invoke mlflow.serve --port {address.free_port}; "
            f"or, to use that one, put MLFLOW_TRACKING_URI={address.uri} into .env.",
        )
    if address.foreign and origin != "environment":
        # a copied .env names the original's server, which nobody may have meant
        watcher.notice(f"using the MLflow server at {address.uri}, which is not this project's own")
    return connection
