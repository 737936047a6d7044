"""One run in an output folder at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wildetect.errors import ConfigurationError, InputError

__all__ = ["sole_writer"]

logger = logging.getLogger(__name__)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold an output folder. The system lets go of it when the process ends, however it ends.

    Raises:
        ConfigurationError: Another run holds it.
        InputError: The folder cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ConfigurationError(
            f"another run is writing into {folder}",
            hint="Wait for it or stop it with Ctrl+C in its window, or give another folder with --output.",
        ) from error
    except NotImplementedError:
        logger.warning("%s has no locks: do not start a second run into it meanwhile", folder)
    except OSError as error:
        raise InputError(
            f"cannot write into {folder}: {error.strerror or error}",
            hint="Check the drive and its free space, or give another folder with --output.",
        ) from error
    try:
        yield
    finally:
        lock.release()
