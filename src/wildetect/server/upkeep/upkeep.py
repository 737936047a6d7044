"""Work on the store that needs it at rest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from wildetect.errors import ServerError
from wildetect.server.process.plan import Plan
from wildetect.server.process.processes import end
from wildetect.server.process.state import processes_of, read_state
from wildetect.server.process.turns import turn
from wildetect.server.store.exchange import finish_exchange

__all__ = ["store_at_rest"]


@contextlib.contextmanager
def store_at_rest(plan: Plan, what: str) -> Iterator[None]:
    """Keep a server from being started meanwhile.

    Args:
        plan: The store.
        what: The work, in words such as "a restore".

    Raises:
        ServerError: Where one runs, is being started, or the store is being worked on already.
    """
    with turn(plan.folder, what):
        state = read_state(plan.folder)
        if state is not None and state.alive():
            raise ServerError(
                f"the server runs (pid {state.pid}) and uses the store",
                hint="End it first: uv run invoke mlflow.stop",
            )
        end(processes_of(plan.folder, state), timeout=2.0)  # of a killed server, or a killed migration
        finish_exchange(plan.folder)
        yield
