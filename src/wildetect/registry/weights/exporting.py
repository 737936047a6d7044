"""Weights of other formats turned into ONNX, in a process of their own."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import ModelError

__all__ = ["ExportOptions", "Exported", "export"]

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
