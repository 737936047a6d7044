"""Scenes to learn from and to validate on: small random landscapes, never the shipped ones."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ground import Palette
from landscape import Growth, Herd, Plan, render
from plants import GSD
from render_scenes import SHIPPED_SEEDS
from solids import Sun, chance

SIDE = 1280
"""Width and height of a scene, px."""

_KINDS = ((0.28, 3, 8), (0.32, 4, 14), (0.40, 6, 22))
"""Share of the herds, smallest and largest herd, for each class."""


@dataclass(frozen=True)
class LabelledScene:
    """A picture (h, w, 3) uint8 with boxes (n, 4) xyxy px, which may reach over the border."""

    picture: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    class_ids: NDArray[np.int64]


def _palette(rng: np.random.Generator) -> Palette:
    """Colours around the default palette: redder, greyer, greener, brighter, darker."""
    base = Palette()
    warmth, green, level = rng.normal(0, 0.045), rng.normal(0, 0.025), rng.uniform(0.86, 1.1)
    gains = (level * (1 + warmth), level * (1 + green), level * (1 - warmth))

    def tinted(colour: tuple[float, float, float]) -> tuple[float, float, float]:
        shifted = [c * gain * rng.uniform(0.95, 1.05) for c, gain in zip(colour, gains, strict=True)]
        return shifted[0], shifted[1], shifted[2]

    return Palette(
        grass=tinted(base.grass),
        fresh=tinted(base.fresh),
        soil=tinted(base.soil),
        wet=tinted(base.wet),
        water=tinted(base.water),
        exposure=float(rng.uniform(0.85, 1.12)),
        bareness=float(rng.normal(0, 0.7)),
    )


def random_plan(seed: int) -> Plan:
    """A small landscape with random light, ground, growth and herds.

    Args:
        seed: decides everything; must not be a shipped landscape's.

    Returns:
        The plan.

    Raises:
        ValueError: the seed belongs to a shipped landscape.
    """
    if seed in SHIPPED_SEEDS:
        message = f"seed {seed} belongs to a shipped landscape"
        raise ValueError(message)
    rng = np.random.default_rng([seed, 1])
    herds = []
    if not chance(rng, 0.08):
        for _ in range(int(rng.integers(2, 6))):
            class_id = int(rng.choice(3, p=[share for share, _, _ in _KINDS]))
            _, low, high = _KINDS[class_id]
            x, y = rng.uniform(0.02, 0.98, 2)
            count = int(rng.integers(low, high + 1))
            herds.append(Herd(class_id, x, y, count, float(rng.uniform(2.5, 9.0))))
    waters: tuple[tuple[float, float, float], ...] = ()
    if chance(rng, 0.25):
        waters = ((rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), rng.uniform(3, 12)),)
    more = rng.lognormal(0.2, 0.6, 5)
    return Plan(
        seed=seed,
        width=SIDE,
        height=SIDE,
        gsd=GSD,
        sun=Sun(rng.uniform(0, 360), rng.uniform(28, 68), rng.uniform(0.34, 0.5)),
        palette=_palette(rng),
        growth=Growth(11 * more[0], 120 * more[1], 22 * more[2], 7 * more[3], 14 * more[4]),
        waters=waters,
        vehicle_tracks=int(rng.integers(0, 2)),
        trails=int(rng.integers(0, 4)),
        herds=tuple(herds),
    )


def _write(seed: int, folder: Path) -> Path:
    """Renders one scene into `folder` unless it is there; returns its file."""
    path = folder / f"scene-{seed}.npz"
    if path.exists():
        return path
    scene = render(random_plan(seed))
    quality = int(np.random.default_rng([seed, 2]).integers(58, 93))
    buffer = io.BytesIO()
    Image.fromarray(scene.picture).save(buffer, "JPEG", quality=quality)
    boxes = np.array([animal.box for animal in scene.animals], dtype=np.float32).reshape(-1, 4)
    class_ids = np.array([animal.class_id for animal in scene.animals], dtype=np.int64)
    partial_path = path.with_suffix(".partial.npz")
    jpeg = np.frombuffer(buffer.getvalue(), dtype=np.uint8)
    np.savez(partial_path, jpeg=jpeg, boxes=boxes, class_ids=class_ids)
    partial_path.replace(path)
    return path


def _read(path: Path) -> LabelledScene:
    """Reads a scene that `_write` stored."""
    with np.load(path) as stored:
        picture = np.asarray(Image.open(io.BytesIO(stored["jpeg"].tobytes())).convert("RGB"))
        return LabelledScene(picture, stored["boxes"], stored["class_ids"])


def load_scenes(seeds: Sequence[int], folder: Path, workers: int) -> list[LabelledScene]:
    """Scenes of the given seeds; renders those not yet in `folder`.

    Args:
        seeds: one scene each.
        folder: where rendered scenes are kept between runs.
        workers: processes that render.

    Returns:
        The scenes, in the order of `seeds`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chunk = max(1, math.ceil(len(seeds) / (workers * 16)))
    with ProcessPoolExecutor(workers) as pool:
        paths = list(pool.map(partial(_write, folder=folder), seeds, chunksize=chunk))
    return [_read(path) for path in paths]
