"""Export weights to ONNX: `python -m wildetect.registry.weights.export_program JOB.json`.

A program of its own, since PyTorch takes much memory, Ultralytics writes to stdout, and reading a
pickled file runs what is in it. `wildetect.registry.weights.intake` starts it and reads its outcome file.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wildetect.wording import commas

__all__ = ["main"]

OPSET = 17  # understood by every onnxruntime of the last years


class _RefusedError(Exception):
    """The weights cannot be exported, for a reason that their owner can understand."""


def main(job_file: str) -> int:
    """Do the job that a file describes; its outcome goes into another."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    export = {"pt": _checkpoint, "torchscript": _torchscript}[job["format"]]
    try:
        made = export(Path(job["weights"]), job["imgsz"], job["batch"])
        outcome = {"onnx": str(made), "by": _made_by(job["format"])}
    except Exception as error:  # noqa: BLE001 - the libraries raise anything; it is told by the parent
        outcome = {"error": _one_line(error)}
    Path(job["outcome"]).write_text(json.dumps(outcome), encoding="utf-8")
    return 0


def _checkpoint(weights: Path, imgsz: int | None, batch: int | None) -> Path:
    """Export Ultralytics' own format with its own exporter; the file is written beside the weights."""
    from ultralytics import YOLO

    model = YOLO(str(weights))
    if model.task != "detect":
        raise _RefusedError(f"it was trained for the task {model.task!r}, not to detect")
    options: dict[str, Any] = {"imgsz": imgsz} if imgsz else {}
    options |= {"dynamic": True} if batch is None else {"batch": batch}
    options |= {"opset": OPSET, "device": "cpu", "simplify": False}
    stride = int(max(getattr(model.model, "stride", [32])))
    if imgsz and imgsz % stride:
        raise _RefusedError(f"imgsz: {imgsz} is not a multiple of {stride}, as this network needs it")
    exported = model.export(format="onnx", verbose=False, **options)
    return Path(str(exported))


def _torchscript(weights: Path, imgsz: int | None, batch: int | None) -> Path:
    """Convert the traced graph; it is as fixed in its size and batch as the trace is.

    Ultralytics stores what the file is as JSON in its part `config.txt`.
    """
    import torch

    parts = {"config.txt": ""}
    model = torch.jit.load(str(weights), map_location="cpu", _extra_files=parts).float().eval()
    notes: dict[str, Any] = json.loads(parts["config.txt"] or "{}")
    size = notes.get("imgsz") or imgsz
    if size is None:
        raise _RefusedError("it does not say its input size: set localizer.yolo.imgsz")
    height, width = (size, size) if isinstance(size, int) else size
    if imgsz and {height, width} != {imgsz}:
        raise _RefusedError(f"it was traced for {width} x {height} px, not for imgsz: {imgsz}")
    notes["imgsz"] = [height, width]
    if isinstance(names := notes.get("names"), dict):
        notes["names"] = {int(number): name for number, name in names.items()}  # JSON made them text
    pictures = torch.rand(int(notes.get("batch", batch or 1)), 3, height, width)
    made = weights.with_suffix(".onnx")
    with torch.no_grad():
        expected = model(pictures)
        torch.onnx.export(
            model, (pictures,), str(made), opset_version=OPSET, input_names=["images"], dynamo=False
        )
    _note(made, notes)
    _check_same(made, pictures.numpy(), expected)
    return made


def _note(made: Path, notes: dict[str, Any]) -> None:
    import onnx

    model = onnx.load(str(made))
    onnx.helper.set_model_props(model, {key: str(value) for key, value in notes.items()})
    onnx.save(model, str(made))


def _check_same(made: Path, pictures: Any, expected: Any) -> None:
    """A trace may hold what ONNX cannot say; then the outputs differ."""
    import numpy as np
    from onnxruntime import InferenceSession

    session = InferenceSession(str(made), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: pictures})
    wanted = expected if isinstance(expected, list | tuple) else [expected]
    for ours, theirs in zip(found, wanted, strict=True):
        if not np.allclose(ours, theirs.numpy(), rtol=1e-2, atol=1e-2):
            raise _RefusedError("its ONNX export computes something else than the file itself")


def _made_by(kind: str) -> str:
    packages = ("ultralytics", "torch") if kind == "pt" else ("torch",)
    return commas(f"{package} {version(package)}" for package in packages)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    named = isinstance(error, _RefusedError)
    return (text if named else f"{type(error).__name__}: {text}")[:400]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
