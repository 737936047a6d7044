"""Bodies made of ellipsoids, seen straight down under a sun.

A body is a list of ellipsoids with a vertical axis. Seen from above each is an
ellipse, and so is its shadow, so the picture of a body and the shadow it throws
both come from exact formulas, without a 3-D engine.

Coordinates: x to the right (east) and y down (south) as in a picture, z up, in
metres. A picture that is turned afterwards turns all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Paint = Callable[[NDArray[np.int64], Array, Array, Array], Array]
"""(part, x, y, colour) -> colour; x and y in metres in the body's own frame."""


COVERED = 0.4
"""Alpha from which a pixel counts as the body's."""


def chance(rng: np.random.Generator, share: float) -> bool:
    """True in `share` (0 to 1) of the calls."""
    return bool(rng.random() < share)


@dataclass(frozen=True)
class Sun:
    """Where the sun stands.

    Attributes:
        azimuth: degrees clockwise from north (the top of the landscape).
        elevation: degrees above the horizon.
        ambient: share of the light that comes from the whole sky, 0 to 1.
    """

    azimuth: float
    elevation: float
    ambient: float = 0.42

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector (x, y, z) from the ground towards the sun."""
        azimuth, elevation = math.radians(self.azimuth), math.radians(self.elevation)
        level = math.cos(elevation)
        return level * math.sin(azimuth), -level * math.cos(azimuth), math.sin(elevation)


@dataclass
class Solid:
    """A body under construction, x pointing forward from its middle.

    Attributes:
        centres: (x, y, z) of each ellipsoid, metres.
        radii: (along, across, vertical) of each ellipsoid, metres.
        headings: direction of the first radius, radians.
        colours: (red, green, blue) of each ellipsoid, 0 to 255.
        parts: a number of the caller's for each ellipsoid, handed to `Paint`.
    """

    centres: list[tuple[float, float, float]] = field(default_factory=list)
    radii: list[tuple[float, float, float]] = field(default_factory=list)
    headings: list[float] = field(default_factory=list)
    colours: list[tuple[float, float, float]] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)

    def ball(
        self,
        centre: Sequence[float],
        radii: float | Sequence[float],
        colour: Sequence[float],
        part: int = 0,
        heading: float = 0.0,
    ) -> None:
        """Adds one ellipsoid (a sphere when `radii` is a number), metres and radians."""
        a, b, c = (radii, radii, radii) if isinstance(radii, int | float) else radii
        self.centres.append((float(centre[0]), float(centre[1]), float(centre[2])))
        self.radii.append((float(a), float(b), float(c)))
        self.headings.append(heading)
        self.colours.append((float(colour[0]), float(colour[1]), float(colour[2])))
        self.parts.append(part)

    def chain(
        self,
        points: Sequence[Sequence[float]],
        colour: Sequence[float],
        part: int = 0,
        closeness: float = 0.4,
    ) -> None:
        """Adds a tube of spheres through points (x, y, z, radius), metres.

        Args:
            points: at least two points.
            colour: red, green, blue, 0 to 255.
            part: number handed to `Paint`.
            closeness: distance between spheres as a share of their radius.
        """
        knots = np.asarray(points, dtype=np.float64)
        lengths = np.linalg.norm(np.diff(knots[:, :3], axis=0), axis=1)
        places = np.concatenate([[0.0], np.cumsum(lengths)])
        step = max(0.02, closeness * float(knots[:, 3].mean()))
        count = max(2, math.ceil(places[-1] / step) + 1)
        along = np.linspace(0.0, places[-1], count)
        columns = [np.interp(along, places, knots[:, i]) for i in range(4)]
        for x, y, z, radius in zip(*columns, strict=True):
            self.ball((x, y, z), float(radius), colour, part)


@dataclass(frozen=True)
class Placement:
    """Where a solid stands: position in landscape px, heading in radians, scale 1 = as built."""

    x: float
    y: float
    heading: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Sprite:
    """A rendered body.

    Attributes:
        left: landscape column of the first sprite column, px.
        top: landscape row of the first sprite row, px.
        colour: (h, w, 3), 0 to 255, multiplied by alpha.
        alpha: (h, w), 0 to 1.
        shadow_left: landscape column of the first shadow column, px.
        shadow_top: landscape row of the first shadow row, px.
        shadow: (h, w), 0 to 1.
    """

    left: int
    top: int
    colour: Array
    alpha: Array
    shadow_left: int
    shadow_top: int
    shadow: Array

    def box(self) -> tuple[int, int, int, int]:
        """Tight (x1, y1, x2, y2) of the body without its shadow, landscape px."""
        rows = np.flatnonzero((self.alpha > COVERED).any(axis=1))
        columns = np.flatnonzero((self.alpha > COVERED).any(axis=0))
        return (
            self.left + int(columns[0]),
            self.top + int(rows[0]),
            self.left + int(columns[-1]) + 1,
            self.top + int(rows[-1]) + 1,
        )


@dataclass(frozen=True)
class Look:
    """How a solid is drawn.

    Attributes:
        gsd: metres per px.
        supersample: samples per px and axis.
        grain: strength of the random surface texture, 0 for none.
        holes: share of single samples left open (foliage), 0 to 1.
        paint: changes colours by place on the body, or None.
    """

    gsd: float
    supersample: int = 4
    grain: float = 0.06
    holes: float = 0.0
    paint: Paint | None = None


@dataclass(frozen=True)
class _Ellipses:
    """Ellipses on a plane: centres (n, 2) and inverse shape matrices (n, 3), half extents (n, 2)."""

    centres: NDArray[np.float64]
    inverse: NDArray[np.float64]
    extents: NDArray[np.float64]


def _project(solid: Solid, place: Placement, slope: tuple[float, float]) -> _Ellipses:
    """Outlines of all ellipsoids moved along `slope` (metres in x and y per metre of height)."""
    centres = np.asarray(solid.centres) * place.scale
    radii = np.asarray(solid.radii) * place.scale
    headings = np.asarray(solid.headings) + place.heading
    cos, sin = math.cos(place.heading), math.sin(place.heading)
    x = centres[:, 0] * cos - centres[:, 1] * sin + slope[0] * centres[:, 2]
    y = centres[:, 0] * sin + centres[:, 1] * cos + slope[1] * centres[:, 2]
    a2, b2, c2 = (radii[:, i] ** 2 for i in range(3))
    ch, sh = np.cos(headings), np.sin(headings)
    xx = a2 * ch**2 + b2 * sh**2 + c2 * slope[0] ** 2
    yy = a2 * sh**2 + b2 * ch**2 + c2 * slope[1] ** 2
    xy = (a2 - b2) * ch * sh + c2 * slope[0] * slope[1]
    determinant = xx * yy - xy**2
    inverse = np.stack([yy, -xy, xx], axis=1) / determinant[:, None]
    return _Ellipses(np.stack([x, y], axis=1), inverse, np.sqrt(np.stack([xx, yy], axis=1)))


@dataclass(frozen=True)
class _Grid:
    """Sample positions of a sprite: left and top in px, axes in metres from the body's middle."""

    left: int
    top: int
    x: Array
    y: Array

    @classmethod
    def around(cls, outline: _Ellipses, place: Placement, gsd: float, supersample: int) -> _Grid:
        """The smallest whole-px window that holds all ellipses."""
        low = (outline.centres - outline.extents).min(axis=0) / gsd + (place.x, place.y)
        high = (outline.centres + outline.extents).max(axis=0) / gsd + (place.x, place.y)
        left, top = math.floor(low[0]), math.floor(low[1])
        width, height = math.ceil(high[0]) - left, math.ceil(high[1]) - top
        x = ((np.arange(width * supersample) + 0.5) / supersample + left - place.x) * gsd
        y = ((np.arange(height * supersample) + 0.5) / supersample + top - place.y) * gsd
        return cls(left, top, x.astype(np.float32), y.astype(np.float32))

    def window(self, outline: _Ellipses, index: int) -> tuple[slice, slice]:
        """Rows and columns that ellipse `index` can touch."""
        (cx, cy), (ex, ey) = outline.centres[index], outline.extents[index]
        x1, x2 = np.searchsorted(self.x, (cx - ex, cx + ex))
        y1, y2 = np.searchsorted(self.y, (cy - ey, cy + ey))
        return slice(int(y1), int(y2)), slice(int(x1), int(x2))

    def inside(self, outline: _Ellipses, index: int, window: tuple[slice, slice]) -> Array:
        """Squared distance from the ellipse's centre, 1 on its rim."""
        dx = (self.x[window[1]] - np.float32(outline.centres[index, 0]))[None, :]
        dy = (self.y[window[0]] - np.float32(outline.centres[index, 1]))[:, None]
        xx, xy, yy = outline.inverse[index].astype(np.float32)
        distance: Array = xx * dx * dx + 2 * xy * dx * dy + yy * dy * dy
        return distance


