"""evaluation.json: how well a model finds the animals of labelled pictures, and what was measured how."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from wildetect.results.files import write_text
from wildetect.results.run_parts import Remark
from wildetect.wording import listed

__all__ = [
    "EVALUATION",
    "ClassMeasures",
    "EvaluatedModel",
    "EvaluationRecord",
    "FoundCounts",
    "LabelledSet",
    "LoggedEvaluation",
    "Measures",
    "tell_replaced",
    "write_evaluation_file",
]

logger = logging.getLogger(__name__)

EVALUATION = "evaluation.json"


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """The model; without a version where it is a weights file."""

    name: str
    version: str | None
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """The labelled pictures.

    Attributes:
        name: What they are called.
        sha256: Digest of the annotations.
        pictures: Number of pictures.
        animals: Number of labelled animals.
        unknown_classes: Labelled boxes of classes that the model does not know, by class name.
    """

    name: str
    sha256: str
    pictures: int
    animals: int
    unknown_classes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures over all classes, 0 to 1; None where there is nothing to measure."""

    map50: float | None
    map50_95: float | None
    precision: float | None
    recall: float | None
    tiles_per_second: float


@dataclass(frozen=True, slots=True)
class FoundCounts:
    """Numbers of animals found and missed, and of boxes without an animal."""

    found: int
    missed: int
    wrong: int


@dataclass(frozen=True, slots=True)
class ClassMeasures:
    """Counts and measures of one class, as a row of classes.csv."""

    name: str
    animals: int
    found: int
    missed: int
    wrong: int
    precision: float | None
    recall: float | None
    ap50: float | None
    ap50_95: float | None

    @classmethod
    def columns(cls) -> list[str]:
        """Head of the table."""
        return [one.name for one in fields(cls)]


@dataclass(frozen=True, slots=True)
class LoggedEvaluation:
    """Where MLflow has it."""

    uri: str
    experiment: str
    run_id: str
    model_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """The content of evaluation.json, in its order; times in s.

    Attributes:
        model: The model.
        dataset: The labelled pictures.
        settings: The settings that shape the numbers, by name.
        metrics: Measures over all classes.
        counts: Animals found and missed.
        classes: Measures of each class.
        device: Where inference ran.
        tiles: Tiles run through the model.
        seconds: Time of the pass that was counted.
        doubts: Why animals of some pictures may be missed or counted wrongly, as in a detection run.
        mlflow: Where it is logged; None until then.
    """

    model: EvaluatedModel
    dataset: LabelledSet
    settings: Mapping[str, Any]
    metrics: Measures
    counts: FoundCounts
    classes: tuple[ClassMeasures, ...]
    device: str
    tiles: int
    seconds: float
    doubts: tuple[Remark, ...] = ()
    mlflow: LoggedEvaluation | None = None

    @property
    def cut_into(self) -> str:
        """What the pictures were cut into, in words."""
        if self.settings.get("scale") == "auto":
            return f"tiles cut for {self.settings['trained_gsd_cm']:g} cm/px"
        return f"tiles of {self.settings['tile_size']} px" if self.settings["tile_size"] else "whole pictures"

    @property
    def confidence(self) -> float:
        """The confidence from which boxes counted."""
        return float(self.settings["confidence"])

    def document(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return asdict(self) | {
            "classes": [asdict(one) for one in self.classes],
            "doubts": [{"what": one.what, "files": list(one.files)} for one in self.doubts],
        }


def write_evaluation_file(folder: Path, record: EvaluationRecord) -> None:
    """Write evaluation.json, whole or not at all.

    Raises:
        InputError: It cannot be written.
    """
    text = json.dumps(record.document(), indent=2, ensure_ascii=False) + "\n"
    write_text(folder / EVALUATION, text)


def tell_replaced(folder: Path, record: EvaluationRecord) -> None:
    """Say that a folder held another evaluation, such as one of more pictures."""
    try:
        before = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if not isinstance(before, dict):
        return
    now = json.loads(json.dumps(record.document()))
    other = [name for name in ("model", "dataset", "settings") if before.get(name) != now[name]]
    if other:
        logger.warning(
            "%s held another evaluation, which is replaced (other %s); --output keeps them apart",
            folder,
            listed(other),
        )
