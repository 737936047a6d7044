"""The server's log files: rotated at each start, read from the end, followed.

server.log takes what the server's processes write themselves: start, warnings, errors. The line for
each request goes to requests.log, which the server rotates while it runs: only its owner can rename
an open file on Windows.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["REQUESTS_LOG", "SERVER_LOG", "follow", "last_lines", "rotate", "write_request_logging"]

logger = logging.getLogger(__name__)

SERVER_LOG = "server.log"
REQUESTS_LOG = "requests.log"
KEPT = 3
"""How many older files of each log are kept."""
REQUESTS_LOG_LIMIT = 5_000_000  # bytes
READ_AT_ONCE = 65_536  # bytes
POLL = 0.2  # s


def rotate(log: Path) -> None:
    """Make room for a new log: server.log becomes server.log.1, and so on; the oldest goes."""
    if not log.exists() or log.stat().st_size == 0:
        return
    numbered = [log, *(log.with_name(f"{log.name}.{number}") for number in range(1, KEPT + 1))]
    try:
        for older, newer in zip(reversed(numbered[1:]), reversed(numbered[:-1]), strict=True):
            if newer.exists():
                newer.replace(older)
    except OSError as error:  # Windows: open in another program; then the new lines follow the old ones
        logger.debug("%s was not rotated: %s", log, error)


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a log, oldest first; none where there is no log."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - READ_AT_ONCE))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]


def follow(log: Path, *, ended: Callable[[], bool], from_start: bool = False) -> Iterator[str]:
    """The lines that come to a log, until `ended()`; goes on in the new file after a rotation.

    The file is opened again each time: one that is held open could not be renamed on Windows.
    """
    position = 0 if from_start else (log.stat().st_size if log.exists() else 0)
    rest = b""
    while True:
        last_round = ended()
        content = b""
        with contextlib.suppress(OSError), log.open("rb") as stream:
            if stream.seek(0, 2) < position:
                position, rest = 0, b""
            stream.seek(position)
            content = stream.read()
            position += len(content)
        *lines, rest = (rest + content).split(b"\n")
        yield from (line.decode("utf-8", errors="replace").rstrip() for line in lines)
        if last_round:
            if rest:
                yield rest.decode("utf-8", errors="replace").rstrip()
            return
        time.sleep(POLL)


def write_request_logging(folder: Path) -> Path:
    """Write the logging configuration that gives requests a log of their own, for uvicorn."""
    stamp = {"datefmt": "%Y-%m-%d %H:%M:%S"}
    configuration = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"format": "%(asctime)s %(levelname)s %(message)s", **stamp},
            "request": {
                "()": "uvicorn.logging.AccessFormatter",
                "fmt": '%(asctime)s %(client_addr)s "%(request_line)s" %(status_code)s',
                "use_colors": False,
                **stamp,
            },
        },
        "handlers": {
            "server": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"},
            "requests": {
                "class": "logging.handlers.RotatingFileHandler",
                "formatter": "request",
                "filename": str(folder / REQUESTS_LOG),
                "maxBytes": REQUESTS_LOG_LIMIT,
                "backupCount": KEPT,
                "encoding": "utf-8",
                "delay": True,
            },
        },
        "loggers": {
            "uvicorn": {"handlers": ["server"], "level": "INFO", "propagate": False},
            "uvicorn.access": {"handlers": ["requests"], "level": "INFO", "propagate": False},
        },
    }
    file = folder / "logging.json"
    file.write_text(json.dumps(configuration, indent=2) + "\n", encoding="utf-8")
    return file
