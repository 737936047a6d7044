"""Elephant, zebra and antelope as solids (see solids.py), each individual a little different."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solids import Array, Look, Placement, Solid, Sprite, Sun, chance, draw

CLASS_NAMES = ("elephant", "zebra", "antelope")

TORSO, NECK, HEAD, LIMB, OTHER = range(5)

Colour = tuple[float, float, float]

_WITHERS = 0.5
"""Where a zebra's neck begins, metres in front of its middle."""


@dataclass(frozen=True)
class _Pose:
    """Bends of one individual, radians and metres: neck turn, body bend, head height, stride."""

    turn: float
    bend: float
    grazing: bool
    stride: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> _Pose:
        """A pose of a calm animal that stands, walks or feeds."""
        return cls(
            turn=float(rng.normal(0.0, 0.32)),
            bend=float(rng.normal(0.0, 0.10)),
            grazing=chance(rng, 0.45),
            stride=float(rng.uniform(-1.0, 1.0)),
        )

    def spine(self, x: float, reach: float) -> float:
        """Sideways shift (metres) of the body at x metres in front of its middle."""
        return self.bend * x * abs(x) / max(reach, 0.1)


def _tint(rng: np.random.Generator, base: Colour, spread: float) -> Colour:
    """`base` made lighter or darker, and a little warmer or cooler."""
    level = 1 + rng.normal(0.0, spread)
    warmth = rng.normal(0.0, 0.015)
    red, green, blue = base[0] * level * (1 + warmth), base[1] * level, base[2] * level
    return red, green, blue * (1 - warmth)


def _legs(body: Solid, pose: _Pose, colour: Colour, frame: tuple[float, ...]) -> None:
    """Four legs; frame = (x behind, x in front, half width, hip height, radius), metres."""
    behind, front, half, hip, radius = frame
    for x, side, phase in ((behind, 1, 1), (behind, -1, -1), (front, 1, -1), (front, -1, 1)):
        foot = x + 0.28 * hip * pose.stride * phase
        body.chain(
            [(x, side * half, hip, radius * 1.25), (foot, side * half, radius * 0.4, radius)],
            colour,
            LIMB,
            closeness=0.8,
        )


def _ahead(
    start: tuple[float, float], angle: float, distance: float, side: float = 0.0
) -> tuple[float, float]:
    """The point `distance` metres from start in direction `angle`, `side` metres to the left."""
    cos, sin = math.cos(angle), math.sin(angle)
    return start[0] + cos * distance - sin * side, start[1] + sin * distance + cos * side


def elephant(rng: np.random.Generator) -> tuple[Solid, Callable[..., Array]]:
    """An elephant, about 5 m from trunk to tail when grown."""
    pose, body = _Pose.random(rng), Solid()
    skin = _tint(rng, (134.0, 124.0, 115.0), 0.09)
    dark: Colour = (skin[0] * 0.82, skin[1] * 0.82, skin[2] * 0.82)
    stout = float(rng.uniform(0.93, 1.08))
    profile = ((-1.75, 1.55, 0.5), (-1.3, 1.75, 0.76), (-0.5, 1.8, 0.9), (0.3, 1.8, 0.86))
    spine = [(x, pose.spine(x, 1.8), z, r * stout) for x, z, r in (*profile, (1.05, 1.9, 0.66))]
    body.chain(spine, skin, TORSO, closeness=0.18)
    neck = (1.15, pose.spine(1.15, 1.8))
    turn = 0.6 * pose.turn
    crown, brow = _ahead(neck, turn, 0.55), _ahead(neck, turn, 0.95)
    body.ball((*crown, 2.35), (0.52, 0.5, 0.5), skin, HEAD, turn)
    body.ball((*brow, 2.1), (0.42, 0.38, 0.45), skin, HEAD, turn)
    spread = float(rng.uniform(0.15, 1.0))
    for side in (1, -1):
        ear = _ahead(neck, turn, 0.30 - 0.1 * spread, side * (0.55 + 0.25 * spread))
        swing = turn + side * (1.05 - 0.75 * spread)
        body.ball((*ear, 2.35), (0.3 + 0.18 * (1 - spread), 0.56, 0.1), dark, OTHER, swing)
    _trunk(body, rng, neck, turn, skin)
    tail = pose.spine(-2.1, 1.8)
    sway = float(rng.normal(0, 0.15))
    body.chain([(-2.1, tail, 1.7, 0.07), (-2.6, tail + sway, 1.0, 0.045)], dark, LIMB)
    _legs(body, pose, dark, (-1.25, 0.9, 0.5, 1.2, 0.24))
    dust = float(rng.uniform(0.0, 0.35))

    def paint(part: NDArray[np.int64], x: Array, y: Array, colour: Array) -> Array:
        """Dust on the back, fine folds across it."""
        back = np.exp(-((y / 0.45) ** 2)) * (part == TORSO)
        folds = 1 + 0.03 * np.sin(x * 19 + 1.5 * np.sin(y * 9 + x * 3)) * (part == TORSO)
        sand = np.array([176.0, 150.0, 122.0], dtype=np.float32)
        share = (dust * back)[..., None].astype(np.float32)
        dusty: Array = (colour * (1 - share) + sand * share) * folds[..., None].astype(np.float32)
        return dusty

    return body, paint


