"""Bytecode of the installed packages, compiled once after an installation.

Python compiles a module when it is first imported, and on some machines (`PYTHONDONTWRITEBYTECODE`, a
folder that cannot be written) each time again: `import mlflow` then takes 5 to 9 s instead of 1.5 s. uv
can compile too, but goes through all files at each `uv run`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import sysconfig
from collections.abc import Callable
from importlib.util import cache_from_source
from pathlib import Path

from wildetect.how_far import through

__all__ = ["compile_once", "stays_uncompiled"]

MARKER = "wildetect-bytecode.txt"
_BEGUN = re.compile(rb"Compiling ['\"]")


def compile_once(notice: Callable[[str], None]) -> bool:
    """Compile the installed packages where that has not been done since the last installation.

    Does nothing outside of a virtual environment: other programs' packages are not ours to touch. What
    cannot be compiled or written costs time later, not the task.

    Args:
        notice: Receives the line that says what takes time.

    Returns:
        Whether packages were compiled.
    """
    if sys.prefix == sys.base_prefix:
        return False
    packages = Path(sysconfig.get_path("purelib"))
    marker = Path(sys.prefix) / MARKER
    with contextlib.suppress(OSError):
        installed = _fingerprint(packages)
        if _is_compiled(marker, installed):
            return False
        # every task asks; only an installation pays for what compiling takes
        from filelock import FileLock, Timeout

        with contextlib.suppress(Timeout), FileLock(marker.with_suffix(".lock"), timeout=0):
            notice("compiling the installed packages, once after an installation (a minute or two) ...")
            _compile(packages)
            temporary = marker.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(installed, encoding="utf-8")
            temporary.replace(marker)
            return True
    return False


def stays_uncompiled() -> Path | None:
    """The folder of packages that are not compiled and cannot be, as it may not be written; else null."""
    packages = Path(sysconfig.get_path("purelib"))
    if sys.prefix == sys.base_prefix or os.access(sys.prefix, os.W_OK):
        return None
    return None if _is_compiled(Path(sys.prefix) / MARKER, _fingerprint(packages)) else packages


def _is_compiled(marker: Path, installed: str) -> bool:
    return marker.is_file() and marker.read_text(encoding="utf-8") == installed


def _fingerprint(packages: Path) -> str:
    """Names and versions of what is installed, and the Python that runs it: some 300 names, 1 ms."""
    names = sorted(path.name for path in packages.iterdir() if path.suffix in (".dist-info", ".egg-info"))
    return hashlib.sha256("\n".join([sys.version, *names]).encode()).hexdigest()


def _compile(packages: Path) -> None:
    import subprocess

    # in a process of its own: its workers must not inherit what this task has open
    command = [sys.executable, "-u", "-m", "compileall", "-j", "0", str(packages)]
    missing = sum(not Path(cache_from_source(str(file))).exists() for file in packages.rglob("*.py"))
    # some packages carry files of other Pythons, which do not compile
    with subprocess.Popen(  # noqa: S603 - a list of our own making, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},  # its workers, too, say each file when they begin it
    ) as compiling:
        try:
            # two workers at once may write into one line
            begun = (one for line in compiling.stdout or () for one in _BEGUN.findall(line))
            for _ in through(begun, "files compiled", missing):
                pass
        except BaseException:
            compiling.kill()
            raise
