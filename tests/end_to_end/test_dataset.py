"""From reviewed runs to a training set, through the real program."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from tests.hinted import follow, follow_until, write_setting
from tests.reviewed_runs import verdicts
from tests.ultralytics_stand_in import with_stand_in
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.results.finished_run import read_finished_run
from wildetect.review.verdict_file import writing_verdicts

PLACES = {"scene": "a", "survey": "b"}


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.make(tmp_path_factory.mktemp("dataset") / "project", MLFLOW_TRACKING_URI=unused_uri())
    shutil.copytree(REPOSITORY / "demo", made.root / "demo")
    for number, picture in enumerate(sorted((made.root / "demo" / "pictures").glob("*.jpg"))):
        folder = made.root / "pictures" / f"flight{number % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(picture) as image:  # without tags: a flight is a folder
            image.save(folder / picture.name, quality=95)
    copy = next((made.root / "pictures" / "flight0").iterdir())
    shutil.copy(copy, made.root / "pictures" / "flight1" / "copy.jpg")
    made.succeed(
        *("detect.run", "pictures", "--model", "demo/detector.onnx", "--tile-size", "640"),
        *("--output", "results"),
    )
    return made


@pytest.fixture(scope="module")
def made(workspace: Workspace) -> dict[str, Any]:
    """The set "one" of the reviewed run."""
    run = read_finished_run(workspace.root / "results")
    with writing_verdicts(run.folder) as file:
        file.append(*verdicts(run))
    document: dict[str, Any] = workspace.document("dataset.build", "results", "--output", "one")
    return document


def test_nothing_reviewed_is_refused_with_the_command_that_reviews(workspace: Workspace) -> None:
    bare = workspace.root / "bare"
    shutil.copytree(workspace.root / "results", bare, ignore=shutil.ignore_patterns("review"))
    error, hint = workspace.fail(5, "dataset.build", "--run", "bare", "--output", "nothing")
    assert "no photograph of the run in" in error
    follow_until(workspace, hint, "workflows/learning/dataset.py: Go through some", "http://127")
    assert not (workspace.root / "nothing").exists()


def test_a_reviewed_run_becomes_a_training_set_twice_the_same(
    workspace: Workspace, made: dict[str, Any]
) -> None:
    run = read_finished_run(workspace.root / "results")
    workspace.succeed("dataset.build", "--run", "results", "--output", "two")
    one, two = (files_of(workspace.root / name) for name in ("one", "two"))
    manifests = [json.loads(each.pop("dataset.json")) for each in (one, two)]
    assert one == two
    assert manifests[0] == {**manifests[1], "name": "one"}

    photographs = made["photographs"]
    assert len(photographs) == len(run.results) - 1  # the copy is in it once
    flights: dict[str, set[str]] = {}
    for each in photographs:
        flights.setdefault(each["image"].split("/")[0], set()).add(each["part"])
    assert all(len(parts) == 1 for parts in flights.values()), flights
    assert {part for parts in flights.values() for part in parts} == {"train", "val", "test"}
    assert flights["flight0"] == flights["flight1"]  # a picture of the one is in the other
    assert sum(sum(each["animals"].values()) for each in photographs) > 100
    assert all(each["rejected"] == 1 for each in photographs)
    assert made["reviewers"] == {"Ann": len(photographs)}
    assert made["split"] == "flight"
    assert any("no position" in note for note in made["notes"])


@pytest.mark.usefixtures("made")
def test_both_forms_say_the_same_of_each_tile(workspace: Workspace) -> None:
    folder = workspace.root / "one"
    names = yaml.safe_load((folder / "dataset.yaml").read_text(encoding="utf-8"))["names"]
    for part in ("train", "val", "test"):
        coco = json.loads((folder / f"{part}.json").read_text(encoding="utf-8"))
        assert {one["id"] - 1: one["name"] for one in coco["categories"]} == names
        boxes: dict[int, list[tuple[float, ...]]] = {one["id"]: [] for one in coco["images"]}
        for one in coco["annotations"]:
            boxes[one["image_id"]].append((one["category_id"] - 1, *one["bbox"]))
        assert len(coco["images"]) == len(list((folder / "labels" / part).iterdir()))
        for image in coco["images"]:
            with Image.open(folder / image["file_name"]) as tile:
                assert tile.size == (image["width"], image["height"])
            label = folder / image["file_name"].replace("images", "labels").replace(".jpg", ".txt")
            lines = [tuple(map(float, line.split())) for line in label.read_text().splitlines()]
            for (class_id, x, y, width, height), expected in zip(lines, boxes[image["id"]], strict=True):
                there = (
                    class_id,
                    (x - width / 2) * image["width"],
                    (y - height / 2) * image["height"],
                    width * image["width"],
                    height * image["height"],
                )
                assert there == pytest.approx(expected, abs=0.02)


@pytest.mark.usefixtures("made")
def test_the_hints_of_sets_are_about_what_was_given(workspace: Workspace) -> None:
    build, (folder, one) = "tasks/dataset/build.py: dataset.build", ("nowhere", "one")
    error, _ = workspace.fail(5, "dataset.build", "--run", folder)
    assert folder in error  # is told before what is missing, and not repeated
    _, hint = workspace.fail(2, "dataset.build", "--output", "four", "--seed", "5")
    assert "--seed 5" in follow(workspace, hint, build, FOLDER="results").args or "--seed 5" in hint
    train = ("model.train", "--name", "herd")
    _, hint = workspace.fail(2, *train, "--dataset", "results")
    follow(workspace, hint, "training/manifest.py: Build one", FOLDER="results")
    error, _ = workspace.fail(4, *train, "--weights", "none.pt")
    assert error.endswith("none.pt does not exist")
    _, hint = workspace.fail(2, *train)
    assert hint.endswith("model.train --name herd --dataset FOLDER --weights FILE")
    label = next((workspace.root / one / "labels/train").glob("*.txt"))
    text = label.read_text(encoding="utf-8")
    label.write_text("", encoding="utf-8")
    try:
        (workspace.root / "start.pt").write_bytes(b"a checkpoint, as far as a name goes" * 9)
        _, hint = workspace.fail(5, *train, "--weights", "start.pt", "--dataset", one)
    finally:
        label.write_text(text, encoding="utf-8")
    follow(
        workspace,
        hint,
        "training/manifest.py: dataset.build --run FOLDER --output FILLER",
        FOLDER="results",
    )
    assert (workspace.root / f"{one}-2/dataset.json").is_file()


@pytest.mark.usefixtures("made")
def test_the_hints_of_a_training_lead_to_its_measure(
    workspace: Workspace, served: Workspace, tmp_path: Path
) -> None:
    trainer, start = with_stand_in(served, tmp_path / "packages"), tmp_path / "start.pt"
    start.write_bytes(b"a checkpoint, as far as a name goes" * 9)
    _, hint = trainer.fail(2, "model.train", "--name", "led", "--epochs", "2")
    where = "tasks/model/training.py: uv run invoke model.train"
    done = follow(trainer, hint, where, FOLDER=workspace.root / "one", FILE=start)
    assert "registered led version 1 as candidate" in done.stdout
    where = "tasks/model/training.py: Measure it on pictures that it has not learned from"
    follow(trainer, done.stderr, where, "--limit", "2")
    assert trainer.document("model.show", "led/1")["metrics"]

    _, hint = trainer.fail(4, "detect.run", workspace.root / "pictures", "--model", start)
    follow(trainer, hint, "registry/weights/intake.py: Run: uv run invoke model.register", "--name", "led")


@pytest.mark.usefixtures("made")
def test_runs_with_tiles_of_two_sizes_are_no_one_set(workspace: Workspace) -> None:
    other = ("detect.run", "pictures/flight2", "--model", "demo/detector.onnx", "--output", "other")
    workspace.succeed(*other, "--tile-size", "480")
    run = read_finished_run(workspace.root / "other")
    with writing_verdicts(run.folder) as file:
        file.append(*verdicts(run))
    words = ("dataset.build", "--run", "results", "--run", "other", "--output", "both")
    error, hint = workspace.fail(2, *words)
    assert error.endswith("the runs have tiles of different sizes: results 640 px and other 480 px")
    assert not (workspace.root / "both").exists()
    config = workspace.root / "configs/detection.yaml"
    write_setting(config, hint, "workflows/learning/dataset.py: Build a set of each")
    workspace.succeed(*other, "--tile-size", "640", "--restart")
    assert len(workspace.document(*words)["photographs"]) > len(run.results)


@pytest.mark.usefixtures("made")
def test_a_set_that_is_there_and_a_damaged_review_are_refused(workspace: Workspace) -> None:
    error, hint = workspace.fail(2, "dataset.build", "results", "--output", "one")
    assert "is there already" in error
    assert "one-2" in hint
    path = workspace.root / "results" / "review" / "verdicts.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"wrong"', b'"right"', 1))
    try:
        error, hint = workspace.fail(5, "dataset.build", "results", "--output", "three")
        assert "damaged" in error
        follow_until(workspace, hint, "training/reviewed.py: review.open", "http://127")
    finally:
        path.write_bytes(whole)
    assert not (workspace.root / "three").exists()
