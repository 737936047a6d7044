"""The main job through the real program: register, detect by alias, compare with known boxes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.coco_names import COCO_NAMES
from tests.detection.networks import SIZE, save_network
from tests.detection.test_decoders import MADE
from tests.real_models import FAMILIES
from tests.workspaces import Workspace

from wildetect.detection.families.table import TABLE
from wildetect.settings.words import Family

HERD = "images/herdnetdemo_livestock_120.jpg"


@pytest.fixture(scope="session")
def golden(shared_data: Path) -> Any:
    return json.loads((shared_data / "golden.json").read_text(encoding="utf-8"))["models"]


@pytest.fixture(scope="session")
def golden_pictures(shared_data: Path, golden: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden")
    for name in next(iter(golden.values())):
        shutil.copy(shared_data / name, folder)
    return folder


def register(workspace: Workspace, weights: Path, name: str, *more: str, **keys: Any) -> Any:
    config = workspace.root / "configs" / f"{name}.yaml"
    config.write_text(yaml.safe_dump(keys), encoding="utf-8")
    words: tuple[str | Path, ...] = ("--config", config, "--weights", weights, "--name", name, *more)
    return workspace.document("model.register", *words)


@pytest.mark.parametrize("model", FAMILIES)
def test_boxes_of_every_real_model(
    served: Workspace, shared_data: Path, golden: Any, golden_pictures: Path, model: str
) -> None:
    # the reference boxes were joined at an IoU of 0.5
    yolo = {"yolo": {"iou_thres": 0.5}}
    keys = {"family": FAMILIES[model], "class_names": list(COCO_NAMES), "localizer": yolo}
    made = register(served, shared_data / "models" / f"{model}.onnx", model, "--alias", "production", **keys)
    assert made["aliases"] == ["production"]
    output = served.root / "results" / model
    settings = ("--tile-size", "0", "--confidence", "0.4", "--output", output)
    served.succeed("detect.run", "--source", golden_pictures, "--model", f"{model}@production", *settings)
    found = json.loads((output / "detections.json").read_text(encoding="utf-8"))
    close, sure = (4.0, 0.05) if "int8" in model else (2.0, 0.02)
    for path, expected in golden[model].items():
        (image,) = [image for image in found["images"] if image["file"] == Path(path).name]
        boxes = boxes_of(image, found["detection_categories"])
        # The reference boxes reach beyond the picture; ours are cut to it, as the format wants.
        right, bottom = image["width"], image["height"]
        for box in expected:
            x_min, y_min, x_max, y_max = box["xyxy"]
            box["xyxy"] = [max(x_min, 0), max(y_min, 0), min(x_max, right), min(y_max, bottom)]
        assert_same_boxes(boxes, expected, close, sure)


@pytest.mark.parametrize("family", ["end-to-end-7", "nanodet", "yolov5"])
def test_boxes_of_families_without_a_real_file(served: Workspace, tmp_path: Path, family: Family) -> None:
    from PIL import Image

    outputs, expected = MADE[family]()
    weights = save_network(tmp_path / "network.onnx", outputs)
    picture = tmp_path / "picture.png"  # of the network's size: boxes need no scaling
    Image.new("RGB", (SIZE, SIZE), "green").save(picture)
    name = f"made-{family}"
    keys: dict[str, Any] = {"family": family, "class_names": ["a", "b", "c"]}
    if columns := TABLE[family].columns:  # one constant row tells nothing of them
        keys["columns"] = list(columns)
    register(served, weights, name, "--alias", "production", **keys)
    output = served.root / "results" / name
    words = ("--source", picture, "--model", f"{name}@production", "--confidence", "0.25", "--output", output)
    served.succeed("detect.run", *words, "--tile-size", "0")
    found = json.loads((output / "detections.json").read_text(encoding="utf-8"))
    (image,) = found["images"]
    made = [
        {"class_name": "abc"[class_id], "confidence": confidence, "xyxy": box}
        for box, confidence, class_id in expected
    ]
    assert len(image["detections"]) == len(made)
    assert_same_boxes(boxes_of(image, found["detection_categories"]), made, 0.01, 1e-4)


def boxes_of(image: Any, categories: dict[str, str]) -> list[tuple[str, float, list[float]]]:
    boxes = []
    for box in image["detections"]:
        x, y, across, down = box["bbox"]
        fractions = (x, y, x + across, y + down)
        sides = (image["width"], image["height"]) * 2
        xyxy = [fraction * side for fraction, side in zip(fractions, sides, strict=True)]
        boxes.append((categories[box["category"]], box["conf"], xyxy))
    return boxes


def assert_same_boxes(
    found: list[tuple[str, float, list[float]]], expected: Any, close: float, sure: float
) -> None:
    left = list(found)
    for box in expected:
        partners = [
            one
            for one in left
            if one[0] == box["class_name"]
            and abs(one[1] - box["confidence"]) <= sure
            and max(abs(a - b) for a, b in zip(one[2], box["xyxy"], strict=True)) <= close
        ]
        assert partners, f"{box} is missing among {found}"
        left.remove(partners[0])
    # Boxes close to the threshold may fall on either side of it.
    assert all(confidence < 0.4 + sure for _, confidence, _ in left), left


@pytest.fixture(scope="module")
def herd_model(served: Workspace, shared_data: Path) -> str:
    register(served, shared_data / "models/yolov8n_int8.onnx", "herd", "--alias", "production")
    return "herd@production"


def test_tiles_find_the_herd_that_the_whole_picture_hides(
    served: Workspace, shared_data: Path, herd_model: str
) -> None:
    words = ("detect.run", "--source", shared_data / HERD, "--model", herd_model, "--confidence", "0.35")
    whole = served.document(*words, "--tile-size", "0", "--output", "results/whole")
    tiled = served.document(*words, "--tile-size", "320", "--overlap", "0.2", "--output", "results/tiled")
    assert whole["detections"] <= 2
    assert 20 <= tiled["detections"] <= 32
    assert tiled["mlflow"]["run_id"] != whole["mlflow"]["run_id"]


def test_same_input_same_bytes(served: Workspace, golden_pictures: Path, herd_model: str) -> None:
    contents = []
    for turn in ("first", "second"):
        output = served.root / "results" / turn
        words = ("--source", golden_pictures, "--model", herd_model, "--output", output)
        served.succeed("detect.run", *words)
        contents.append([(output / name).read_bytes() for name in ("detections.json", "detections.csv")])
    assert contents[0] == contents[1]


def test_a_version_can_be_named_in_every_way(
    served: Workspace, golden_pictures: Path, herd_model: str
) -> None:
    versions = served.document("model.list", "--name", "herd")["models"]
    (version,) = [row["version"] for row in versions]
    for name in ("herd@production", f"herd/{version}", "herd/latest", f"models:/herd/{version}"):
        words = ("--source", golden_pictures, "--model", name, "--output", "results/named", "--dry-run")
        document = served.document("detect.run", *words)
        assert document["model"]["version"] == version


def test_a_weights_file_needs_no_server(served: Workspace, shared_data: Path, golden_pictures: Path) -> None:
    from tests.workspaces import unused_uri

    alone = Workspace(served.root, {"MLFLOW_TRACKING_URI": unused_uri()})
    weights = shared_data / "models/yolov8n_int8.onnx"
    words = ("--source", golden_pictures, "--model", weights, "--output", "results/alone", "--limit", "1")
    ended = alone.invoke("detect.run", *words)
    assert ended.returncode == 0, ended.stderr
    assert "warning: the run is not logged: no MLflow server answers" in ended.stderr
    document = json.loads((served.root / "results/alone/run.json").read_text(encoding="utf-8"))
    assert document["images"] == {"found": 1, "done": 1, "failed": 0, "left": 0, "with_detections": 1}
    assert document["mlflow"] is None


def test_the_run_is_in_mlflow(
    served: Workspace, shared_data: Path, golden_pictures: Path, herd_model: str
) -> None:
    document = served.document(
        "detect.run", "--source", golden_pictures, "--model", herd_model, "--output", "results/logged"
    )
    import mlflow

    client = mlflow.MlflowClient(served.variables["MLFLOW_TRACKING_URI"])
    run = client.get_run(document["mlflow"]["run_id"])
    assert client.get_experiment(run.info.experiment_id).name == "detection"
    assert run.info.status == "FINISHED"
    assert run.data.params["model_name"] == "herd"
    assert run.data.params["model_sha256"] == document["model"]["sha256"]
    assert run.data.metrics["detections"] == document["detections"]
    assert run.data.metrics["count_elephant"] == document["counts"]["elephant"]
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"detections.json", "detections.csv", "run.json", "report.html"} <= files
    assert not {"overlays", "journal.jsonl"} & files
    assert "pictures with boxes" in run.data.tags["mlflow.note.content"]
    assert not [name for name in files if name.startswith(".")]


@pytest.mark.parametrize("keep", ["all", "record"])
def test_mlflow_keeps_as_much_of_a_run_as_the_settings_say(
    served: Workspace, golden_pictures: Path, herd_model: str, keep: str
) -> None:
    words = ("detect.run", "--source", golden_pictures, "--model", herd_model, "--output", f"results/{keep}")
    setting = {"WILDETECT_DETECTION__LOGGING__KEEP_IN_MLFLOW": keep}
    ended = Workspace(served.root, served.variables | setting).invoke(*words, "--json")
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    import mlflow

    client = mlflow.MlflowClient(served.variables["MLFLOW_TRACKING_URI"])
    run_id = document["mlflow"]["run_id"]
    files = {file.path for file in client.list_artifacts(run_id)}
    if keep == "record":
        assert files == {"run.json"}
        assert "kept here and not in MLflow: all files but run.json" in ended.stderr
        return
    assert {"overlays", "journal.jsonl"} <= files
    assert "kept here and not in MLflow" not in ended.stderr
    drawn = {file.path for file in client.list_artifacts(run_id, "overlays")}
    assert drawn == {name for name in document["files"] if name.startswith("overlays/")}


def test_mlflow_links_run_model_and_pictures(
    served: Workspace, golden_pictures: Path, herd_model: str, tmp_path: Path
) -> None:
    import mlflow

    source = tmp_path / "camp23"
    shutil.copytree(golden_pictures, source)
    (source / "broken.jpg").write_bytes(b"no photograph")
    words = ("--source", source, "--model", herd_model, "--output", tmp_path / "linked", "--json")
    ended = served.invoke("detect.run", *words)
    assert ended.returncode == 5, ended.stderr
    document = json.loads(ended.stdout)
    client = mlflow.MlflowClient(served.variables["MLFLOW_TRACKING_URI"])
    run = client.get_run(document["mlflow"]["run_id"])
    (pictures,) = [one.dataset for one in run.inputs.dataset_inputs]
    assert pictures.name == "camp23"
    assert document["dataset"]["digest"].startswith(pictures.digest)
    assert json.loads(pictures.source) == {"sources": [str(source)]}
    assert json.loads(pictures.profile) == {"images": document["images"]["found"]}
    assert run.data.tags["failures"].startswith("broken.jpg: ")
    assert run.data.tags["sources"] == str(source)
    assert "1 failed" in run.data.tags["mlflow.note.content"]
    (model,) = run.inputs.model_inputs
    listed = [one for one in client.get_logged_model(model.model_id).metrics if one.run_id == run.info.run_id]
    assert {one.key for one in listed} == set(run.data.metrics)
    assert {one.dataset_name for one in listed} == {"camp23"}
    version = client.get_model_version_by_alias("herd", "production")
    assert version.source == f"models:/{model.model_id}"
    assert version.tags["last_detection"].endswith(f"/runs/{run.info.run_id}")


def test_what_was_registered_is_whole(served: Workspace, shared_data: Path, herd_model: str) -> None:
    import mlflow

    client = mlflow.MlflowClient(served.variables["MLFLOW_TRACKING_URI"])
    version = client.get_model_version_by_alias("herd", "production")
    listed = served.document("model.list", "--name", "herd")["models"][0]
    assert listed["sha256"] == version.tags["sha256"]
    cached = served.root / "runs/models/herd" / str(version.version)
    stored = yaml.safe_load((cached / "MLmodel").read_text(encoding="utf-8"))
    assert stored["metadata"]["wildetect"]["family"] == "yolov8"
    assert stored["metadata"]["wildetect"]["class_names"][:2] == ["person", "bicycle"]
    assert stored["signature"]
    assert not list(cached.rglob("*.pkl"))
