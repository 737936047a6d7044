from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildetect.detection.tiles.borders import TilePart, stitch
from wildetect.detection.tiles.stitching import nms
from wildetect.detection.tiles.tiling import tile_windows
from wildetect.detections import Detections
from wildetect.geometry import Window, intersections

SIZE = (180, 100)
LEFT, RIGHT = Window(0, 0, 100, 100), Window(80, 0, 100, 100)


def found(*boxes: tuple[float, float, float, float, float], class_id: int = 0) -> Detections:
    """Boxes of x_min, y_min, x_max, y_max and confidence."""
    rows = np.array(boxes, np.float32).reshape(-1, 5)
    return Detections(rows[:, :4], rows[:, 4], np.full(len(rows), class_id))


def kept(left: Detections, right: Detections) -> list[list[float]]:
    parts = [TilePart(left, LEFT), TilePart(right, RIGHT)]
    boxes = stitch(parts, SIZE, 0.5).detections.xyxy.tolist()
    assert stitch(parts[::-1], SIZE, 0.5).detections.xyxy.tolist() == boxes
    return sorted(boxes)


def test_tiles_are_joined() -> None:
    one = found((90, 0, 100, 10, 0.6))
    other = found((90, 0, 100, 10, 0.8), (130, 0, 140, 10, 0.7))
    assert kept(one, other) == [[90, 0, 100, 10], [130, 0, 140, 10]]
    assert len(stitch([], SIZE, 0.5).detections) == 0


@pytest.mark.parametrize("confidence", [0.3, 0.95])
def test_a_part_yields_to_the_whole_however_sure_it_is(confidence: float) -> None:
    part, whole = (85, 10, 100, 30, confidence), (84, 10, 130, 30, 0.6)
    assert kept(found(part), found(whole)) == [[84, 10, 130, 30]]


def test_a_part_yields_even_if_its_box_reaches_beyond_the_tile() -> None:
    assert kept(found((85, 10, 110, 30, 0.9)), found((84, 10, 130, 30, 0.6))) == [[84, 10, 130, 30]]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        # two animals across both borders, side by side
        ((60, 10, 100, 30, 0.9), (80, 28, 120, 50, 0.6)),
        # the box of the right tile begins within the strip of both
        ((60, 10, 100, 30, 0.9), (86, 10, 120, 30, 0.6)),
        # that of the left tile ends before the border
        ((60, 10, 95, 30, 0.9), (80, 10, 120, 30, 0.6)),
        # the box of the right tile does not go beyond the border: a calf before its mother
        ((70, 10, 100, 60, 0.9), (85, 20, 97, 40, 0.6)),
        # not at the border: two animals close together
        ((82, 10, 92, 30, 0.9), (84, 10, 130, 30, 0.6)),
        # it covers too little of the part
        ((85, 10, 100, 30, 0.9), (95, 10, 130, 30, 0.6)),
    ],
)
def test_other_neighbours_stay(
    left: tuple[float, float, float, float, float], right: tuple[float, float, float, float, float]
) -> None:
    assert len(kept(found(left), found(right))) == 2


def test_the_border_of_the_image_cuts_for_all_tiles() -> None:
    parts = [TilePart(found((0, 10, 15, 30, 0.9), (0, 12, 60, 30, 0.5)), LEFT), TilePart(found(), RIGHT)]
    assert len(stitch(parts, SIZE, 0.5).detections) == 2


def test_another_class_does_not_yield() -> None:
    parts = [
        TilePart(found((85, 10, 100, 30, 0.9)), LEFT),
        TilePart(found((84, 10, 130, 30, 0.6), class_id=1), RIGHT),
    ]
    assert len(stitch(parts, SIZE, 0.5).detections) == 2


def seen_by_tiles(animals: np.ndarray, windows: list[Window]) -> list[TilePart]:
    """What a perfect detector reports: the part of each animal that a tile shows, if it shows enough."""
    parts = []
    for window in windows:
        low, high = (window.x, window.y) * 2, (window.right, window.bottom) * 2
        shown = np.clip(animals, low, high)
        share = (np.diff(shown[:, ::2]) * np.diff(shown[:, 1::2]))[:, 0] / (
            np.diff(animals[:, ::2]) * np.diff(animals[:, 1::2])
        )[:, 0]
        boxes = shown[share > 0.25]
        # parts look surer than wholes: the hard case
        parts.append(TilePart(Detections(boxes, 1 - share[share > 0.25] / 2, np.zeros(len(boxes))), window))
    return parts


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.randoms())
def test_every_animal_once_wherever_the_tiles_lie(seed: int, count: int, order: object) -> None:
    """Animals smaller than the overlap, not on top of each other: as many boxes as animals, and theirs."""
    random = np.random.default_rng(seed)
    corner = random.uniform(0, (420, 310), (count, 2))
    animals = np.hstack([corner, corner + random.uniform(8, 30, (count, 2))])
    apart = [
        row
        for row in range(count)
        if not row or intersections(animals[row : row + 1], animals[:row]).max() == 0
    ]
    animals = animals[apart].astype(np.float32)
    parts = seen_by_tiles(animals, tile_windows(450, 340, 160, 0.25))
    order.shuffle(parts)  # type: ignore[attr-defined]
    boxes = stitch(parts, (450, 340), 0.5).detections.xyxy
    assert len(boxes) == len(animals)
    # a part that lacks no more than the margin is as good as the whole
    assert (np.abs(boxes[:, None] - animals).max(axis=2).min(axis=0) <= 2).all()


