"""Evaluations in MLflow: what was measured on which labelled pictures or surveys, linked to the version.

An evaluation is a run in the experiment "evaluation". Its metrics are linked to the version's logged
model, so that MLflow shows them on the version's page; a tag of the version has the main ones (module
quality).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, artifact_repository, errors_of_mlflow
from wildetect.registry.names import find_metric, name_for_mlflow
from wildetect.registry.runs import DatasetRecord, RunRecord, finish_run, logged_model_id, start_run
from wildetect.registry.versions import Version
from wildetect.wording import commas, number_of

__all__ = [
    "BEST_CONFIDENCE",
    "DOUBTFUL",
    "EXPERIMENT",
    "LEARNED_FROM",
    "NEAR_LEARNED",
    "Evaluated",
    "Evaluation",
    "MeasuredQuality",
    "Quality",
    "evaluations_of",
    "kept_file",
    "limits_of",
    "log_evaluation",
    "metrics_of",
    "qualities_of",
    "survey_dataset",
    "tag_of",
]


TAG = "eval."
BEST_CONFIDENCE = "best_confidence"
LEARNED_FROM = "learned_from"
"""Setting of an evaluation: "none" of the pictures, or "unknown"."""
NEAR_LEARNED = "near_learned"
"""Setting of an evaluation: number of pictures taken near photographs that the detector has learned from."""
DOUBTFUL = "doubtful_pictures"
"""Setting of an evaluation: number of pictures in which animals may be missed or counted wrongly."""


class Evaluated(BaseModel):
    """An evaluation as its version's tag tells it.

    Attributes:
        dataset: Name of the labelled pictures, or `survey_dataset` of a survey.
        at: When, in UTC.
        run_id: The run in the experiment "evaluation".
        metrics: Metrics of all classes together.
        settings: What the numbers depend on; evaluations with other settings cannot be compared.
        of_survey: Whether people reviewed a part of a survey, and the numbers are estimates for all of it.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    at: datetime
    run_id: str
    metrics: dict[str, float]
    settings: dict[str, Any] = {}
    of_survey: bool = False


def survey_dataset(survey: str) -> str:
    """What a survey is called among data sets: labelled pictures of the same name stay apart from it."""
    return f"survey {survey}"


def tag_of(dataset: str) -> str:
    """The name of the tag that has a version's newest evaluation on a data set."""
    return TAG + name_for_mlflow(dataset)


def evaluations_of(version: Version) -> list[Evaluated]:
    """The newest evaluation of a version on each data set, the newest of all first."""
    found = []
    for name, value in version.tags.items():
        if name.startswith(TAG):
            try:
                found.append(Evaluated.model_validate_json(value))
            except ValidationError:  # a tag that somebody made by hand
                continue
    newest: dict[str, Evaluated] = {}
    for one in sorted(found, key=lambda one: one.at, reverse=True):
        newest.setdefault(one.dataset, one)  # a tag with the data set's earlier spelling may lie beside
    return list(newest.values())


def metrics_of(connection: Connection, version: Version) -> dict[str, float]:
    """The measured quality of a version; empty if it was never evaluated.

    Returns:
        From the newest evaluation on labelled pictures (on a survey, where there is none) `map50`,
        `map50_95`, `precision`, `recall` and `tiles_per_second`, and those of each class such as
        `recall/zebra`; and of every data set `<dataset>/map50` and so on.

    Raises:
        ServerError: Where the server fails.
    """
    evaluations = evaluations_of(version)
    metrics = {
        f"{name_for_mlflow(one.dataset)}/{name}": value
        for one in evaluations
        for name, value in one.metrics.items()
    }
    if not evaluations:
        return metrics
    # a survey has no mAP, and what an alias requires of it must not vanish with each review
    newest = next((one for one in evaluations if not one.of_survey), evaluations[0])
    return {**metrics, **_of_run(connection, newest.run_id), **newest.metrics}


def _of_run(connection: Connection, run_id: str) -> dict[str, float]:
    """All metrics of a run; none if it was deleted since, as the tag has the main ones."""
    try:
        with errors_of_mlflow(f"run {run_id}"):
            return dict(connection.client.get_run(run_id).data.metrics)
    except ModelError:
        return {}


def kept_file(connection: Connection, run_id: str, name: str) -> str | None:
    """The text of a file that an evaluation kept; null where it kept none, or the run is gone.

    Raises:
        ServerError: Where the server fails.
    """
    try:
        with errors_of_mlflow(f"run {run_id}"), tempfile.TemporaryDirectory() as folder:
            # not the client's own way: that takes a server which fails for a run that has no files
            place = connection.client.get_run(run_id).info.artifact_uri
            files = artifact_repository(connection, place)
            if name not in {file.path for file in files.list_artifacts()}:
                return None
            path = files.download_artifacts(name, folder)
            return Path(path).read_bytes().decode("utf-8")
    except ModelError:
        return None


