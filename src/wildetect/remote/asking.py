"""Ask servers: again where that may help, and not for ever.

Limits of silence do not end an answer whose bytes come one by one, be they of its content, its head or the
handshake of TLS. So each question is asked in a thread of its own, and who asked waits as long as enough
comes: a minute, and longer where 20,000 bytes a second came since. A thread that is left behind ends with
its next byte or the silence after it; threads are used again, with the connections that they hold.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from wildetect.remote.failures import RemoteError

__all__ = ["came", "with_retries"]

_Result = TypeVar("_Result")

ATTEMPTS = 5
PAUSE = 0.5  # s before the second attempt; twice as long before each further one
_LONGEST_PAUSE = 20.0  # s, whatever a server asks for
LONGEST_SECONDS = 60.0
SLOWEST: Final = 20_000
"""Bytes a second: an answer that takes longer than that, and the longest seconds, is given up."""
_MOST_IDLE: Final = 64  # threads that wait for the next question

logger = logging.getLogger(__name__)


def with_retries(ask: Callable[[], _Result]) -> _Result:
    """Ask a server, up to five times where it or the network is at fault.

    Args:
        ask: Asks it once, and tells `came` what comes.

    Raises:
        RemoteError: The last attempt failed, too.
    """
    pause = PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _in_time(ask)
        except RemoteError as error:
            if not error.again:
                raise
            if attempt == ATTEMPTS:
                wish = f", and asks to wait {error.after:,.0f} s" if error.after > _LONGEST_PAUSE else ""
                reason = f"{error.reason}{wish} (tried {ATTEMPTS} times)"
                raise RemoteError(reason, again=True, silent=error.silent) from None
            logger.debug("attempt %d failed: %s", attempt, error.reason)
            # many threads fail at once: they had better not all come back at once
            time.sleep(min(max(error.after, pause * random.uniform(0.75, 1.25)), _LONGEST_PAUSE))  # noqa: S311
            pause *= 2
    raise AssertionError("unreachable")


class _Question:
    """A question under way."""

    def __init__(self, ask: Callable[[], object]) -> None:
        self.ask = ask
        self.begun = time.monotonic()
        self.bytes = 0
        self.given_up = False
        self.result: object = None
        self.error: BaseException | None = None
        self.answered = threading.Event()

    @property
    def patience(self) -> float:
        """Seconds that are left."""
        return self.begun + LONGEST_SECONDS + self.bytes / SLOWEST - time.monotonic()


class _Asker(threading.Thread):
    """Asks one question after another, and is in the way of nothing: it ends with the program."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="asks a server")
        self.questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()

    def run(self) -> None:
        """Called in the thread."""
        while (question := self.questions.get()) is not None:
            _of_thread.question = question
            try:
                question.result = question.ask()
            except BaseException as error:  # noqa: BLE001 - it is raised where the question was asked
                question.error = error
            _of_thread.question = None
            question.answered.set()
            if not _wait_again(self):
                return


_of_thread = threading.local()
_idle: list[_Asker] = []
_lock = threading.Lock()


def _wait_again(asker: _Asker) -> bool:
    with _lock:
        if len(_idle) >= _MOST_IDLE:
            return False
        _idle.append(asker)
        return True


def _in_time(ask: Callable[[], _Result]) -> _Result:
    """The answer to a question, if it comes in time.

    Args:
        ask: Asks, and tells `came` what comes.

    Raises:
        RemoteError: It does not.
    """
    question = _Question(ask)
    with _lock:
        asker = _idle.pop() if _idle else None
    if asker is None:
        asker = _Asker()
        asker.start()
    asker.questions.put(question)
    while (left := question.patience) > 0:
        if question.answered.wait(left):
            if question.error is not None:
                raise question.error
            return cast("_Result", question.result)
    question.given_up = True
    seconds = time.monotonic() - question.begun
    raise RemoteError(
        f"its server is too slow: {question.bytes:,} bytes came in {seconds:.0f} s",
        again=True,
        silent=question.bytes == 0,
    )


def came(number: int) -> None:
    """Say that so many bytes of an answer came.

    Raises:
        RemoteError: Nobody waits for it any more.
    """
    question: Any = getattr(_of_thread, "question", None)
    if question is None:
        return
    question.bytes += number
    if question.given_up:
        raise RemoteError("given up")
