"""Fill a store through a running server, with whatever MLflow is installed beside this file's Python.

    python write_store.py URI NETWORK DESCRIBED

Runs in an environment of an old MLflow, see old_stores.py: nothing of this project is imported here.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import mlflow
import mlflow.onnx
import onnx
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

WHEN = 1_700_000_000_000  # ms


def fitting(call: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Those options that this MLflow knows."""
    known = inspect.signature(call).parameters
    return {name: value for name, value in options.items() if name in known}


def has_registry(client: MlflowClient) -> bool:
    """Make the model; the file stores of MLflow 2.0 hold none."""
    try:
        client.create_registered_model("elephants", tags={"kind": "herd"}, description="finds elephants")
    except MlflowException as error:
        if "registry functionality is unavailable" in str(error):
            return False
        raise
    return True


def point_at_versions(client: MlflowClient) -> None:
    """Name two of the three versions, by stages before there were aliases, and delete the first."""
    if hasattr(client, "set_registered_model_alias"):
        client.set_registered_model_alias("elephants", "production", "2")
        client.set_registered_model_alias("elephants", "candidate", "3")
    else:
        client.transition_model_version_stage("elephants", "2", "Production")
    client.delete_model_version("elephants", "1")


def main() -> None:
    """Write two models, three versions, runs, deleted things and an experiment with letters of its own."""
    uri, network, described = sys.argv[1:]
    known = json.loads(Path(described).read_text(encoding="utf-8"))
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    mlflow.set_experiment("registration")
    registers = has_registry(client)
    for number in (1, 2, 3):
        with mlflow.start_run() as run:
            place = (
                "name" if "name" in inspect.signature(mlflow.onnx.log_model).parameters else "artifact_path"
            )
            options = {
                place: "model",
                "pip_requirements": ["onnx", "onnxruntime", "numpy"],
                "metadata": {"wildetect": known["manifest"]},
                "save_as_external_data": False,
            }
            logged = mlflow.onnx.log_model(onnx.load(network), **fitting(mlflow.onnx.log_model, options))
            if "save_as_external_data" not in inspect.signature(mlflow.onnx.log_model).parameters:
                # those MLflows write another file than they are given
                client.log_artifact(run.info.run_id, network, "model")
        if not registers:
            continue
        source = getattr(logged, "model_uri", f"runs:/{run.info.run_id}/model")
        if source.startswith("runs:/"):  # as a client of those days gives it
            source = f"{run.info.artifact_uri}/model"
        options = {
            "name": "elephants",
            "source": source,
            "run_id": run.info.run_id,
            "model_id": getattr(logged, "model_id", None),
            "tags": {**known["tags"], "number": str(number)},
            "description": f"version {number}",
        }
        client.create_model_version(**fitting(client.create_model_version, options))
    if registers:
        point_at_versions(client)
    survey = client.create_experiment("survey \u00e9t\u00e9")
    for index in range(3):
        run = client.create_run(survey)
        history = [Metric("loss/train", 1 / (step + 1), WHEN + step, step) for step in range(30)]
        client.log_batch(run.info.run_id, history, [Param("lr", "0.1")], [RunTag("site", "\u00e9")])
        client.log_metric(run.info.run_id, "nan", float("nan"), timestamp=WHEN)
        client.log_text(run.info.run_id, f"note {index}", "notes/note.txt")
        client.set_terminated(run.info.run_id)
    client.delete_run(run.info.run_id)
    client.delete_experiment(client.create_experiment("gone"))


if __name__ == "__main__":
    main()
