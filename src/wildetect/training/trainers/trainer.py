"""What a trainer is: one method that learns from a set and tells of each epoch.

A further trainer is a class with this method and a line in the table of module program.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = ["EPOCHS", "OUTCOME", "Epoch", "Trained", "Trainer", "TrainingJob", "epochs_told"]

EPOCHS = "epochs.jsonl"
"""In the folder of a training: a line for each epoch that is done and kept."""
OUTCOME = "outcome.json"
"""Beside it, once the trainer's process is through: what came of it, or why nothing did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """What a trainer is asked for, with absolute paths.

    Attributes:
        trainer: Name of the trainer, which is that of the extra that it needs.
        dataset: Folder of the training set.
        class_names: Names of the set's classes, by class id.
        weights: What it begins with.
        folder: For all that the trainer writes; what it holds of the same job is gone on with.
        epochs: Number of times that the whole set is gone through.
        imgsz: Side of the network's input in px.
        batch: Tiles in each step.
        seed: Seed of all that is left to chance.
    """

    trainer: str
    dataset: str
    class_names: tuple[str, ...]
    weights: str
    folder: str
    epochs: int
    imgsz: int
    batch: int
    seed: int

    def to_json(self) -> str:
        """The job as text."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> TrainingJob:
        """Read what `to_json` wrote."""
        said = json.loads(text)
        return cls(**{**said, "class_names": tuple(said["class_names"])})


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch that is done.

    Attributes:
        number: Number, from 1.
        metrics: What was measured, such as "train/box_loss" or "val/recall"; a number may be no number.
    """

    number: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it.

    Attributes:
        weights: The best of all epochs.
        by: The programs with their versions, and the device.
        metrics: Metrics of the best weights, on the part "val" of the set.
    """

    weights: Path
    by: str
    metrics: Mapping[str, float] = field(default_factory=dict)


class Trainer(Protocol):
    """Learns from a set."""

    def train(self, job: TrainingJob, told: Callable[[Epoch], None]) -> Trained:
        """Train, or go on with what the job's folder holds.

        Args:
            job: What to learn from, beginning with what.
            told: Callback that is told of each epoch once a kill cannot undo it.
        """
        ...


def epochs_told(folder: Path) -> list[Epoch]:
    """The epochs that the trainer has told of so far; a line that is being written is left for later."""
    try:
        text = (folder / EPOCHS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    known = {}
    for line in whole.splitlines():
        try:
            said = json.loads(line)
            known[int(said["epoch"])] = Epoch(int(said["epoch"]), dict(said["metrics"]))
        except (ValueError, KeyError, TypeError):
            continue  # cut by a kill, and the next start wrote behind it
    return [known[number] for number in sorted(known)]