def _reduce(samples: Array, supersample: int) -> Array:
    """Mean over supersample x supersample blocks of the first two axes."""
    height, width = samples.shape[0] // supersample, samples.shape[1] // supersample
    blocks = samples.reshape(height, supersample, width, supersample, *samples.shape[2:])
    means: Array = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def _surface(
    solid: Solid, place: Placement, outline: _Ellipses, grid: _Grid
) -> tuple[Array, NDArray[np.int64]]:
    """Height of the uppermost surface (metres) and the ellipsoid it belongs to (-1: none)."""
    shape = (len(grid.y), len(grid.x))
    height = np.full(shape, -1.0, dtype=np.float32)
    owner = np.full(shape, -1, dtype=np.int64)
    for i, ((_, _, z), (_, _, c)) in enumerate(zip(solid.centres, solid.radii, strict=True)):
        window = grid.window(outline, i)
        distance = grid.inside(outline, i, window)
        top = np.float32(z * place.scale) + np.float32(c * place.scale) * np.sqrt(
            np.maximum(1.0 - distance, 0.0)
        )
        better = (distance < 1.0) & (top > height[window])
        height[window] = np.where(better, top, height[window])
        owner[window] = np.where(better, i, owner[window])
    return height, owner


def _light(
    solid: Solid, place: Placement, outline: _Ellipses, grid: _Grid, sun: Sun
) -> tuple[Array, NDArray[np.int64]]:
    """Brightness of each sample (about 0.3 to 1.2) and its ellipsoid (-1: none)."""
    height, owner = _surface(solid, place, outline, grid)
    inverse = outline.inverse.astype(np.float32)[owner]
    centre = outline.centres.astype(np.float32)[owner]
    dx, dy = grid.x[None, :] - centre[..., 0], grid.y[:, None] - centre[..., 1]
    z = np.asarray(solid.centres, dtype=np.float32)[:, 2][owner] * np.float32(place.scale)
    c = np.asarray(solid.radii, dtype=np.float32)[:, 2][owner] * np.float32(place.scale)
    nx = inverse[..., 0] * dx + inverse[..., 1] * dy
    ny = inverse[..., 1] * dx + inverse[..., 2] * dy
    nz = np.maximum(height - z, 0.0) / c**2
    sx, sy, sz = sun.direction
    norm = np.sqrt(nx**2 + ny**2 + nz**2) + np.float32(1e-6)
    direct = np.maximum((nx * sx + ny * sy + nz * sz) / norm, 0.0)
    sky = np.float32(0.72) + np.float32(0.28) * np.clip(height / max(height.max(), 0.1), 0, 1)
    light = sky * (sun.ambient + (1 - sun.ambient) * direct * np.float32(1.25))
    return light.astype(np.float32), owner


