"""Start a trainer in a process of its own, and hear of its epochs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from wildetect.errors import ModelError
from wildetect.registry.weights.intake import QUIET
from wildetect.training.trainers.trainer import OUTCOME, Epoch, Trained, TrainingJob, epochs_told

__all__ = ["LOG", "run_trainer"]

LOG = "training.log"
PROGRAM = "wildetect.training.trainers.program"
_LOOK = 0.5  # s
_LAST_WAIT = 10.0  # s


def run_trainer(job: TrainingJob, told: Callable[[Epoch], None]) -> Trained:
    """Train, or go on with a training that was stopped.

    Args:
        job: What to do.
        told: Callback that is told of each epoch, those of earlier starts included.

    Raises:
        ModelError: The trainer failed; the message says why.
    """
    folder = Path(job.folder)
    (folder / OUTCOME).unlink(missing_ok=True)
    (folder / "job.json").write_text(job.to_json(), encoding="utf-8")
    heard: set[int] = set()

    def hear() -> None:
        for epoch in epochs_told(folder):
            if epoch.number not in heard:
                told(epoch)
                heard.add(epoch.number)

    with (folder / LOG).open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own module, with the interpreter that runs us
            [sys.executable, "-m", PROGRAM, str(folder / "job.json")],
            env=_environment(folder),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while child.poll() is None:
                hear()
                try:
                    child.wait(_LOOK)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            _end(child)
    hear()
    return _outcome(folder, child.returncode)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return {
        **kept,
        **QUIET,
        "YOLO_VERBOSE": "true",
        "YOLO_CONFIG_DIR": str(folder / "settings"),
        "MPLBACKEND": "Agg",
    }


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the trainer, wherever it is; what it kept last is whole."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(_LAST_WAIT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _outcome(folder: Path, code: int) -> Trained:
    try:
        said = json.loads((folder / OUTCOME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = {"error": f"the trainer ended with code {code} and without a word"}
    if "error" in said:
        raise ModelError(
            f"the training failed: {said['error']}",
            hint=f"See {folder / LOG}; once it is fixed, the same command goes on after the last epoch kept.",
        )
    return Trained(Path(said["weights"]), said["by"], said["metrics"])
