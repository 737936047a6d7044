"""What goes wrong with pictures at an address, and when it is worth to ask again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["RemoteError", "explained", "with_retries"]

_Result = TypeVar("_Result")

ATTEMPTS = 5
PAUSE = 0.5  # s before the second attempt; twice as long before each further one
_LONGEST_PAUSE = 20.0  # s, whatever a server asks for

logger = logging.getLogger(__name__)


class RemoteError(OSError):
    """A picture that cannot be read from its address.

    Args:
        reason: Why, for a person, without the address.
        again: Whether another attempt may do better.
        after: Seconds that the server asks to wait before it.
        silent: Whether nobody answered at all, so that the same is to be expected of its other files.
    """

    def __init__(self, reason: str, *, again: bool = False, after: float = 0.0, silent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.after = after
        self.silent = silent


def with_retries(ask: Callable[[], _Result]) -> _Result:
    """Ask a server, up to five times where it or the network is at fault.

    Raises:
        RemoteError: The last attempt failed, too.
    """
    pause = PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return ask()
        except RemoteError as error:
            if not error.again:
                raise
            if attempt == ATTEMPTS:
                reason = f"{error.reason} (tried {ATTEMPTS} times)"
                raise RemoteError(reason, again=True, silent=error.silent) from None
            logger.debug("attempt %d failed: %s", attempt, error.reason)
            # many threads fail at once: they had better not all come back at once
            time.sleep(min(max(error.after, pause * random.uniform(0.75, 1.25)), _LONGEST_PAUSE))  # noqa: S311
            pause *= 2
    raise AssertionError("unreachable")


def explained(status: int) -> RemoteError:
    """What a status of HTTP that is no success means (RFC 9110, 15).

    Args:
        status: Such as 404.
    """
    if status in {404, 410}:
        return RemoteError(f"there is nothing at its address (HTTP {status})")
    if status == 401:  # noqa: PLR2004
        return RemoteError("its server asks for a sign-in (HTTP 401); .netrc may hold one")
    if status == 403:  # noqa: PLR2004
        return RemoteError("its server refuses it (HTTP 403): no permission, or a signature that has expired")
    if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004
        return RemoteError(f"its server failed (HTTP {status})", again=True)
    return RemoteError(f"its server answered with HTTP {status}")
