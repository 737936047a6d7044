"""Train in a process of its own: `python -m wildetect.training.trainers.program JOB.json`.

A program of its own, since a trainer takes much memory, writes to stdout, and reading pickled weights runs
what is in them. It ends when whoever started it ends: two that write into one folder would spoil it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from wildetect.training.trainers.trainer import EPOCHS, OUTCOME, Epoch, Trainer, TrainingJob
from wildetect.training.trainers.yolo import Ultralytics

__all__ = ["main"]

TRAINERS: dict[str, type[Trainer]] = {"ultralytics": Ultralytics}
_LONGEST = 400  # characters of an error


def main(job_file: str) -> int:
    """Do the job that a file describes; its outcome goes into another beside it."""
    job = TrainingJob.from_json(Path(job_file).read_text(encoding="utf-8"))
    folder = Path(job.folder)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def told(epoch: Epoch) -> None:
        line = json.dumps({"epoch": epoch.number, "metrics": dict(epoch.metrics)})
        with (folder / EPOCHS).open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")

    try:
        trained = TRAINERS[job.trainer]().train(job, told)
        outcome = {**asdict(trained), "weights": str(trained.weights)}
    except Exception as error:
        text = " ".join(str(error).split())
        (folder / OUTCOME).write_text(
            json.dumps({"error": f"{type(error).__name__}: {text}"[:_LONGEST]}), encoding="utf-8"
        )
        raise  # with its traceback, into the log
    (folder / OUTCOME).write_text(json.dumps(outcome), encoding="utf-8")
    return 0


def _end_with_parent() -> None:
    """Wait for the end of stdin, which comes when the parent closes it or is gone."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
