"""Reach the MLflow server that the environment, .env or a settings file names."""

from __future__ import annotations

from wildetect.checkup.server import why_silent
from wildetect.checkup.subject import Subject
from wildetect.errors import ServerError
from wildetect.registry.connection import Connection, connect, require_whole_answers
from wildetect.registry.probe import Probe
from wildetect.server.process.plan import server_folder
from wildetect.server.process.server import Address, address_of_tasks
from wildetect.server.process.state import read_state
from wildetect.server.process.status import HINTS, left_behind, what_broke
from wildetect.settings import Project
from wildetect.settings.address import TRACKING_URI
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["connect_for", "refuse_unnamed"]


def connect_for(project: Project, watcher: Watcher = SILENT, *, configured: str | None = None) -> Connection:
    """Connect to the project's server.

    Where nothing names a server it is this project's own. Another project's server on this machine is
    used only where it is named. Whichever is not the project's own is told, with who names it.

    Args:
        project: Its environment and .env take precedence.
        watcher: Observer that is told where another server than the project's own is used.
        configured: A server that a settings file names.

    Raises:
        ServerError: No server answers, or nothing names the one that does and it is not this project's, or
            another program holds the database of this project's own. The hint fits who is there instead.
    """
    address = address_of_tasks(project, configured)
    place = (project.origin_of(TRACKING_URI)[1] or "the settings").partition(" (")[0]
    refuse_unnamed(project, address)
    try:
        connection = connect(address.uri, address.database)
    except ServerError as error:
        raise (_instead(project, address) or error) from error
    require_whole_answers(connection.uri)
    if not address.own:  # a copied .env, or the environment of a whole account, names one that nobody meant
        watcher.notice(f"using the MLflow server at {address.uri} ({place}), which is not this project's own")
    return connection


def refuse_unnamed(project: Project, address: Address) -> None:
    """Leave another project's server alone unless somebody names it, and what is left of the project's own.

    Raises:
        ServerError: Nothing names the server that answers there, and it is not this project's; or it is a
            part of this project's own, which died or was started before the folder was moved.
    """
    own = read_state(server_folder(project))
    if own is not None and left_behind(own, address.uri if address.named else None):
        raise ServerError(f"this project's server {what_broke(own)}", hint=HINTS["broken"])
    if address.foreign and not address.named and Probe(address.uri).healthy():
        raise ServerError(
            f"the MLflow server at {address.uri} is another project's, and this project's own is not running",
            hint=address.own_or_that,
        )


def _instead(project: Project, address: Address) -> ServerError | None:
    """Who is there where no MLflow server answers, as doctor says it; None where nobody is."""
    if address.own and Probe(address.uri).healthy():  # it is the database that is not usable
        return None
    found = why_silent(Subject(project), address.uri)
    return None if found is None else ServerError(found.says, hint=found.fix or "")
