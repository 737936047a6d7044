from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest
from tests.results.samples import NAMES, NASTY, survey

from wildetect.detections import Detections
from wildetect.results.exports.format import LabelNames
from wildetect.results.exports.formats.labelstudio import labelling_setup, write_labelstudio
from wildetect.results.records import ImageResult


@pytest.fixture
def tasks(tmp_path: Path) -> Any:
    path = tmp_path / "labelstudio.json"
    write_labelstudio(path, survey(), NAMES, model="herd version 3", names=LabelNames("boxes", "picture"))
    return json.loads(path.read_text(encoding="utf-8"))


def local_path(task: Any) -> str:
    address = urlsplit(task["data"]["image"])
    assert address.path == "/data/local-files/"
    (path,) = parse_qs(address.query)["d"]
    return str(path)


def test_pictures_are_found_from_the_folder_above_theirs(tasks: Any) -> None:
    names = [local_path(task) for task in tasks]
    assert names == [f"flight/{NASTY}", "flight/map/ortho.tif", "flight/empty.jpg", "flight/ü 1.jpg"]


def test_a_box_in_percent(tasks: Any) -> None:
    (prediction,) = tasks[0]["predictions"]
    assert prediction["model_version"] == "herd version 3"
    assert prediction["score"] == pytest.approx(0.625)
    region = prediction["result"][0]
    assert region.pop("id")
    assert region == {
        "from_name": "boxes",
        "to_name": "picture",
        "type": "rectanglelabels",
        "original_width": 200,
        "original_height": 100,
        "image_rotation": 0,
        "score": 0.9,
        "value": {
            "x": 5.0,
            "y": 20.0,
            "width": 10.0,
            "height": 40.0,
            "rotation": 0,
            "rectanglelabels": ["gnu, <blue>"],
        },
    }


def test_regions_have_ids_of_their_own(tasks: Any) -> None:
    ids = [region["id"] for task in tasks for region in task["predictions"][0]["result"]]
    assert len(ids) == len(set(ids)) == 4


def test_an_empty_picture_is_a_task_too(tasks: Any) -> None:
    assert tasks[2]["predictions"] == [{"model_version": "herd version 3", "score": 0.0, "result": []}]


def test_the_setup_takes_the_predictions() -> None:
    root = ET.fromstring(labelling_setup(NAMES, LabelNames("boxes", "picture")))  # noqa: S314 - our own text
    image, boxes = root
    assert (image.tag, image.get("name"), image.get("value")) == ("Image", "picture", "$image")
    assert (boxes.tag, boxes.get("name"), boxes.get("toName")) == ("RectangleLabels", "boxes", "picture")
    assert [label.get("value") for label in boxes] == list(NAMES)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    odd = ImageResult(
        name="\udcff.jpg", path=Path("/a/\udcff.jpg"), detections=Detections.empty(), width=1, height=1
    )
    write_labelstudio(tmp_path / "a", [odd], NAMES, model="m")
    assert json.loads((tmp_path / "a").read_text())[0]["data"]["image"].endswith("?d=a/%FF.jpg")


def test_a_picture_at_the_root_of_a_drive(tmp_path: Path) -> None:
    root = ImageResult(name="a.jpg", path=Path("/a.jpg"), detections=Detections.empty(), width=1, height=1)
    write_labelstudio(tmp_path / "a", [root], NAMES, model="m")
    assert local_path(json.loads((tmp_path / "a").read_text())[0]) == "a.jpg"