@pytest.mark.parametrize("longest", [280, 400, 700])
def test_animals_longer_than_the_overlap_are_joined(longest: int) -> None:
    """Tiles of 800 px overlap by 160 px: no tile shows these whole where they lie across a border."""
    random = np.random.default_rng(longest)
    size = (5472, 3648)
    animals = np.zeros((0, 4), np.float32)
    while len(animals) < 25:
        sides = random.permutation([longest, longest * random.uniform(0.4, 0.8)])
        corner = random.uniform(0, size - sides)
        animal = np.array([[*corner, *(corner + sides)]], np.float32)
        if not len(animals) or intersections(animal, animals).max() == 0:
            animals = np.concatenate([animals, animal])
    parts = seen_by_tiles(animals, tile_windows(*size, 800, 0.2))
    stitched = stitch(parts, size, 0.5)
    assert (len(stitched.detections), stitched.cut) == (25, 0)
    assert stitched.joined > 0
    assert longest <= stitched.longest <= longest + 1
    assert (np.abs(stitched.detections.xyxy[:, None] - animals).max(axis=2).min(axis=0) <= 4).all()
    again = stitch(parts[::-1], size, 0.5)
    assert np.array_equal(again.detections.xyxy, stitched.detections.xyxy)


def test_animals_side_by_side_across_a_border_keep_their_parts() -> None:
    left = found(*((50, y, 100, y + 18, 0.9) for y in range(0, 100, 20)))
    right = found(*((80, y + 1, 130, y + 18, 0.8) for y in range(0, 100, 20)))
    assert kept(left, right) == [[50, y, 130, y + 18] for y in range(0, 100, 20)]


@pytest.mark.parametrize(
    ("left", "right", "number", "cut"),
    [
        ((60, 10, 100, 30, 0.9), (80, 28, 120, 50, 0.6), 2, 2),
        ((60, 10, 100, 30, 0.9), (130, 10, 150, 30, 0.6), 2, 1),
        # the whole box is the same animal: the border hides nothing
        ((90, 10, 99, 30, 0.9), (90, 10, 99, 30, 0.6), 1, 0),
        ((60, 10, 90, 30, 0.9), (130, 10, 150, 30, 0.6), 2, 0),
    ],
)
def test_boxes_that_no_tile_shows_whole_are_counted(
    left: tuple[float, float, float, float, float],
    right: tuple[float, float, float, float, float],
    number: int,
    cut: int,
) -> None:
    stitched = stitch([TilePart(found(left), LEFT), TilePart(found(right), RIGHT)], SIZE, 0.5)
    assert (len(stitched.detections), stitched.cut, stitched.joined) == (number, cut, 0)
    assert stitched.longest == (40 if cut else 0)


@given(st.integers(0, 2**32 - 1))
def test_what_touches_no_border_is_plain_nms(seed: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(10, 60, (30, 2))
    boxes = np.hstack([corner, corner + random.uniform(5, 15, (30, 2))])
    inside = Detections(boxes, random.random(30), random.integers(0, 2, 30))
    left, right = inside.select(boxes[:, 2] < 75), inside.shift(80, 0).select(boxes[:, 0] > 25)
    joined = stitch([TilePart(left, LEFT), TilePart(right, RIGHT)], SIZE, 0.4).detections
    plain = nms(Detections.concatenate([left, right]), 0.4)
    assert np.array_equal(joined.xyxy, plain.xyxy)


def test_speed_is_nowhere_near_quadratic() -> None:
    import time

    windows = tile_windows(5472, 3648, 800, 0.2)
    random = np.random.default_rng(0)
    parts = []
    for window in windows:
        corner = random.uniform((window.x, window.y), (window.right - 40, window.bottom - 40), (925, 2))
        boxes = np.hstack([corner, corner + random.uniform(20, 60, (925, 2))])
        parts.append(TilePart(Detections(boxes, random.random(925), random.integers(0, 3, 925)), window))
    begun = time.perf_counter()
    stitch(parts, (5472, 3648), 0.5)
    assert time.perf_counter() - begun < 3


def test_an_oriented_box_keeps_its_corners_and_one_that_was_joined_is_upright() -> None:
    own = [115, 60, 125, 70, 120, 75, 110, 65]
    left = Detections([[50, 10, 100, 30]], [0.9], [0], [[55, 10, 100, 15, 95, 30, 50, 25]])
    right = Detections(
        [[80, 10, 150, 30], [110, 60, 125, 75]], [0.8, 0.7], [0, 0], [[80, 10, 150, 15, 145, 30, 80, 25], own]
    )
    both = stitch([TilePart(left, LEFT), TilePart(right, RIGHT)], SIZE, 0.5)
    assert both.joined == 1
    told = dict(
        zip(map(tuple, both.detections.xyxy.tolist()), both.detections.outlines.tolist(), strict=True)
    )
    assert told[(110, 60, 125, 75)] == own
    assert told[(50, 10, 150, 30)] == [50, 10, 150, 10, 150, 30, 50, 30]
