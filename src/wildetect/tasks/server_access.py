"""How tasks reach the MLflow server that the environment, .env or a settings file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wildetect.registry.connection import Connection
    from wildetect.settings import Project

__all__ = ["connect_for"]


def connect_for(project: Project, configured: str | None = None) -> Connection:
    """Connect to the project's server.

    Args:
        project: Its environment and .env are heard first.
        configured: A server that a settings file names.

    Raises:
        ServerError: Where no server answers. Where this project's own server runs elsewhere, the hint
            is the line for .env that makes them agree.
    """
    from wildetect.errors import ServerError
    from wildetect.registry.connection import connect, tracking_uri
    from wildetect.server.process.server import running

    uri = tracking_uri(project.variable("MLFLOW_TRACKING_URI"), configured)
    try:
        return connect(uri)
    except ServerError as error:
        own = running(project)
        if own is None:
            raise
        raise ServerError(
            error.message,
            hint=f"This project's server runs at {own.url}: put MLFLOW_TRACKING_URI={own.url} into .env.",
        ) from error
