"""The task that trains a detector on what people corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.numbers import whole
from wildetect.tasks.support import emit, export_variables, say, say_hint, verb
from wildetect.wording import commas, quoted

if TYPE_CHECKING:
    from wildetect.settings.training.model import TrainingOptions
    from wildetect.workflows.learning.training import TrainingDone

__all__ = ["train"]


@verb(
    help={
        "dataset": "folder of a training set that dataset.build made",
        "weights": "what to begin with: a .pt file, or a registered version (name@alias) made of one",
        "name": "registered name of the result; without it that of the settings",
        "epochs": "how often to go through the whole set; without it 50",
        "imgsz": "side of the network's input in px, a multiple of 32; without it that of the tiles",
        "batch": "tiles in each step; less takes less memory; without it 8",
        "seed": "decides what is left to chance; without it 0",
        "json": "the outcome as a JSON document on stdout",
    },
    words=["dataset", "weights"],
    paths=["dataset"],
)
def train(
    context: Context,
    dataset: str | None = None,
    weights: str | None = None,
    name: str | None = None,
    epochs: str | None = None,
    imgsz: str | None = None,
    batch: str | None = None,
    seed: str | None = None,
    json: bool = False,
) -> None:
    """Train a detector on a training set, as a candidate.

    Each epoch is logged in MLflow's experiment "training". The best weights are registered with the alias
    candidate, linked to the run and the training set. A training that is stopped goes on when the same
    command is given again. It needs the extra ultralytics, and downloads nothing.
    """
    del context
    from wildetect.settings import Project, load_settings
    from wildetect.settings.project import from_caller
    from wildetect.settings.registration import RegistrationSettings
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.learning.training import TrainingRequest, train_model

    if not (dataset and weights):
        raise _more_needed(dataset, weights)
    project = Project.find()
    export_variables(project)
    request = TrainingRequest(
        dataset=from_caller(dataset),
        weights=weights,
        name=name or load_settings(RegistrationSettings, project).name,
        options=_options(epochs, imgsz, batch, seed),
    )
    done = train_model(project, request, Terminal())
    if json:
        emit(
            {
                "name": done.version.name,
                "version": done.version.version,
                "run_id": done.run_id,
                "mlflow": done.url,
                "folder": str(done.folder),
                "metrics": done.metrics,
                "trained": done.trained,
            }
        )
    else:
        _show(done)


def _more_needed(dataset: str | None, weights: str | None) -> Exception:
    """What is missing; what was given and is not there is told first, not repeated in a hint."""
    from wildetect.errors import ConfigurationError
    from wildetect.registry.reference import check_detector
    from wildetect.settings.project import from_caller
    from wildetect.training.manifest import read_manifest

    if dataset:
        read_manifest(from_caller(dataset))
    check_detector(weights)
    return ConfigurationError(
        "a training set and weights to begin with are needed",
        hint=f"uv run invoke model.train --dataset {quoted(dataset or 'FOLDER')} "
        f"--weights {quoted(weights or 'FILE')}",
    )


def _options(epochs: str | None, imgsz: str | None, batch: str | None, seed: str | None) -> TrainingOptions:
    from wildetect.settings.training.model import TrainingOptions

    usual = TrainingOptions()
    return TrainingOptions(
        epochs=_whole("--epochs", epochs, usual.epochs),
        imgsz=None if imgsz is None else _whole("--imgsz", imgsz, 640),
        batch=_whole("--batch", batch, usual.batch),
        seed=_whole("--seed", seed, usual.seed, least=0),
    )


def _whole(option: str, text: str | None, usual: int, least: int = 1) -> int:
    return usual if text is None else whole(option, text, least=least, example=usual)


def _show(done: TrainingDone) -> None:
    version = done.version
    if not done.trained:
        say(f"this very training was done before; to repeat it, move {done.folder} away")
    measured = commas(f"{name.removeprefix('val/')} {value:.3f}" for name, value in done.metrics.items())
    print(f"registered {version.name} version {version.version} as candidate")
    print(f"on the part val: {measured or 'nothing was measured'}")
    print(done.folder)
    print(done.url)
    say_hint(
        "Measure it on pictures that it has not learned from: uv run invoke model.evaluate "
        f"--model {quoted(str(version))} "
        f"--annotations {quoted(str(done.dataset / 'test.json'))} --dataset held-out"
    )
