"""A census through the real program: detect in the demo's pictures, count each animal once, log it."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from invoke.context import Context
from invoke.exceptions import Exit
from tests.census.flights import Flight, Herd, make_run
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.census.output.outputs import FILES
from wildetect.census.output.record import read_census_file
from wildetect.geometry import iou
from wildetect.registry.connection import connect
from wildetect.registry.evaluations import Evaluation, Quality, log_evaluation
from wildetect.results.exports.formats.csv_file import read_csv
from wildetect.tasks import ns

DEMO = REPOSITORY / "demo"
NAMES = ("elephant", "zebra", "antelope")


def census_file(workspace: Workspace, **keys: Any) -> Path:
    path = workspace.root / "configs" / "mine.yaml"
    path.write_text(yaml.safe_dump({"campaign": {"id": "demo flight"}, **keys}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def demo_census(served: Workspace) -> tuple[Workspace, Path, dict[str, Any]]:
    """The demo's pictures detected in and counted by one command, with a registered model."""
    served.succeed(
        "model.register",
        "--weights",
        DEMO / "detector.onnx",
        "--name",
        "census-demo",
        "--alias",
        "production",
    )
    config = census_file(
        served,
        detection={
            "image_dir": str(DEMO / "pictures"),
            "model": {"mlflow_model_name": "census-demo", "mlflow_model_alias": "production"},
            "processing": {"tile_size": 640, "confidence": 0.35},
        },
        export={"export_to_labelstudio": True},
    )
    document = served.document("census.run", "--config", config)
    return served, config, document


def found_animals(folder: Path) -> set[str]:
    """The different animals of truth.json that a box of the detector lies on."""
    truth = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    files = {image["id"]: image["file_name"] for image in truth["images"]}
    found = read_csv(folder / "detections.csv", NAMES)
    seen = set()
    for one in truth["annotations"]:
        x, y, width, height = one["bbox"]
        boxes = found[files[one["image_id"]]].xyxy
        if iou(np.array([[x, y, x + width, y + height]]), boxes).max() >= 0.5:
            seen.add(one["animal_id"])
    return seen


def test_the_demo_counts_each_animal_once(demo_census: tuple[Workspace, Path, dict[str, Any]]) -> None:
    workspace, _, document = demo_census
    folder = workspace.root / "results" / "demo flight"
    different = len(found_animals(folder / "detections"))
    assert 230 < different <= 240  # of 240 animals in 360 places
    assert (
        document["counts"]["boxes"]
        == json.loads((folder / "detections/run.json").read_text("utf-8"))["detections"]
    )
    assert document["counts"]["boxes"] > 340
    assert document["counts"]["animals"] == pytest.approx(different, rel=0.01)
    assert document["counts"]["off_transects"] == 0
    assert [one["photographs"] for one in document["transects"]] == [4, 4]
    assert document["left_out"] == []
    for name in FILES:
        assert (folder / name).stat().st_size > 100, name
    assert (folder / "detections" / "labelstudio.json").is_file()
    for photograph in json.loads((folder / "census.json").read_text(encoding="utf-8"))["photographs"]:
        assert photograph["gsd_cm"] == pytest.approx(5.14, abs=0.01)
        assert photograph["height_m"] == 180


def test_it_is_logged_beside_the_detection(demo_census: tuple[Workspace, Path, dict[str, Any]]) -> None:
    workspace, config, document = demo_census
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(workspace.variables["MLFLOW_TRACKING_URI"])
    run = client.get_run(document["mlflow"]["run_id"])
    assert client.get_experiment(run.info.experiment_id).name == "census"
    assert run.data.metrics["animals_detected"] == document["counts"]["animals"]
    assert run.data.params["model_name"] == "census-demo"
    assert {one.path for one in client.list_artifacts(run.info.run_id)} == set(FILES)
    version = client.get_model_version("census-demo", "1")
    (linked,) = run.inputs.model_inputs
    assert linked.model_id in (version.model_id, (version.source or "").removeprefix("models:/"))
    # the same census is not logged twice, nor are pictures detected in twice
    ended = workspace.invoke("census.run", "--config", config, "--json")
    assert ended.returncode == 0, ended.stderr
    assert "8 of 8 images had been done before" in ended.stderr
    assert json.loads(ended.stdout)["mlflow"] == document["mlflow"]


