"""server.json: what is known of this workspace's server, whichever window started it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

import psutil

from wildetect.server.process.processes import Identity, identify, marked, tree

__all__ = ["Phase", "ServerState", "read_state", "remove_state", "write_state"]

logger = logging.getLogger(__name__)

Phase = Literal["starting", "running", "stopping"]
REPLACE_ATTEMPTS = 20


@dataclass(frozen=True)
class ServerState:
    """What server.json holds; never a secret.

    Attributes:
        pid: The number of the server's first process.
        create_time: When that process began, seconds since 1970: the number alone may be another's by now.
        phase: How far it is.
        url: The address for this machine.
        host: The address that it listens on.
        port: Its port.
        store: The database, as shown to people.
        artifacts: Where artifacts are kept, as shown to people.
        sign_in: Whether it asks for a password.
        version: MLflow's version, once it answers.
        seconds: How long the start took, once it answers.
        processes: All its processes, once it answers.
    """

    pid: int
    create_time: float
    phase: Phase
    url: str
    host: str
    port: int
    store: str
    artifacts: str
    sign_in: bool = False
    version: str | None = None
    seconds: float | None = None
    processes: tuple[Identity, ...] = ()
    folder: Path = field(default=Path(), compare=False)
    """Where server.json lies; not written into it."""

    @property
    def identity(self) -> Identity:
        """The server's first process."""
        return Identity(self.pid, self.create_time)

    def alive(self) -> bool:
        """Whether the first process still runs."""
        return self.identity.process(self.folder) is not None


def processes_of(folder: Path, state: ServerState | None) -> list[psutil.Process]:
    """All processes of a folder's server that still run: by parent, by record and by mark."""
    found: dict[int, psutil.Process] = {}
    for identity in (state.identity, *state.processes) if state else ():
        process = identity.process(folder)
        if process is not None:
            found.update({member.pid: member for member in tree(process)})
    for process in marked(folder):
        found.setdefault(process.pid, process)
    return list(found.values())


def identities(processes: list[psutil.Process]) -> tuple[Identity, ...]:
    """What to write down of processes."""
    return tuple(known for process in processes if (known := identify(process.pid)))


def read_state(folder: Path) -> ServerState | None:
    """What server.json says; None where there is none, or one that cannot be read."""
    file = _file(folder)
    try:
        return _checked(json.loads(file.read_text(encoding="utf-8")), folder)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        logger.debug("%s is unusable (%s), taken as missing", file, error)
        return None


_TEXTS = ("url", "host", "store", "artifacts")
_MOST_PID = 2**31


def _checked(document: object, folder: Path) -> ServerState:
    """The state in a document that anybody may have edited or a disk may have damaged.

    Raises:
        ValueError: A value is missing, or not of its kind.
        TypeError, KeyError: The same.
    """
    if not isinstance(document, dict):
        raise TypeError("not an object")
    known = dict(document)
    if any(not isinstance(known[name], str) for name in _TEXTS) or known["phase"] not in get_args(Phase):
        raise ValueError("a text is missing")
    if not isinstance(known["port"], int) or not 0 < known["port"] < 2**16:
        raise ValueError("not a port")
    if not isinstance(known.get("version"), str | None) or not isinstance(known.get("sign_in", False), bool):
        raise TypeError("not a version, or not a choice")
    if known.get("seconds") is not None:
        known["seconds"] = float(known["seconds"])
    pid, created = _identity(known["pid"], known["create_time"])
    members = tuple(_identity(*pair) for pair in known.get("processes", ()))
    return ServerState(
        **{**known, "pid": pid, "create_time": created, "processes": members, "folder": folder}
    )


def _identity(pid: object, created: object) -> Identity:
    if not isinstance(pid, int) or not 0 < pid < _MOST_PID or not isinstance(created, int | float):
        raise ValueError("not a process")
    return Identity(pid, float(created))


def write_state(folder: Path, state: ServerState) -> None:
    """Replace server.json in one step.

    Raises:
        OSError: Where the folder is not writable.
    """
    file = _file(folder)
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        document = {name: value for name, value in asdict(state).items() if name != "folder"}
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        for _ in range(REPLACE_ATTEMPTS):
            with contextlib.suppress(PermissionError):  # Windows: another window reads it at this moment
                temporary.replace(file)
                return
            time.sleep(0.05)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def remove_state(folder: Path, state: ServerState | None = None) -> None:
    """Remove server.json; with a state only where it is that server's."""
    current = read_state(folder)
    if state is not None and current is not None and current.identity != state.identity:
        return
    with contextlib.suppress(OSError):
        _file(folder).unlink(missing_ok=True)


def _file(folder: Path) -> Path:
    return folder / "server.json"
