"""Which photographs a detector learns from, and which measure it: no ground is in two parts.

A detector that is measured on ground that it has learned from, seen from the next photograph or the next
flight, looks better than it is. Photographs stay together that show common ground, that were taken on one
flight line, or that hold the same pixels. Where a flight has a photograph without a position, all of that
flight stays together, as nobody knows which ground it shows.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import numpy as np
import shapely
from numpy.typing import NDArray

from wildetect.census.design.flight_track import straight_runs
from wildetect.census.ground.projection import Projection
from wildetect.evaluation.annotations import Annotations
from wildetect.imagery.camera.camera import CameraTags, read_camera
from wildetect.imagery.camera.lens import ground_resolution
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.discovery import ImageFile, natural_order

__all__ = ["PARTS", "Part", "Shot", "groups_of", "parts_of", "places_of"]

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = get_args(Part)

_PAUSE = timedelta(minutes=30)  # longer than any turn; a battery is changed in less, on the same flight
_MARGIN = 5.0  # m: positions without corrections are off by so much, and neighbours may overlap unseen
_UNSEEN = 300.0  # m around a camera whose picture cannot be placed: it looks at the horizon, say
_STRAIGHT_DOWN = -75.0  # degrees of pitch: further up a camera may see anything
_OFF_LINE = 0.5  # of the usual side of a footprint: how far a photograph may lie off its line


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """A photograph of a run, as far as the split needs it.

    Attributes:
        run: Which of the runs.
        name: Name in its run.
        digest: Digest of its pixels; null where it is not reviewed, and so in no part.
        footprint: Corners on the ground in m, shape (k, 2); null if unknown.
        camera: Where it was taken, in m; null if unknown.
        taken: When, by the camera's clock.
        place: Latitude and longitude in degrees.
        gsd_cm: Ground resolution in cm/px.
    """

    run: int
    name: str
    digest: str | None = None
    footprint: NDArray[np.float64] | None = None
    camera: tuple[float, float] | None = None
    taken: datetime | None = None
    place: tuple[float, float] | None = None
    gsd_cm: float | None = None

    @property
    def folder(self) -> str:
        """The folder that it lies in, below its source."""
        return self.name.rpartition("/")[0]

    @property
    def ground(self) -> shapely.Geometry | None:
        """What it may show, in m; null if nothing is known."""
        if self.footprint is not None:
            return shapely.Polygon(self.footprint).buffer(_MARGIN)
        return None if self.camera is None else shapely.Point(self.camera).buffer(_UNSEEN)


class _Union:
    """Sets that are joined (Tarjan 1975, disjoint sets with path compression)."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, one: int) -> int:
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def join(self, members: Sequence[int]) -> None:
        for other in members[1:]:
            self._parent[self.root(other)] = self.root(members[0])


def groups_of(shots: Sequence[Shot]) -> list[tuple[str, ...]]:
    """Find the photographs that must not be parted.

    Args:
        shots: All photographs of the runs, so that lines are seen whole.

    Returns:
        Digests of the reviewed ones, sorted; each is in one group.
    """
    union = _Union(len(shots))
    for flight in _flights(shots):
        for members in _together_in(flight, shots):
            union.join(members)
    reviewed = [row for row, shot in enumerate(shots) if shot.digest is not None]
    for members in _same_pixels(shots, reviewed):
        union.join(members)
    for pair in _common_ground(shots, reviewed):
        union.join(pair)
    groups: dict[int, set[str]] = defaultdict(set)
    for row in reviewed:
        groups[union.root(row)].add(str(shots[row].digest))
    return sorted(tuple(sorted(group)) for group in groups.values())


def _flights(shots: Sequence[Shot]) -> Iterator[list[int]]:
    """Photographs of one folder, in the order in which they were taken, without long pauses."""
    folders: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row, shot in enumerate(shots):
        folders[shot.run, shot.folder].append(row)
    for rows in folders.values():
        by_name = sorted(rows, key=lambda row: natural_order(shots[row].name))
        timed = [(taken, row) for row in by_name if (taken := shots[row].taken) is not None]
        if len(timed) < len(rows):
            yield by_name
            continue
        timed.sort(key=lambda one: one[0])
        flight = [timed[0][1]]
        for (before, _), (now, row) in itertools.pairwise(timed):
            if now - before > _PAUSE:
                yield flight
                flight = []
            flight.append(row)
        yield flight


