from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.results.exports.formats.csv_file import CSV_COLUMNS, write_csv
from wildetect.results.exports.formats.megadetector import write_megadetector
from wildetect.results.files import replacing, write_text
from wildetect.results.records import ImageResult

NAMES = ("plains zebra", "gnu, blue")


def results() -> list[ImageResult]:
    found = Detections(
        np.array([[10, 20, 30, 60], [0, 0, 100, 200]]), np.array([0.9, 0.12345678]), np.array([1, 0])
    )
    return [
        ImageResult(
            name="flight 1/a.jpg",
            path=Path("/x/flight 1/a.jpg"),
            detections=found,
            width=100,
            height=200,
            longitude=34.7501234567,
            latitude=-2.5,
        ),
        ImageResult(name="ü.jpg", path=Path("ü.jpg"), detections=Detections.empty(), width=5, height=5),
        ImageResult(name="broken.jpg", path=Path("broken.jpg"), failure="the file is cut short"),
    ]


def test_megadetector_format(tmp_path: Path) -> None:
    path = tmp_path / "detections.json"
    write_megadetector(path, results(), NAMES, detector="herd version 3")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["info"] == {"format_version": "1.6", "detector": "herd version 3"}
    assert document["detection_categories"] == {"1": "plains zebra", "2": "gnu, blue"}
    first, second, third = document["images"]
    assert first == {
        "file": "flight 1/a.jpg",
        "width": 100,
        "height": 200,
        "detections": [
            {"category": "2", "conf": 0.9, "bbox": [0.1, 0.1, 0.2, 0.2], "id": "3eda91d0930f3127"},
            {"category": "1", "conf": 0.12346, "bbox": [0.0, 0.0, 1.0, 1.0], "id": "98bb28e188693902"},
        ],
    }
    assert second["detections"] == []
    assert "failure" not in second
    assert third == {"file": "broken.jpg", "failure": "the file is cut short", "detections": None}


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "detections.csv"
    write_csv(path, results(), NAMES)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        list(CSV_COLUMNS),
        [
            "flight 1/a.jpg",
            "gnu, blue",
            "0.90000",
            "10.00",
            "20.00",
            "30.00",
            "60.00",
            "-2.5000000",
            "34.7501235",
            "3eda91d0930f3127",
        ],
        [
            "flight 1/a.jpg",
            "plains zebra",
            "0.12346",
            "0.00",
            "0.00",
            "100.00",
            "200.00",
            "-2.5000000",
            "34.7501235",
            "98bb28e188693902",
        ],
    ]


def test_without_results(tmp_path: Path) -> None:
    write_megadetector(tmp_path / "none.json", [], NAMES)
    assert json.loads((tmp_path / "none.json").read_text(encoding="utf-8"))["images"] == []
    write_csv(tmp_path / "none.csv", [], NAMES)
    assert (tmp_path / "none.csv").read_text(encoding="utf-8").splitlines() == [",".join(CSV_COLUMNS)]


def test_position_is_empty_where_unknown(tmp_path: Path) -> None:
    (known, *_) = results()
    unknown = ImageResult(name="a", path=Path("a"), detections=known.detections, width=100, height=200)
    write_csv(tmp_path / "a.csv", [unknown], NAMES)
    assert (
        (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1].endswith(",60.00,,,bbba041ffcb92be2")
    )


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_megadetector(tmp_path / f"{name}.json", results(), NAMES)
        write_csv(tmp_path / f"{name}.csv", results(), NAMES)
    for ending in ("json", "csv"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def pieces() -> object:
        yield "new"
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_text(path, pieces())  # type: ignore[arg-type]
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"), replacing(tmp_path / "gone" / "file") as file:
        file.write(b"")