def test_what_was_measured_of_the_detector_stands_beside_the_number(
    demo_census: tuple[Workspace, Path, dict[str, Any]],
) -> None:
    workspace, config, document = demo_census
    assert document["detector"]["measured"] == []
    assert document["detector"]["unknown"].startswith("never measured")

    connection = connect(workspace.variables["MLFLOW_TRACKING_URI"])
    evaluation = Evaluation(
        dataset="camp",
        digest="0" * 64,
        metrics={"precision": 0.9, "recall": 0.8, "map50": 0.7},
        of_classes={"precision/zebra": 0.95, "recall/zebra": 0.85},
        settings={"pictures": 12, "tile_size": 640, "gsd_cm": 5.14, "confidence": 0.35},
    )
    log_evaluation(connection, ("census-demo", "1"), evaluation)

    ended = workspace.invoke("census.run", "--config", config)
    assert ended.returncode == 0, ended.stderr
    assert "detector: recall 0.80, precision 0.90 on camp (12 pictures, " in ended.stdout
    assert "5.1 cm/px, tiles of 640 px, confidence 0.35)" in ended.stdout
    record = read_census_file(workspace.root / "results" / "demo flight")
    assert record.detector is not None
    (measured,) = record.detector.measured
    assert measured.classes == {"zebra": Quality(0.95, 0.85)}
    page = (workspace.root / "results" / "demo flight" / "census_report.html").read_text(encoding="utf-8")
    assert "0.85 / 0.95" in page


