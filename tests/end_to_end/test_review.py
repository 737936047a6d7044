"""From a detector that misses three of ten animals to a number that holds, on the demo."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO
from tests.hinted import follow, follow_until
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.ids import detection_id, ids_of
from wildetect.review.ids import find_again
from wildetect.review.verdict_file import writing_verdicts
from wildetect.review.verdicts import Marked, Verdict

ANIMALS, BOXES = 240, 360


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.make(tmp_path_factory.mktemp("review") / "project", MLFLOW_TRACKING_URI=unused_uri())
    shutil.copytree(REPOSITORY / "demo", made.root / "demo")
    made.succeed(
        *("detect.run", "demo/pictures", "--model", "demo/detector.onnx", "--tile-size", "640"),
        *("--confidence", "0.58", "--output", "results"),
    )
    return made


def answers(run: FinishedRun, images: list[str]) -> Iterator[Verdict]:
    """What a person says who knows demo/truth.json."""
    truth = json.loads((REPOSITORY / "demo" / "truth.json").read_text(encoding="utf-8"))
    classes = {one["id"]: one["name"] for one in truth["categories"]}
    names = {one["id"]: one["file_name"] for one in truth["images"]}
    there: dict[str, list[Marked]] = {name: [] for name in names.values()}
    for one in truth["annotations"]:
        x, y, width, height = one["bbox"]
        mark = Marked((x, y, x + width, y + height), classes[one["category_id"]])
        there[names[one["image_id"]]].append(mark)
    for result in run.results:
        if result.name not in images or result.detections is None:
            continue
        said: dict[str, Any] = {"image": result.name, "reviewer": "Ann"}
        boxes = [(x, y, right, bottom) for x, y, right, bottom in result.detections.xyxy.tolist()]
        found = find_again(boxes, [mark.xyxy for mark in there[result.name]])
        columns = zip(ids_of(result), boxes, result.detections.class_id.tolist(), found, strict=True)
        for key, box, class_id, index in columns:
            before = Marked(box, run.class_names[class_id])
            yield Verdict(kind="wrong" if index is None else "right", detection=key, before=before, **said)
        for index, mark in enumerate(there[result.name]):
            if index not in found:
                yield Verdict(
                    kind="added", detection=detection_id(result.name, mark.xyxy), after=mark, **said
                )
        yield Verdict(kind="nothing-here", **said)


def test_a_plan_for_training_says_why_and_is_none_for_an_estimate(workspace: Workspace) -> None:
    made = workspace.document("review.plan", "results", "--for", "training", "--photographs", "5")
    assert (made["photographs"], made["of"], len(made["why"])) == (5, 8, 5)
    assert made["why"][-1] == "by chance"
    assert all("unsure" in why for why in made["why"][:4])
    shown = workspace.succeed("review.plan", "results", "--for", "training", "--photographs", "5")
    follow_until(workspace, shown, "tasks/review/review.py: --for training", "http://127")
    error, _ = workspace.fail(2, "review.plan", "results", "--for", "training", "--cv", "0.1")
    assert "--cv and --double are for an estimate" in error
    error, _ = workspace.fail(5, "review.plan", "results", "--for", "training", "--census", "configs")
    assert "there is no census in" in error
    assert workspace.document("review.status", "results")["planned"] is None


def truth_of_classes() -> dict[str, int]:
    truth = json.loads((REPOSITORY / "demo" / "truth.json").read_text(encoding="utf-8"))
    names = {one["id"]: one["name"] for one in truth["categories"]}
    return Counter(names[one["category_id"]] for one in truth["annotations"])


def files_of(folder: Path) -> list[str]:
    files: list[str] = json.loads((folder / "run.json").read_text(encoding="utf-8"))["files"]
    return files


def reviewed_totals(folder: Path) -> dict[str, dict[str, int]]:
    """Animals of each class that people saw, as the files of a run hold them."""
    with (folder / "reviewed.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    features = json.loads((folder / "reviewed.geojson").read_text(encoding="utf-8"))["features"]
    with closing(sqlite3.connect(folder / "detections.gpkg")) as database:
        layer = dict(database.execute("SELECT class, count(geom) FROM reviewed GROUP BY class"))
    return {
        "csv": Counter(one["class"] for one in table),
        "geojson": Counter(one["properties"]["class"] for one in features if one["geometry"]),
        "gpkg": layer,
    }


def test_a_plan_of_ten_photographs_answered_from_the_truth_gives_limits_that_hold_it(
    workspace: Workspace,
) -> None:
    folder = workspace.root / "results"
    before = workspace.document("review.status", "--run", "results")
    plan = workspace.document("review.plan", "--run", "results", "--photographs", "10", "--seed", "1")
    run = read_finished_run(folder)
    assert before["summary"]["all"]["corrected"] is None
    assert "nobody has reviewed" in before["summary"]["all"]["reason"]
    assert 0.6 < run.record.detections / BOXES < 0.8
    assert plan["photographs"] == 8  # it has no more

    with writing_verdicts(folder) as file:
        file.append(*answers(run, plan["images"]))
    status = workspace.document("review.status", "results")
    census = workspace.document("census.run", "--detections", "results", "--output", "census")

    for summary in (status["summary"]["all"], census["summary"]["all"]):
        assert summary["corrected"]["lower"] <= ANIMALS <= summary["corrected"]["upper"]
        assert summary["reviewed"] == ANIMALS
        assert summary["corrected"]["holds"] == ["detector"]
    workspace.succeed("detect.export", "--run", "results", "--export", "report")
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["summary"] == status["summary"]
    assert "Detected, reviewed, corrected" in (folder / "report.html").read_text(encoding="utf-8")
    assert status["planned"] == status["reviewed"] == 8

    # what people saw is in coco.json, where others learn from it, and stays when the run is given again
    workspace.succeed("detect.export", "results", "--export", "coco")
    labelled = COCO(str(folder / "coco.json"))
    assert len(labelled.getAnnIds()) == BOXES
    assert {labelled.imgs[one]["reviewed"] for one in labelled.getImgIds()} == {True}
    # all is reviewed: each file says of each class what is there
    exports = [word for one in ("csv", "geojson", "gpkg", "report") for word in ("--export", one)]
    workspace.succeed("detect.export", "results", *exports)
    wanted = {labelled.cats[one]["name"]: len(labelled.getAnnIds(catIds=[one])) for one in labelled.cats}
    assert sum(wanted.values()) == BOXES
    assert wanted == truth_of_classes()
    assert reviewed_totals(folder) == dict.fromkeys(("csv", "geojson", "gpkg"), wanted)
    assert {"reviewed.csv", "reviewed.geojson"} <= set(files_of(folder))
    again = ("detect.run", "demo/pictures", "--model", "demo/detector.onnx", "--tile-size", "640")
    workspace.succeed(*again, "--confidence", "0.58", "--output", "results")
    assert len(COCO(str(folder / "coco.json")).getAnnIds()) == BOXES
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["summary"] == status["summary"]
    assert reviewed_totals(folder) == dict.fromkeys(("csv", "geojson", "gpkg"), wanted)
    assert status["detector"]["recall"]["value"] == pytest.approx(run.record.detections / BOXES, abs=0.05)


def test_what_cannot_be_drawn_is_refused_with_what_to_do(workspace: Workspace, tmp_path: Path) -> None:
    error, hint = workspace.fail(2, "review.plan")
    assert "folder of a detection run" in error
    assert hint.endswith("review.plan --run FOLDER")
    for task in ("review.open", "review.status", "review.import"):
        needed = ("--source", "results/run.json") if task == "review.import" else ()
        hint = workspace.fail(2, task, *needed)[1]
        assert f"invoke {task} " in hint
        assert hint.endswith("--run FOLDER")
    assert (
        "not a whole number" in workspace.fail(2, "review.plan", "--run", "results", "--photographs", "x")[0]
    )
    assert (
        "both say"
        in workspace.fail(2, "review.plan", "--run", "results", "--cv", "0.1", "--photographs", "9")[0]
    )
    assert workspace.fail(5, "review.status", "--run", tmp_path / "none")[0]
    error, hint = workspace.fail(2, "review.import", "--run", "results", "--reviewer", "Ann")
    assert "needed" in error
    assert hint.endswith("review.import --reviewer Ann --run results --source FILE")
    copied = tmp_path / "a copy"
    shutil.copytree(workspace.root / "results", copied)
    _, hint = workspace.fail(2, "review.import", "--run", copied)
    follow(workspace, hint, "tasks/review/review.py: review.import", FILE=copied / "detections.csv")


def test_a_damaged_plan_is_drawn_again_as_its_hint_says(workspace: Workspace, tmp_path: Path) -> None:
    run = tmp_path / "a copy"
    shutil.copytree(workspace.root / "results", run)
    workspace.succeed("review.plan", run, "--photographs", "5")
    plan = run / "review/plan.json"
    plan.write_bytes(plan.read_bytes()[:100])
    error, hint = workspace.fail(5, "review.status", run)
    assert "cannot be read as a plan" in error
    plan.unlink()  # as the hint says
    follow(workspace, hint, "review/plan.py: Bring it back from a copy")
    assert workspace.document("review.status", run)["planned"] is not None


def test_photographs_that_were_moved_are_reviewed_where_the_hint_is_told_they_are(
    workspace: Workspace, tmp_path: Path
) -> None:
    pictures = workspace.root / "demo/pictures"
    pictures.rename(tmp_path / "moved")
    try:
        error, hint = workspace.fail(5, "review.open", "results", "--no-browser")
        assert "are not where it found them" in error
        where = "workflows/review.py: uv run invoke review.open"
        follow_until(workspace, hint, where, "http://127", FOLDER=tmp_path / "moved")
    finally:
        (tmp_path / "moved").rename(pictures)


def test_what_a_review_tells_of_the_detector_goes_to_its_version(served: Workspace) -> None:
    served.succeed(
        "model.register",
        "--weights",
        REPOSITORY / "demo/detector.onnx",
        "--name",
        "surveyor",
        "--alias",
        "now",
    )
    truth = REPOSITORY / "demo" / "truth.json"
    served.document(
        *("model.evaluate", "--model", "surveyor@now", "--annotations", truth),
        *("--confidence", "0.3", "--limit", "1", "--tile-size", "640"),
    )
    served.succeed(
        *("detect.run", "--source", REPOSITORY / "demo" / "pictures", "--model", "surveyor@now"),
        *("--tile-size", "640", "--confidence", "0.58", "--output", "surveyed"),
    )
    early = served.invoke("review.status", "surveyed", "--survey", "north")
    assert "does not tell" in early.stderr
    plan = served.document("review.plan", "--run", "surveyed", "--photographs", "10", "--seed", "1")
    run = read_finished_run(served.root / "surveyed")
    with writing_verdicts(run.folder) as file:
        file.append(*answers(run, plan["images"]))

    status = served.document("review.status", "surveyed", "--survey", "north")
    assert status["kept_with"] == "surveyor version 1"
    served.document("census.run", "--detections", "surveyed", "--output", "surveyed-census")
    again = served.document("review.status", "surveyed", "--survey", "north")

    assert again["detector"] == status["detector"]
    [version] = served.document("model.compare", "surveyor")["versions"]
    assert set(version["evaluations"]) == {"truth", "survey north", "survey my-survey"}
    kept = version["evaluations"]["survey north"]
    assert kept["of_survey"]
    for measure in ("precision", "recall"):
        share = status["detector"][measure]
        assert kept["metrics"][measure] == share["value"]
        assert kept["metrics"][f"{measure}_lower"] == share["lower"]
    shown = served.document("model.show", "surveyor@now")["metrics"]
    assert shown["survey north/best_confidence"] == status["detector"]["best_confidence"]
    assert shown["recall"] == version["evaluations"]["truth"]["metrics"]["recall"]
    served.succeed("model.promote", "surveyor/1", "now", "--require", "map50>=0.1")
    census = json.loads((served.root / "surveyed-census" / "census.json").read_text(encoding="utf-8"))
    own, labelled, *_ = census["detector"]["measured"]
    assert own["dataset"] == "survey my-survey"
    assert own["overall"]["recall"] == status["detector"]["recall"]["value"]
    assert set(own["classes"]) == set(run.class_names)
    assert "truth" in {labelled["dataset"], *(one["dataset"] for one in census["detector"]["measured"])}
    assert "reviewed by people" in served.succeed("model.compare", "surveyor")
    assert "recall" in served.succeed("review.status", "surveyed")


def test_a_weights_file_keeps_nothing_of_a_survey_and_the_census_says_so(workspace: Workspace) -> None:
    plan = workspace.document("review.plan", "--run", "results", "--photographs", "10", "--seed", "1")
    run = read_finished_run(workspace.root / "results")
    with writing_verdicts(run.folder) as file:
        file.append(*answers(run, plan["images"]))

    assert "name is empty" in workspace.fail(2, "review.status", "results", "--survey", " ")[0]
    error, hint = workspace.fail(2, "review.status", "results", "--survey", "north")
    assert "is a weights file" in error
    register = ("--dry-run", "--name", "surveyor")
    where = "workflows/evaluation.py: Register it and detect with the version"
    follow(workspace, hint, where, *register, FILE=REPOSITORY / "demo/detector.onnx")
    census = workspace.invoke("census.run", "--detections", "results", "--output", "unkept")
    planned = workspace.succeed("review.plan", "results", "--photographs", "5")
    follow_until(
        workspace,
        planned,
        "tasks/review/review.py: review them: uv run invoke review.open --run FILLER",
        "http",
    )
    detect = ("detect.run", "demo/pictures", "--model", "demo/detector.onnx", "--tile-size", "640")
    workspace.succeed(*detect, "--confidence", "0.6", "--output", "other")
    learn = ("review.plan", "other", "--for", "training", "--census", "unkept")
    _, hint = workspace.fail(5, *learn)
    follow(workspace, hint, "workflows/review.py: Take it again")
    workspace.succeed(*learn)
    assert "not kept with a version: detector.onnx is a weights file" in census.stderr.replace("\n", " ")
    assert re.search(r"detector: recall 0\.\d\d .*on survey my-survey", census.stdout)