def _trunk(
    body: Solid,
    rng: np.random.Generator,
    neck: tuple[float, float],
    turn: float,
    skin: Colour,
) -> None:
    """Trunk and, in most grown animals, tusks."""
    curl = float(rng.normal(0.0, 0.45))
    reach = float(rng.uniform(0.3, 0.95))
    points = []
    for share in np.linspace(0, 1, 6):
        x, y = _ahead(neck, turn + curl * share, 1.15 + reach * share)
        points.append((x, y, 1.9 - 1.4 * share, 0.24 - 0.13 * share))
    body.chain(points, skin, LIMB, closeness=0.3)
    if chance(rng, 0.75):
        length = float(rng.uniform(0.35, 0.75))
        for side in (1, -1):
            root = _ahead(neck, turn, 1.1, side * 0.24)
            tip = _ahead(neck, turn, 1.1 + length, side * 0.32)
            body.chain([(*root, 2.0, 0.075), (*tip, 1.9, 0.045)], (226.0, 216.0, 190.0), OTHER)


def zebra(rng: np.random.Generator) -> tuple[Solid, Callable[..., Array]]:
    """A zebra, about 2.3 m from nose to rump."""
    pose, body = _Pose.random(rng), Solid()
    coat = _tint(rng, (214.0, 206.0, 190.0), 0.06)
    stout = float(rng.uniform(0.92, 1.1))
    profile = ((-0.78, 0.98, 0.22), (-0.55, 1.05, 0.31), (-0.1, 1.02, 0.33), (0.3, 1.04, 0.3))
    spine = [(x, pose.spine(x, 0.8), z, r * stout) for x, z, r in (*profile, (0.58, 1.06, 0.22))]
    body.chain(spine, coat, TORSO, closeness=0.18)
    neck = (0.6, pose.spine(0.6, 0.8))
    poll, nose = _ahead(neck, pose.turn, 0.42), _ahead(neck, pose.turn * 1.2, 0.82)
    height = (0.85, 0.45) if pose.grazing else (1.42, 1.28)
    body.chain([(*neck, 1.15, 0.19), (*poll, height[0], 0.13)], coat, NECK, closeness=0.25)
    body.chain([(*poll, height[0], 0.13), (*nose, height[1], 0.085)], coat, HEAD, closeness=0.25)
    body.ball((*nose, height[1]), (0.1, 0.085, 0.09), (62.0, 55.0, 50.0), OTHER, pose.turn)
    mane = [(*_ahead(neck, pose.turn, d), height[0] + 0.16 - 0.1 * d, 0.045) for d in (0.0, 0.4)]
    body.chain(mane, (70.0, 62.0, 56.0), OTHER)
    for side in (1, -1):
        ear = _ahead(poll, pose.turn, 0.0, side * 0.12)
        body.ball((*ear, height[0] + 0.1), (0.08, 0.04, 0.05), coat, OTHER, pose.turn)
    sway = float(rng.normal(0, 0.08))
    tail = pose.spine(-0.98, 0.8)
    body.chain([(-0.98, tail, 1.0, 0.04), (-1.16, tail + sway, 0.6, 0.05)], (70, 62, 56), LIMB)
    _legs(body, pose, coat, (-0.6, 0.45, 0.18, 0.75, 0.065))
    phase, period = float(rng.uniform(0, 6.28)), float(rng.uniform(0.21, 0.27))

    def paint(part: NDArray[np.int64], x: Array, y: Array, colour: Array) -> Array:
        """Dark stripes, swept back on the haunches, and a dark line along the back."""
        swept = x + np.abs(y) * np.clip(-1.6 * (x + 0.25), -0.25, 0.9)
        wave = np.sin(swept * (2 * math.pi / period) + phase + 0.5 * np.sin(7 * y + phase))
        stripe = np.clip(0.5 + 2.2 * (wave - 0.12), 0, 1)
        stripe = np.maximum(stripe, np.exp(-((y / 0.035) ** 2)) * (x < _WITHERS))
        share = (0.86 * stripe * (part <= HEAD))[..., None].astype(np.float32)
        striped: Array = colour * (1 - share) + np.array([38, 33, 31], dtype=np.float32) * share
        return striped

    return body, paint


