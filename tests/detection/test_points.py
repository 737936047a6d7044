"""Heat maps and their peaks, against the authors' rule written down again, cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import known_answers
from tests.detection.test_row_layout import NAMES, registered

from wildetect.detection.families.family import Frame, Reading
from wildetect.detection.families.points.peaks import POINT_SIZE, peaks
from wildetect.detection.families.table import TABLE
from wildetect.detection.network.detector import Detector
from wildetect.errors import ModelError
from wildetect.settings.words import Family


def by_the_rule(heat: np.ndarray, lowest: float) -> list[tuple[int, int]]:
    """HerdNet's rule: no neighbour is higher, 0.2 of the highest at least, nothing below 0.1."""
    highest = heat.max()
    if highest < 0.1:
        return []
    found = []
    for row in range(heat.shape[0]):
        for column in range(heat.shape[1]):
            around = heat[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            if heat[row, column] == around.max() and heat[row, column] >= max(0.2 * highest, lowest):
                found.append((row, column))
    return found


@pytest.mark.parametrize("lowest", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("highest", [1.0, 0.4, 0.11, 0.09])
def test_peaks_are_those_of_the_rule(lowest: float, highest: float) -> None:
    heat = np.random.default_rng(3).random((41, 57)).astype(np.float32) ** 3
    heat *= np.float32(highest) / heat.max()
    found = peaks(heat, lowest)
    assert list(map(tuple, found.cells.tolist())) == by_the_rule(heat, lowest)
    assert found.heat.tolist() == [heat[cell] for cell in by_the_rule(heat, lowest)]


def test_a_plateau_is_one_animal_and_no_heat_is_none() -> None:
    heat = np.zeros((9, 9), np.float32)
    assert len(peaks(heat, 0.0).heat) == 0
    heat[2, 2:4] = 1.0
    heat[6:8, 6:8] = 0.8
    found = peaks(heat, 0.2)
    assert list(zip(found.rows, found.columns, strict=True)) == [(2, 2.5), (6.5, 6.5)]


@pytest.mark.parametrize(
    ("family", "make"), [("herdnet", known_answers.herdnet), ("heat-map", known_answers.heat_map)]
)
def test_every_square_is_a_point_in_its_middle(tmp_path: Path, family: Family, make: object) -> None:
    assert callable(make)
    weights = make(tmp_path / "network.onnx")
    scale: dict[str, Any] = {"mean": [0, 0, 0], "std": [1, 1, 1]}
    manifest = registered(weights, family=family, class_names=NAMES, point_size=10, **scale)
    assert (manifest.box_kind, manifest.point_size) == ("points", 10)
    (one,) = Detector(weights, manifest, "cpu").detect([known_answers.picture()])
    expected = sorted((c, x1 - 1, y1 - 1, x2 + 1, y2 + 1) for c, x1, y1, x2, y2 in known_answers.boxes())
    found = zip(one.class_id.tolist(), np.round(one.xyxy, 2).tolist(), strict=True)
    assert sorted((class_id, *box) for class_id, box in found) == expected
    assert one.confidence == pytest.approx(230 / 255, abs=1e-3)
    usual = registered(weights, family=family, class_names=NAMES, **scale)
    assert usual.point_size == POINT_SIZE


def test_a_point_has_a_size_and_a_box_has_its_own(tmp_path: Path) -> None:
    weights = known_answers.yolo_nas(tmp_path / "network.onnx")
    with pytest.raises(ModelError, match="herdnet and heat-map"):
        registered(weights, family="yolo-nas", class_names=NAMES, point_size=10)


def test_classes_of_herdnet_come_from_the_cell_under_the_point() -> None:
    heat = np.zeros((1, 32, 32), np.float32)
    classes = np.zeros((4, 4, 4), np.float32)
    heat[0, 9, 30], classes[2, 1, 3], classes[0, 1, 3] = 0.9, 3.0, 8.0  # the background is not asked
    heat[0, 20, 4], classes[3, 2, 0] = 0.6, -0.5
    classes[1:3, 2, 0] = -1
    found = TABLE["herdnet"].decode([heat, classes], Reading(Frame(64, 64), 3, point_size=4), 0.2)
    assert found.class_id.tolist() == [1, 2]
    assert found.xyxy.tolist() == [[59, 17, 63, 21], [7, 39, 11, 43]]
