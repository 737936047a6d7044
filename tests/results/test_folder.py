"""The files of an output folder, written by a run and once more from what it left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.results.samples import NASTY, run_of, survey

from wildetect.errors import ConfigurationError, InputError
from wildetect.results.exports.folder import Wanted, write_exports
from wildetect.results.exports.format import LabelNames
from wildetect.results.exports.later import export_again
from wildetect.results.exports.table import ALWAYS
from wildetect.results.journal.journal import Journal
from wildetect.results.lock import sole_writer
from wildetect.results.records import ImageResult
from wildetect.results.run_file import write_run_file
from wildetect.settings.words import EXPORTS

EVERYTHING = Wanted(exports=EXPORTS, overlays=None)


@pytest.fixture
def results(tmp_path: Path) -> list[ImageResult]:
    """In the order of their names, as a run has them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    placed = [replace(result, path=folder / f"{number}.png") for number, result in enumerate(survey())]
    for result in placed:
        Image.new("RGB", (200, 100), (120, 140, 90)).save(str(result.path))
    return [placed[0], placed[4], placed[2], placed[1], placed[3]]


@pytest.fixture
def output(tmp_path: Path, results: list[ImageResult]) -> Path:
    """What a run leaves whose failed image was tried again last."""
    folder = tmp_path / "output"
    folder.mkdir()
    with Journal(folder, {}) as journal:
        for result in sorted(results, key=lambda result: result.failed):
            journal.add(result, None, 1.0)
    run = run_of(results)
    files = write_exports(folder, run, results, Wanted()).files
    write_run_file(folder, replace(run, files=tuple(files)))
    return folder


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_every_run_writes(output: Path) -> None:
    named = json.loads((output / "run.json").read_text(encoding="utf-8"))["files"]
    assert set(named) == files_in(output) - {"run.json", "journal.jsonl", ".lock"}
    assert {"detections.json", "detections.csv", "coco.json", "coco_results.json"} < set(named)
    assert {"detections.geojson", "report.html"} < set(named)
    assert sum(name.startswith("overlays/") for name in named) == 3


def test_no_geojson_without_positions(tmp_path: Path, results: list[ImageResult]) -> None:
    (tmp_path / "detections.geojson").write_text("of an earlier run")
    without = results[-1:]
    assert "detections.geojson" not in write_exports(tmp_path, run_of(without), without, Wanted()).files
    assert not (tmp_path / "detections.geojson").exists()


def test_exports_made_later_have_the_same_bytes(output: Path) -> None:
    before = {name: (output / name).read_bytes() for name in files_in(output)}
    first = export_again(output, Wanted(exports=[one for one in ALWAYS if one != "report"]))
    for name in first.written:
        assert (output / name).read_bytes() == before[name], name


def test_everything_later(output: Path, results: list[ImageResult]) -> None:
    written, removed, _ = export_again(output, EVERYTHING)
    assert removed == []
    assert {"detections.gpkg", "labelstudio.json", "labelstudio_setup.xml", "report.html"} <= set(written)
    named = json.loads((output / "run.json").read_text(encoding="utf-8"))["files"]
    assert len(named) == len(set(named))
    assert set(named) == set(written)
    assert "detections.gpkg" in (output / "report.html").read_text(encoding="utf-8")
    images = json.loads((output / "detections.json").read_text(encoding="utf-8"))["images"]
    assert [image["file"] for image in images] == [result.name for result in results]
    assert images[0]["file"] == NASTY


def test_what_a_killed_export_left_goes_with_the_next(output: Path) -> None:
    left = output / ".detections.gpkg.17836.tmp"
    left.write_bytes(b"half")
    export_again(output, Wanted(exports=["csv"]))
    assert not left.exists()


def test_names_of_the_tags(output: Path) -> None:
    export_again(output, Wanted(exports=["labelstudio"], labels=LabelNames("boxes", "picture")))
    task = json.loads((output / "labelstudio.json").read_text(encoding="utf-8"))[0]
    assert task["predictions"][0]["result"][0]["from_name"] == "boxes"
    assert task["predictions"][0]["model_version"] == "herd version 3"
    assert 'name="picture"' in (output / "labelstudio_setup.xml").read_text(encoding="utf-8")


def test_a_report_keeps_its_pictures_where_the_photographs_are_gone(
    output: Path, results: list[ImageResult]
) -> None:
    for result in results:
        Path(str(result.path)).unlink()
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="would lose its pictures and stays as it is"):
        export_again(output, Wanted(exports=["report", "overlays"], overlays=2))
    assert {path: path.read_bytes() for path in before} == before


def test_a_first_report_without_the_photographs_lacks_the_gallery_only(
    output: Path, results: list[ImageResult], caplog: pytest.LogCaptureFixture
) -> None:
    for result in results:
        Path(str(result.path)).unlink()
    (output / "report.html").unlink()
    assert export_again(output, Wanted(exports=["report"])).written == ["report.html"]
    assert "no crops in report.html" in caplog.text
    assert "cannot be read again" in caplog.text


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run\.json"):
        export_again(tmp_path, EVERYTHING)
    with pytest.raises(InputError, match="there is no folder"):
        export_again(tmp_path / "nowhere", EVERYTHING)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(InputError, match=r"no run\.json"):
        export_again(tmp_path, EVERYTHING)


def test_not_while_the_run_goes_on(output: Path) -> None:
    with sole_writer(output), pytest.raises(ConfigurationError, match="another run is writing"):
        export_again(output, EVERYTHING)
