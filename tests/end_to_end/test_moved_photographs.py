"""Photographs whose drive has another letter, and runs that are carried to another machine."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.census.output.record import read_census_file
from wildetect.workflows.publishing import identifications
from wildetect.workflows.review import run_and_census

DETECTOR = REPOSITORY / "demo/detector.onnx"
WORDS = ("--model", DETECTOR, "--tile-size", "640", "--confidence", "0.35", "--output", "run")


@pytest.fixture
def moved(tmp_path: Path) -> Workspace:
    """A finished run whose photographs were in D, and are in E now."""
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    shutil.copytree(REPOSITORY / "demo/pictures", workspace.root / "D")
    workspace.succeed("detect.run", "D", *WORDS, "--limit", "3")
    (workspace.root / "D").rename(workspace.root / "E")
    for photograph in (workspace.root / "E").iterdir():  # exFAT keeps even seconds only
        seconds = photograph.stat().st_mtime // 2 * 2
        os.utime(photograph, (seconds, seconds))
    return workspace


def test_the_run_goes_on_where_the_photographs_are_now(moved: Workspace) -> None:
    before = json.loads((moved.root / "run/run.json").read_text(encoding="utf-8"))
    ended = moved.invoke("detect.run", "E", *WORDS, "--limit", "4", "--json")
    assert ended.returncode == 0, ended.stderr
    assert f"the photographs lie in {moved.root / 'E'} now, before in {moved.root / 'D'}" in ended.stderr
    assert "3 of 4 images had been done before" in ended.stderr
    after = json.loads(ended.stdout)
    assert after["images"]["done"] == 4
    assert after["detections"] > before["detections"] > 0
    # it knows from then on: nobody has to say it again
    moved.succeed("detect.export", "run", "--export", "report")
    ended = moved.invoke("detect.run", "E", *WORDS, "--limit", "4")
    assert ended.returncode == 0, ended.stderr
    assert "before in" not in ended.stderr
    assert "4 of 4 images had been done before" in ended.stderr


def test_other_photographs_of_the_same_names_are_another_run(moved: Workspace) -> None:
    first = min((moved.root / "E").glob("*.jpg"))
    first.write_bytes(first.read_bytes() + b"\0")
    error, hint = moved.fail(2, "detect.run", "E", *WORDS, "--limit", "3")
    assert "holds another run: its source differs" in error
    assert "--output" in hint


def test_names_that_are_spelled_otherwise_and_copies_with_other_times_are_the_same_run(
    moved: Workspace,
) -> None:
    """As macOS parts accents off, as drives write capitals, and as most programs that copy set the time."""
    (moved.root / "E").rename(moved.root / "D")  # where a run has never been moved
    (moved.root / "D/A1.jpg").rename(moved.root / "D/A1\u00fc.jpg")
    moved.succeed("detect.run", "D", *WORDS, "--limit", "2", "--restart")
    before = (moved.root / "run/detections.csv").read_bytes()
    (moved.root / "F").mkdir()
    for name, now in (("A2.jpg", "a2.JPG"), ("A1\u00fc.jpg", "A1u\u0308.jpg")):
        shutil.copyfile(moved.root / "D" / name, moved.root / "F" / now)
    (moved.root / "D").rename(moved.root / "away")
    ended = moved.invoke("detect.run", "F", *WORDS, "--limit", "2")
    assert ended.returncode == 0, ended.stderr
    assert "2 of 2 images had been done before" in ended.stderr
    assert (moved.root / "run/detections.csv").read_bytes() == before
    again = moved.invoke("detect.run", "F", *WORDS, "--limit", "2")
    assert "2 of 2 images had been done before" in again.stderr, again.stderr
    assert "before in" not in again.stderr


def test_photographs_that_are_sorted_otherwise_are_found_by_their_content(moved: Workspace) -> None:
    page = (moved.root / "run/report.html").read_text(encoding="utf-8")
    for number, path in enumerate(sorted((moved.root / "E").glob("A*.jpg"))):
        folder = moved.root / "new/E" / f"card {number}"
        folder.mkdir(parents=True)
        path.rename(folder / f"{number}_{path.name}")
    ended = moved.invoke("detect.export", "run", "--export", "report", "--source", "new")
    assert ended.returncode == 0, ended.stderr
    assert "3 photographs are found by content" in ended.stderr
    assert (moved.root / "run/report.html").read_text(encoding="utf-8") == page
    # a run goes by names: it says why it does not go on
    ended = moved.invoke("detect.run", "new", *WORDS, "--limit", "3")
    assert ended.returncode == 2
    assert "0 of its 3 photographs found by name, not A1.jpg" in ended.stderr


def test_another_picture_of_the_same_name_and_size_does_not_count_in_place_of_the_run_s(
    moved: Workspace,
) -> None:
    """Uncompressed pictures of a camera have all one size, and each card begins with the same names."""
    first = moved.root / "E/A1.jpg"
    content = bytearray(first.read_bytes())
    content[-1] ^= 1
    first.write_bytes(content)
    ended = moved.invoke("census.run", "run", "--source", "E", "--output", "census", "--json")
    assert ended.returncode == 5, ended.stderr
    assert "1 of the 3 photographs of this run are not in" in ended.stderr
    assert "A1.jpg: another picture has its name now, of as many bytes" in ended.stderr
    assert json.loads(ended.stdout)["counts"]["photographs"] == 2
    content[-1] ^= 1
    (moved.root / "E/card 2").mkdir()
    (moved.root / "E/card 2/A1.jpg").write_bytes(content)
    again = moved.document("census.run", "run", "--source", "E", "--output", "census")
    assert again["counts"]["photographs"] == 3


def test_export_and_report_find_the_photographs_in_their_new_place(moved: Workspace) -> None:
    run = moved.root / "run"
    page = (run / "report.html").read_text(encoding="utf-8")
    error, hint = moved.fail(5, "detect.export", "run", "--export", "report")
    assert "not where the run found them" in error
    assert "--source FOLDER" in hint
    moved.succeed("detect.export", "run", "--export", "report", "--export", "overlays", "--source", "E")
    assert (run / "report.html").read_text(encoding="utf-8").count("data:image") == page.count("data:image")
    error, _ = moved.fail(5, "detect.export", "run", "--export", "report", "--source", "run/overlays")
    assert "holds none of the photographs of this run" in error


def test_a_project_with_its_photographs_inside_may_be_renamed_and_carried_away(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    shutil.copytree(REPOSITORY / "demo/pictures", workspace.root / "pictures")
    workspace.succeed("detect.run", "pictures", *WORDS, "--limit", "2")
    page = (workspace.root / "run/report.html").read_text(encoding="utf-8")
    workspace.root.rename(tmp_path / "renamed")
    renamed = Workspace(tmp_path / "renamed", workspace.variables)
    renamed.succeed("detect.export", "run", "--export", "report")
    assert (renamed.root / "run/report.html").read_text(encoding="utf-8") == page
    counted = renamed.document("census.run", "run", "--output", "census")
    assert counted["counts"]["photographs"] == 2
    # on a stick, whose copies have times of their own, beside a photograph of the same name that is another
    carried = Workspace(tmp_path / "stick", workspace.variables)
    shutil.copytree(renamed.root, carried.root, copy_function=shutil.copyfile)
    shutil.rmtree(renamed.root)
    carried.succeed("detect.export", "run", "--export", "report")
    first = min((carried.root / "pictures").glob("*.jpg"))
    first.write_bytes(first.read_bytes() + b"\0")
    error, _ = carried.fail(5, "detect.export", "run", "--export", "report")
    assert "1 of 2 photographs with detections cannot be shown" in error
    assert f"{first.name}: another picture has its name now" in error


def test_a_census_reads_tags_where_the_photographs_are_now(moved: Workspace) -> None:
    error, hint = moved.fail(5, "census.run", "run", "--output", "census")
    assert "is where it was" in error
    assert "--source FOLDER" in hint
    carried = moved.root / "stick"
    (moved.root / "run").rename(carried)
    document = moved.document("census.run", "stick", "--source", "E", "--output", "census")
    assert document["summary"]["all"]["detected"] > 0
    again = moved.invoke("census.run", "stick", "--source", "E", "--output", "census")
    assert "is replaced" not in again.stderr
    carried.rename(moved.root / "other")
    other = moved.invoke("census.run", "other", "--source", "E", "--output", "census")
    assert f"held the census of {carried}, which is replaced" in other.stderr


def test_a_run_alone_is_counted_and_reviewed_on_another_machine(moved: Workspace, tmp_path: Path) -> None:
    elsewhere = Workspace(tmp_path / "elsewhere", moved.variables)
    shutil.copytree(moved.root / "run", elsewhere.root / "camp 23")
    shutil.copy(REPOSITORY / "tasks.py", elsewhere.root)
    there = ("--source", moved.root / "E")
    elsewhere.succeed("census.run", "camp 23", *there)
    record = elsewhere.root / "results/camp 23-census/census.json"
    assert json.loads(record.read_text(encoding="utf-8"))["campaign"]["id"] == "camp 23-census"
    elsewhere.variables["WILDETECT_CENSUS__CAMPAIGN__ID"] = "north"
    elsewhere.succeed("census.run", "camp 23", *there)
    assert (elsewhere.root / "results/north/census.json").is_file()
    elsewhere.succeed("review.plan", "camp 23")


def test_a_census_that_is_moved_with_its_run_still_knows_it(moved: Workspace) -> None:
    (moved.root / "E").rename(moved.root / "D")
    moved.succeed("census.run", "run", "--output", "census")
    for name in ("run", "census", "D"):
        (moved.root / "stick").mkdir(exist_ok=True)
        (moved.root / name).rename(moved.root / "stick" / name)
    now = read_census_file(moved.root / "stick/census")
    assert Path(now.detections.folder) == moved.root / "stick/run"
    assert run_and_census(moved.root / "stick/census", None)[0] == moved.root / "stick/run"
    assert identifications(now).remark is None
    again = moved.invoke("census.run", "stick/run", "--output", "stick/census")
    assert again.returncode == 0, again.stderr
    assert "is replaced" not in again.stderr