def antelope(rng: np.random.Generator) -> tuple[Solid, Callable[..., Array]]:
    """An antelope of an impala's build, about 1.4 m from nose to rump."""
    pose, body = _Pose.random(rng), Solid()
    coat = _tint(rng, (164.0, 118.0, 80.0), 0.08)
    white: Colour = (236.0, 228.0, 212.0)
    stout = float(rng.uniform(0.92, 1.12))
    profile = ((-0.5, 0.72, 0.14), (-0.36, 0.74, 0.19), (-0.05, 0.72, 0.205), (0.22, 0.74, 0.18))
    spine = [(x, pose.spine(x, 0.5), z, r * stout) for x, z, r in (*profile, (0.36, 0.76, 0.13))]
    body.chain(spine, coat, TORSO, closeness=0.2)
    neck = (0.38, pose.spine(0.38, 0.5))
    poll, nose = _ahead(neck, pose.turn, 0.26), _ahead(neck, pose.turn * 1.2, 0.48)
    height = (0.6, 0.35) if pose.grazing else (1.08, 1.0)
    body.chain([(*neck, 0.82, 0.115), (*poll, height[0], 0.08)], coat, NECK, closeness=0.3)
    body.chain([(*poll, height[0], 0.085), (*nose, height[1], 0.05)], coat, HEAD, closeness=0.3)
    for side in (1, -1):
        ear = _ahead(poll, pose.turn, -0.02, side * 0.12)
        body.ball((*ear, height[0] + 0.05), (0.04, 0.085, 0.03), coat, OTHER, pose.turn)
    if chance(rng, 0.4):
        for side in (1, -1):
            root = _ahead(poll, pose.turn, 0.02, side * 0.05)
            tip = _ahead(poll, pose.turn, -0.24, side * 0.16)
            points = [(*root, height[0] + 0.1, 0.028), (*tip, height[0] + 0.4, 0.02)]
            body.chain(points, (58.0, 46.0, 38.0), OTHER, closeness=0.8)
    tail = pose.spine(-0.6, 0.5)
    body.chain([(-0.58, tail, 0.8, 0.06), (-0.68, tail, 0.6, 0.045)], white, OTHER)
    _legs(body, pose, (196.0, 150.0, 104.0), (-0.38, 0.28, 0.11, 0.55, 0.035))

    def paint(part: NDArray[np.int64], x: Array, y: Array, colour: Array) -> Array:
        """White rump, darker saddle, paler flanks."""
        torso = (part == TORSO).astype(np.float32)
        rump = np.clip((-0.42 - x) * 14 + 0.5, 0, 1) * torso
        saddle = np.exp(-((y / 0.1) ** 2)) * torso
        shade = (1.16 - 0.32 * saddle)[..., None] * torso[..., None] + 1 - torso[..., None]
        share = (0.92 * rump)[..., None]
        marked: Array = (colour * shade * (1 - share) + np.asarray(white) * share).astype(np.float32)
        return marked

    return body, paint


_BODIES = (elephant, zebra, antelope)
_YOUNG = (0.25, 0.15, 0.12)
_YOUNG_SCALE = ((0.5, 0.75), (0.66, 0.82), (0.74, 0.86))


def draw_animal(
    class_id: int,
    place: tuple[float, float, float],
    gsd: float,
    sun: Sun,
    rng: np.random.Generator,
) -> Sprite:
    """Renders one animal with a pose, size and shade of its own.

    Args:
        class_id: index into `CLASS_NAMES`.
        place: x, y in landscape px and heading in radians.
        gsd: metres per px.
        sun: light.
        rng: decides how this individual differs.

    Returns:
        The animal and its shadow.
    """
    young = chance(rng, _YOUNG[class_id])
    scale = rng.uniform(*_YOUNG_SCALE[class_id]) if young else rng.normal(1.0, 0.05)
    body, paint = _BODIES[class_id](rng)
    placement = Placement(place[0], place[1], place[2], float(np.clip(scale, 0.45, 1.12)))
    supersample = 3 if class_id == 0 else 4
    return draw(body, placement, Look(gsd, supersample, 0.10, 0.0, paint), sun, rng)