def test_from_a_finished_run(demo_census: tuple[Workspace, Path, dict[str, Any]], tmp_path: Path) -> None:
    workspace, _, document = demo_census
    detections = workspace.root / "results" / "demo flight" / "detections"
    output = tmp_path / "again"
    words = ("--detections", detections, "--output", output, "--tolerance", "3", "--confidence", "0.5")
    offline = Workspace(workspace.root, {"MLFLOW_TRACKING_URI": unused_uri()})
    ended = offline.invoke("census.run", *words)
    assert ended.returncode == 0, ended.stderr
    assert "the census is not logged: no MLflow server answers" in ended.stderr
    assert f"report:  {output / 'census_report.html'}" in ended.stdout
    assert "boxes within 3.0 m of each other are one animal" in ended.stdout
    with (output / "animals.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert 0 < len(rows) < document["counts"]["animals"]
    assert min(float(row["confidence"]) for row in rows) >= 0.5
    assert f"{len(rows)} animals detected in" in ended.stdout


def test_selftest(served: Workspace) -> None:
    document = served.document("census.selftest")
    assert document["ok"] is True
    figures = {(check["name"], check["what"]) for check in document["checks"]}
    assert len(figures) == len(document["checks"]) > 10


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, with this process in it."""
    workspace = Workspace.make(tmp_path / "project")
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "WILDETECT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", unused_uri())
    monkeypatch.chdir(workspace.root)
    return workspace.root


@pytest.fixture
def run(here: Path, tmp_path: Path) -> Path:
    """A finished detection run over one line of four photographs."""
    flight = Flight()
    flight.line("L", (0.0, 0.0), 0.0, 4, 48.0)
    return make_run(tmp_path, flight, Herd(np.array([[0.0, 20.0], [8.0, 60.0]]), np.array([0, 1])))


def refused(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, str]:
    """Exit code and stderr of a `census.run` in this process."""
    capsys.readouterr()
    with pytest.raises(Exit) as caught:
        ns["census.run"].body(Context(), **options)
    said = capsys.readouterr().err
    assert "\nhint: " in f"\n{said}"
    return caught.value.code, said


def interrupted(run: Path) -> str:
    path = run / "run.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "state": "interrupted"}), encoding="utf-8")
    return str(run)


MISTAKES: dict[str, tuple[Callable[[Path], dict[str, Any]], int, str]] = {
    "nothing is named": (lambda _run: {}, 2, "no detections and no photographs are named"),
    "two runs": (lambda run: {"detections": [str(run), str(run)]}, 2, "2 folders of detections"),
    "no folder": (lambda run: {"detections": [f"{run}x"]}, 5, "there is no folder"),
    "no run": (lambda run: {"detections": [str(run.parent)]}, 5, "holds no run.json"),
    "not finished": (lambda run: {"detections": [interrupted(run)]}, 5, "is not finished"),
    "no tolerance": (lambda run: {"detections": [str(run)], "tolerance": "far"}, 2, "--tolerance"),
    "no confidence": (lambda run: {"detections": [str(run)], "confidence": "2"}, 2, "--confidence"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(run: Path, capsys: pytest.CaptureFixture[str], mistake: str) -> None:
    options, code, says = MISTAKES[mistake]
    ended, said = refused(capsys, **options(run))
    assert ended == code
    assert says in said


def test_settings_that_do_not_fit_the_model(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "campaign: {id: a, target_species: [lion]}\n"
    Path("configs/census.yaml").write_text(text, encoding="utf-8")
    code, said = refused(capsys, detections=[str(run)])
    assert code == 2
    assert "campaign.target_species: the model does not know lion" in said
    assert not Path("results/a/census.json").exists()


def test_heights_that_leave_no_overlap_are_told_at_the_end_of_the_run(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flight = Flight(width=240)
    for line in range(3):
        flight.line(f"L{line}", (line * 90.0, 0.0), 0.0, 8, 35.0)
    places = np.random.default_rng(2).uniform((-50, -30), (230, 280), (90, 2))
    run = make_run(tmp_path, flight, Herd(places, np.zeros(90, np.int64)))
    text = "campaign: {id: low}\nsurvey: {corrections: {scale: 0.3048}}\n"
    (here / "configs/census.yaml").write_text(text, encoding="utf-8")
    ns["census.run"].body(Context(), detections=[str(run)])
    assert "The photographs fit together when all lengths are taken as 3." in capsys.readouterr().err
    cautions = {one.kind for one in read_census_file(here / "results/low").cautions}
    assert {"corrections", "merging-all"} <= cautions


def test_vanished_photographs_end_with_5_after_all_is_written(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.parent / "photographs/L/L_0002.JPG").unlink()
    code, said = refused(capsys, detections=[str(run)])
    assert code == 5
    assert "L/L_0002.JPG" in said
    document = json.loads(Path("results/my-survey/census.json").read_text(encoding="utf-8"))
    assert document["left_out"][0]["file"] == "L/L_0002.JPG"
    assert Path("results/my-survey/census_report.html").is_file()


def test_classes_that_are_one_species_are_counted_as_it(
    demo_census: tuple[Workspace, Path, dict[str, Any]], tmp_path: Path
) -> None:
    workspace, _, before = demo_census
    run = workspace.root / "results" / "demo flight" / "detections"
    config = census_file(
        workspace,
        campaign={"id": "rolled", "roll_up": {"grazer": ["zebra", "antelope"]}},
        survey={"detections": str(run)},
        export={"output_directory": str(tmp_path / "rolled")},
    )
    rolled = workspace.document("census.run", "--config", config)
    assert set(rolled["counts"]["per_class"]) == {"elephant", "grazer"}
    apart = before["counts"]["per_class"]
    assert rolled["counts"]["per_class"]["elephant"] == apart["elephant"]
    # boxes of one animal are joined whatever their classes, so that both add up to the same animals
    assert rolled["counts"]["per_class"]["grazer"] == apart["zebra"] + apart["antelope"]
    assert rolled["settings"]["roll_up"] == {"grazer": ["zebra", "antelope"]}
    assert set(rolled["summary"]) == {"elephant", "grazer", "all"}
    # the detections keep their classes
    classes = json.loads((run / "run.json").read_text("utf-8"))["model"]["class_names"]
    assert classes == list(NAMES)
    wrong = {"id": "rolled", "roll_up": {"grazer": ["zebra", "gnu"]}}
    config = census_file(workspace, campaign=wrong, survey={"detections": str(run)})
    error, hint = workspace.fail(2, "census.run", "--config", config)
    assert "campaign.roll_up names gnu, which no class of the model is" in error
    assert "elephant, zebra and antelope" in hint