def _shadow(solid: Solid, place: Placement, look: Look, sun: Sun) -> tuple[int, int, Array]:
    """Left, top (px) and cover (h, w) of the shadow on level ground."""
    sx, sy, sz = sun.direction
    outline = _project(solid, place, (-sx / sz, -sy / sz))
    grid = _Grid.around(outline, place, look.gsd, 2)
    cover = np.zeros((len(grid.y), len(grid.x)), dtype=np.float32)
    for i in range(len(solid.centres)):
        window = grid.window(outline, i)
        cover[window] = np.where(grid.inside(outline, i, window) < 1.0, 1.0, cover[window])
    return grid.left, grid.top, _reduce(cover, 2)


def draw(solid: Solid, place: Placement, look: Look, sun: Sun, rng: np.random.Generator) -> Sprite:
    """Renders a solid and its shadow.

    Args:
        solid: the body.
        place: where it stands.
        look: resolution and surface.
        sun: light.
        rng: source of the surface texture.

    Returns:
        The antialiased sprite in landscape px.
    """
    outline = _project(solid, place, (0.0, 0.0))
    grid = _Grid.around(outline, place, look.gsd, look.supersample)
    light, owner = _light(solid, place, outline, grid, sun)
    colour = np.asarray(solid.colours, dtype=np.float32)[owner]
    if look.paint is not None:
        cos, sin = math.cos(place.heading), math.sin(place.heading)
        x = (grid.x[None, :] * cos + grid.y[:, None] * sin) / place.scale
        y = (grid.y[:, None] * cos - grid.x[None, :] * sin) / place.scale
        part = np.asarray(solid.parts, dtype=np.int64)[owner]
        colour = look.paint(part, x.astype(np.float32), y.astype(np.float32), colour)
    grain = rng.standard_normal(owner.shape, dtype=np.float32)
    solidity = (owner >= 0).astype(np.float32)
    if look.holes:
        solidity *= rng.random(owner.shape, dtype=np.float32) >= look.holes
    light = light * (1 + look.grain * grain) * solidity
    rgb = _reduce(np.clip(colour * light[..., None], 0, 255), look.supersample)
    alpha = _reduce(solidity, look.supersample)
    return Sprite(grid.left, grid.top, rgb, alpha, *_shadow(solid, place, look, sun))
