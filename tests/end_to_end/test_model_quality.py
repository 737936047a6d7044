"""Models measured and compared through the real program, with the demo's pictures and detector."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.coco_files import coco_document, write_coco
from tests.hinted import follow
from tests.servers import folder_of
from tests.training_sets import labelled_tiles
from tests.workspaces import REPOSITORY, Workspace, unused_uri

TRUTH = REPOSITORY / "demo/truth.json"
DETECTOR = REPOSITORY / "demo/detector.onnx"
SETTINGS = ("--confidence", "0.3", "--limit", "1")
MODEL = "measured"
COUNTS = ("animals", "found", "missed", "wrong")


def evaluate(workspace: Workspace, model: str | Path, tile_size: int = 640) -> Any:
    words = ("model.evaluate", "--model", model, "--annotations", TRUTH, *SETTINGS)
    return workspace.document(*words, "--tile-size", str(tile_size))


@pytest.fixture(scope="module")
def registered(served: Workspace) -> Workspace:
    """Two versions of one model, alike but for their names of classes."""
    words = ("model.register", "--weights", DETECTOR, "--name", MODEL)
    served.succeed(*words, "--alias", "production")
    config = served.root / "configs/renamed.yaml"
    config.write_text("class_names: [elephant, zebra, impala]\n", encoding="utf-8")
    served.succeed(*words, "--config", config)
    return served


@pytest.fixture(scope="module")
def first(registered: Workspace) -> Any:
    return evaluate(registered, f"{MODEL}@production")


def test_the_document(first: Any) -> None:
    assert list(first) == [
        "model",
        "dataset",
        "settings",
        "metrics",
        "counts",
        "classes",
        "device",
        "tiles",
        "seconds",
        "doubts",
        "mlflow",
        "output",
    ]
    assert list(first["metrics"]) == ["map50", "map50_95", "precision", "recall", "tiles_per_second"]
    assert list(first["classes"][0]) == ["name", *COUNTS, "precision", "recall", "ap50", "ap50_95"]
    assert first["dataset"]["name"] == "truth"
    assert (first["dataset"]["pictures"], first["dataset"]["animals"]) == (1, 37)
    assert first["metrics"]["map50"] > 0.85
    assert {path.name for path in Path(first["output"]).iterdir()} == {
        "classes.csv",
        "evaluation.json",
        "pictures.csv",
        "boxes.csv",
        "precision_recall.png",
    }


def test_counts_are_those_of_a_detection_run(registered: Workspace, first: Any) -> None:
    words = ("--source", REPOSITORY / "demo/pictures", "--model", f"{MODEL}@production", *SETTINGS)
    run = registered.document("detect.run", *words, "--tile-size", "640", "--output", "results/as-measured")
    assert run["detections"] == first["counts"]["found"] + first["counts"]["wrong"]
    assert {name: run["settings"][name] for name in ("tile_size", "confidence", "nms_threshold")} == {
        name: first["settings"][name] for name in ("tile_size", "confidence", "nms_threshold")
    }


def test_the_same_numbers_again(registered: Workspace, first: Any) -> None:
    again = evaluate(registered, f"{MODEL}/1")
    assert again["classes"] == first["classes"]
    for name in ("map50", "map50_95", "precision", "recall"):
        assert again["metrics"][name] == first["metrics"][name]


def test_mlflow_links_the_metrics_to_the_version(registered: Workspace, first: Any) -> None:
    import mlflow

    client = mlflow.MlflowClient(registered.variables["MLFLOW_TRACKING_URI"])
    version = client.get_model_version_by_alias(MODEL, "production")
    run = client.get_run(first["mlflow"]["run_id"])
    assert client.get_experiment(run.info.experiment_id).name == "evaluation"
    assert run.info.status == "FINISHED"
    assert run.data.metrics["map50"] == pytest.approx(first["metrics"]["map50"])
    assert run.data.metrics["recall/antelope"] == pytest.approx(first["classes"][2]["recall"])
    assert (run.data.params["tile_size"], run.data.params["lowest_confidence"]) == ("640", "0.001")
    assert run.data.tags["model"] == MODEL
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert files == {"boxes.csv", "classes.csv", "evaluation.json", "pictures.csv", "precision_recall.png"}
    assert run.inputs.dataset_inputs[0].dataset.name == "truth"
    logged = client.get_logged_model(first["mlflow"]["model_id"])
    assert version.source == f"models:/{logged.model_id}"
    linked = [metric for metric in logged.metrics if metric.run_id == first["mlflow"]["run_id"]]
    assert {"map50", "map50_95", "precision", "recall", "ap50/elephant"} <= {metric.key for metric in linked}
    assert {metric.dataset_name for metric in linked} == {"truth"}
    tag = json.loads(version.tags["eval.truth"])
    assert tag["metrics"]["map50"] == first["metrics"]["map50"]


def test_versions_side_by_side(registered: Workspace, first: Any) -> None:
    evaluated = evaluate(registered, f"{MODEL}/2", tile_size=1200)
    assert evaluated["dataset"]["unknown_classes"] == {"antelope": 23}
    document = registered.document("model.compare", "--name", MODEL)
    assert list(document) == ["name", "versions", "class_names_differ", "notes", "paired"]
    one, two = document["versions"]
    assert list(one) == [
        "version",
        "aliases",
        "registered_at",
        "family",
        "input",
        "class_names",
        "thresholds",
        "sha256",
        "weights",
        "evaluations",
    ]
    assert (one["version"], one["aliases"], two["version"], two["aliases"]) == ("1", ["production"], "2", [])
    assert one["evaluations"]["truth"]["metrics"]["map50"] == first["metrics"]["map50"]
    assert two["evaluations"]["truth"]["metrics"]["map50"] == evaluated["metrics"]["map50"]
    assert document["class_names_differ"]
    assert document["notes"] == [
        "numbers for truth cannot be compared: measured with different classes and tile_size"
    ]
    assert document["paired"] == []

    shown = registered.invoke("model.compare", "--name", MODEL, "--versions", "2,production")
    cells = [re.split(r"\s{2,}", line) for line in shown.stdout.splitlines()]
    rows = {row[0]: row[1:] for row in cells}
    assert rows[MODEL] == ["version 2", "version 1"]
    assert rows["aliases"] == ["-", "production"]
    assert rows["classes"] == ["3: elephant, zebra and impala", "3: +antelope and -impala"]
    assert rows["truth: mAP50"] == [f"{run['metrics']['map50']:.3f}" for run in (evaluated, first)]
    assert "warning: numbers for truth cannot be compared" in shown.stderr
    whole = registered.invoke("model.compare", f"{MODEL}/2", f"{MODEL}@production")
    assert whole.stdout == shown.stdout


@pytest.fixture(scope="module")
def two_thresholds(served: Workspace) -> Workspace:
    """A version that counts what it is sure of alone, and one that counts more; both measured on 16 tiles."""
    labelled = labelled_tiles(served.root / "held-out", 16)
    for confidence in ("0.6", "0.3"):
        config = served.root / f"configs/from-{confidence}.yaml"
        settings = {"localizer": {"yolo": {"weights": str(DETECTOR), "conf_thres": float(confidence)}}}
        config.write_text(yaml.safe_dump({**settings, "processing": {"name": "surer"}}), encoding="utf-8")
        served.succeed("model.register", "--config", config)
    served.succeed("model.promote", "surer/1", "production")
    for version in ("1", "2"):
        words = ("model.evaluate", f"surer/{version}", "--annotations", labelled, "--dataset", "held-out")
        served.succeed(*words, "--tile-size", "640")
    return served


def test_a_version_is_set_against_another_with_limits(two_thresholds: Workspace) -> None:
    document = two_thresholds.document("model.compare", "surer", "production,2", "--on", "held-out")
    (paired,) = document["paired"]
    assert (paired["before"], paired["after"], paired["dataset"]) == ("1", "2", "held-out")
    assert (paired["pictures"], paired["photographs"]) == (16, 16)
    whole = paired["classes"][0]
    assert whole["name"] == "all"
    assert whole["animals"] > 30
    recall = whole["recall"]
    assert recall["gain"] == pytest.approx(recall["after"] - recall["before"])
    assert 0 < recall["lower"] < recall["gain"] < recall["upper"]
    # the same network: what it finds at all confidences is the same, whatever is counted
    measured = [one["evaluations"]["held-out"]["metrics"] for one in document["versions"]]
    for name in ("map50", "map50_95"):
        area = whole[name]
        assert area["before"] == pytest.approx(measured[0][name], abs=1e-5)
        assert (area["gain"], area["lower"], area["upper"]) == (0, 0, 0)
    shown = two_thresholds.succeed("model.compare", "surer", "production,2")
    where = (
        r"version 2 against version 1 on held-out \(16 pictures, digest [0-9a-f]{8}, counted from confidence "
    )
    unknown = r"0\.6 and 0\.3; whether versions 1 and 2 have learned from them is not known\)"
    assert re.search(where + unknown, shown), shown
    lines = [re.split(r"\s{2,}", line) for line in shown.splitlines()]
    (row,) = (line for line in lines if line[:2] == ["all", "recall"])
    assert row[-1] == "better"
    error, hint = two_thresholds.fail(2, "model.compare", "surer", "production,2", "--on", "elsewhere")
    assert "none of them was measured on elsewhere" in error
    assert "held-out" in hint


def test_an_alias_moves_to_a_version_that_is_better_and_not_to_itself_or_a_worse_one(
    two_thresholds: Workspace,
) -> None:
    words = ("production", "--better-than", "production", "--on", "held-out")
    error, _ = two_thresholds.fail(4, "model.promote", "surer/1", *words)
    assert "--better-than production names surer version 1 itself" in error
    said = two_thresholds.succeed("model.promote", "surer/2", *words)
    assert re.search(r"better than version 1 .*: F1 0\.\d+ -> 0\.\d+ \(\+0\.\d+, 95% limits \+0\.", said)
    error, _ = two_thresholds.fail(4, "model.promote", "surer/1", *words)
    assert re.search(
        r"not better than version 2 on held-out \(16 pictures.*\) by more than chance: F1", error
    )
    assert "95% limits -0." in error
    two_thresholds.succeed("model.promote", "surer@production", "--undo")


def test_an_alias_that_moves_without_proof_says_what_is_not_shown(two_thresholds: Workspace) -> None:
    better = two_thresholds.invoke("model.promote", "surer/2", "production")
    assert (better.returncode, better.stderr) == (0, "")  # it was measured, and is better
    worse = two_thresholds.invoke("model.promote", "surer/1", "production")
    assert worse.returncode == 0
    said = r"warning: surer version 1 is not better than version 2 on held-out .*: F1 0\.\d+ -> 0\.\d+ \(-0\."
    assert re.search(said, worse.stderr), worse.stderr
    assert "surer@production --undo takes it back" in worse.stderr
    config = two_thresholds.root / "configs/from-0.3.yaml"
    two_thresholds.succeed("model.register", "--config", config, "--force")
    unmeasured = two_thresholds.invoke("model.promote", "surer/3", "production")
    assert "warning: whether surer version 3 is better than version 1 is not known" in unmeasured.stderr
    candidate = two_thresholds.invoke("model.promote", "surer/3", "candidate")
    assert (candidate.returncode, candidate.stderr) == (0, "")
    two_thresholds.succeed("model.promote", "surer/1", "production")


def test_what_cannot_be_compared_is_measured_again_as_told(two_thresholds: Workspace) -> None:
    import mlflow

    labels = two_thresholds.root / "held-out/labels.json"
    words = ("model.promote", "surer/2", "candidate", "--better-than", "surer/1", "--on", "held-out")
    client = mlflow.MlflowClient(two_thresholds.variables["MLFLOW_TRACKING_URI"])
    run_id = json.loads(client.get_model_version("surer", "2").tags["eval.held-out"])["run_id"]
    (kept,) = (folder_of(two_thresholds) / "artifacts").glob(f"*/{run_id}/artifacts/pictures.csv")
    kept.unlink()
    error, hint = two_thresholds.fail(4, *words)
    assert "was not kept picture by picture" in error
    follow(two_thresholds, hint, "workflows/learning/comparing.py: Measure it again", FILE=labels)
    two_thresholds.succeed(*words)

    evaluate_at = ("model.evaluate", "surer/2", "--annotations", labels, "--dataset", "held-out")
    two_thresholds.succeed(*evaluate_at, "--tile-size", "320")
    error, hint = two_thresholds.fail(4, *words)
    assert "with different tile_size: 640 and 320" in error
    follow(two_thresholds, hint, "workflows/learning/comparing.py: Measure both alike", FILE=labels)
    two_thresholds.succeed(*words)


def test_what_was_measured_can_be_required(registered: Workspace, first: Any) -> None:
    words = ("model.promote", "--name", MODEL, "--version", "1", "--alias", "measured", "--require")
    registered.succeed(
        *words, "map50>=0.5", "--require", "recall/elephant>0.1", "--require", "truth/map50>0.5"
    )
    error, _ = registered.fail(4, *words, "map50_95>=0.99")
    assert "map50_95" in error


def test_classes_in_any_script_are_measured_and_required_by_their_names(served: Workspace) -> None:
    config = served.root / "configs/scripts.yaml"
    config.write_text("class_names: [大象, 斑马, Grévy's zebra]\n", encoding="utf-8")
    served.succeed("model.register", "--weights", DETECTOR, "--name", "scripts", "--config", config)
    truth = json.loads(TRUTH.read_text(encoding="utf-8"))
    truth["categories"] = [
        {**category, "name": name}
        for category, name in zip(truth["categories"], ("大象", "斑马", "Grévy's zebra"), strict=True)
    ]
    labelled = served.root / "营地.json"
    labelled.write_text(json.dumps(truth), encoding="utf-8")
    pictures = REPOSITORY / "demo/pictures"
    words = (
        "model.evaluate",
        "--model",
        "scripts/1",
        "--annotations",
        labelled,
        "--images",
        pictures,
        *SETTINGS,
    )
    measured = served.document(*words, "--tile-size", "640")
    promote = ("model.promote", "--name", "scripts", "--version", "1", "--alias", "named", "--require")
    present = [one for one in measured["classes"] if one["recall"] is not None]
    assert {"大象", "Grévy's zebra"} <= {one["name"] for one in present}, measured["classes"]
    for one in present:
        served.succeed(*promote, f"recall/{one['name']}>={one['recall'] - 0.001}")
        served.fail(4, *promote, f"recall/{one['name']}>{one['recall'] + 0.001}")
    served.succeed(*promote, "营地/map50>0.5")
    shown = served.succeed("model.show", "scripts/1")
    assert "recall/大象" in shown
    assert "recall/Grévy's zebra" in shown


def test_a_weights_file_with_the_server_off(served: Workspace, first: Any) -> None:
    alone = Workspace(served.root, {"MLFLOW_TRACKING_URI": unused_uri()})
    words = ("--model", DETECTOR, "--annotations", TRUTH, *SETTINGS, "--tile-size", "640")
    more = ("--output", "results/alone", "--dataset", "by-file")
    ended = alone.invoke("model.evaluate", *words, *more)
    assert ended.returncode == 0, ended.stderr
    assert "not logged" in ended.stderr
    assert "1 of 1 image," in ended.stderr  # though it is gone through twice
    written = json.loads((alone.root / "results/alone/evaluation.json").read_text(encoding="utf-8"))
    assert written["classes"] == first["classes"]
    head, *rows = [line.split() for line in ended.stdout.splitlines()[1:6]]
    assert head == ["class", *COUNTS, "precision", "recall", "mAP50", "mAP50-95"]
    assert [row[0] for row in rows] == ["elephant", "zebra", "antelope", "all"]
    assert rows[1][1:] == ["0", "0", "0", "0", "-", "-", "-", "-"]  # this picture has no zebras
    assert rows[3][-2:] == [f"{first['metrics'][name]:.3f}" for name in ("map50", "map50_95")]


def test_an_evaluation_takes_the_place_of_another_as_a_whole_and_says_so(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    held = workspace.root / "held"
    words = ("model.evaluate", "--model", DETECTOR, "--annotations", TRUTH, "--limit", "1", "--output", held)
    workspace.succeed(*words)
    before = {path.name: path.read_bytes() for path in held.iterdir()}
    (held / "classes.csv").unlink()
    (held / "classes.csv").mkdir()  # as little to be replaced as a file that another program has open
    ended = workspace.invoke(*words, "--confidence", "0.6")
    assert ended.returncode == 5
    assert "classes.csv" in ended.stderr
    assert "held another evaluation, which is replaced (other settings)" in ended.stderr
    (held / "classes.csv").rmdir()
    (held / "classes.csv").write_bytes(before["classes.csv"])
    assert {path.name: path.read_bytes() for path in held.iterdir()} == before


def test_wrong_input_of_evaluate(served: Workspace, tmp_path: Path) -> None:
    def refused(code: int, *words: str | Path) -> tuple[str, str]:
        return served.fail(code, "model.evaluate", "--model", DETECTOR, *words)

    error, hint = refused(2)
    assert "no annotations" in error
    assert "--annotations FILE" in hint
    assert "does not exist" in refused(5, "--annotations", tmp_path / "none.json")[0]
    (tmp_path / "table.json").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "is not a COCO annotation file" in refused(5, "--annotations", tmp_path / "table.json")[0]
    cars = write_coco(tmp_path / "cars.json", coco_document({"a.jpg": []}, ("car",)))
    found = refused(2, "--annotations", cars)[0]
    assert "labels car, but the model finds elephant, zebra and antelope" in found
    gone = write_coco(tmp_path / "gone.json", coco_document({"a.jpg": []}))
    error, hint = refused(5, "--annotations", gone)
    assert "1 of 1 labelled picture is not in" in error
    assert "--images" in hint
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    assert "a.jpg cannot be evaluated" in refused(5, "--annotations", gone)[0]
    assert "--limit" in refused(2, "--annotations", TRUTH, "--limit", "few")[0]
    unknown = ("model.evaluate", "--model", "nobody@production", "--annotations", TRUTH)
    assert "nobody@production" in served.fail(4, *unknown)[0]


def test_wrong_input_of_compare(registered: Workspace) -> None:
    assert "no model is named" in registered.fail(2, "model.compare")[0]
    assert "nobody" in registered.fail(4, "model.compare", "--name", "nobody")[0]
    error, hint = registered.fail(4, "model.compare", "--name", MODEL, "--versions", "1,99")
    assert f"{MODEL}/99" in error
    assert "versions 2 and 1" in hint
    error, _ = registered.fail(2, "model.compare", f"{MODEL}/1", "other/2")
    assert f"other/2 is no version of {MODEL}" in error


def test_families_shown_on_a_picture(served: Workspace, shared_data: Path) -> None:
    weights = shared_data / "models/yolox_nano.onnx"
    words = ("model.register", "--family", "auto-check", "--weights", weights, "--name", "unsure")
    picture = ("--picture", shared_data / "images/bus.jpg")
    shown = served.invoke(*words, *picture)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[1].split()[:2] == ["yolox", "plausible"]
    assert "Nothing was registered" in shown.stderr
    assert "family: yolox" in shown.stderr
    assert (served.root / "results/family_check.jpg").is_file()
    document = served.document(*words, *picture, "--output", "results/other.jpg")
    assert [one["family"] for one in document["candidates"]] == ["yolox", "yolov5"]
    assert list(document["candidates"][0]) == ["family", "verdict", "reason", "boxes", "best_confidence"]
    assert Path(document["picture"]) == served.root / "results/other.jpg"
    assert "unsure" not in {row["name"] for row in served.document("model.list")["models"]}
    assert "--picture" in served.fail(2, *words)[1]
    assert "none.jpg" in served.fail(5, *words, "--picture", "none.jpg")[0]
    (served.root / "results/family_check.jpg").unlink()
    assert "auto-check" in served.fail(2, "model.register", "--weights", weights, "--output", "a.jpg")[0]
    error, hint = served.fail(4, "model.register", "--weights", weights, *picture)
    assert "does not say its family" in error
    assert "family: yolox" in hint  # the pictures were at hand: it showed them by itself
    assert (served.root / "results/family_check.jpg").is_file()


def test_families_are_shown_on_a_picture_that_the_detection_settings_name(
    shared_data: Path, tmp_path: Path
) -> None:
    workspace = Workspace.make(tmp_path / "project")
    weights = shared_data / "models/yolox_nano.onnx"
    _, hint = workspace.fail(4, "model.register", "--weights", weights)
    assert "auto-check" in hint  # no picture is named
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    shutil.copy(shared_data / "images/bus.jpg", pictures)
    (workspace.root / "configs/detection.yaml").write_text(
        yaml.safe_dump({"image_dir": str(pictures)}), encoding="utf-8"
    )
    _, hint = workspace.fail(4, "model.register", "--weights", weights)
    assert "family: yolox" in hint
    assert (workspace.root / "results/family_check.jpg").is_file()


def test_a_version_that_is_not_better_takes_no_place(registered: Workspace, first: Any) -> None:
    del first
    for version in ("1", "2"):
        registered.succeed("model.register", "--weights", DETECTOR, "--name", "twin", "--force")
        measure = ("model.evaluate", "--model", f"twin/{version}", "--annotations", TRUTH)
        registered.succeed(*measure, "--confidence", "0.3", "--dataset", "held-out", "--tile-size", "1200")
    words = ("model.promote", "twin/2", "production", "--better-than", "1")
    error, hint = registered.fail(4, *words, "--on", "held-out")
    assert "cannot be shown to be better than version 1 on held-out (8 pictures, 2 places, digest " in error
    assert "): F1 0." in error
    assert "10 labelled photographs or more" in hint
    error, hint = registered.fail(4, *words, "--on", "elsewhere")
    assert "not both measured on elsewhere" in error
    assert "--model twin/1" in hint
    error, _ = registered.fail(2, "model.promote", f"{MODEL}/1", "production", "--on", "held-out")
    assert "--better-than" in error
    registered.succeed("model.promote", "twin/2", "production")
    _, hint = registered.fail(2, "model.promote", "twin/2", "production", "--on", "held-out")
    assert hint.endswith("model.promote twin/2 production --better-than 1 --on held-out")
    _, hint = registered.fail(2, "model.promote", "twin/1", "production", "--guard", "elephant")
    assert hint.endswith("model.promote twin/1 production --better-than production --guard elephant")
