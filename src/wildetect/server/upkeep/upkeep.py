"""Work on the store that needs it at rest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from filelock import FileLock, Timeout

from wildetect.errors import ServerError
from wildetect.server.process.plan import Plan
from wildetect.server.process.processes import end
from wildetect.server.process.state import processes_of, read_state
from wildetect.server.store.exchange import finish_exchange

__all__ = ["store_at_rest"]


@contextlib.contextmanager
def store_at_rest(plan: Plan) -> Iterator[None]:
    """Keep a server from being started meanwhile.

    Raises:
        ServerError: Where one runs, is being started, or the store is being worked on already.
    """
    lock = FileLock(plan.folder / "server.lock")
    try:
        lock.acquire(timeout=1.0)
    except Timeout as error:
        raise ServerError(
            "the store is in use: a server is being started, or a migration or restore is under way",
            hint="Wait for it, or end it: uv run invoke mlflow.stop",
        ) from error
    try:
        state = read_state(plan.folder)
        if state is not None and state.alive():
            raise ServerError(
                f"the server runs (pid {state.pid}) and uses the store",
                hint="End it first: uv run invoke mlflow.stop",
            )
        end(processes_of(plan.folder, state), timeout=2.0)  # of a killed server, or a killed migration
        finish_exchange(plan.folder)
        yield
    finally:
        lock.release()
