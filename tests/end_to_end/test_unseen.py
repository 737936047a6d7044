"""A version is not measured on what it has learned from, whatever the pictures are called."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image, ImageOps
from tests.coco_files import coco_document, write_coco
from tests.reviewed_runs import verdicts
from tests.workspaces import REPOSITORY, Workspace

from wildetect.results.finished_run import read_finished_run
from wildetect.review.verdict_file import writing_verdicts

DETECTOR = REPOSITORY / "demo/detector.onnx"
AS_TRAINED = ("--confidence", "0.4", "--tile-size", "640")


@pytest.fixture(scope="module")
def made(served: Workspace) -> dict[str, Any]:
    """The set "one" of the reviewed run "learning", and a version that learned from it elsewhere."""
    for number, picture in enumerate(sorted((REPOSITORY / "demo/pictures").glob("*.jpg"))):
        folder = served.root / "unseen-pictures" / f"flight{number // 2}"
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(picture) as image:  # without tags: a flight is a folder
            image.crop((0, 0, 1280, 1280)).save(folder / picture.name, quality=95)
    for name in ("learning", "one"):  # of an earlier turn, where other tests came between those of this file
        shutil.rmtree(served.root / name, ignore_errors=True)
    words = ("--model", DETECTOR, "--tile-size", "640", "--output", "learning")
    served.succeed("detect.run", "unseen-pictures", *words)
    run = read_finished_run(served.root / "learning")
    with writing_verdicts(run.folder) as file:
        file.append(*verdicts(run))
    document: dict[str, Any] = served.document("dataset.build", "learning", "--output", "one")
    words = ("--weights", DETECTOR, "--name", "taught", "--trained-on", "one")
    served.succeed("model.register", *words)
    return document


def learned_photograph(served: Workspace, made: dict[str, Any]) -> Path:
    first = next(one for one in made["photographs"] if one["part"] == "train")
    return served.root / "unseen-pictures" / str(first["image"]).removeprefix("unseen-pictures/")


def refused(served: Workspace, labels: Path) -> str:
    error, hint = served.fail(4, "model.evaluate", "taught/1", "--annotations", labels, *AS_TRAINED)
    assert "test.json" in hint
    return error


def test_the_part_test_is_measured_under_the_name_of_its_set(served: Workspace, made: dict[str, Any]) -> None:
    words = ("model.evaluate", "taught/1", "--annotations", "one/test.json", *AS_TRAINED)
    measured = served.document(*words)
    assert measured["dataset"]["name"] == "one test"
    assert measured["dataset"]["sha256"] == made["parts"]["test"]["coco_sha256"]
    assert measured["settings"]["learned_from"] == "unknown"  # nobody said what it was begun with
    said = served.invoke(*words)
    assert "no picture is in the training set one, but taught version 1 was begun with" in said.stderr
    with (Path(measured["output"]) / "pictures.csv").open(encoding="utf-8", newline="") as file:
        told = {(row["photograph"], row["place"]) for row in csv.DictReader(file)}
    tested = [one for one in made["photographs"] if one["part"] == "test"]
    assert told == {(one["sha256"], f"group {one['group']}") for one in tested}


def test_what_it_has_learned_from_is_refused(served: Workspace, made: dict[str, Any]) -> None:
    del made
    for part in ("train", "val"):
        error = refused(served, served.root / "one" / f"{part}.json")
        assert "taught version 1 has learned from" in error
        assert "of the training set one. Numbers on them would be too good" in error


@pytest.mark.parametrize("how", ["renamed", "png", "compressed", "smaller"])
def test_a_copy_under_another_name_is_the_same_picture(
    served: Workspace, made: dict[str, Any], tmp_path: Path, how: str
) -> None:
    original = learned_photograph(served, made)
    with Image.open(original) as image:
        picture = ImageOps.exif_transpose(image)
        if how == "renamed":
            shutil.copy(original, tmp_path / "new.jpg")
        elif how == "png":
            picture.save(tmp_path / "new.png")
        elif how == "compressed":
            picture.save(tmp_path / "new.jpg", quality=40)
        else:
            picture.resize((900, 900)).save(tmp_path / "new.jpg", quality=80)
    (copy,) = tmp_path.iterdir()
    labels = write_coco(tmp_path / "labels.json", coco_document({copy.name: []}))
    said = "is a photograph" if how in ("renamed", "png") else "shows the same as a photograph"
    assert f"has learned from 1 of 1 picture: {copy.name} {said}" in refused(served, labels)


def test_it_is_known_of_a_version_that_came_as_a_file(served: Workspace, made: dict[str, Any]) -> None:
    del made
    served.succeed("model.export", "taught/1", "--output", "taught.zip")
    served.succeed("model.import", "taught.zip", "--name", "travelled")
    words = ("model.evaluate", "travelled/1", "--annotations", "one/train.json", *AS_TRAINED)
    error, _ = served.fail(4, *words)
    assert "travelled version 1 has learned from" in error


def test_labels_of_a_set_that_were_changed_are_refused(served: Workspace, made: dict[str, Any]) -> None:
    del made
    shutil.copytree(served.root / "one", served.root / "one-changed")
    path = served.root / "one-changed/test.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["annotations"].pop()
    path.write_text(json.dumps(document), encoding="utf-8")
    words = ("model.evaluate", "taught/1", "--annotations", "one-changed/test.json", *AS_TRAINED)
    error, hint = served.fail(5, *words)
    assert "the part test of" in error
    assert "dataset.build" in hint


def test_a_later_set_measures_with_the_same_photographs(served: Workspace, made: dict[str, Any]) -> None:
    def parts(document: dict[str, Any]) -> dict[str, str]:
        return {one["sha256"]: one["part"] for one in document["photographs"]}

    words = ("dataset.build", "learning", "--test", "0", "--output")
    without = served.document(*words, "without")
    kept = served.document(*words, "kept", "--keep-test", "one")
    in_test = {digest for digest, part in parts(made).items() if part == "test"}
    assert "test" not in parts(without).values()
    assert {digest for digest, part in parts(kept).items() if part == "test"} == in_test
    error, _ = served.fail(2, "dataset.build", "learning", "--output", "kept-2", "--keep-test", "configs")
    assert "is no training set" in error


def test_a_set_of_other_classes_is_not_what_a_detector_learned_from(
    served: Workspace, made: dict[str, Any]
) -> None:
    del made
    config = served.root / "configs/other-classes.yaml"
    settings = {"localizer": {"yolo": {"weights": str(DETECTOR)}}, "class_names": ["a", "b", "c"]}
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    error, _ = served.fail(4, "model.register", "--config", config, "--trained-on", "one", "--dry-run")
    assert "it was not trained on that set" in error


@pytest.fixture(scope="module")
def placed(served: Workspace) -> Path:
    """The set "placed-set" of photographs with their tags, and a version "placed" that learned from it."""
    for name in ("placed", "placed-set"):  # of an earlier turn
        shutil.rmtree(served.root / name, ignore_errors=True)
    pictures = served.root / "placed-pictures"
    for number, picture in enumerate(sorted((REPOSITORY / "demo/pictures").glob("*.jpg"))):
        (pictures / f"flight{number // 2}").mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, pictures / f"flight{number // 2}" / picture.name)  # with their positions
    served.succeed(
        "detect.run", "placed-pictures", "--model", DETECTOR, "--tile-size", "640", "--output", "placed"
    )
    run = read_finished_run(served.root / "placed")
    with writing_verdicts(run.folder) as file:
        file.append(*verdicts(run))
    served.succeed("dataset.build", "placed", "--output", "placed-set")
    served.succeed("model.register", "--weights", DETECTOR, "--name", "placed", "--trained-on", "placed-set")
    return served.root / "placed-set"


@pytest.mark.usefixtures("placed")
def test_pictures_taken_near_learned_photographs_are_counted(served: Workspace, tmp_path: Path) -> None:
    other = next(path for path in (REPOSITORY / "demo/pictures").glob("*.jpg"))
    with Image.open(other) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
            tmp_path / "later.jpg", exif=image.getexif(), quality=90
        )
        size = {"width": image.width, "height": image.height}
    document = coco_document({"later.jpg": []})
    document["images"][0] |= size
    labels = write_coco(tmp_path / "labels.json", document)
    said = served.invoke("model.evaluate", "placed/1", "--annotations", labels, *AS_TRAINED, "--json")
    assert said.returncode == 0, said.stderr
    assert "warning: 1 picture, such as later.jpg, was taken within about 20 km" in said.stderr
    assert json.loads(said.stdout)["settings"]["near_learned"] == 1


@pytest.mark.parametrize(("times", "far"), [(1.0, False), (2.0, True)])
def test_tiles_of_a_set_are_measured_whole_and_at_the_scale_of_the_model(
    served: Workspace, placed: Path, times: float, far: bool
) -> None:
    """They have no tags: train.json, as test.json, tells their ground resolution."""
    images = json.loads((placed / "train.json").read_text(encoding="utf-8"))["images"]
    learned = {one["gsd_cm"] for one in images}
    assert len(learned) == 1
    gsd_cm = learned.pop()
    config = served.root / "configs" / "of-that-scale.yaml"
    registered = yaml.safe_load(
        (served.root / "configs/detector_registration.yaml").read_text(encoding="utf-8")
    )
    registered["localizer"]["yolo"]["weights"] = str(DETECTOR)
    registered["trained_gsd_cm"] = times * gsd_cm
    config.write_text(yaml.safe_dump(registered), encoding="utf-8")
    name = f"scaled-{times:g}"
    served.succeed("model.register", "--config", config, "--name", name)
    settings = yaml.safe_load((served.root / "configs/detection.yaml").read_text(encoding="utf-8"))
    settings["processing"] |= {"scale": "auto", "tile_size": 320}
    run = served.root / "configs" / "cut-for-the-scale.yaml"
    run.write_text(yaml.safe_dump(settings), encoding="utf-8")

    words = ("model.evaluate", f"{name}/latest", "--annotations", placed / "train.json", "--config", run)
    said = served.invoke(*words, "--json")
    assert said.returncode == 0, said.stderr
    measured = json.loads(said.stdout)
    assert measured["tiles"] == len(images)
    assert measured["settings"]["gsd_cm"] == gsd_cm
    assert measured["settings"]["doubtful_pictures"] == (len(images) if far else 0)
    assert ("animals look more than 1.5 times too large" in said.stderr) == far
    assert [one["files"] for one in measured["doubts"]] == (
        [[one["file_name"] for one in images]] if far else []
    )
