"""Savanna seen straight down: ground, plants, rocks, tracks, water, and animals upon it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from animals import draw_animal
from ground import Ground, Palette, paint_ground
from plants import bush, fallen_log, mound, rock, tree
from solids import COVERED, Array, Look, Placement, Solid, Sprite, Sun, draw

Box = tuple[int, int, int, int]
Accept = Callable[[Box, NDArray[np.bool_]], bool]
"""(box x1, y1, x2, y2 in landscape px, cover (h, w) from the box's corner) -> may it stay."""

_BLOCKS = 0.3
"""Alpha from which nothing else can stand on a pixel."""

_CLOSEST = 0.25
"""Largest IoU of the boxes of two animals."""


@dataclass(frozen=True)
class Herd:
    """Animals of one kind that keep together.

    Attributes:
        class_id: index into `animals.CLASS_NAMES`.
        x: centre column as a share of the landscape's width.
        y: centre row as a share of the landscape's height.
        count: animals to place.
        spread: standard deviation of the places around the centre, metres.
    """

    class_id: int
    x: float
    y: float
    count: int
    spread: float


@dataclass(frozen=True)
class Growth:
    """Things on the ground, each a number per hectare."""

    trees: float = 9.0
    bushes: float = 110.0
    rocks: float = 8.0
    mounds: float = 2.5
    logs: float = 5.0

    def each(self) -> tuple[tuple[Callable[[np.random.Generator], tuple[Solid, Look]], float], ...]:
        """Maker and number per hectare, the tallest first."""
        return (
            (tree, self.trees),
            (mound, self.mounds),
            (rock, self.rocks),
            (fallen_log, self.logs),
            (bush, self.bushes),
        )


@dataclass(frozen=True)
class Plan:
    """All that decides a landscape.

    Attributes:
        seed: of every random choice.
        width: px.
        height: px.
        gsd: metres per px.
        sun: light.
        palette: colours of the ground.
        growth: plants and stones.
        waters: (x, y, radius) of water holes: shares of width and height, metres.
        vehicle_tracks: number of two-rut tracks.
        trails: number of game trails.
        herds: animals.
    """

    seed: int
    width: int
    height: int
    gsd: float
    sun: Sun
    palette: Palette
    growth: Growth
    waters: tuple[tuple[float, float, float], ...] = ()
    vehicle_tracks: int = 1
    trails: int = 4
    herds: tuple[Herd, ...] = ()


@dataclass(frozen=True)
class Animal:
    """One animal of a landscape: its class, its tight box and its cover from the box's corner."""

    class_id: int
    box: Box
    cover: NDArray[np.bool_]


@dataclass
class Landscape:
    """A rendered landscape: picture (h, w, 3) of 0 to 255, and the animals in it."""

    picture: NDArray[np.uint8]
    animals: list[Animal] = field(default_factory=list)


class _Scene:
    """Collects sprites, keeps them apart, and composes them over the ground."""

    def __init__(self, plan: Plan, ground: Ground) -> None:
        self.plan = plan
        self.ground = ground
        self.taken = ground.water.copy()
        self.shade = np.zeros(ground.water.shape, dtype=np.float32)
        self.low: list[Sprite] = []
        self.high: list[Sprite] = []

    def clip(self, left: int, top: int, shape: Sequence[int]) -> tuple[tuple[slice, slice], ...]:
        """Slices (landscape, sprite) of the part of a sprite that lies on the landscape."""
        height, width = self.taken.shape
        y1, y2 = max(top, 0), max(min(top + shape[0], height), top, 0)
        x1, x2 = max(left, 0), max(min(left + shape[1], width), left, 0)
        return (
            (slice(y1, y2), slice(x1, x2)),
            (slice(y1 - top, y2 - top), slice(x1 - left, x2 - left)),
        )

    def occupy(self, sprite: Sprite) -> bool:
        """Takes the sprite's place unless something stands there."""
        here, there = self.clip(sprite.left, sprite.top, sprite.alpha.shape)
        cover = sprite.alpha[there] > _BLOCKS
        if cover.size == 0 or (self.taken[here] & cover).any():
            return False
        self.taken[here] |= cover
        return True

    def cast(self, sprite: Sprite) -> None:
        """Adds the sprite's shadow to the ground's."""
        here, there = self.clip(sprite.shadow_left, sprite.shadow_top, sprite.shadow.shape)
        self.shade[here] = np.maximum(self.shade[here], sprite.shadow[there])

    def blend(self, picture: Array, sprite: Sprite, shade: Array | None) -> None:
        """Lays a sprite over the picture, darkened where `shade` falls on it."""
        here, there = self.clip(sprite.left, sprite.top, sprite.alpha.shape)
        colour = sprite.colour[there]
        if shade is not None:
            colour = colour * (1 - np.float32(0.5) * shade[here][..., None])
        picture[here] *= 1 - sprite.alpha[there][..., None]
        picture[here] += colour

    def compose(self) -> NDArray[np.uint8]:
        """Ground, shadows, then everything from low to high."""
        of_plants = self._soften(self.shade)
        for sprite in self.low:
            self.cast(sprite)
        dark = np.float32(0.60) * self._soften(self.shade)[..., None]
        picture = self.ground.colour
        picture *= 1 - dark * np.array([1.0, 0.95, 0.86], dtype=np.float32)
        for sprite in self.low:
            self.blend(picture, sprite, of_plants)
        for sprite in self.high:
            self.blend(picture, sprite, None)
        pixels: NDArray[np.uint8] = np.clip(picture + np.float32(0.5), 0, 255).astype(np.uint8)
        return pixels

    @staticmethod
    def _soften(shade: Array) -> Array:
        """Half-shadow at the rim, about a pixel wide."""
        image = Image.fromarray((shade * 255).astype(np.uint8))
        soft: Array = np.asarray(image.filter(ImageFilter.GaussianBlur(0.9)), dtype=np.float32)
        return soft / np.float32(255)


def _iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inside = width * height
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return inside / (areas - inside)


def _place_herd(
    scene: _Scene, herd: Herd, rng: np.random.Generator, animals: list[Animal], accept: Accept
) -> None:
    """Places a herd's animals, each where no other stands and `accept` agrees."""
    plan = scene.plan
    course = rng.uniform(0, 2 * math.pi)
    order = rng.uniform(0.25, 1.2)
    placed = 0
    for attempt in range(herd.count * 12):
        if placed == herd.count:
            break
        reach = herd.spread / plan.gsd * (1 + attempt / (6 * herd.count))
        x = herd.x * plan.width + rng.normal(0, reach)
        y = herd.y * plan.height + rng.normal(0, reach)
        if not (0 <= x < plan.width and 0 <= y < plan.height):
            continue
        heading = course + rng.normal(0, order)
        sprite = draw_animal(herd.class_id, (x, y, heading), plan.gsd, plan.sun, rng)
        box = sprite.box()
        rows = slice(box[1] - sprite.top, box[3] - sprite.top)
        columns = slice(box[0] - sprite.left, box[2] - sprite.left)
        cover = sprite.alpha[rows, columns] > COVERED
        close = any(_iou(box, other.box) > _CLOSEST for other in animals)
        if close or not accept(box, cover) or not scene.occupy(sprite):
            continue
        scene.low.append(sprite)
        animals.append(Animal(herd.class_id, box, cover))
        placed += 1


def _grow(scene: _Scene, growth: Growth, rng: np.random.Generator) -> None:
    """Places plants and stones where nothing stands; thickets where the ground is overgrown."""
    plan = scene.plan
    hectares = plan.width * plan.height * plan.gsd**2 / 10_000
    for make, per_hectare in growth.each():
        for _ in range(int(rng.poisson(per_hectare * hectares))):
            for _ in range(4):
                x, y = rng.uniform(0, plan.width), rng.uniform(0, plan.height)
                if scene.ground.cover_at(x, y) > rng.uniform(-0.2, 1.0):
                    break
            solid, look = make(rng)
            place = Placement(x, y, rng.uniform(0, 2 * math.pi))
            sprite = draw(solid, place, look, plan.sun, rng)
            if scene.occupy(sprite):
                scene.cast(sprite)
                scene.high.append(sprite)


def render(plan: Plan, accept: Accept = lambda _box, _cover: True) -> Landscape:
    """Renders a landscape.

    Args:
        plan: what to render; the same plan gives the same pixels.
        accept: asked before an animal is kept.

    Returns:
        The picture and its animals; boxes may reach over the border.
    """
    streams = np.random.SeedSequence(plan.seed).spawn(3)
    ground = paint_ground(plan, np.random.default_rng(streams[0]))
    scene, animals = _Scene(plan, ground), list[Animal]()
    fauna = np.random.default_rng(streams[1])
    for herd in plan.herds:
        _place_herd(scene, herd, fauna, animals, accept)
    grown = Image.fromarray(scene.taken.astype(np.uint8)).filter(ImageFilter.MaxFilter(5))
    scene.taken = np.asarray(grown) > 0
    _grow(scene, plan.growth, np.random.default_rng(streams[2]))
    return Landscape(scene.compose(), animals)
