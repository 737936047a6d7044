"""Images near each other on the ground are looked at one after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wildetect.detections import Detections
from wildetect.results.records import ImageResult
from wildetect.review.page.places import along_the_ground


def images(places: list[tuple[float, float] | None]) -> list[ImageResult]:
    return [
        ImageResult(
            name=f"{number}.jpg",
            path=Path(f"{number}.jpg"),
            detections=Detections(np.zeros((0, 4)), [], []),
            width=10,
            height=10,
            longitude=None if place is None else place[0],
            latitude=None if place is None else place[1],
        )
        for number, place in enumerate(places)
    ]


def test_neighbours_come_one_after_the_other_and_what_has_no_place_last() -> None:
    dice = np.random.default_rng(4)
    grid = [(23 + 0.01 * column, -19 + 0.01 * row) for row in range(16) for column in range(16)]
    mixed = [grid[place] for place in dice.permutation(len(grid)).tolist()]
    ranks = along_the_ground(images([None, *mixed, None]))
    assert sorted(ranks) == list(range(258))
    assert (ranks[0], ranks[-1]) == (256, 257)
    ordered = np.array([place for _, place in sorted(zip(ranks[1:-1], mixed, strict=True))])
    steps = np.hypot(*np.diff(ordered, axis=0).T)
    assert np.median(steps) < 0.0101
    assert steps.mean() < 0.025  # in the order of a flight across it is as short, by chance 0.08
    assert along_the_ground(images([None, None])) == [0, 1]
    assert along_the_ground(images([(1.0, 2.0), (1.0, 2.0)])) == [0, 1]
