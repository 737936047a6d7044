"""Oriented boxes, against corners turned one by one and an overlap that is measured on a fine raster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests import known_answers
from tests.detection.test_row_layout import registered

from wildetect.detection.families.family import Frame, Reading
from wildetect.detection.families.grids.obb import probabilistic_iou
from wildetect.detection.families.table import TABLE
from wildetect.detection.network.detector import Detector


def corners(x: float, y: float, width: float, height: float, angle: float) -> np.ndarray:
    across, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    signs = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return np.array([np.array([x, y]) + a * width / 2 * across + b * height / 2 * down for a, b in signs])


@pytest.mark.parametrize("end_to_end", [False, True])
@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 4, np.pi / 2, 2.0, -0.7])
def test_the_upright_box_holds_all_four_corners(tmp_path: Path, angle: float, end_to_end: bool) -> None:
    weights = known_answers.oriented(tmp_path / "obb.onnx", angle, end_to_end=end_to_end)
    manifest = registered(weights)
    assert (manifest.family, manifest.box_kind) == ("obb", "oriented")
    assert manifest.thresholds.iou >= 0.6
    (one,) = Detector(weights, manifest, "cpu").detect([known_answers.picture()])
    expected = []
    for class_id, x1, y1, _, _ in known_answers.boxes():
        points = corners(x1 + 4, y1 + 4, 16, 8, angle)
        expected.append((class_id, *points.min(axis=0), *points.max(axis=0)))
    found = sorted((c, *box) for c, box in zip(one.class_id.tolist(), one.xyxy.tolist(), strict=True))
    assert np.array(found) == pytest.approx(np.array(sorted(expected)), abs=0.01)


def table(rows: list[tuple[float, ...]]) -> np.ndarray:
    return np.array(rows, np.float32).T


def decoded(rows: list[tuple[float, ...]]) -> list[float]:
    found = TABLE["obb"].decode([table(rows)], Reading(Frame(640, 640), 1), 0.25)
    return sorted(np.round(found.confidence.astype(float), 2).tolist())


def test_animals_side_by_side_at_an_angle_are_two_and_a_double_is_none() -> None:
    angle, length, width = np.pi / 4, 60, 20
    side = np.array([-np.sin(angle), np.cos(angle)]) * (width + 2)
    rows: list[tuple[float, ...]] = [
        (100, 100, length, width, 0.9, angle),
        (100 + side[0], 100 + side[1], length, width, 0.8, angle),
        (101, 101, length, width, 0.7, angle + 0.05),  # the first one again
        (100, 100, length, width, 0.6, angle - np.pi / 2),  # one that lies across it
    ]
    filler: list[tuple[float, ...]] = [(300.0 + n, 300, 10, 10, 0.0, 0.0) for n in range(20)]
    assert decoded(rows + filler) == [0.6, 0.8, 0.9]


def test_the_overlap_is_that_of_gaussians() -> None:
    # the Hellinger distance of the Gaussians, summed up on a fine raster
    first, second = (50.0, 50.0, 30.0, 12.0, 0.4), (55.0, 47.0, 24.0, 16.0, -0.3)
    y, x = np.mgrid[0:100:0.25, 0:100:0.25]

    def density(box: tuple[float, ...]) -> np.ndarray:
        turn = np.array([[np.cos(box[4]), -np.sin(box[4])], [np.sin(box[4]), np.cos(box[4])]])
        covariance = turn @ np.diag([box[2] ** 2 / 12, box[3] ** 2 / 12]) @ turn.T
        offset = np.stack([x - box[0], y - box[1]], axis=-1)
        inner = np.einsum("...i,ij,...j", offset, np.linalg.inv(covariance), offset)
        return np.asarray(np.exp(-inner / 2) / (2 * np.pi * np.sqrt(np.linalg.det(covariance))))

    common = np.sqrt(density(first) * density(second)).sum() * 0.25**2
    (overlap,) = probabilistic_iou(np.array(first), np.array([second]))
    assert overlap == pytest.approx(1 - np.sqrt(1 - common), abs=1e-3)


def test_a_box_without_a_size_is_not_lost_without_a_word() -> None:
    rows: list[tuple[float, ...]] = [(100, 100, 60, 20, 0.9, 0.3), (200, 100, 60, 0, 0.8, 0.0)]
    filler: list[tuple[float, ...]] = [(300.0 + n, 300, 10, 10, 0.0, 0.0) for n in range(20)]
    found = TABLE["obb"].decode([table(rows + filler)], Reading(Frame(640, 640), 1), 0.25)
    assert found.sizeless.tolist() == [False, True]
    assert found.confidence.tolist() == pytest.approx([0.9, 0.8])


def rows_of(count: int) -> np.ndarray:
    """End-to-end rows of boxes side by side; the second overlaps the first by two thirds."""
    rows = np.array([(20 * n % 600 + 10, 20 * (n // 30) + 10, 12, 8, 0.9, 0, 0.3) for n in range(count)])
    rows[1, :2] = rows[0, :2] + (1.5, 0)
    return rows.astype(np.float32)


def test_what_a_file_has_told_apart_itself_stays_and_boxes_almost_alike_go() -> None:
    reading = Reading(Frame(640, 640), 1)
    rows = rows_of(20)
    assert len(TABLE["obb"].decode([rows], reading, 0.25)) == 20
    rows[1, :2] = rows[0, :2]
    assert len(TABLE["obb"].decode([rows], reading, 0.25)) == 19


def test_a_full_list_of_oriented_boxes_is_said(tmp_path: Path) -> None:
    listed = TABLE["obb"].listed
    assert listed is not None
    assert listed([rows_of(300)], Reading(Frame(640, 640), 1), 0.25) == 300
    assert listed([rows_of(300).T], Reading(Frame(640, 640), 1), 0.25) is None
    weights = known_answers.oriented(tmp_path / "obb.onnx", 0.3, end_to_end=True)
    detector = Detector(weights, registered(weights), "cpu")
    squares = [(x, y, 0) for y in range(0, known_answers.GRID, 2) for x in range(0, known_answers.GRID, 1)]
    crowd, few = known_answers.picture(squares), known_answers.picture()
    assert [one.full for one in detector.find([crowd])] == [True]
    assert [one.full for one in detector.find([few])] == [False]


def test_angles_without_limits_are_read_and_degrees_are_not() -> None:
    rows: list[tuple[float, ...]] = [(20.0 * n, 100, 12, 8, 0.9, 5.6) for n in range(20)]
    reading = Reading(Frame(640, 640), 1)
    assert TABLE["obb"].implausible([table(rows)], reading) is None
    degrees = [(*row[:5], 60.0) for row in rows]
    assert "not radians" in str(TABLE["obb"].implausible([table(degrees)], reading))
