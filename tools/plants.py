"""What is not an animal: trees, bushes, fallen wood, rocks and termite mounds, as solids."""

from __future__ import annotations

import math

import numpy as np

from solids import Look, Solid, chance

GSD = 36e-3 / 3600 * 180.0 / 35e-3
"""Metres per px of a 36 mm, 3600 px sensor behind 35 mm, 180 m above the ground."""

_LEAVES = (
    (96.0, 106.0, 58.0),
    (112.0, 112.0, 66.0),
    (84.0, 98.0, 60.0),
    (128.0, 118.0, 76.0),
    (104.0, 112.0, 84.0),
)


def _leaf(rng: np.random.Generator) -> tuple[float, float, float]:
    """A leaf colour of the dry season, green to straw."""
    red, green, blue = _LEAVES[int(rng.integers(len(_LEAVES)))]
    level = rng.uniform(0.8, 1.15)
    return red * level, green * level, blue * level


def _crown(
    solid: Solid,
    rng: np.random.Generator,
    size: tuple[float, float, float],
    tufts: int,
) -> None:
    """Leaf tufts in a dome; size = (radius, height of the lowest, thickness), metres."""
    radius, low, thickness = size
    colour = _leaf(rng)
    lobes = rng.uniform(0, 2 * math.pi, 3)
    for _ in range(tufts):
        angle = rng.uniform(0, 2 * math.pi)
        rim = radius * (1 + 0.16 * math.sin(2 * angle + lobes[0]) + 0.12 * math.sin(3 * angle + lobes[1]))
        share = math.sqrt(rng.random())
        tuft = 0.10 + radius * rng.uniform(0.035, 0.10)
        height = low + thickness * (1 - share**2) * rng.uniform(0.5, 1.0)
        level = rng.uniform(0.72, 1.25) * (0.86 + 0.2 * (1 - share))
        dry = rng.uniform(0.92, 1.12)
        shade = (colour[0] * level * dry, colour[1] * level, colour[2] * level)
        centre = (rim * share * math.cos(angle), rim * share * math.sin(angle), height)
        solid.ball(centre, (tuft, tuft * rng.uniform(0.5, 1.0), tuft * 0.6), shade, 0, angle)


def tree(rng: np.random.Generator) -> tuple[Solid, Look]:
    """A tree of 1.6 to 4.6 m crown radius, in leaf or (one in six) bare."""
    solid = Solid()
    radius = float(rng.uniform(1.6, 4.6))
    height = radius * float(rng.uniform(0.9, 1.5))
    bark = (96.0, 82.0, 68.0)
    solid.chain([(0, 0, 0.1, 0.22), (0, 0, height, 0.16)], bark, closeness=0.9)
    bare = chance(rng, 0.16)
    for _ in range(16 if bare else 7):
        angle, share = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1.0)
        bent = angle + rng.normal(0, 0.4)
        middle = (0.5 * share * radius * math.cos(angle), 0.5 * share * radius * math.sin(angle))
        end = (share * radius * math.cos(bent), share * radius * math.sin(bent))
        points = [
            (0, 0, 0.5 * height, 0.12),
            (*middle, 0.8 * height, 0.08),
            (*end, height, 0.045),
        ]
        solid.chain(points, (132.0, 120.0, 106.0) if bare else bark, closeness=1.0)
    if not bare:
        _crown(solid, rng, (radius, height, 0.45 * radius), int(70 + 42 * radius))
    return solid, Look(GSD, 2, 0.26, 0.16) if not bare else Look(GSD, 4, 0.10)


def bush(rng: np.random.Generator) -> tuple[Solid, Look]:
    """A bush or shrub of 0.35 to 1.5 m radius."""
    solid = Solid()
    radius = float(np.clip(rng.lognormal(-0.65, 0.5), 0.25, 1.6))
    _crown(solid, rng, (radius, 0.25 * radius, 0.8 * radius), int(16 + 34 * radius))
    return solid, Look(GSD, 2, 0.26, 0.12)


def rock(rng: np.random.Generator) -> tuple[Solid, Look]:
    """A group of one to six boulders, grey to brown."""
    solid = Solid()
    level, warmth = rng.uniform(0.75, 1.2), rng.uniform(0.9, 1.15)
    colour = (130 * level * warmth, 122 * level, 112 * level / warmth)
    size = float(np.clip(rng.lognormal(-0.45, 0.5), 0.25, 1.9))
    for _ in range(int(rng.integers(1, 7))):
        radius = size * rng.uniform(0.35, 1.0)
        spot = rng.normal(0, size * 0.8, 2)
        for _ in range(7):
            radii = radius * rng.uniform(0.35, 0.8, 3) * (1.0, 0.8, 0.6)
            centre = (*(spot + rng.normal(0, 0.38 * radius, 2)), 0.15 * radius)
            worn = rng.uniform(0.9, 1.1)
            shade = (colour[0] * worn, colour[1] * worn, colour[2] * worn)
            solid.ball(centre, tuple(radii), shade, 0, rng.uniform(0, math.pi))
    return solid, Look(GSD, 2, 0.14)


def mound(rng: np.random.Generator) -> tuple[Solid, Look]:
    """A termite mound with its apron of bare soil."""
    solid = Solid()
    level = rng.uniform(0.85, 1.15)
    colour = (176 * level, 146 * level, 116 * level)
    radius = float(rng.uniform(0.6, 1.7))
    height = radius * float(rng.uniform(0.9, 1.7))
    for share in np.linspace(0, 1, 9):
        lean = rng.normal(0, 0.06 * radius, 2)
        width = radius * (1 - share) ** 0.8 + 0.12
        centre = (lean[0], lean[1], height * share * 0.9)
        solid.ball(centre, (width, width * rng.uniform(0.8, 1.0), 0.28 * height), colour, 0, 0.7)
    return solid, Look(GSD, 3, 0.10)


def fallen_log(rng: np.random.Generator) -> tuple[Solid, Look]:
    """A dead trunk of 1 to 5 m with broken branches."""
    solid = Solid()
    length, level = float(rng.uniform(0.8, 4.5)), rng.uniform(0.7, 1.25)
    colour = (142 * level, 124 * level, 104 * level)
    radius = 0.06 + 0.035 * length * float(rng.uniform(0.6, 1.2))
    ends = (-length / 2, length / 2)
    bow = float(rng.normal(0, 0.08 * length))
    points = [(ends[0], 0, radius, radius), (0, bow, radius, radius * 0.9)]
    solid.chain([*points, (ends[1], 0, radius, radius * 0.5)], colour, closeness=0.7)
    for _ in range(int(rng.integers(0, 4))):
        x, side = rng.uniform(0, ends[1]), rng.choice((-1, 1))
        tip = (x + 0.3 * length * rng.random(), side * 0.3 * length, 0.3, radius * 0.25)
        solid.chain([(x, 0, radius, radius * 0.5), tip], colour, closeness=0.9)
    return solid, Look(GSD, 3, 0.12)
