"""Train a detector on a set, log each epoch, and register what came of it as a candidate."""

from __future__ import annotations

import importlib.util
import math
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from wildetect.errors import ConfigurationError, ModelError, ServerError
from wildetect.registry.cache import stored_manifest
from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.registry.learning import runs as log
from wildetect.registry.learning.card import refresh_card
from wildetect.registry.learning.lineage import CHECKPOINT_TAG
from wildetect.registry.reference import ModelReference, check_name
from wildetect.registry.runs import DatasetRecord, RunRecord, finish_run
from wildetect.registry.versions import Version, resolve
from wildetect.registry.weights.weights_file import sha256_of
from wildetect.results.files import make_folder
from wildetect.settings import Project
from wildetect.settings.registration import Localizer, Naming, RegistrationSettings, Yolo
from wildetect.settings.training.model import TrainingOptions
from wildetect.training.built_set import BuiltSet, read_built_set
from wildetect.training.manifest import MANIFEST
from wildetect.training.starting import StartingWeights, starting_weights
from wildetect.training.state import TrainingState, read_state, training_folder, write_state
from wildetect.training.trainers.process import LOG, run_trainer
from wildetect.training.trainers.trainer import EPOCHS, Epoch, TrainingJob
from wildetect.wording import commas, listed, quoted
from wildetect.workflows.connecting import connect_for
from wildetect.workflows.learning.lineage import trained_gsd_cm, with_lineage
from wildetect.workflows.registration import checked, register
from wildetect.workflows.versions.aliases import CANDIDATE
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["TrainingDone", "TrainingRequest", "train_model"]

STRIDE = 32  # px; sides of a network's input are multiples of it
_KEPT = ("trainer/results.csv", "trainer/results.png", "trainer/confusion_matrix.png", "trainer/args.yaml")
_MEASURES = ("recall", "precision", "map50", "map50-95")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What to train.

    Attributes:
        dataset: Folder of a set that `dataset.build` made.
        weights: What to begin with: a .pt file, or a registered version.
        name: Registered name of the result.
        options: How it learns.
    """

    dataset: Path
    weights: str
    name: str
    options: TrainingOptions = field(default_factory=TrainingOptions)


@dataclass(frozen=True, slots=True)
class TrainingDone:
    """What came of it.

    Attributes:
        version: The registered version.
        run_id: Identifier of the training in MLflow.
        url: Address of its page.
        folder: Folder of all that the trainer kept.
        dataset: Folder of the set.
        metrics: Metrics of the best weights, on the part "val" of the set.
        trained: False where it had been trained and registered before.
    """

    version: Version
    run_id: str
    url: str
    folder: Path
    dataset: Path
    metrics: dict[str, float]
    trained: bool


@dataclass(slots=True)
class _Training:
    """A training on its way."""

    project: Project
    request: TrainingRequest
    data: BuiltSet
    weights: StartingWeights
    connection: Connection
    folder: Path
    state: TrainingState
    watcher: Watcher

    def keep(self, **changed: Any) -> None:
        self.state = replace(self.state, **changed)
        write_state(self.folder, self.state)

    @property
    def run_id(self) -> str:
        return str(self.state.run_id)


def train_model(project: Project, request: TrainingRequest, watcher: Watcher = SILENT) -> TrainingDone:
    """Train, or go on with the same training where it was stopped; register the best weights.

    Args:
        project: Its server logs the training.
        request: What to train.
        watcher: Observer that is told of each epoch, and what is doubtful.

    Raises:
        ConfigurationError: There is no set, an extra is missing, or the same training runs already.
        InputError: The set is damaged, or there is nothing in it to learn from.
        ModelError: The starting weights cannot be used, or the training failed.
        ServerError: No server answers.
    """
    check_name(request.name)
    data = read_built_set(request.dataset)
    imgsz = _side(request, data)
    weights = starting_weights(request.weights, lambda: connect_for(project, watcher))
    _require_extra(request)
    connection = connect_for(project, watcher)
    options = {**asdict(request.options), "imgsz": imgsz}
    asked = {"name": request.name, "dataset": data.record.digest, "weights": weights.sha256, **options}
    folder = training_folder(data.folder, request.name, asked)
    make_folder(folder, hint="Move the training set to a folder that can be written.", what="the folder")
    for note in data.record.notes:
        watcher.notice(f"warning: {note}")
    with _alone(folder):
        state = read_state(folder, asked)
        training = _Training(project, request, data, weights, connection, folder, state, watcher)
        before = _registered(training)
        if before is not None:
            return _done(training, before, trained=False)
        return _run(training, imgsz)


def _side(request: TrainingRequest, data: BuiltSet) -> int:
    """Side of the network's input in px: as it is asked for, else that of the tiles."""
    asked = request.options.imgsz or data.record.tile_size
    if not asked:
        raise ConfigurationError(
            f"{data.folder} holds whole photographs: the size that the network takes is not known",
            hint="Give it with --imgsz, such as --imgsz 1280.",
        )
    if request.options.imgsz and asked % STRIDE:
        raise ConfigurationError(
            f"--imgsz {asked} is not a multiple of {STRIDE}", hint=f"Give --imgsz {_up(asked)}"
        )
    return _up(asked)


