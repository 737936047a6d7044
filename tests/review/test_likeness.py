"""Detections that look alike stand together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wildetect.review.page.likeness import Likeness, look_of, ranks_by_look

COLOURS = ((90, 60, 40), (150, 150, 140), (70, 100, 50), (200, 190, 150), (40, 40, 40))


def boxes(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Looks of five kinds of animals, in other light and of another size each, and their kinds."""
    dice = np.random.default_rng(1)
    kinds, looks = np.arange(count) % len(COLOURS), []
    for kind in kinds:
        side = int(dice.integers(20, 40))
        rough = dice.normal(0, 5 + 4 * kind, (side, side + 5, 3))
        pixels = np.array(COLOURS[kind]) * dice.uniform(0.85, 1.15) + rough
        looks.append(look_of(np.clip(pixels, 0, 255).astype(np.uint8)))
    return np.array(looks), kinds


def test_boxes_of_one_kind_follow_each_other() -> None:
    looks, kinds = boxes(600)
    ranks = ranks_by_look(looks)
    assert sorted(ranks.tolist()) == list(range(600))
    row = kinds[np.argsort(ranks)]
    assert (row[1:] == row[:-1]).mean() > 0.95
    assert (kinds[1:] == kinds[:-1]).mean() == 0


@pytest.mark.parametrize("count", [0, 1, 32, 33, 200])
def test_boxes_that_all_look_the_same_stay_as_they_are(count: int) -> None:
    assert ranks_by_look(np.zeros((count, 5), np.float32)).tolist() == list(range(count))


def test_an_animal_that_is_turned_looks_the_same() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (24, 40, 3), np.uint8)
    pixels[:12, :30] //= 4
    turned = np.ascontiguousarray(np.rot90(pixels, 2))
    off = np.linalg.norm(look_of(pixels) - look_of(turned))
    assert off < np.linalg.norm(look_of(pixels) - look_of(pixels // 2)) / 3


def test_photographs_are_read_bit_by_bit_and_those_that_cannot_be_come_last() -> None:
    looks, _ = boxes(6)
    read: list[int] = []

    def look_at(image: int) -> NDArray[np.float32] | None:
        read.append(image)
        return None if image == 4 else looks[:2] if image == 1 else looks[2:5]

    likeness = Likeness({1: 2, 4: 1, 7: 3}, look_at)
    assert [likeness.go_on(0), likeness.ranks()] == [(1, 3), None]
    assert [likeness.go_on(60), read] == [(3, 3), [1, 4, 7]]
    ranks = likeness.ranks()
    assert ranks is not None
    assert sorted(ranks[1] + ranks[7]) == [0, 1, 2, 3, 4]
    assert ranks[4] == [6]
    assert Likeness({}, look_at).ranks() == {}
