"""The order of detections by how alike they look, so that many of one kind are judged one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Likeness", "look_of", "ranks_by_look"]

Looks = NDArray[np.float32]

_SIDE = 32  # px: a box is compared at this size
_LEVELS = 4  # of each colour
_STEEPNESS = 8  # bins of the steps from px to px
_DOUBLE = 0.25  # what twice the side adds to a distance; colours that have nothing in common: 1
_DIRECTIONS = 16  # in which looks differ most; the others tell little
_LEAF = 32  # boxes that are put into a row by comparing each with each


def look_of(pixels: NDArray[np.uint8]) -> Looks:
    """Describe how a box looks, whichever way the animal faces.

    Its colours as a histogram (Swain and Ballard 1991, Color indexing, International Journal of Computer
    Vision 7:11-32), counted twice with levels that are shifted by a half, so that a shade more light does
    not make another animal; how rough it is, as a histogram of the steps of grey; and its size. The roots
    of shares make the distance of two looks that of Hellinger.

    Args:
        pixels: RGB, shape (height, width, 3), of any size above 0.
    """
    sides = np.log2(sorted(pixels.shape[:2]))
    small = np.asarray(Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX))
    step = 256 // _LEVELS
    shares = [
        np.bincount(_codes(small, shift, step), minlength=(_LEVELS + 1) ** 3) / _SIDE**2
        for shift in (0, step // 2)
    ]
    grey = small.mean(axis=2)
    steps = np.hypot(np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1])
    rough = np.clip(np.log2(steps + 1), 0, _STEEPNESS - 1).astype(np.int64).ravel()
    shares.append(np.bincount(rough, minlength=_STEEPNESS) / len(rough))
    return np.concatenate([*(np.sqrt(one / 2) for one in shares), _DOUBLE * sides]).astype(np.float32)


def _codes(small: NDArray[np.uint8], shift: int, step: int) -> NDArray[np.int64]:
    levels = (small.reshape(-1, 3).astype(np.int64) + shift) // step
    return np.asarray(levels @ np.array([(_LEVELS + 1) ** 2, _LEVELS + 1, 1]))


def ranks_by_look(looks: Looks) -> NDArray[np.int64]:
    """The rank of each look in a row in which those that are alike stand together.

    They are halved along the direction in which they differ most, and the halves again (D. Boley 1998,
    Principal direction divisive partitioning, Data Mining and Knowledge Discovery 2:325-344); of the few
    that are left together, each is followed by the one that is most like it.

    Args:
        looks: Fingerprints, shape (n, d).

    Returns:
        Of shape (n,), from 0.
    """
    points = _turned(looks)[:, :_DIRECTIONS]
    row: list[int] = []
    waiting = [np.arange(len(points))]
    while waiting:
        group = waiting.pop()
        if len(group) > _LEAF:
            along = np.argsort(_turned(points[group])[:, 0], kind="stable")
            first, second = group[along[: len(group) // 2]], group[along[len(group) // 2 :]]
            # go on with the half that is nearer to where the row ends
            end = points[row[-1]] if row else points[first[0]]
            far = [float(np.linalg.norm(points[half].mean(axis=0) - end)) for half in (first, second)]
            waiting += [second, first] if far[0] <= far[1] else [first, second]
        else:
            _chain(points, group, row)
    ranks = np.empty(len(points), np.int64)
    ranks[row] = np.arange(len(points))
    return ranks


def _turned(points: Looks) -> Looks:
    """Points seen along the directions in which they differ, that of the largest difference first."""
    if not len(points):
        return points
    apart = points - points.mean(axis=0)
    _, directions = np.linalg.eigh((apart.T @ apart).astype(np.float64))
    return np.asarray(apart @ directions[:, ::-1], np.float32)


def _chain(points: Looks, group: NDArray[np.int64], row: list[int]) -> None:
    """Add a group to a row, each one after the one that is most like it."""
    left = group.tolist()
    while left:
        after = points[row[-1]] if row else points[left[0]]
        nearest = int(np.linalg.norm(points[left] - after, axis=1).argmin())
        row.append(left.pop(nearest))


class Likeness:
    """Compares the detections of a run bit by bit: all of its photographs have to be read for it.

    Args:
        counts: Detections of each image that has any, by its number.
        look_at: The looks of an image's detections, shape (n, d); None where it cannot be read.
    """

    def __init__(self, counts: dict[int, int], look_at: Callable[[int], Looks | None]) -> None:
        self._counts = counts
        self._look_at = look_at
        self._left = list(counts)
        self._looks: dict[int, Looks] = {}
        self._ranks: dict[int, list[int]] | None = None

    def go_on(self, seconds: float) -> tuple[int, int]:
        """Read photographs for a while, at least one.

        Returns:
            How many have been read, and of how many.
        """
        until = time.monotonic() + seconds
        while self._left:
            image = self._left.pop(0)
            looks = self._look_at(image)
            if looks is not None:
                self._looks[image] = looks
            if time.monotonic() > until:
                break
        return len(self._counts) - len(self._left), len(self._counts)

    def ranks(self) -> dict[int, list[int]] | None:
        """The rank of each detection by its image and row there; None until all have been read.

        Those of photographs that cannot be read come last.
        """
        if self._left:
            return None
        if self._ranks is None:
            self._ranks = self._ranked()
        return self._ranks

    def _ranked(self) -> dict[int, list[int]]:
        known = ranks_by_look(np.concatenate(list(self._looks.values()))) if self._looks else np.zeros(0)
        ends = np.cumsum([len(one) for one in self._looks.values()], dtype=np.int64)
        parts = np.split(known, ends[:-1]) if self._looks else []
        found = {image: part.tolist() for image, part in zip(self._looks, parts, strict=True)}
        last = sum(self._counts.values())
        return {image: found.get(image, [last] * count) for image, count in self._counts.items()}
