"""YOLO's labels, WISDAM's table, Timelapse's recognition file: each read back by the rules of its program."""

from __future__ import annotations

import csv
import json
import logging
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from tests.results.samples import NAMES, found, run_of, survey

from wildetect.results.exports.folder import Wanted, write_exports
from wildetect.results.exports.formats.yolo import write_yolo
from wildetect.results.records import ImageResult
from wildetect.results.rows import rows

CHANGED = datetime(2026, 11, 23, 4, 12, 9, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    results = survey()
    run = run_of(results, settings={"confidence": 0.05})
    files = write_exports(tmp_path, run, results, Wanted(exports=("megadetector", "yolo", "wisdam"))).files
    assert files == ["detections.json", "yolo.zip", "wisdam.csv"]
    return tmp_path


def test_labels_of_yolo_give_the_boxes_back(folder: Path) -> None:
    with zipfile.ZipFile(folder / "yolo.zip") as archive:
        texts = {name: archive.read(name).decode("utf-8") for name in archive.namelist()}
    assert texts["classes.txt"].splitlines() == list(NAMES)
    assert yaml.safe_load(texts["data.yaml"])["names"] == list(NAMES)
    labels = {name: text for name, text in texts.items() if name.startswith("labels/")}
    assert set(labels) == {  # none for the one that failed, an empty one where nothing is
        "labels/<img src=x onerror=alert(1)>.txt",
        "labels/map/ortho.txt",
        "labels/empty.txt",
        "labels/ü 1.txt",
    }
    assert labels["labels/empty.txt"] == ""
    for result in survey()[:4]:
        lines = labels[f"labels/{result.name.rpartition('.')[0]}.txt"].splitlines()
        for line, row in zip(lines, rows(result), strict=True):
            class_id, x, y, width, height = line.split()
            assert int(class_id) == row.class_id
            middle = [float(x) * 200, float(y) * 100]
            half = [float(width) * 100, float(height) * 50]
            edges = [middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1]]
            assert edges == pytest.approx(row.xyxy, abs=0.01)
            assert all(0 <= float(share) <= 1 for share in (x, y, width, height))


def test_two_pictures_that_yolo_cannot_tell_apart_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = survey()[0]
    twins = [replace(one, name="a/x.jpg"), replace(one, name="a/x.png", detections=found())]
    with caplog.at_level(logging.WARNING):
        write_yolo(tmp_path / "yolo.zip", twins, NAMES, changed=CHANGED)
    assert "no labels of a/x.png" in caplog.text
    with zipfile.ZipFile(tmp_path / "yolo.zip") as archive:
        assert len(archive.read("labels/a/x.txt").splitlines()) == 2


def test_wisdam_gets_its_columns(folder: Path) -> None:
    with (folder / "wisdam.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        table = list(reader)
    assert reader.fieldnames == ["image_path", "type", "probability", "xmin", "ymin", "xmax", "ymax"]
    expected = [(result, row) for result in survey() for row in rows(result)]
    for line, (result, row) in zip(table, expected, strict=True):
        assert Path(line["image_path"]) == result.path
        assert line["type"] == NAMES[row.class_id]
        edges = [float(line[name]) for name in ("xmin", "ymin", "xmax", "ymax")]
        assert [float(line["probability"]), *edges] == [row.confidence, *row.xyxy]


def test_timelapse_hides_no_detection(folder: Path) -> None:
    """Its own thresholds, 0.8 and 0.3 where a file has none, would hide the unsure ones."""
    document = json.loads((folder / "detections.json").read_text(encoding="utf-8"))
    metadata = document["info"]["detector_metadata"]
    assert isinstance(metadata["megadetector_version"], str)
    assert metadata["typical_detection_threshold"] == metadata["conservative_detection_threshold"] == 0.05
    found_ones = [box for image in document["images"] for box in image["detections"] or []]
    assert all(box["conf"] >= metadata["conservative_detection_threshold"] for box in found_ones)
    # "0" is Timelapse's own category of empty pictures, and its paths are relative to the folder of pictures
    assert "0" not in document["detection_categories"]
    assert not [image for image in document["images"] if Path(image["file"]).is_absolute()]


def test_the_same_results_give_the_same_labels(tmp_path: Path) -> None:
    results: list[ImageResult] = survey()
    for name in ("one.zip", "two.zip"):
        write_yolo(tmp_path / name, results, NAMES, changed=CHANGED)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