@dataclass(frozen=True, slots=True)
class Quality:
    """Precision and recall, 0 to 1; None where nothing was there to measure.

    Attributes:
        precision: Share of the detections that show an animal.
        recall: Share of the animals that were detected.
        precision_limits: 95% limits; None where it was not noted.
        recall_limits: The like.
    """

    precision: float | None = None
    recall: float | None = None
    precision_limits: tuple[float, float] | None = None
    recall_limits: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredQuality:
    """How well a detector did on one set of labelled pictures, or on a survey of which a part was reviewed.

    Attributes:
        dataset: Their name.
        at: When it was measured, ISO 8601, UTC.
        pictures: How many there were; None where that was not noted.
        tile_size: Side of the tiles in px; 0: each picture whole; None where that was not noted, or each
            picture had tiles of its own size (processing.scale: auto).
        gsd_cm: Median ground resolution of the pictures in cm/px; None where they do not tell it.
        confidence: Lowest confidence of the boxes that counted.
        overall: Metrics of all classes together.
        classes: Metrics of each class, by name.
        best_confidence: Confidence at which it counts a photograph's animals best; None where that was not
            noted.
    """

    dataset: str
    at: str
    pictures: int | None = None
    tile_size: int | None = None
    gsd_cm: float | None = None
    confidence: float | None = None
    overall: Quality = Quality()
    classes: Mapping[str, Quality] = field(default_factory=dict)
    best_confidence: float | None = None

    @property
    def where(self) -> str:
        """Data set, pictures, date and scale, for a person."""
        facts = [self.at[:10]]
        if self.pictures is not None:
            facts.insert(0, number_of(self.pictures, "picture"))
        if self.gsd_cm is not None:
            facts.append(f"{self.gsd_cm:.1f} cm/px")
        if self.tile_size is not None:
            facts.append(f"tiles of {self.tile_size} px" if self.tile_size else "whole pictures")
        if self.confidence is not None:
            facts.append(f"confidence {self.confidence:g}")
        return f"{self.dataset} ({commas(facts)})"


def qualities_of(
    connection: Connection, version: Version, class_names: Sequence[str]
) -> list[MeasuredQuality]:
    """The measured quality of a version on each data set, newest first; empty if it was never evaluated.

    Args:
        connection: The server.
        version: Version of a registered model.
        class_names: Names of the model's classes.

    Raises:
        ServerError: Where the server fails.
    """
    return [_quality(one, _of_run(connection, one.run_id), class_names) for one in evaluations_of(version)]


def _quality(one: Evaluated, of_run: Mapping[str, float], class_names: Sequence[str]) -> MeasuredQuality:
    classes = {
        name: Quality(find_metric(f"precision/{name}", of_run), find_metric(f"recall/{name}", of_run))
        for name in class_names
    }
    return MeasuredQuality(
        dataset=one.dataset,
        at=one.at.astimezone(UTC).isoformat(timespec="seconds"),
        pictures=_whole(one.settings.get("pictures")),
        tile_size=None if one.settings.get("scale") == "auto" else _whole(one.settings.get("tile_size")),
        gsd_cm=_number(one.settings.get("gsd_cm")),
        confidence=_number(one.settings.get("confidence")),
        overall=Quality(
            one.metrics.get("precision"),
            one.metrics.get("recall"),
            _limits(one.metrics, "precision"),
            _limits(one.metrics, "recall"),
        ),
        classes={name: quality for name, quality in classes.items() if quality != Quality()},
        best_confidence=one.metrics.get(BEST_CONFIDENCE),
    )


def _limits(metrics: Mapping[str, float], measure: str) -> tuple[float, float] | None:
    names = limits_of(measure)
    return (metrics[names[0]], metrics[names[1]]) if all(name in metrics for name in names) else None


def limits_of(measure: str) -> tuple[str, str]:
    """The names of the metrics that hold the 95% limits of one: the lower, the upper."""
    return f"{measure}_lower", f"{measure}_upper"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else round(number)


EXPERIMENT = "evaluation"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What one evaluation leaves.

    Attributes:
        dataset: Name of the labelled pictures.
        digest: sha256 of their annotation file.
        metrics: `map50`, `map50_95`, `precision`, `recall`, `tiles_per_second`; those that are undefined
            (precision without detections) are left out.
        of_classes: The like for single classes, named by `metric_name`.
        settings: What else the numbers depend on.
        folder: Files to keep with the run.
        of_survey: Metrics of the survey as of an `Evaluated`.
    """

    dataset: str
    digest: str
    metrics: Mapping[str, float]
    of_classes: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    folder: Path | None = None
    of_survey: bool = False


def log_evaluation(
    connection: Connection, model: tuple[str, str | None], evaluation: Evaluation
) -> tuple[str, str | None]:
    """Log an evaluation, and write its numbers onto the version.

    Args:
        connection: The server.
        model: Name and version; with no version (a weights file) there is only the run.
        evaluation: What to log.

    Returns:
        The ids of the run and, where there is one, of the logged model that its metrics are linked to.

    Raises:
        ServerError: Where the server fails.
        ModelError: Where the version is gone.
    """
    name, version = model
    called = f"{name} version {version}" if version else name
    model_id = logged_model_id(connection, name, version)
    run_id = start_run(connection, EXPERIMENT, f"{called} on {evaluation.dataset}")
    tags = {"model": name, "dataset": evaluation.dataset, **({"version": version} if version else {})}
    record = RunRecord(
        parameters=evaluation.settings,
        metrics={**evaluation.metrics, **evaluation.of_classes},  # 80 classes: 400, one request takes 1000
        tags=tags,
        folder=evaluation.folder,
        model=model,
        dataset=DatasetRecord(
            name=evaluation.dataset,
            digest=evaluation.digest,
            source={"annotations_sha256": evaluation.digest},
        ),
    )
    finish_run(connection, run_id, record)
    if version is not None:
        evaluated = Evaluated(
            dataset=evaluation.dataset,
            at=datetime.now(UTC),
            run_id=run_id,
            metrics=dict(evaluation.metrics),
            settings={"annotations_sha256": evaluation.digest, **evaluation.settings},
            of_survey=evaluation.of_survey,
        )
        with errors_of_mlflow(f"model {name}/{version}"):
            connection.client.set_model_version_tag(
                name, version, tag_of(evaluation.dataset), evaluated.model_dump_json()
            )
    return run_id, model_id