def _up(side: int) -> int:
    return math.ceil(side / STRIDE) * STRIDE


def _require_extra(request: TrainingRequest) -> None:
    extra = request.options.trainer
    if importlib.util.find_spec(extra) is None:
        raise ConfigurationError(
            f"training needs the extra {extra!r}, which is not installed",
            hint=f"uv run --extra {extra} invoke model.train --dataset {quoted(str(request.dataset))} "
            f"--weights {quoted(str(request.weights))} --name {quoted(str(request.name))}",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / "training.lock", timeout=0):
            yield
    except Timeout as error:
        raise ConfigurationError(
            f"this very training runs already, in {folder}",
            hint="Wait for it, or stop it with Ctrl+C in its window; what it has learned is kept.",
        ) from error


def _registered(training: _Training) -> Version | None:
    """The version that this training made before, if the registry still holds it."""
    if training.state.version is None or training.state.run_id is None:
        return None
    with suppress(ModelError):
        version = resolve(training.connection, ModelReference.parse(training.state.version))
        if version.tags.get("training_run") == training.state.run_id:
            return version
    return None


def _run(training: _Training, imgsz: int) -> TrainingDone:
    logged = _open(training, imgsz)
    try:
        if training.state.weights is None:
            _learn(training, imgsz, logged)
        version = _register(training, imgsz)
        _finish(training, version)
    except KeyboardInterrupt:
        _close(training, "KILLED")
        training.watcher.notice("stopped; the same command goes on after the last epoch that is done")
        raise
    except ServerError:
        raise  # nothing is lost, and there is no one to tell
    except Exception:
        _close(training, "FAILED")
        raise
    return _done(training, version, trained=True)


def _open(training: _Training, imgsz: int) -> set[int]:
    """Open the run, again where it was begun; the epochs that it has."""
    known = log.go_on(training.connection, training.run_id) if training.state.run_id else None
    if known is not None:
        return known
    data, weights, options = training.data, training.weights, training.request.options
    memory = f"{psutil.cpu_count()} processors, {round(psutil.virtual_memory().total / 2**30)} GiB"
    record = RunRecord(
        parameters={
            **asdict(options),
            "imgsz": imgsz,
            "weights": weights.said,
            "weights_sha256": weights.sha256,
            "classes": commas(data.record.class_names),
            "dataset_digest": data.record.digest,
        },
        tags={
            "machine": f"{platform.node()}: {platform.platform()}, {memory}",
            "folder": str(training.folder),
            **({"doubts": "\n".join(data.record.notes)} if data.record.notes else {}),
        },
        dataset=_dataset(data),
    )
    training.keep(run_id=log.begin(training.connection, training.request.name, record))
    return set()


def _dataset(data: BuiltSet) -> DatasetRecord:
    return DatasetRecord(
        name=data.record.name,
        digest=data.record.digest,
        source={"folder": str(data.folder)},
        size=len(data.record.photographs),
    )


def _learn(training: _Training, imgsz: int, logged: set[int]) -> None:
    options = training.request.options
    job = TrainingJob(
        trainer=options.trainer,
        dataset=str(training.data.folder),
        class_names=training.data.record.class_names,
        weights=str(training.weights.path),
        folder=str(training.folder),
        epochs=options.epochs,
        imgsz=imgsz,
        batch=options.batch,
        seed=options.seed,
    )
    told = _Told(training, logged)
    trained = run_trainer(job, told.take)
    told.log_missed()
    training.keep(
        weights=trained.weights.relative_to(training.folder).as_posix(),
        by=trained.by,
        metrics={name: value for name, value in trained.metrics.items() if math.isfinite(value)},
    )


