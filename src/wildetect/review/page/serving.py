"""The page as a server on this machine, until Ctrl+C."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn

from wildetect.errors import ConfigurationError
from wildetect.results.finished_run import FinishedRun
from wildetect.review.page.animals import NO_CENSUS, AnimalCases
from wildetect.review.page.app import make_app
from wildetect.review.page.session import Session
from wildetect.review.plan import Purpose
from wildetect.review.verdict_file import writing_verdicts

__all__ = ["ReviewPage", "open_page"]

_HOST = "127.0.0.1"
_WAITING = 128  # connections that may wait
_PATIENCE = 3  # s for what is under way when the page ends


@dataclass(frozen=True)
class ReviewPage:
    """A page that can be reached as soon as it serves.

    Attributes:
        url: Its address, with the token.
        session: What it shows.
        server: Server of uvicorn.
        listening: Its socket.
    """

    url: str
    session: Session
    server: uvicorn.Server
    listening: socket.socket

    def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Answer until Ctrl+C, or until `server.should_exit` is set.

        Args:
            ready: Called once a browser can connect.
        """
        ready()  # the socket listens already: what comes now waits until it is answered
        with suppress(KeyboardInterrupt):
            self.server.run(sockets=[self.listening])


@contextmanager
def open_page(
    run: FinishedRun,
    reviewer: str,
    port: int = 0,
    cases: AnimalCases = NO_CENSUS,
    purpose: Purpose = "estimate",
) -> Iterator[ReviewPage]:
    """Take the verdicts of a run and a port.

    Args:
        run: The run.
        reviewer: Who will look at it.
        port: To listen on; 0: any that is free.
        cases: Animals of a census of the run.
        purpose: Whose plan is gone through.

    Raises:
        ConfigurationError: Another program writes verdicts of this run, or has the port.
        InputError: The verdicts cannot be written.
    """
    with writing_verdicts(run.folder) as file, _listening(port) as listening:
        number = int(listening.getsockname()[1])
        token = secrets.token_urlsafe(24)
        session = Session(run, file, reviewer, cases, purpose)
        config = uvicorn.Config(
            make_app(session, token, number),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_end)  # Config has made it
        yield ReviewPage(
            f"http://{_HOST}:{number}/?token={token}", session, uvicorn.Server(config), listening
        )


def _is_no_end(record: logging.LogRecord) -> bool:
    """Whether a record is of a fault, not of an answer that Ctrl+C cut off, which uvicorn shows as one."""
    cut = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not cut and not str(record.msg).startswith("Cancel ")


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        try:
            one.bind((_HOST, port))
            one.listen(_WAITING)
        except OSError as error:
            raise ConfigurationError(
                f"port {port} cannot be used: {error.strerror or error}",
                hint="Leave out --port: a free one is taken then.",
            ) from error
        yield one
