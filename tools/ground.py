"""The ground of a savanna: grass, soil, tracks, trails and water holes, as an array."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from solids import Array, Sun

if TYPE_CHECKING:
    from landscape import Plan

Colour = tuple[float, float, float]

_CUBIC = Image.Resampling.BICUBIC

_COARSE = 16
"""Features of that size, px, and larger are made at a quarter of the resolution."""

_SHORE = 1.02
"""Distance from a water hole's middle, in its radii, from which an animal can stand."""


@dataclass(frozen=True)
class Palette:
    """Colours of the ground (red, green, blue, 0 to 255) and its exposure (1 = as given)."""

    grass: Colour = (174.0, 152.0, 108.0)
    fresh: Colour = (140.0, 136.0, 86.0)
    soil: Colour = (196.0, 168.0, 134.0)
    wet: Colour = (92.0, 82.0, 66.0)
    water: Colour = (74.0, 82.0, 74.0)
    exposure: float = 1.0
    bareness: float = 0.0


@dataclass
class Ground:
    """Painted ground.

    Attributes:
        colour: (h, w, 3), 0 to 255.
        water: (h, w), where nothing can stand.
        overgrown: coarse map of how densely plants grow, 0 to 1.
    """

    colour: Array
    water: NDArray[np.bool_]
    overgrown: Array

    def cover_at(self, x: float, y: float) -> float:
        """How densely plants grow at column x, row y (px), 0 to 1."""
        height, width = self.water.shape
        rows, columns = self.overgrown.shape
        return float(self.overgrown[int(y / height * rows), int(x / width * columns)])


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 1) -> Array:
    """Smooth noise of about unit variance.

    Args:
        rng: source.
        shape: (h, w) of the result.
        cell: size of the largest features, px.
        octaves: each has half the size and 0.55 of the strength of the one before.

    Returns:
        (h, w) values around 0.
    """
    sizes = [max(cell / 2**octave, 1.0) for octave in range(octaves)]
    coarse = (math.ceil(shape[0] / 4) + 1, math.ceil(shape[1] / 4) + 1)
    rough, fine = np.zeros(coarse, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for octave, size in enumerate(sizes):
        strength = np.float32(0.55**octave)
        if size >= _COARSE:
            rough += strength * _lattice(rng, coarse, size / 4)
        else:
            fine += strength * _lattice(rng, shape, size)
    if sizes[0] >= _COARSE:
        window = (0, 0, shape[1] / 4, shape[0] / 4)
        size = (shape[1], shape[0])
        fine += np.asarray(Image.fromarray(rough).resize(size, _CUBIC, box=window))
    power = sum(0.55 ** (2 * octave) for octave in range(octaves))
    fine *= np.float32(1.3 / math.sqrt(power))
    return fine


def _lattice(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Array:
    """Random values every `cell` px, with smooth values between."""
    rows, columns = math.ceil(shape[0] / cell) + 3, math.ceil(shape[1] / cell) + 3
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    x, y = rng.random(2)
    window = (1 + x, 1 + y, 1 + x + shape[1] / cell, 1 + y + shape[0] / cell)
    return np.asarray(Image.fromarray(grid).resize((shape[1], shape[0]), _CUBIC, box=window))


def _relief(field: Array, sun: Sun, strength: float) -> Array:
    """Brightness factor of a bumpy surface lit from the side."""
    sx, sy, _ = sun.direction
    shade = np.zeros_like(field)
    shade[:, 1:] += (field[:, :-1] - field[:, 1:]) * np.float32(-sx)
    shade[1:, :] += (field[:-1, :] - field[1:, :]) * np.float32(-sy)
    light: Array = 1 - np.float32(strength) * np.clip(shade, -1.5, 1.5)
    return light


def _mix(colour: Array, other: Colour, share: Array) -> None:
    """Moves `colour` (h, w, 3) towards `other` by `share` (h, w), in place."""
    for channel in range(3):
        plane = colour[..., channel]
        plane += (np.float32(other[channel]) - plane) * share


def _step(field: Array, low: float, high: float) -> Array:
    """0 below low, 1 above high, smooth between."""
    share = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    smooth: Array = share * share * (3 - 2 * share)
    return smooth


def _path(rng: np.random.Generator, shape: tuple[int, int], wander: float) -> NDArray[np.float64]:
    """A winding line (n, 2) of px across the landscape."""
    height, width = shape
    size = math.hypot(height, width)
    angle = rng.uniform(0, math.pi)
    start = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    along = np.linspace(-size, size, 400)
    phases, lengths = rng.uniform(0, 2 * math.pi, 3), np.array([2600.0, 900.0, 330.0])
    sway = sum(
        wander * length * 0.05 * np.sin(2 * math.pi * along / length + phase)
        for length, phase in zip(lengths, phases, strict=True)
    )
    x = start[0] + along * math.cos(angle) - sway * math.sin(angle)
    y = start[1] + along * math.sin(angle) + sway * math.cos(angle)
    return np.stack([x, y], axis=1)


def _lines(shape: tuple[int, int], paths: list[tuple[NDArray[np.float64], int]], blur: float) -> Array:
    """Cover (h, w), 0 to 1, of paths (points, width in px)."""
    image = Image.new("L", (shape[1], shape[0]), 0)
    pencil = ImageDraw.Draw(image)
    for points, width in paths:
        pencil.line([tuple(point) for point in points], fill=255, width=width, joint="curve")
    cover: Array = np.asarray(image.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float32)
    return cover / np.float32(255)


def _tracks(plan: Plan, rng: np.random.Generator, colour: Array) -> None:
    """Vehicle tracks (two ruts 1.6 m apart) and game trails, worn into the grass."""
    shape = colour.shape[0], colour.shape[1]
    ruts: list[tuple[NDArray[np.float64], int]] = []
    for _ in range(plan.vehicle_tracks):
        middle = _path(rng, shape, 0.7)
        ahead = np.gradient(middle, axis=0)
        aside = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
        aside *= 0.8 / plan.gsd / np.linalg.norm(aside, axis=1, keepdims=True)
        ruts += [(middle + aside, 9), (middle - aside, 9)]
    trails = [(_path(rng, shape, 1.6), int(rng.integers(4, 8))) for _ in range(plan.trails)]
    worn = _step(noise(rng, shape, 120, 3), -1.6, 0.6)
    red, green, blue = plan.palette.soil
    dust = (1.06 * red, 1.06 * green, 1.06 * blue)
    _mix(colour, dust, np.float32(0.85) * worn * _lines(shape, ruts, 2.0))
    _mix(colour, dust, np.float32(0.6) * worn * _lines(shape, trails, 1.6))


def _waters(plan: Plan, rng: np.random.Generator, colour: Array) -> NDArray[np.bool_]:
    """Water holes with mud and a trampled surround; returns where the water is."""
    height, width = colour.shape[:2]
    wet = np.zeros((height, width), dtype=bool)
    for share_x, share_y, metres in plan.waters:
        radius = metres / plan.gsd
        cx, cy, reach = share_x * width, share_y * height, int(radius * 2.8)
        rows = slice(max(0, int(cy) - reach), min(height, int(cy) + reach))
        columns = slice(max(0, int(cx) - reach), min(width, int(cx) + reach))
        y, x = np.mgrid[rows, columns].astype(np.float32)
        far = np.hypot((x - cx) / radius, (y - cy) / (radius * rng.uniform(0.65, 1.0)))
        far += 0.16 * noise(rng, far.shape, radius * 0.9, 5).astype(np.float32)
        area = colour[rows, columns]
        ripple = 1 + 0.025 * noise(rng, far.shape, 9, 2)
        _mix(area, plan.palette.soil, 0.75 * (1 - _step(far, 1.2, 2.3)))
        _mix(area, plan.palette.wet, 0.85 * (1 - _step(far, 1.02, 1.35)))
        pool = 1 - _step(far, 0.94, 1.0)
        deep = 1 - 0.30 * _step(1 - far, 0.0, 0.8)
        for channel in range(3):
            tone = np.float32(plan.palette.water[channel]) * deep * ripple
            area[..., channel] += (tone - area[..., channel]) * pool
        wet[rows, columns] |= far < _SHORE
    return wet


def _grass(plan: Plan, rng: np.random.Generator, colour: Array, grassy: Array) -> None:
    """Blades, tufts, tussocks and withered spots where the ground is grassy (h, w, 0 to 1)."""
    shape = grassy.shape
    tufts, blades = noise(rng, shape, 13, 2), noise(rng, shape, 2.6)
    dark = _step(noise(rng, shape, 40, 3), 1.0, 2.4) * grassy
    _mix(colour, (112.0, 102.0, 64.0), np.float32(0.42) * dark)
    pale = _step(noise(rng, shape, 26, 3), 1.2, 2.6)
    _mix(colour, (212.0, 192.0, 148.0), np.float32(0.40) * pale)
    tussocks = noise(rng, shape, 6.5)
    tussocks *= _step(noise(rng, shape, 260, 3), -0.6, 1.2)
    spots = _step(tussocks, 1.0, 1.9)
    _mix(colour, (122.0, 112.0, 66.0), np.float32(0.55) * spots * (1 - np.float32(0.5) * (1 - grassy)))
    bumps = tufts * np.float32(0.8) * grassy + tussocks * np.float32(0.55) * (grassy + np.float32(0.2))
    shade = _relief(bumps, plan.sun, 0.20)
    shade *= 1 + grassy * np.float32(0.06) * np.clip(tufts, -1.5, 2)
    shade *= 1 + np.float32(0.045) * (grassy + np.float32(0.15)) * blades
    colour *= shade[..., None]


def paint_ground(plan: Plan, rng: np.random.Generator) -> Ground:
    """Paints the ground of a landscape.

    Args:
        plan: size, colours, light, tracks and water.
        rng: source of every random choice.

    Returns:
        The ground without plants, animals and shadows.
    """
    shape, palette = (plan.height, plan.width), plan.palette
    colour = np.empty((*shape, 3), dtype=np.float32)
    colour[:] = palette.grass
    meadow = noise(rng, shape, 1400, 6)
    _mix(colour, palette.fresh, np.float32(0.75) * _step(meadow, 0.1, 2.0))
    bare = noise(rng, shape, 700, 7) + np.float32(palette.bareness)
    soil = _step(bare, 0.2, 1.7)
    _mix(colour, palette.soil, np.float32(0.9) * soil)
    _tracks(plan, rng, colour)
    grassy = 1 - np.float32(0.78) * soil
    _grass(plan, rng, colour, grassy)
    water = _waters(plan, rng, colour)
    cloud = _step(noise(rng, shape, 2600, 2), 0.9, 1.9)
    colour *= (np.float32(palette.exposure) * (1 - np.float32(0.22) * cloud))[..., None]
    density = np.asarray(Image.fromarray(meadow).resize((160, 160)))
    return Ground(colour, water, _step(density, -0.8, 1.4))
