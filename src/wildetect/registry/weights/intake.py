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
import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.errors import ModelError
from wildetect.registry.manifest import Source, WeightsFormat
from wildetect.registry.weights.weights_file import check_file, check_is_there, sha256_of
from wildetect.wording import listed, quoted

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = [
    "ExportOptions",
    "Exported",
    "PreparedWeights",
    "StoredModel",
    "check_is_onnx",
    "export",
    "load_for_storage",
    "prepared",
    "prepared_classifier",
]

logger = logging.getLogger(__name__)

NEEDED = {"pt": "ultralytics", "torchscript": "torch"}
"""The package that reads a format; the extra has its name."""
KINDS = {"pt": "a pickled PyTorch checkpoint", "torchscript": "a TorchScript file"}
# Ultralytics would else ask the network, install packages and write into the user's home.
QUIET = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false", "PYTHONUTF8": "1"}


@dataclass(frozen=True)
class ExportOptions:
    """How an ONNX file is made of other weights.

    Attributes:
        imgsz: Side of the network input in px; None: as the file says.
        batch: Tiles in each forward pass; None: any number.
    """

    imgsz: int | None = None
    batch: int | None = None


@dataclass(frozen=True)
class Exported:
    """An ONNX file that was made of other weights, and by which versions of what."""

    onnx: Path
    by: str


def export(weights: Path, kind: str, options: ExportOptions, folder: Path) -> Exported:
    """Turn weights into ONNX.

    Args:
        weights: The file; nothing is written beside it.
        kind: "pt" (Ultralytics) or "torchscript".
        options: Size and batch.
        folder: An empty folder for what is made.

    Raises:
        ModelError: The extra is not installed, or the file cannot be exported; the message says why.
    """
    package = NEEDED[kind]
    checkpoint = weights.name if kind == "pt" else "best.pt"
    by_hand = f"export it where it was trained: yolo export model={checkpoint} format=onnx"
    if importlib.util.find_spec(package) is None:
        raise ModelError(
            f"{weights} is {KINDS[kind]}; without the extra '{package}' it cannot be read",
            hint=f"Run: uv run --extra {package} invoke model.register (with your options), or {by_hand}",
        )
    logger.warning(
        "%s is %s: reading it runs the code in it. Register only what you made yourself or got from people "
        "you trust",
        weights.name,
        KINDS[kind],
    )
    outcome = _run(weights, kind, options, folder)
    if "error" in outcome:
        raise ModelError(
            f"{weights.name} cannot be exported to ONNX: {outcome['error']}",
            hint=f"See runs/wildetect.log, or {by_hand}",
        )
    return Exported(Path(outcome["onnx"]), outcome["by"])


def _run(weights: Path, kind: str, options: ExportOptions, folder: Path) -> dict[str, str]:
    # The exporter writes beside its input, where it might overwrite the user's own export.
    copy = folder / f"{weights.stem}.{kind}"
    shutil.copyfile(weights, copy)
    job, answer = folder / "job.json", folder / "outcome.json"
    asked = {"imgsz": options.imgsz, "batch": options.batch, "format": kind}
    job.write_text(json.dumps({**asked, "weights": str(copy), "outcome": str(answer)}), encoding="utf-8")
    ended = subprocess.run(  # noqa: S603 - our own module, with the interpreter that runs us
        [sys.executable, "-m", "wildetect.registry.weights.export_program", str(job)],
        env={**os.environ, **QUIET, "YOLO_CONFIG_DIR": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    logger.debug("export of %s:\n%s\n%s", weights.name, ended.stdout, ended.stderr)
    try:
        outcome: dict[str, str] = json.loads(answer.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        last = (ended.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        return {"error": f"the exporter ended with code {ended.returncode}: {last[:200]}"}
    return outcome


FORMATS: dict[str, WeightsFormat] = {
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
        sha256: SHA-256 of the bytes that the registry will store.
    """

    proto: ModelProto
    sha256: str


@contextlib.contextmanager
def prepared(path: Path, options: ExportOptions) -> Iterator[PreparedWeights]:
    """Make weights ready to be looked at and stored; other formats are exported to ONNX.

    Args:
        path: The file; nothing is written beside it.
        options: Options of an export.

    Raises:
        ModelError: The file is missing, of a format that cannot be registered, or cannot be exported.
    """
    check_is_there(path, _NAMED)
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
            f"the classifier {path} is not an ONNX file; the second stage takes nothing else",
            hint="Export it where it was trained (Lightning: model.to_onnx(...), Ultralytics: yolo export "
            "format=onnx), or set classifier: null to register the detector alone.",
        )
    check_is_there(
        path, "Fix classifier.weights in configs/detector_registration.yaml, or set classifier: null."
    )
    size, sha256 = path.stat().st_size, sha256_of(path)
    return PreparedWeights(path, Source(file=path.name, size=size, sha256=sha256, path=str(path)))


def check_is_onnx(path: Path, *, fix: str = _NAMED) -> None:
    """Refuse weights of other formats by their name, and paths that lead nowhere.

    Args:
        path: The file.
        fix: Where the file is to be named, as a hint.

    Raises:
        ModelError: With the command that fixes it, where there is one.
    """
    kind = FORMATS.get(path.suffix.lower())
    check_is_there(path, fix)  # of a file that is not there the command to register it fails, too
    if kind is None:
        raise _refused(path)
    if kind != "onnx":
        raise ModelError(
            f"{path} must be registered first: only ONNX files can be used as they lie there",
            hint=f"Run: uv run invoke model.register --weights {quoted(str(path))}",
        )


def _refused(path: Path) -> ModelError:
    if path.suffix.lower() in PICKLED:
        return ModelError(
            f"{path} is a pickled checkpoint of a kind that cannot be exported here",
            hint="Export it to ONNX where it was trained (torch.onnx.export), and register the .onnx file.",
        )
    return ModelError(
        f"{path} is not an ONNX file",
        hint=f"Register a file of one of these kinds: {listed(FORMATS)}.",
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
