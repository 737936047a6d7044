"""Files of the model on workers: found there, or sent by the parent, and checked by their sha256."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import Client

from wildetect.registry.weights.weights_file import sha256_of
from wildetect.wording import commas

__all__ = ["WeightsFile", "file_here", "send"]

logger = logging.getLogger(__name__)

_checked: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of the model: where the parent has it, and what tells whether another one is the same."""

    path: str
    sha256: str


def file_here(file: WeightsFile, folder: Path) -> Path | None:
    """A file of the model on this machine: where the parent has it, or as the parent sent it."""
    received = _received(folder, file.sha256)
    if received.is_file():
        return received  # it was checked when it came
    own = Path(file.path)
    with contextlib.suppress(OSError, ValueError):
        if _checked.get(str(own)) != file.sha256 and own.is_file():
            _checked[str(own)] = sha256_of(own)
        if _checked.get(str(own)) == file.sha256:
            return own
    return None


def _received(folder: Path, sha256: str) -> Path:
    return folder / f"{sha256}.onnx"


def send(client: Client, file: WeightsFile, workers: Sequence[str]) -> None:
    """Send a file of the model from the parent to workers that do not have it."""
    logger.info("%s is sent to %s", file.path, commas(workers))
    content = Path(file.path).read_bytes()
    client.run(_receive, file.sha256, content, workers=list(workers), on_error="ignore")


def _receive(sha256: str, content: bytes, dask_worker: Any) -> None:
    """Take a file of the model from the parent; one that is not whole is not kept.

    Args:
        sha256: SHA-256 of the file.
        content: The file.
        dask_worker: This process, as Dask gives it.
    """
    path = _received(Path(dask_worker.local_directory), sha256)
    draft = path.with_suffix(".tmp")
    draft.write_bytes(content)
    if sha256_of(draft) == sha256:
        draft.replace(path)
    else:
        draft.unlink()
