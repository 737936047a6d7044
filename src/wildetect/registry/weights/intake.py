"""A weights file as it goes into the registry: an ONNX model in one file, whatever it was before.

.onnx          stored as it is, external data included
.pt            Ultralytics' checkpoint: exported
.torchscript   exported; Ultralytics notes in it what it is

Of an exported file the registry keeps name, size and sha256, not the file: both formats are archives of
pickles, and nothing pickled is ever stored.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wildetect.errors import ModelError
from wildetect.registry.manifest import Source
from wildetect.registry.weights.exporting import ExportOptions, export
from wildetect.registry.weights.weights_file import check_file, sha256_of

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = [
    "ExportOptions",
    "PreparedWeights",
    "StoredModel",
    "check_is_onnx",
    "load_for_storage",
    "prepared",
    "prepared_classifier",
]

FORMATS: dict[str, Literal["onnx", "pt", "torchscript"]] = {
    ".onnx": "onnx",
    ".pt": "pt",
    ".torchscript": "torchscript",
}
PICKLED = (".pt", ".pth", ".ckpt", ".bin")
_NAMED = "Give the file with --weights, or in configs/detector_registration.yaml."


@dataclass(frozen=True)
class PreparedWeights:
    """Weights as ONNX, for as long as they are being registered.

    Attributes:
        onnx: The ONNX file.
        source: The file that the owner gave.
    """

    onnx: Path
    source: Source


@dataclass(frozen=True)
class StoredModel:
    """An ONNX model as one file.

    Attributes:
        proto: The model, external data included.
        sha256: Of the bytes that the registry will store.
    """

    proto: ModelProto
    sha256: str


@contextlib.contextmanager
def prepared(path: Path, options: ExportOptions) -> Iterator[PreparedWeights]:
    """Make weights ready to be looked at and stored; other formats are exported to ONNX.

    Args:
        path: The file; nothing is written beside it.
        options: Of an export.

    Raises:
        ModelError: The file is missing, of a format that cannot be registered, or cannot be exported.
    """
    _check_is_there(path, _NAMED)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise _refused(path)
    size = path.stat().st_size
    source = Source(file=path.name, size=size, sha256=sha256_of(path), path=str(path), format=kind)
    if kind == "onnx":
        yield PreparedWeights(path, source)
        return
    check_file(path)
    with tempfile.TemporaryDirectory(prefix="wildetect-export-", ignore_cleanup_errors=True) as folder:
        exported = export(path, kind, options, Path(folder))
        yield PreparedWeights(exported.onnx, source.model_copy(update={"exported_by": exported.by}))


def prepared_classifier(path: Path) -> PreparedWeights:
    """Make the weights of a second stage ready; they are ONNX.

    Raises:
        ModelError: The file is missing or of another format; the hint says how to come to ONNX.
    """
    if path.suffix.lower() != ".onnx":
        raise ModelError(
            f"the classifier {path} is no ONNX file; the second stage takes nothing else",
            hint="Export it where it was trained (Lightning: model.to_onnx(...), Ultralytics: yolo export "
            "format=onnx), or set classifier: null to register the detector alone.",
        )
    _check_is_there(
        path, "Mend classifier.weights in configs/detector_registration.yaml, or set classifier: null."
    )
    size, sha256 = path.stat().st_size, sha256_of(path)
    return PreparedWeights(path, Source(file=path.name, size=size, sha256=sha256, path=str(path)))


def check_is_onnx(path: Path, *, mend: str = _NAMED) -> None:
    """Refuse weights of other formats by their name, and paths that lead nowhere.

    Args:
        path: The file.
        mend: Where the file is to be named, as a hint.

    Raises:
        ModelError: With the command that mends it, where there is one.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind == "onnx":
        _check_is_there(path, mend)
    elif kind is None:
        _check_is_there(path, mend)
        raise _refused(path)
    else:
        raise ModelError(
            f"{path} must be registered first: only ONNX files can be used as they lie there",
            hint=f'Run: uv run invoke model.register --weights "{path}"',
        )


def _check_is_there(path: Path, mend: str) -> None:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelError(f"the weights file {path} {what}", hint=mend)


def _refused(path: Path) -> ModelError:
    if path.suffix.lower() in PICKLED:
        return ModelError(
            f"{path} is a pickled checkpoint of a kind that cannot be exported here",
            hint="Export it to ONNX where it was trained (torch.onnx.export), and register the .onnx file.",
        )
    return ModelError(
        f"{path} is no ONNX file",
        hint=f"Register a file of one of these kinds: {', '.join(FORMATS)}.",
    )


def load_for_storage(weights: PreparedWeights) -> StoredModel:
    """Read a checked ONNX file, with its external data where it has some."""
    import onnx

    proto = onnx.load(str(weights.onnx))
    if weights.source.format != "onnx":
        _forget_the_hour(proto)
    return StoredModel(proto, hashlib.sha256(proto.SerializeToString()).hexdigest())


def _forget_the_hour(proto: ModelProto) -> None:
    """Without the time of the export the same weights give the same file, which is then found again."""
    for index in reversed(range(len(proto.metadata_props))):
        if proto.metadata_props[index].key == "date":
            del proto.metadata_props[index]
