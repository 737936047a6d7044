"""The MLflow server of this workspace: started once, known for sure, ended as a whole."""

from __future__ import annotations

import contextlib
import logging
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from wildetect.errors import ServerError
from wildetect.registry.connection import tracking_uri
from wildetect.registry.probe import Probe, is_loopback, known_as_own
from wildetect.server.process.plan import DEFAULT_PORT, Plan, points_at, server_folder
from wildetect.server.process.ports import next_free, wait_until_free
from wildetect.server.process.preflight import check_folder, check_port, check_stores
from wildetect.server.process.processes import end
from wildetect.server.process.startup import launch
from wildetect.server.process.state import ServerState, processes_of, read_state, remove_state, write_state
from wildetect.server.process.turns import START, end_suspended_start, turn
from wildetect.server.store.exchange import finish_exchange
from wildetect.settings import Project
from wildetect.settings.address import TRACKING_URI
from wildetect.wording import listed, number_of

__all__ = ["Address", "Started", "Stopped", "address_of_tasks", "running", "start", "stop"]

logger = logging.getLogger(__name__)

DEFAULT_WAIT = 120.0  # s
STOP_TIMEOUT = 5.0  # s
PATIENCE = 5.0  # s that a server may be too busy to answer
Progress = Callable[[float], None]
"""Told now and then how many seconds a start has taken."""


@dataclass(frozen=True)
class Started:
    """A server that answers.

    Attributes:
        state: What is known of it.
        already: Whether it ran before.
    """

    state: ServerState
    already: bool = False


@dataclass(frozen=True)
class Stopped:
    """A server that has been ended.

    Attributes:
        url: Where it was; None where no file knew.
        processes: How many processes were ended.
        seconds: How long it took.
    """

    url: str | None
    processes: int
    seconds: float


def running(project: Project) -> ServerState | None:
    """The workspace's server, where it runs and answers; None otherwise."""
    state = read_state(server_folder(project))
    return state if state and state.alive() and Probe(state.url).healthy() else None


@dataclass(frozen=True)
class Address:
    """The server that a project's tasks talk to.

    Attributes:
        uri: Its address.
        named: Whether the environment, .env or a settings file names it.
        own: Whether it is the project's own, which runs.
        foreign: Whether it is on this machine and not the project's own.
        database: The SQLite file of the project's own server, where it is that; else None.
    """

    uri: str
    named: bool
    own: bool
    foreign: bool
    database: Path | None = None

    @property
    def free_port(self) -> int:
        """A port that a server of this project could take."""
        return next_free("127.0.0.1", DEFAULT_PORT)

    @property
    def own_or_that(self) -> str:
        """What to do where another project's server answers, which nothing names."""
        return (
            f"Start this project's own: uv run invoke mlflow.serve --port {self.free_port}; "
            f"or, to use that one, put {TRACKING_URI}={self.uri} into .env."
        )


def address_of_tasks(project: Project, configured: str | None = None) -> Address:
    """Which server the tasks of a project talk to: a named one, else its own, wherever that listens.

    Args:
        project: Its environment and .env take precedence.
        configured: A server that a settings file names.
    """
    explicit = project.variable(TRACKING_URI) or configured
    # whether it answers is asked by whoever connects to it
    state = read_state(server_folder(project))
    own = state if state is not None and state.alive() else None
    uri = tracking_uri(explicit or (own.url if own else None))
    ours = own is not None and points_at(uri, own.host, own.port)
    if ours:
        known_as_own(uri)
    database = Path(own.store) if own is not None and ours and Path(own.store).is_file() else None
    return Address(uri, bool(explicit), ours, _is_here(uri) and not ours, database)


def _is_here(uri: str) -> bool:
    """Whether an address is one of this machine."""
    try:
        parts = urllib.parse.urlsplit(uri)
    except ValueError:  # half an IPv6 address
        return False
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def start(
    plan: Plan,
    *,
    wait: float = DEFAULT_WAIT,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Started:
    """Start the server and wait until it answers; one that runs already is left alone.

    Args:
        plan: What it will be.
        wait: Seconds until it must answer.
        progress: Callback that is told now and then how long it has taken.
        cancelled: Asked now and then; once true, what was started is ended.

    Raises:
        ServerError: Where it cannot be started or does not answer in time; nothing is left running.
        ConfigurationError: Where sign-in cannot be set up.
        Cancelled: Where `cancelled` said so; nothing is left running.
    """
    begun = time.monotonic()
    check_folder(plan.folder)
    with turn(plan.folder, START, wait=wait, cancelled=cancelled):
        state = _found_or_cleared(plan.folder)
        if state is not None:
            return Started(state, already=True)
        finish_exchange(plan.folder)
        check_port(plan)
        check_stores(plan)
        return Started(
            launch(plan, until=begun + wait, progress=progress or (lambda _: None), cancelled=cancelled)
        )


def _found_or_cleared(folder: Path) -> ServerState | None:
    """The server that runs; what a killed window or a killed server left behind is ended and forgotten."""
    state = read_state(folder)
    until = time.monotonic() + PATIENCE
    while state is not None and state.phase != "stopping" and state.alive():
        if Probe(state.url).healthy():
            return state
        if state.phase == "starting":
            break  # nobody waits for it: whoever started it would hold the lock
        if time.monotonic() > until:
            raise ServerError(
                f"the server (pid {state.pid}) runs but does not answer at {state.url}",
                hint="End it and start again: uv run invoke mlflow.restart",
            )
        time.sleep(0.2)
    left = processes_of(folder, state)
    if left:
        logger.warning(
            "ending %s that an earlier server left behind", number_of(len(left), "process", "processes")
        )
        _end_all(folder, state, STOP_TIMEOUT)
    remove_state(folder)
    return None


def stop(project: Project, *, timeout: float = STOP_TIMEOUT) -> Stopped | None:
    """End the workspace's server with all its processes, whichever window started it.

    Args:
        project: The workspace.
        timeout: Seconds to let it finish before it is ended by force.

    Returns:
        What was ended; None where nothing ran.

    Raises:
        ServerError: Where a process cannot be ended, or something else holds the port then.
    """
    folder = server_folder(project)
    begun = time.monotonic()
    state = read_state(folder)
    ended = _end_all(folder, state, timeout) + end_suspended_start(folder, timeout=timeout)
    remove_state(folder, state)
    if not ended:
        return None
    if state is not None:
        holder = wait_until_free(state.host, state.port, timeout=2.0)
        if holder is not None:
            raise ServerError(
                f"the server has ended, but port {state.port} is held by {holder}",
                hint="That program is not of this project. End it yourself, or start the next one elsewhere: "
                f"uv run invoke mlflow.serve --port {next_free(state.host, state.port)}",
            )
    return Stopped(state.url if state else None, ended, time.monotonic() - begun)


def _end_all(folder: Path, state: ServerState | None, timeout: float) -> int:
    """End all processes of a folder's server; gives how many there were."""
    processes = processes_of(folder, state)
    if state is not None and processes and state.alive():
        # Who waits for the server in another window learns that this end is not an accident.
        with contextlib.suppress(OSError):
            write_state(folder, _stopping(state))
    count = len(processes)
    survivors = end(processes, timeout=timeout)
    survivors += end(processes_of(folder, None), timeout=timeout)  # started while the others ended
    if survivors:
        names = listed(str(process.pid) for process in survivors)
        raise ServerError(
            f"processes of the server could not be ended: pid {names}",
            hint="End them as the user who started them, or restart the computer.",
        )
    return count


def _stopping(state: ServerState) -> ServerState:
    return replace(state, phase="stopping")
