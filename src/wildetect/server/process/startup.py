"""From a plan to a server that answers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

import psutil

from wildetect.errors import ServerError
from wildetect.registry.probe import Credentials
from wildetect.server.access.signin import AUTH_DATABASE, WEBHOOK_VARIABLE, sign_in_environment, webhook_key
from wildetect.server.process.command import server_command, server_environment
from wildetect.server.process.interrupts import Cancelled
from wildetect.server.process.logs import SERVER_LOG, last_lines, rotate
from wildetect.server.process.plan import Plan
from wildetect.server.process.ports import listens
from wildetect.server.process.processes import end, identify, spawn, tree
from wildetect.server.process.state import (
    ServerState,
    identities,
    processes_of,
    read_state,
    remove_state,
    write_state,
)
from wildetect.server.store.database import moved_away

__all__ = ["launch"]

POLL = 0.1  # s
TAIL = 15
"""How many lines of the log a failed start shows."""


def launch(
    plan: Plan, *, until: float, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> ServerState:
    """Start the server and wait until it answers; its folder, port and stores have been checked.

    Args:
        plan: What it will be.
        until: When it must answer, by `time.monotonic()`.
        progress: Callback that is told how many seconds it has taken.
        cancelled: Asked whether to call it off.

    Raises:
        ServerError: Where it ends or does not answer in time; nothing is left running.
        Cancelled: Where it was called off; nothing is left running.
    """
    begun = time.monotonic()
    environment = server_environment(plan)
    environment[WEBHOOK_VARIABLE] = webhook_key(plan.folder, plan.project.variable(WEBHOOK_VARIABLE))
    credentials = None
    if plan.sign_in:
        credentials, secrets = sign_in_environment(plan.project, plan.folder)
        environment |= secrets
    log = plan.folder / SERVER_LOG
    rotate(log)
    command = server_command(plan)
    state: ServerState | None = None
    try:
        child = spawn(command, environment=environment, log=log, folder=plan.folder)
        state = _recorded(plan, child)
        while not _answers(plan, child, state, credentials):
            if cancelled():
                raise Cancelled  # noqa: TRY301
            _check_alive(plan, child, state)
            _check_time(plan, begun, until)
            progress(time.monotonic() - begun)
            time.sleep(POLL)
        return _answering(plan, child, state, credentials, begun)
    except BaseException as error:
        end(processes_of(plan.folder, state), timeout=2.0)
        remove_state(plan.folder, state)
        if isinstance(error, OSError):
            what = f"the server could not be started ({error.strerror or error})"
            raise ServerError(what, hint="The environment may be broken: uv sync") from error
        raise


def _recorded(plan: Plan, child: subprocess.Popen[bytes]) -> ServerState:
    """Write down who was started at once: from here on `mlflow.stop` finds it."""
    identity = identify(child.pid)
    state = ServerState(
        pid=child.pid,
        create_time=identity.create_time if identity else time.time(),
        phase="starting",
        url=plan.url,
        host=plan.host,
        port=plan.port,
        store=plan.store.shown,
        artifacts=plan.artifacts.shown,
        sign_in=plan.sign_in,
        folder=plan.folder,
    )
    write_state(plan.folder, state)
    return state


def _answers(
    plan: Plan, child: subprocess.Popen[bytes], state: ServerState, credentials: Credentials | None
) -> bool:
    """Whether our own server answers: another one may have taken the port a moment before it."""
    if child.poll() is not None or not plan.probe(credentials).within(1.0).healthy():
        return False
    process = state.identity.process(plan.folder)
    return process is not None and listens(tree(process), plan.port)


def _answering(
    plan: Plan,
    child: subprocess.Popen[bytes],
    state: ServerState,
    credentials: Credentials | None,
    begun: float,
) -> ServerState:
    try:
        version = plan.probe(credentials).within(10.0).version()
    except ServerError as error:
        if plan.sign_in and "sign-in" in error.message:
            raise ServerError(
                "the server does not accept the password in .env: its accounts were made with another",
                hint=f"Put theirs into .env; or, in runs/mlflow, {moved_away(plan.folder / AUTH_DATABASE)}.",
            ) from error
        raise
    members = tree(psutil.Process(child.pid))
    state = replace(
        state,
        phase="running",
        version=version,
        seconds=round(time.monotonic() - begun, 2),
        processes=identities(members),
    )
    write_state(plan.folder, state)
    return state


def _check_alive(plan: Plan, child: subprocess.Popen[bytes], state: ServerState) -> None:
    """Raise once the server has ended: its exit code says nothing, it is 0 where the port was taken."""
    code = child.poll()
    if code is None:
        return
    now = read_state(plan.folder)
    if now is None or now.identity != state.identity or now.phase == "stopping":
        raise ServerError(
            "the server was stopped while it started", hint="Start it again: uv run invoke mlflow.serve"
        )
    lines = last_lines(plan.folder / SERVER_LOG, TAIL)
    if any("address already in use" in line.lower() or "10048" in line for line in lines):
        raise ServerError(
            f"port {plan.port} was taken by another program while the server started",
            hint="Start it again: the program is named then.",
            details=lines[-1:],
        )
    raise ServerError(
        f"the server ended while it started (exit code {code})",
        hint="The whole log: uv run invoke mlflow.logs --lines 200",
        details=lines,
    )


def _check_time(plan: Plan, begun: float, until: float) -> None:
    if time.monotonic() <= until:
        return
    seconds = time.monotonic() - begun
    raise ServerError(
        f"the server did not answer within {seconds:.0f} s and was ended",
        hint=f"Give it longer: uv run invoke mlflow.serve --wait {max(240, int(seconds) * 2)}",
        details=last_lines(plan.folder / SERVER_LOG, TAIL),
    )
