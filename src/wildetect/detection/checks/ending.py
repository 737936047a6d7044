"""Whether a network's pass ends: a loop in its graph may not, and onnxruntime cannot be interrupted.

A file with a loop is opened and run once in a process of its own, which is ended when its time is over or
when Ctrl+C is pressed. Files without one, as most detectors are, need no such process.

Run as a program, `python -m wildetect.detection.checks.ending FILE` does the pass.
"""

from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np

from wildetect.detection.network.session import open_session
from wildetect.errors import ModelError

__all__ = ["check_it_ends"]

LONGEST = 60.0  # s
_USUAL = 640  # px, side of most networks' inputs
_CHANNELS = 3
_IMAGE_RANK = 4
# op_type of a node (protobuf field 4, a text of four letters), also within functions and branches
_LOOPS = (b'"\x04Loop', b'"\x04Scan')


def check_it_ends(path: Path, seconds: float | None = None) -> None:
    """Refuse a network whose pass does not end.

    Args:
        path: The ONNX file; one that cannot be opened or run is left to whoever says why.
        seconds: How long a pass may take; by default a minute.

    Raises:
        ModelError: It does not end in time.
    """
    if not _has_loop(path):
        return
    longest = LONGEST if seconds is None else seconds
    command = [sys.executable, "-m", "wildetect.detection.checks.ending", str(path.resolve())]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        # our own module, with the interpreter that runs us; on any exception the process is killed
        subprocess.run(command, timeout=longest, check=False, **quiet)  # type: ignore[call-overload] # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{path.name} holds a loop, and a pass through it does not end within {longest:g} s",
            hint="Export the network again, without a loop around it; or use another file.",
        ) from error


def _has_loop(path: Path) -> bool:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(name) >= 0 for name in _LOOPS)
    except (OSError, ValueError):  # ValueError: it is empty
        return False


def _pass_once(path: Path) -> None:
    """Open a network, which may run parts of it, and run it on noise."""
    session = open_session(path, "cpu")
    noise = np.random.default_rng(0)
    feeds = {}
    for spec in session.inputs:
        usual = (1, _CHANNELS, _USUAL, _USUAL) if len(spec.shape) == _IMAGE_RANK else (1,) * len(spec.shape)
        shape = [length or other for length, other in zip(spec.shape, usual, strict=True)]
        feeds[spec.name] = (noise.random(shape) + (spec.dtype.startswith("int") * _USUAL)).astype(spec.dtype)
    session.run(feeds, [spec.name for spec in session.outputs])


if __name__ == "__main__":
    _pass_once(Path(sys.argv[1]))
