"""Each box on the ground by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.census.simulator import Herd, Shot, Survey, fly

from wildetect.census.counting.animals import count_once, default_tolerance
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Photograph, make_views
from wildetect.detections import Detections
from wildetect.imagery.camera.camera import read_camera
from wildetect.imagery.camera.optics import Flight
from wildetect.results.ids import ids_of_boxes

DEMO = Path(__file__).parents[2] / "demo"


@pytest.mark.parametrize("yaw", [0.0, 128.0, -90.0])
@pytest.mark.parametrize("pitch", [-90.0, -70.0])
def test_a_boxs_middle_and_corners_are_where_the_animal_stands(yaw: float, pitch: float) -> None:
    places = np.array([(15.0, 12.0), (-20.0, 9.0), (14.0, -23.0), (-12.0, -8.0)])
    survey = replace(Survey(), shots=(Shot((0.0, 0.0), yaw, pitch),))
    flown = fly(survey, Herd.at(places))
    views = make_views(flown.photographs, Flight())
    boxes = boxes_on_ground(flown.photographs, views)
    seen = places[flown.animals[0]]
    assert len(seen)
    assert boxes.centre - (views.views[0].x, views.views[0].y) == pytest.approx(seen, abs=0.02)
    sides = np.hypot(*np.moveaxis(boxes.corners - np.roll(boxes.corners, 1, axis=1), -1, 0))
    assert ((sides > 1.5) & (sides < 4.5)).all()  # a block of 2 m, seen askew
    assert boxes.corners.mean(axis=1) == pytest.approx(boxes.centre, abs=0.1)


def test_rows_tell_where_they_come_from() -> None:
    survey = replace(Survey(), shots=(Shot((0.0, 0.0)), Shot((900.0, 0.0)), Shot((0.0, 20.0))))
    flown = fly(survey, Herd.at([(0.0, 10.0), (5.0, 12.0)]))
    flown.photographs[1] = replace(
        flown.photographs[1], tags=replace(flown.photographs[1].tags, position=None)
    )
    views = make_views(flown.photographs, Flight())
    boxes = boxes_on_ground(flown.photographs, views)
    assert boxes.view.tolist() == [0, 0, 1, 1]
    assert boxes.id.tolist() == [
        one
        for photograph in flown.photographs
        if photograph.file != "DJI_00002.JPG"
        for one in ids_of_boxes(photograph.file, photograph.detections.xyxy.tolist())
    ]
    assert views.views[1].file == "DJI_00003.JPG"
    chosen = boxes.select(boxes.view == 1)
    assert len(chosen) == 2
    assert chosen.xyxy.tolist() == boxes.xyxy[2:].tolist()
    assert boxes.select(np.array([3, 0])).view.tolist() == [1, 0]


def test_without_boxes_all_columns_are_empty() -> None:
    views = make_views([], Flight())
    boxes = boxes_on_ground([], views)
    assert len(boxes) == 0
    assert (boxes.xyxy.shape, boxes.corners.shape, boxes.centre.shape) == ((0, 4), (0, 4, 2), (0, 2))


@pytest.mark.parametrize("part", [0.1, 0.5, 1.0, 2.0])
def test_the_demo_pictures_show_each_of_their_animals_once(part: float) -> None:
    """Two lines, flown north and south, with 30% overlap; 120 of 240 animals are in two pictures."""
    truth = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    photographs, animals = [], []
    for image in truth["images"]:
        marks = [mark for mark in truth["annotations"] if mark["image_id"] == image["id"]]
        x, y, width, height = np.array([mark["bbox"] for mark in marks], np.float64).T
        found = Detections(
            np.column_stack([x, y, x + width, y + height]),
            np.full(len(marks), 0.9),
            [mark["category_id"] for mark in marks],
        )
        path = DEMO / "pictures" / image["file_name"]
        photographs.append(
            Photograph(
                file=path.name,
                path=path,
                width=image["width"],
                height=image["height"],
                tags=read_camera(path),
                detections=found,
            )
        )
        animals += [mark["animal_id"] for mark in marks]
    views = make_views(photographs, Flight())
    counted = count_once(boxes_on_ground(photographs, views), views, part * default_tolerance(views))
    assert len(counted.members) == len(set(animals)) == 240
    assert all(len({animals[row] for row in rows}) == 1 for rows in counted.members)
