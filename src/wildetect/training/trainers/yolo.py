"""Training by Ultralytics (extra `ultralytics`, AGPL-3.0), kept from the network and from other servers.

https://docs.ultralytics.com/modes/train/ for its arguments, and callbacks/ for what is called when.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wildetect.training.trainers.trainer import Epoch, Trained, TrainingJob, epochs_told

__all__ = ["Ultralytics"]

# Its own reports to other programs: WildDetect logs, and one training is one run.
INTEGRATIONS = (
    "sync",
    "hub",
    "mlflow",
    "comet",
    "clearml",
    "dvc",
    "neptune",
    "raytune",
    "tensorboard",
    "wandb",
)
MEASURES = {
    "metrics/precision(B)": "val/precision",
    "metrics/recall(B)": "val/recall",
    "metrics/mAP50(B)": "val/map50",
    "metrics/mAP50-95(B)": "val/map50-95",
}
WORKERS = 4  # processes that read pictures, beside a GPU
_LAST_WHOLE = 4  # the last of so many parts of the epochs goes without mosaics
# Where Ultralytics' own values are made for large sets of photographs that people took standing.
FROM_THE_AIR: Mapping[str, Any] = {
    "flipud": 0.5,  # seen from above there is no up
    "scale": 0.3,  # a flight keeps its height: animals differ less in size
    "mosaic": 0.5,  # half of the tiles as a survey shows them
    "cos_lr": True,  # slow at the end, so that the last epochs settle
}


class Ultralytics:
    """Ultralytics' YOLO and RT-DETR networks."""

    def train(self, job: TrainingJob, told: Callable[[Epoch], None]) -> Trained:
        """Train, or go on with what the job's folder holds."""
        import torch
        from ultralytics import YOLO, settings

        settings.update({name: False for name in INTEGRATIONS if name in settings})
        folder = Path(job.folder)
        files = _Files(folder)
        options: dict[str, Any] = {
            "data": str(_data_file(job, folder)),
            "imgsz": job.imgsz,
            "batch": job.batch,
            "workers": WORKERS if torch.cuda.is_available() else 0,
            "save_dir": str(files.made),
        }
        _without_caches(job)
        begun = files.kept_last.is_file()
        model = YOLO(str(files.kept_last if begun else job.weights))
        if model.task != "detect":
            raise ValueError(f"the weights were trained for the task {model.task!r}, not to detect")
        metrics: Mapping[str, float] = {}
        if begun and not _goes_on(files, job, told):
            metrics = _known_metrics(folder)
        else:
            model.add_callback("on_model_save", lambda trainer: _keep(trainer, files, told))
            if begun:
                options["resume"] = True
            else:
                # the check of mixed precision would download a network
                options |= {"epochs": job.epochs, "seed": job.seed, "amp": False, "exist_ok": True}
                options |= {"project": str(folder), "name": files.made.name}
                # one step a batch: gathered up to 64 tiles, as is usual, a small set has hardly any
                options |= {**FROM_THE_AIR, "nbs": job.batch, "close_mosaic": job.epochs // _LAST_WHOLE}
            try:
                model.train(**options)
            finally:
                _without_caches(job)
            metrics = _named(model.trainer.metrics)
        return Trained(files.result(), _made_by(torch), metrics)


class _Files:
    """Where things lie. Ultralytics writes over its checkpoints in place; a kill may leave half of one."""

    def __init__(self, folder: Path) -> None:
        self.made = folder / "trainer"
        self.last = self.made / "weights" / "last.pt"
        self.best = self.made / "weights" / "best.pt"
        self.kept_last = folder / "last.pt"
        self.kept_best = folder / "best so far.pt"
        self.final = folder / "best.pt"

    def result(self) -> Path:
        whole = self.best if self.best.is_file() else self.kept_best
        _copy(whole, self.final)
        return self.final


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.tmp")
    shutil.copyfile(source, draft)
    draft.replace(target)


def _without_caches(job: TrainingJob) -> None:
    """Delete what Ultralytics leaves beside the labels: the set is as it was built, and read as it is."""
    for cache in (Path(job.dataset) / "labels").glob("*.cache"):
        with contextlib.suppress(OSError):
            cache.unlink()


def _data_file(job: TrainingJob, folder: Path) -> Path:
    path = folder / "data.yaml"
    document = {
        "path": job.dataset,
        "train": "images/train",
        "val": "images/val",
        "names": dict(enumerate(job.class_names)),
    }
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")  # JSON is YAML, too
    return path


def _goes_on(files: _Files, job: TrainingJob, told: Callable[[Epoch], None]) -> bool:
    """Tell of an epoch that was kept and not told of; False where none is left to do."""
    import torch

    kept = torch.load(files.kept_last, map_location="cpu", weights_only=False)
    done = int(kept["epoch"]) + 1
    if done not in {epoch.number for epoch in epochs_told(files.kept_last.parent)}:
        told(Epoch(done, _named(kept.get("train_metrics") or {})))
    files.best.parent.mkdir(parents=True, exist_ok=True)
    if files.kept_best.is_file():
        _copy(files.kept_best, files.best)
    return done < job.epochs


def _keep(trainer: Any, files: _Files, told: Callable[[Epoch], None]) -> None:
    if trainer.best_fitness == trainer.fitness:
        _copy(files.best, files.kept_best)
    _copy(files.last, files.kept_last)
    measured = {**trainer.label_loss_items(trainer.tloss), **trainer.metrics, **trainer.lr}
    told(Epoch(trainer.epoch + 1, _named(measured)))


def _named(measured: Mapping[str, Any]) -> dict[str, float]:
    """Name measures as MLflow takes names, and so that they say on what was measured."""
    return {MEASURES.get(name, name): float(value) for name, value in measured.items() if name != "fitness"}


def _known_metrics(folder: Path) -> Mapping[str, float]:
    """Those of the best epoch, where the end was reached before and only its report is missing."""
    told = epochs_told(folder)
    return max((one.metrics for one in told), key=lambda each: each.get("val/map50-95", 0.0), default={})


def _made_by(torch: Any) -> str:
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
    return f"ultralytics {version('ultralytics')}, torch {version('torch')}, {device}"