@dataclass(slots=True)
class _Told:
    """Takes epochs: to the server, and to whoever watches. A server that is off for a while costs nothing."""

    training: _Training
    logged: set[int]
    missed: dict[int, dict[str, float]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    done: int = 0

    def take(self, epoch: Epoch) -> None:
        if epoch.number in self.logged:
            return
        self.done += 1
        finite = {name: value for name, value in epoch.metrics.items() if math.isfinite(value)}
        watcher = self.training.watcher
        if len(finite) < len(epoch.metrics):
            lost = listed(sorted(epoch.metrics.keys() - finite.keys()))
            watcher.notice(f"warning: epoch {epoch.number}: {lost} is not a number: the training may be lost")
        self.missed[epoch.number] = finite
        try:
            self.log_missed()
        except ServerError as error:
            watcher.notice(f"warning: epoch {epoch.number} is logged later: {error.message}")
        watcher.notice(self._line(epoch.number, finite))

    def log_missed(self) -> None:
        for number in sorted(self.missed):
            log.log_epoch(self.training.connection, self.training.run_id, number, self.missed[number])
            self.logged.add(number)
            del self.missed[number]

    def _line(self, number: int, metrics: dict[str, float]) -> str:
        epochs = self.training.request.options.epochs
        shown = [f"{name} {metrics[f'val/{name}']:.3f}" for name in _MEASURES if f"val/{name}" in metrics]
        minutes = (time.monotonic() - self.began) / self.done * (epochs - number) / 60
        left = [f"about {math.ceil(minutes):,} min left"] if number < epochs else []
        return f"epoch {number} of {epochs}: {commas([*shown, *left])}"


def _register(training: _Training, imgsz: int) -> Version:
    """Export the best weights, check them, and register them."""
    data, request = training.data, training.request
    record = data.record
    best = training.folder / str(training.state.weights)
    settings = RegistrationSettings(
        localizer=Localizer(yolo=_yolo(training, best, imgsz)),
        processing=Naming(name=request.name),
        description=f"Trained on {record.name} ({record.digest[:16]}): {len(record.photographs):,} reviewed "
        f"photographs, beginning with {training.weights.said}.",
        trained_gsd_cm=trained_gsd_cm(data, imgsz),
        tags={"training_run": training.run_id, CHECKPOINT_TAG: sha256_of(best)},
    )
    registration, _ = checked(training.project, settings, [CANDIDATE])
    registration = with_lineage(training.connection, registration, data, training.weights)
    version, _ = register(training.project, training.connection, registration, training.watcher)
    return version


def _yolo(training: _Training, weights: Path, imgsz: int) -> Yolo:
    """The weights with the thresholds of the version that they began with: both are to count alike."""
    start = training.weights.version
    if start is None:
        return Yolo(weights=weights, imgsz=imgsz)
    thresholds = stored_manifest(training.connection, start).thresholds
    return Yolo(
        weights=weights,
        imgsz=imgsz,
        conf_thres=thresholds.confidence,
        iou_thres=thresholds.iou,
        max_det=thresholds.max_detections,
    )


def _finish(training: _Training, version: Version) -> None:
    log.link(training.connection, version, training.run_id)
    files = [name for name in (*_KEPT, EPOCHS, LOG) if (training.folder / name).is_file()]
    best = {f"best/{name.removeprefix('val/')}": value for name, value in training.state.metrics.items()}
    measured = {name: value for name, value in best.items() if name.partition("/")[2] in _MEASURES}
    with errors_of_mlflow(f"run {training.run_id}"):
        training.connection.client.log_artifact(training.run_id, str(training.data.folder / MANIFEST))
    finish_run(
        training.connection,
        training.run_id,
        RunRecord(
            metrics=measured,
            tags={"trained_by": training.state.by},
            folder=training.folder,
            files=files,
            model=(version.name, version.version),
        ),
    )
    refresh_card(training.connection, version.name, version.version)  # it names its run now
    training.keep(version=str(version))


def _close(training: _Training, status: str) -> None:
    with suppress(ServerError, ModelError):
        log.end(training.connection, training.run_id, status)


def _done(training: _Training, version: Version, *, trained: bool) -> TrainingDone:
    url = f"{training.connection.uri}/#/runs/{training.run_id}"
    metrics = {name: value for name, value in training.state.metrics.items() if name.startswith("val/")}
    return TrainingDone(
        version, training.run_id, url, training.folder, training.data.folder, metrics, trained
    )
