"""Local maxima of heat maps, and the boxes that stand for them.

Source: the local maxima detection strategy of HerdNet (Delplanque et al. 2023, after FIDTM): a cell counts
where no neighbour of 3 x 3 is higher, and where it has at least a share of the map's highest value; a map
whose highest value is below a limit is empty. The share is that of the authors' tools/infer.py; their
evaluation takes 0.3, which would lose faint animals beside sure ones that the confidence lets pass. Where
neighbours are equally high they are one peak here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.families.family import Array, Reading

__all__ = ["POINT_SIZE", "Peaks", "boxes_around", "peaks"]

Floats = NDArray[np.float32]

POINT_SIZE = 12  # px of the network's input
_SHARE = 0.2
_EMPTY = 0.1
_NOTHING = 1e-6  # a map without heat is flat, which is not a peak


class Peaks(NamedTuple):
    """Peaks of a map, from the top row downwards.

    Attributes:
        rows: Shape (n,), in cells; halves between cells that are equally high.
        columns: Shape (n,).
        heat: Shape (n,).
        cells: Row and column of one of each peak's cells, shape (n, 2).
    """

    rows: Floats
    columns: Floats
    heat: Floats
    cells: NDArray[np.intp]


def peaks(heat: Array, lowest: float) -> Peaks:
    """Find the peaks of a map (rows, columns) that are at least so high."""
    heat = heat.astype(np.float32)
    highest = float(heat.max(initial=0))
    lowest = max(lowest, _SHARE * highest, _NOTHING)
    padded = np.pad(heat, 1, constant_values=-np.inf)
    rows, columns = heat.shape
    neighbours = [padded[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    found = np.argwhere((heat >= lowest) & (heat == np.max(neighbours, axis=0)))
    if highest < _EMPTY or not len(found):
        found = np.zeros((0, 2), np.intp)
    places, firsts = _joined(found)
    return Peaks(places[:, 0], places[:, 1], heat[firsts[:, 0], firsts[:, 1]], firsts)


def _joined(cells: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """Middle of each group of touching cells, and the first cell of each."""
    left = {(int(row), int(column)) for row, column in cells}
    middles, firsts = [], []
    for cell in map(tuple, cells.tolist()):
        if cell not in left:
            continue
        left.discard(cell)
        group, waiting = [cell], [cell]
        while waiting:
            row, column = waiting.pop()
            around = {(row + y, column + x) for y in (-1, 0, 1) for x in (-1, 0, 1)} & left
            left -= around
            group += around
            waiting += around
        middles.append(np.mean(group, axis=0))
        firsts.append(cell)
    return (
        np.array(middles, np.float32).reshape(-1, 2),
        np.array(firsts, np.intp).reshape(-1, 2),
    )


def boxes_around(found: Peaks, shape: tuple[int, int], reading: Reading) -> Floats:
    """Give boxes (n, 4) around the middles of peaks, xyxy in px of the network's input.

    Args:
        found: The peaks.
        shape: Rows and columns of their map.
        reading: Sizes of the network's input and of the boxes.
    """
    half = (reading.point_size or POINT_SIZE) / 2
    x = (found.columns + 0.5) * (reading.frame.width / shape[1])
    y = (found.rows + 0.5) * (reading.frame.height / shape[0])
    return np.stack([x - half, y - half, x + half, y + half], axis=1).astype(np.float32)
