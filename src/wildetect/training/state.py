"""training.json: how far a training is, beside what the trainer keeps of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from wildetect.errors import InputError
from wildetect.results.files import write_text
from wildetect.settings.names import folder_name

__all__ = ["TrainingState", "read_state", "training_folder", "write_state"]

STATE = "training.json"
FORMAT = "wildetect-training 1"
_SIGNS = 8  # of a digest, in a folder's name


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """How far a training is.

    Attributes:
        asked: What it was asked for; another request has another folder.
        run_id: Its run in MLflow.
        weights: The best weights, once the trainer is through; relative to the folder.
        by: Which programs trained, on what.
        metrics: Metrics of the best weights.
        version: What was registered, such as "herd/4".
    """

    asked: dict[str, Any]
    run_id: str | None = None
    weights: str | None = None
    by: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    version: str | None = None


def training_folder(dataset: Path, name: str, asked: dict[str, Any]) -> Path:
    """Where the training lies that is asked for: beside the set, so that the set stays as it was built.

    Args:
        dataset: Folder of the set.
        name: Registered name of what is trained.
        asked: What it depends on; the same gives the same folder.
    """
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:_SIGNS]
    return dataset.with_name(f"{dataset.name}-training") / f"{folder_name(name)}-{digest}"


def read_state(folder: Path, asked: dict[str, Any]) -> TrainingState:
    """The state of a training; of one that has not begun, the first.

    Raises:
        InputError: The file is damaged.
    """
    path = folder / STATE
    if not path.is_file():
        return TrainingState(asked=asked)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return _of(said)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged: {error}",
            hint=f"Move the folder {folder} away; the training then begins at its first epoch.",
        ) from error


def _of(said: dict[str, Any]) -> TrainingState:
    if said["format"] != FORMAT:
        raise ValueError("it is of another program or version")
    known = {one.name for one in fields(TrainingState)}
    return TrainingState(**{key: value for key, value in said.items() if key in known})


def write_state(folder: Path, state: TrainingState) -> None:
    """Write training.json.

    Raises:
        InputError: It cannot be written.
    """
    text = json.dumps({"format": FORMAT, **asdict(state)}, indent=2, ensure_ascii=False) + "\n"
    write_text(folder / STATE, text)
