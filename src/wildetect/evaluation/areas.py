"""Average precision of a detector on pictures that are drawn again.

Average precision is the area under the precision-recall curve as the COCO benchmark takes it: precision made
to fall only, read at recalls 0, 0.01, ..., 1 (Lin et al. 2014; module scoring has it for the pictures as they
are). It is no sum over pictures, so the boxes are kept, each with the IoUs at which it hits.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from wildetect.evaluation.scoring import RECALLS, ScoredBox
from wildetect.tables.writing import plain_text, table_pieces

__all__ = ["BOXES", "areas_in_draws", "boxes_from", "boxes_table"]

BOXES = "boxes.csv"
_HIT, _WRONG, _IGNORED = "1", "0", "i"
_LEVELS = 10  # IoU 0.5, 0.55, ..., 0.95


def boxes_table(boxes: Iterable[ScoredBox]) -> Iterator[str]:
    """Give boxes.csv, in one piece a row."""
    head = [one.name for one in fields(ScoredBox)]
    return table_pieces(head, ([getattr(box, name) for name in head] for box in boxes))


def boxes_from(text: str) -> list[ScoredBox]:
    """Read boxes.csv.

    Raises:
        ValueError: It is none.
    """
    try:
        found = [
            ScoredBox(
                plain_text(row["picture"]), plain_text(row["name"]), float(row["confidence"]), row["hits"]
            )
            for row in csv.DictReader(io.StringIO(text, newline=""))
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a table of boxes: {error}") from error
    if any(len(box.hits) != _LEVELS or set(box.hits) - {_HIT, _WRONG, _IGNORED} for box in found):
        raise ValueError("not a table of boxes: a box says of other IoUs whether it hits")
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Ranked:
    """Boxes of one class, the surest first: the photograph of each, and whether it hits at each IoU."""

    unit: NDArray[np.int64]
    hits: NDArray[np.int8]  # (n, levels): 1 hits, 0 is wrong, -1 does not count


def areas_in_draws(
    boxes: Iterable[ScoredBox],
    unit_of: Mapping[str, int],
    animals: Mapping[str, NDArray[np.float64]],
    weights: NDArray[np.float32],
) -> dict[str, NDArray[np.float64]]:
    """Average precision of each class, at each IoU, in each draw.

    Args:
        boxes: Boxes of one detector, down to a low confidence.
        unit_of: The photograph of each picture.
        animals: Labelled animals in each photograph, by class, shape (units,).
        weights: How often each photograph comes in each draw, shape (draws, units).

    Returns:
        By class, shape (draws, 10); nan in draws without an animal of the class.

    Raises:
        ValueError: A box is in a picture that was not measured.
    """
    by_class: dict[str, list[ScoredBox]] = {name: [] for name in animals}
    for box in boxes:
        if box.picture not in unit_of:
            raise ValueError(f"a box is in {box.picture}, which was not measured")
        if box.name in by_class:
            by_class[box.name].append(box)
    return {
        name: _areas(_ranked(of_class, unit_of), weights.astype(np.float64) @ animals[name], weights)
        for name, of_class in by_class.items()
    }


def _ranked(boxes: list[ScoredBox], unit_of: Mapping[str, int]) -> _Ranked:
    order = sorted(boxes, key=lambda box: -box.confidence)  # stable, as the benchmark sorts
    value = {_HIT: 1, _WRONG: 0, _IGNORED: -1}
    hits = np.array([[value[sign] for sign in box.hits] for box in order], np.int8)
    return _Ranked(
        np.array([unit_of[box.picture] for box in order], np.int64), hits.reshape(len(order), _LEVELS)
    )


def _areas(ranked: _Ranked, there: NDArray[np.float64], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Average precision, shape (draws, levels), of `there` (draws,) animals."""
    found = np.full((len(weights), _LEVELS), np.nan)
    some = there > 0
    for level in range(_LEVELS):
        found[some, level] = _area(ranked, level, there[some], weights[some])
    return found


def _area(
    ranked: _Ranked, level: int, there: NDArray[np.float64], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    counted = ranked.hits[:, level] >= 0
    unit, hit = ranked.unit[counted], ranked.hits[counted, level] == 1
    hits = int(hit.sum())
    if not hits or not len(there):
        return np.zeros(len(there))
    # wrong boxes matter by the hits that they come before; those behind the last one do not
    before = np.cumsum(hit)[~hit]
    matters = before < hits
    wrong = sparse.coo_array(
        (np.ones(int(matters.sum())), (before[matters], unit[~hit][matters])), shape=(hits, weights.shape[1])
    ).tocsr()
    right = np.cumsum(weights[:, unit[hit]], axis=1, dtype=np.float64)
    above = np.cumsum((wrong @ weights.T.astype(np.float64)).T, axis=1)
    total = right + above
    precision = np.divide(right, total, out=np.zeros_like(right), where=total > 0)
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = right / there[:, None]
    areas = np.zeros(len(there))
    for row in range(len(there)):
        at = np.searchsorted(recall[row], RECALLS, side="left")
        areas[row] = falling[row, at[at < hits]].sum() / len(RECALLS)
    return areas
