"""What registering costs over MLflow's own call, and what the cache of fetched versions saves."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from tests.workspaces import Workspace, free_port

from wildetect.registry.cache import fetch
from wildetect.registry.connection import Connection, connect, mlflow_module
from wildetect.registry.reference import ModelReference
from wildetect.registry.registration import register
from wildetect.settings import Project
from wildetect.settings.registration import Localizer, RegistrationSettings, Yolo
from wildetect.workflows.registration import checked

ROOT = Path(__file__).parents[1]
TURNS = 5
LIMITS = {10: 3.0, 100: 3.0}
"""Most that checking, fingerprints, tags and aliases may cost over the bare call, by MB."""
CACHED_LIMIT = 0.5


def seconds(work: Callable[[], object]) -> float:
    """Wall time of a call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def weights_of(folder: Path, megabytes: int) -> Path:
    """The demo's detector with ballast."""
    model = onnx.load(ROOT / "demo" / "detector.onnx")
    ballast = np.random.default_rng(0).random(megabytes * 250_000, dtype=np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(ballast, "ballast"))
    path = folder / f"ballast_{megabytes}.onnx"
    onnx.save(model, path)
    return path


def check_and_register(project: Project, connection: Connection, settings: RegistrationSettings) -> None:
    """What model.register does."""
    register(connection, checked(project, settings, ["production"])[0])


def bare(model: Any) -> None:
    """What MLflow's documentation says, with explicit requirements so that it works offline."""
    mlflow = mlflow_module()
    mlflow.set_experiment("bare")
    with mlflow.start_run():
        mlflow.onnx.log_model(
            model,
            name="model",
            registered_model_name="bare",
            pip_requirements=["onnx", "onnxruntime"],
            save_as_external_data=False,
        )


def measure(project: Project, connection: Connection, folder: Path) -> bool:
    """Both ways in turn, for each size; then fetching with and without the cache."""
    fine = True
    for megabytes, limit in LIMITS.items():
        path = weights_of(folder, megabytes)
        settings = RegistrationSettings(localizer=Localizer(yolo=Yolo(weights=path)))

        ours = partial(check_and_register, project, connection, settings)
        theirs = partial(bare, onnx.load(path))
        theirs()
        turns = [(seconds(ours), seconds(theirs)) for _ in range(TURNS)]
        ratio = statistics.median(a / b for a, b in turns)
        fine &= ratio <= limit
        took = statistics.median(a for a, _ in turns)
        print(f"register {megabytes} MB: {took:.2f} s, {ratio:.2f} of the bare MLflow call (limit {limit})")
    reference = ModelReference("detector", alias="production")
    fresh, cached = [], []
    for turn in range(TURNS):
        cache = folder / f"cache{turn}"
        fresh.append(seconds(partial(fetch, connection, reference, cache)))
        cached.append(seconds(partial(fetch, connection, reference, cache)))
    ratio = statistics.median(a / b for a, b in zip(cached, fresh, strict=True))
    print(f"fetch 100 MB from the cache: {ratio:.2f} of a fresh fetch (limit {CACHED_LIMIT})")
    return bool(fine and ratio <= CACHED_LIMIT)


def main() -> int:
    """Serve in a folder of its own, measure, stop."""
    folder = Path(tempfile.mkdtemp())
    workspace = Workspace.make(folder / "project", MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}")
    try:
        workspace.succeed("mlflow.serve", "--detach")
        connection = connect(workspace.variables["MLFLOW_TRACKING_URI"])
        fine = measure(Project(workspace.root), connection, folder)
    except subprocess.SubprocessError as error:
        print(error)
        fine = False
    finally:
        workspace.succeed("mlflow.stop")
        shutil.rmtree(folder)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
