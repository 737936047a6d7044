"""What goes wrong with pictures at an address."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["RemoteError", "explained", "not_trusted"]

_WHY: Final = re.compile(r"certificate verify failed: ([^(]+?)(?: \(|$)")


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


def explained(status: int, retry_after: str = "") -> RemoteError:
    """What a status of HTTP that is no success means (RFC 9110, 15).

    Args:
        status: Such as 404.
        retry_after: The header of that name: a number of seconds, or until when to wait (10.2.3).
    """
    if status in {404, 410}:
        return RemoteError(f"there is nothing at its address (HTTP {status})")
    if status == 401:  # noqa: PLR2004
        return RemoteError("its server asks for a sign-in (HTTP 401); .netrc may hold one")
    if status == 403:  # noqa: PLR2004
        return RemoteError("its server refuses it (HTTP 403): no permission, or a signature that has expired")
    if status == 429:  # noqa: PLR2004
        return RemoteError(
            "its server is asked too often (HTTP 429)", again=True, after=_seconds(retry_after)
        )
    if status in {408, 425} or status >= 500:  # noqa: PLR2004
        return RemoteError(f"its server failed (HTTP {status})", again=True, after=_seconds(retry_after))
    return RemoteError(f"its server answered with HTTP {status}")


def _seconds(text: str) -> float:
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return 0.0


def not_trusted(error: Exception, variable: str) -> RemoteError:
    """Why no secure connection is made.

    Args:
        error: What TLS said.
        variable: Variable that names the file with the certificates of further authorities.
    """
    why = _WHY.search(str(error))
    if why is None:
        return RemoteError("no secure connection to its server is made (TLS): it may speak http:// alone")
    return RemoteError(
        f"its server's certificate is not trusted ({why.group(1)}); one of an own authority is, "
        f"if {variable} names its file"
    )