def _together_in(flight: Sequence[int], shots: Sequence[Shot]) -> list[list[int]]:
    """The lines of a flight; all of it where a photograph has no position."""
    cameras = [shots[row].camera for row in flight]
    points = [camera for camera in cameras if camera is not None]
    if len(points) < len(flight):
        return [list(flight)]
    sides = [_side(shot.footprint) for row in flight if (shot := shots[row]).footprint is not None]
    side = float(np.median(sides)) if sides else _UNSEEN
    lines = straight_runs(np.array(points, np.float64), side, _OFF_LINE * side)
    return [[flight[place] for place in line] for line in lines]


def _side(footprint: NDArray[np.float64] | None) -> float:
    return float(np.sqrt(shapely.Polygon(footprint).area))


def _same_pixels(shots: Sequence[Shot], rows: Sequence[int]) -> Iterator[list[int]]:
    by_digest: dict[str | None, list[int]] = defaultdict(list)
    for row in rows:
        by_digest[shots[row].digest].append(row)
    yield from by_digest.values()


def _common_ground(shots: Sequence[Shot], rows: Sequence[int]) -> list[tuple[int, int]]:
    placed = [(row, ground) for row in rows if (ground := shots[row].ground) is not None]
    if not placed:
        return []
    tree = shapely.STRtree([ground for _, ground in placed])
    ones, others = tree.query([ground for _, ground in placed], predicate="intersects")
    return [
        (placed[one][0], placed[other][0])
        for one, other in zip(ones.tolist(), others.tolist(), strict=True)
        if one < other
    ]


def places_of(truth: Annotations, files: Sequence[ImageFile]) -> dict[str, str]:
    """Tell labelled pictures that are independent of each other from those that are not.

    Args:
        truth: The labelled pictures; those that `dataset.build` cut name their place.
        files: Where each of them lies; their tags say where and when they were taken.

    Returns:
        The place of each picture by its name: the same for common ground and for one flight line. Empty where
        one of them cannot be placed.
    """
    told = {image.name: image.place for image in truth.images}
    if all(told.values()):
        return told
    tags = {file.name: read_camera(file.path) for file in files}
    positions = [one.position for one in tags.values() if one.position is not None]
    if len(positions) < len(files):
        return {}
    projection = Projection.around([one.longitude for one in positions], [one.latitude for one in positions])
    metres = projection.to_metres([(one.longitude, one.latitude) for one in positions])
    sizes = {image.name: image.size for image in truth.images}
    shots = [
        Shot(
            run=0,
            name=name,
            digest=name,
            footprint=_around(camera, one, sizes[name]),
            camera=camera,
            taken=one.taken,
        )
        for (name, one), camera in zip(tags.items(), map(tuple, metres.tolist()), strict=True)
    ]
    return {name: f"place {number}" for number, group in enumerate(groups_of(shots), 1) for name in group}


def _around(
    camera: tuple[float, float], tags: CameraTags, size: tuple[int, int] | None
) -> NDArray[np.float64] | None:
    """A square around all ground that a photograph may show, whichever way it is turned; null: unknown."""
    if size is None or tags.pitch is None or tags.pitch > _STRAIGHT_DOWN:
        return None
    resolution = ground_resolution(tags, size, Flight())
    if resolution.assumed:
        return None
    reach = resolution.gsd * math.hypot(*size) / 2
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)
    square: NDArray[np.float64] = np.array(camera) + reach * corners
    return square


def parts_of(
    groups: Sequence[tuple[str, ...]],
    shares: Mapping[Part, float],
    seed: int,
    frozen: Collection[str] = (),
) -> dict[str, Part]:
    """Give each group to a part, the largest first, so that the parts come near to their shares.

    Args:
        groups: Digests of photographs that stay together.
        shares: Part of the photographs for each part, 0 to 1.
        seed: Decides between groups of the same size.
        frozen: Digests of photographs that an earlier set measures with: their groups are "test".

    Returns:
        The part of each photograph. With a single group it is "train": there is nothing to measure with.
    """
    total = sum(map(len, groups))
    wanted = {part: shares[part] * total for part in PARTS}
    held = dict.fromkeys(PARTS, 0)
    found: dict[str, Part] = {}

    def order(group: tuple[str, ...]) -> tuple[int, str]:
        return -len(group), hashlib.sha256(f"{seed} {group[0]}".encode()).hexdigest()

    for group in groups:
        if any(digest in frozen for digest in group):
            held["test"] += len(group)
            found |= dict.fromkeys(group, "test")
    begun = False
    for group in sorted((one for one in groups if one[0] not in found), key=order):
        part = max(PARTS, key=lambda one: (wanted[one] - held[one], -PARTS.index(one)))
        if not begun:
            part, begun = "train", True
        held[part] += len(group)
        found |= dict.fromkeys(group, part)
    return found
