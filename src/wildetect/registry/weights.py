"""A weights file as it goes into the registry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.errors import ModelError
from wildetect.registry.digest import sha256_of
from wildetect.registry.manifest import Source

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["StoredModel", "check_is_onnx", "load_for_storage"]

PICKLED = (".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class StoredModel:
    """An ONNX model as one file.

    Attributes:
        proto: The model, external data included.
        sha256: Of the bytes that the registry will store.
        source: The file it was read from.
    """

    proto: ModelProto
    sha256: str
    source: Source


def check_is_onnx(path: Path) -> None:
    """Refuse weights of other formats by their name, and paths that lead nowhere.

    Raises:
        ModelError: With the command that exports them, where there is one.
    """
    if path.suffix.lower() in PICKLED:
        raise ModelError(
            f"{path} is a PyTorch checkpoint; the registry takes ONNX files",
            hint=f"Export it where it was trained: yolo export model={path.name} format=onnx",
        )
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelError(
            f"the weights file {path} {what}",
            hint="Give the ONNX file with --weights, or as localizer.yolo.weights in "
            "configs/detector_registration.yaml.",
        )
    if path.suffix.lower() != ".onnx":
        raise ModelError(
            f"{path} is no ONNX file", hint="Export the detector to ONNX and register the .onnx file."
        )


def load_for_storage(path: Path) -> StoredModel:
    """Read a checked ONNX file, with its external data where it has some."""
    import onnx

    proto = onnx.load(str(path))
    digest = hashlib.sha256(proto.SerializeToString()).hexdigest()
    return StoredModel(
        proto, digest, Source(file=path.name, size=path.stat().st_size, sha256=sha256_of(path))
    )
