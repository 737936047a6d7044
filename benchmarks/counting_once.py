"""Counting animals once: 10,000 photographs with 100,000 boxes, spread evenly and in herds.

`counting_once` is part of what benchmarks/census.py prints. By itself:

    uv run python -m benchmarks.counting_once
"""

from __future__ import annotations

import time

import numpy as np
from scipy.spatial import cKDTree

from wildetect.census.counting.animals import count_once, default_tolerance
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views
from wildetect.census.ground.projection import Projection
from wildetect.census.ground.raster_views import RasterView
from wildetect.census.ground.views import View

LIMIT = 20.0  # s
LINES, ON_EACH = 100, 100
GROUND = np.array([99.0, 74.0])  # m, of a photograph from 100 m
STEP = GROUND * (0.7, 0.3)  # 30% overlap aside, 70% ahead
ANIMALS = 22_000
HERD = 50
POSITION_ERROR, JITTER = 2.0, 0.4  # m in each direction


def counting_once() -> list[tuple[str, float, float]]:
    """What was measured, its value and its limit."""
    rows = []
    for name, herd in (("evenly spread", 1), (f"in herds of {HERD}", HERD)):
        boxes, views, seen = scene(herd)
        start = time.perf_counter()
        found = len(count_once(boxes, views, default_tolerance(views)).members)
        seconds = time.perf_counter() - start
        text = f"{len(views.views):,} photographs, {len(boxes):,} boxes counted once, {name}"
        rows.append((f"{text}, s", seconds, LIMIT))
        rows.append((f"error of their number ({found:,} of {seen:,}), %", abs(found / seen - 1) * 100, 3.0))
    return rows


def scene(herd: int) -> tuple[GroundBoxes, Views, int]:
    """Boxes of animals that stand in herds of some size, the views, and how many animals are seen."""
    dice = np.random.default_rng(herd)
    cameras = (
        np.stack(np.meshgrid(np.arange(LINES), np.arange(ON_EACH), indexing="ij"), -1).reshape(-1, 2) * STEP
    )
    extent = cameras.max(axis=0) + GROUND
    middles = dice.uniform(0, extent, (ANIMALS // herd, 2)) - GROUND / 2
    animals = np.repeat(middles, herd, axis=0)
    animals += dice.normal(0, 15.0 if herd > 1 else 0.0, animals.shape)
    seen = cKDTree(animals / GROUND).query_ball_point(cameras / GROUND, 0.5, p=np.inf)
    view = np.repeat(np.arange(len(cameras)), [len(rows) for rows in seen])
    row = np.concatenate([np.array(rows, np.int64) for rows in seen])
    errors = dice.normal(0, POSITION_ERROR, cameras.shape)
    centre = animals[row] + errors[view] + dice.normal(0, JITTER, (len(row), 2))
    count = len(row)
    boxes = GroundBoxes(
        view,
        np.zeros(count, np.int64),
        np.full(count, 0.9),
        np.zeros((count, 4)),
        np.zeros((count, 4, 2)),
        centre,
        np.arange(count).astype(str),
    )
    views: list[View | RasterView] = [
        View(
            file=f"DJI_{number:05}.JPG",
            width=4000,
            height=3000,
            x=float(x),
            y=float(y),
            longitude=0.0,
            latitude=0.0,
            height_above_ground=100.0,
            yaw=0.0,
            focal_px=4000 * 100 / GROUND[0],
            position_error=3.0,
        )
        for number, (x, y) in enumerate(cameras + errors)
    ]
    return boxes, Views(Projection(0.0, 0.0), views), len(set(row.tolist()))


if __name__ == "__main__":
    for text, value, limit in counting_once():
        print(f"{text:<80} {value:>8.3f}   limit {limit:<6} {'ok' if value <= limit else 'NOT'}")
