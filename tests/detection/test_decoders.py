"""Every family against boxes worked out by hand from its formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.detection.networks import SIZE, manifest, save_network

from wildetect.detection.families.family import Frame, Reading
from wildetect.detection.families.grids.cells import cells
from wildetect.detection.families.table import TABLE
from wildetect.detection.network.detector import Detector
from wildetect.settings.words import FAMILIES, Family

FRAME = Frame(SIZE, SIZE)  # 8 x 8, 4 x 4 and 2 x 2 cells
CELLS = 64 + 16 + 4
Expected = list[tuple[list[float], float, int]]


def yolov8() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, 7, CELLS), np.float32)
    output[0, :, 5] = [30, 20, 10, 8, 0.1, 0.9, 0.2]
    output[0, :, 70] = [10, 40, 4, 6, 0.3, 0.0, 0.0]
    return [output], [([25, 16, 35, 24], 0.9, 1), ([8, 37, 12, 43], 0.3, 0)]


def end_to_end() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, 10, 6), np.float32)
    output[0, 0] = [1, 2, 30, 40, 0.8, 2]
    output[0, 1] = [5, 2, 30, 40, 0.7, 2]  # overlaps, and stays: the network has done its own NMS
    return [output], [([1, 2, 30, 40], 0.8, 2), ([5, 2, 30, 40], 0.7, 2)]


def end_to_end_7() -> tuple[list[NDArray[Any]], Expected]:
    return [np.array([[0, 2, 0.8, 1, 2, 30, 40]], np.float32)], [([1, 2, 30, 40], 0.8, 2)]


def yolov5() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, 3 * CELLS, 8), np.float32)
    output[0, 7] = [30, 20, 10, 8, 0.5, 0.1, 0.9, 0.2]
    output[0, 9] = [30, 20, 10, 8, 0.2, 0.1, 0.9, 0.2]  # 0.18: objectness counts
    return [output], [([25, 16, 35, 24], 0.45, 1)]


def yolov5_raw() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, 3 * CELLS, 8), np.float32)
    # stride 16, second anchor (62, 45), row 1, column 3
    row = 3 * 64 + 1 * 16 + 1 * 4 + 3
    output[0, row] = [0.25, 0.75, 0.5, 0.25, 0.8, 0.0, 0.0, 0.5]
    centre = ((0.5 - 0.5 + 3) * 16, (1.5 - 0.5 + 1) * 16)
    size = (1.0**2 * 62, 0.5**2 * 45)
    return [output], [(around(centre, size), 0.4, 2)]


def yolox() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, CELLS, 8), np.float32)
    # stride 32, row 1, column 0
    output[0, 64 + 16 + 2] = [0.5, 0.25, np.log(0.5), 0.0, 0.9, 0.5, 0.0, 0.0]
    return [output], [(around((0.5 * 32, 1.25 * 32), (16, 32)), 0.45, 0)]


def detr() -> tuple[list[NDArray[Any]], Expected]:
    labels = np.array([[2, 0, 0]])
    boxes = np.array([[[1, 2, 30, 40], [2, 2, 30, 40], [0, 0, 1, 1]]], np.float32)
    scores = np.array([[0.8, 0.7, 0.1]], np.float32)
    return [labels, boxes, scores], [([1, 2, 30, 40], 0.8, 2), ([2, 2, 30, 40], 0.7, 0)]


def rt_detr() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, 300, 7), np.float32)
    output[0, 4] = [30 / SIZE, 20 / SIZE, 10 / SIZE, 8 / SIZE, 0.1, 0.9, 0.2]
    return [output], [([25, 16, 35, 24], 0.9, 1)]


def rf_detr() -> tuple[list[NDArray[Any]], Expected]:
    boxes = np.full((1, 300, 4), 0.5, np.float32)
    logits = np.full((1, 300, 4), -9, np.float32)
    boxes[0, 4] = [30 / SIZE, 20 / SIZE, 10 / SIZE, 8 / SIZE]
    logits[0, 4] = [-3, np.log(0.9 / 0.1), -2, 8]  # the last column is no class
    return [boxes, logits], [([25, 16, 35, 24], 0.9, 1)]


def torchvision() -> tuple[list[NDArray[Any]], Expected]:
    boxes = np.array([[1, 2, 30, 40], [20, 41, 60, 60], [0, 0, 1, 1]], np.float32)
    scores = np.array([0.8, 0.7, 0.1], np.float32)
    return [boxes, np.array([3, 1, 1]), scores], [([1, 2, 30, 40], 0.8, 2), ([20, 41, 60, 60], 0.7, 0)]


def end_to_end_split() -> tuple[list[NDArray[Any]], Expected]:
    boxes = np.array([[[1, 2, 30, 40], [20, 41, 60, 60], [5, 5, 9, 9]]], np.float32)
    scores = np.array([[0.8, 0.7, 0.9]], np.float32)  # the third row is beyond the number
    expected: Expected = [([1, 2, 30, 40], 0.8, 2), ([20, 41, 60, 60], 0.7, 0)]
    return [np.array([[2]], np.int32), boxes, scores, np.array([[2, 0, 1]], np.int32)], expected


def yolo_nas() -> tuple[list[NDArray[Any]], Expected]:
    boxes, scores = np.zeros((1, CELLS, 4), np.float32), np.zeros((1, CELLS, 3), np.float32)
    boxes[0, 5], scores[0, 5] = [25, 16, 35, 24], [0.1, 0.9, 0.2]
    return [boxes, scores], [([25, 16, 35, 24], 0.9, 1)]


def yolov8_seg() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, 7 + 32, CELLS), np.float32)
    output[0, :7, 5] = [30, 20, 10, 8, 0.1, 0.9, 0.2]
    output[0, 7:] = 5
    return [output, np.ones((1, 32, 16, 16), np.float32)], [([25, 16, 35, 24], 0.9, 1)]


def end_to_end_seg() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, 10, 6 + 32), np.float32)
    output[0, 0, :6] = [1, 2, 30, 40, 0.8, 2]
    return [output, np.ones((1, 32, 16, 16), np.float32)], [([1, 2, 30, 40], 0.8, 2)]


def herdnet() -> tuple[list[NDArray[Any]], Expected]:
    heat, classes = np.zeros((1, 1, 32, 32), np.float32), np.zeros((1, 4, 4, 4), np.float32)
    heat[0, 0, 9, 20], classes[0, 2, 1, 2] = 0.9, 3
    return [heat, classes], [(around((41, 19), (12, 12)), 0.9, 1)]


def heat_map() -> tuple[list[NDArray[Any]], Expected]:
    maps = np.zeros((1, 3, 16, 16), np.float32)
    maps[0, 2, 4, 8] = 0.9
    return [maps], [(around((34, 18), (12, 12)), 0.9, 2)]


def obb() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, 8, CELLS), np.float32)
    output[0, :, 5] = [30, 20, 10, 8, 0.1, 0.9, 0.2, np.pi / 2]
    return [output], [([26, 15, 34, 25], 0.9, 1)]


def nanodet() -> tuple[list[NDArray[Any]], Expected]:
    outputs: list[NDArray[Any]] = []
    for count in (64, 16, 4):
        outputs += [np.zeros((1, count, 3), np.float32), np.zeros((1, count, 32), np.float32)]
    # stride 16, row 2, column 1: all the weight on one bin for each side
    outputs[2][0, 9, 1] = 0.7
    outputs[3][0, 9, [0 + 1, 8 + 0, 16 + 2, 24 + 1]] = 50
    x, y = 1.5 * 16, 2.5 * 16
    return outputs, [([x - 16, y, x + 32, y + 16], 0.7, 1)]


def fastestdet() -> tuple[list[NDArray[Any]], Expected]:
    output = np.zeros((1, 8, 4, 4), np.float32)
    output[0, :, 2, 1] = [0.81, np.arctanh(0.5), 0, 0, np.log(1 / 3), 0.1, 0.2, 0.64]  # row 2, column 1
    centre = ((1 + 0.5) / 4 * SIZE, 2 / 4 * SIZE)
    return [output], [(around(centre, (0.5 * SIZE, 0.25 * SIZE)), 0.81**0.6 * 0.64**0.4, 2)]


def around(centre: tuple[float, float], size: tuple[float, float]) -> list[float]:
    (x, y), (width, height) = centre, size
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


MADE = {
    "yolov8": yolov8,
    "end-to-end": end_to_end,
    "end-to-end-7": end_to_end_7,
    "yolov5": yolov5,
    "yolov5-raw": yolov5_raw,
    "yolox": yolox,
    "detr": detr,
    "nanodet": nanodet,
    "fastestdet": fastestdet,
    "rt-detr": rt_detr,
    "rf-detr": rf_detr,
    "torchvision": torchvision,
    "end-to-end-split": end_to_end_split,
    "yolo-nas": yolo_nas,
    "yolov8-seg": yolov8_seg,
    "end-to-end-seg": end_to_end_seg,
    "herdnet": herdnet,
    "heat-map": heat_map,
    "obb": obb,
}


def test_every_family_is_tested() -> None:
    assert set(MADE) == set(FAMILIES)
    assert tuple(TABLE) == FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_boxes_of_the_family(tmp_path: Path, family: Family) -> None:
    outputs, expected = MADE[family]()
    weights = save_network(tmp_path / "network.onnx", outputs, sizes_input=family == "detr")
    detector = Detector(weights, manifest(family), "cpu")
    (found,) = detector.detect([np.zeros((SIZE, SIZE, 3), np.uint8)])
    assert found.class_id.tolist() == [class_id for _, _, class_id in expected]
    assert found.confidence == pytest.approx([confidence for _, confidence, _ in expected], abs=1e-6)
    assert found.xyxy == pytest.approx(np.array([box for box, _, _ in expected]), abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_found(tmp_path: Path, family: Family) -> None:
    outputs, _ = MADE[family]()
    weights = save_network(tmp_path / "network.onnx", outputs, sizes_input=family == "detr")
    (found,) = Detector(weights, manifest(family), "cpu").detect([np.zeros((9, 9, 3), np.uint8)], 0.99)
    assert len(found) == 0


@pytest.mark.parametrize("shape", [(0, 6), (1, 0, 6)])
def test_end_to_end_without_rows(tmp_path: Path, shape: tuple[int, ...]) -> None:
    weights = save_network(tmp_path / "network.onnx", [np.zeros(shape, np.float32)])
    (found,) = Detector(weights, manifest("end-to-end"), "cpu").detect([np.zeros((9, 9, 3), np.uint8)])
    assert len(found) == 0


def test_end_to_end_7_without_rows(tmp_path: Path) -> None:
    weights = save_network(tmp_path / "network.onnx", [np.zeros((0, 7), np.float32)])
    (found,) = Detector(weights, manifest("end-to-end-7"), "cpu").detect([np.zeros((9, 9, 3), np.uint8)])
    assert len(found) == 0


def test_nanodet_outputs_in_any_order_and_without_batch_dimension() -> None:
    outputs, expected = nanodet()
    single = [output[0] for output in outputs]
    by_kind = single[0::2] + single[1::2]
    for arranged in (single, by_kind, single[::-1]):
        found = TABLE["nanodet"].decode(arranged, Reading(FRAME, 3), 0.25)
        assert found.xyxy == pytest.approx(np.array([expected[0][0]]), abs=1e-4)


def test_nanodet_plus_measures_from_the_corner_of_the_cell() -> None:
    output = np.zeros((cells(FRAME, (8, 16, 32, 64)), 3 + 32), np.float32)
    output[64 + 9, 1] = 0.7  # stride 16, row 2, column 1
    output[64 + 9, [3 + 1, 3 + 8, 3 + 18, 3 + 25]] = 50
    found = TABLE["nanodet"].decode([output], Reading(FRAME, 3), 0.25)
    assert found.xyxy == pytest.approx(np.array([[0, 32, 48, 48]]), abs=1e-4)


def test_yolov5_raw_reads_its_cells_in_an_oblong_input() -> None:
    frame = Frame(64, 32)
    rows = 3 * (8 * 4 + 4 * 2 + 2 * 1)
    output = np.zeros((rows, 6), np.float32)
    output[8 * 4 + 8 + 2] = [0.5, 0.5, 0.5, 0.5, 1, 1]  # stride 8, second anchor, row 1, column 2
    found = TABLE["yolov5-raw"].decode([output], Reading(frame, 1), 0.5)
    assert found.xyxy == pytest.approx(np.array([around((2.5 * 8, 1.5 * 8), (16, 30))]))
