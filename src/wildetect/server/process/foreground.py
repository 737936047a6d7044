"""A server in the foreground: its window shows the log and ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wildetect.errors import ServerError
from wildetect.server.process.logs import SERVER_LOG, follow, last_lines
from wildetect.server.process.plan import server_folder
from wildetect.server.process.server import stop
from wildetect.server.process.startup import TAIL
from wildetect.server.process.state import ServerState, read_state
from wildetect.settings import Project

__all__ = ["end_of", "server_log"]

STOP_TIMEOUT = 3.0  # s; with all that follows an impatient second Ctrl+C does not come


def server_log(project: Project, state: ServerState, wished: Callable[[], bool]) -> Iterator[str]:
    """The lines of the server's log as they come, until the end is wished or the server has ended."""
    log = server_folder(project) / SERVER_LOG
    return follow(log, ended=lambda: wished() or not state.alive(), from_start=True)


def end_of(project: Project, state: ServerState, *, wished: bool) -> None:
    """Finish: end the server where that is wished, else find out why it has ended.

    Raises:
        ServerError: Where the server ended without anybody having asked for it.
    """
    folder = server_folder(project)
    now = read_state(folder)
    asked_elsewhere = now is None or now.identity != state.identity or now.phase == "stopping"
    if asked_elsewhere and not wished:
        return
    if not asked_elsewhere:
        stop(project, timeout=STOP_TIMEOUT)
    if not wished:
        raise ServerError(
            "the server has ended by itself",
            hint="Start it again: uv run invoke mlflow.serve",
            details=last_lines(folder / SERVER_LOG, TAIL),
        )
