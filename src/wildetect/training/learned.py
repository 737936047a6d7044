"""What a detector learns from a set, as its lineage keeps it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from wildetect.evaluation.content import content_of
from wildetect.imagery.reading import Reading
from wildetect.registry.learning.lineage import LearnedSet, Lineage, Scenery
from wildetect.training.manifest import DataSetRecord, PhotographEntry

__all__ = ["learned_from", "lineage_after", "scenery_of"]

_LEARNT_FROM = ("train", "val")
"""The best epoch is chosen by "val": a detector knows those photographs, too."""
_GSD_DIGITS = 2


def learned_from(folder: Path, record: DataSetRecord) -> LearnedSet:
    """Tell what a detector learns from a set.

    Args:
        folder: Folder of the set; its tiles are read.
        record: What dataset.json holds.

    Raises:
        UnreadableImageError: A tile cannot be read.
    """
    photographs = [one for one in record.photographs if one.part in _LEARNT_FROM]
    tiles = [path for part in _LEARNT_FROM for path in sorted((folder / "images" / part).glob("*.jpg"))]
    animals: Counter[str] = Counter()
    for one in photographs:
        animals.update(one.animals)
    return LearnedSet(
        name=record.name,
        digest=record.digest,
        photographs=tuple(one.sha256 for one in photographs),
        looks=tuple(one.look for one in photographs),
        tiles=tuple(content_of(path, Reading()).sha256 for path in tiles),
        animals=dict(animals),
        scenery=scenery_of(photographs),
    )


def scenery_of(photographs: Sequence[PhotographEntry]) -> Scenery:
    """Sum up where, when and from how high photographs were taken."""
    taken = [one.taken for one in photographs]
    places = Counter(one.place for one in taken if one.place is not None)
    gsd = sorted(one.gsd_cm for one in taken if one.gsd_cm is not None)
    middle = round(statistics.median(gsd), _GSD_DIGITS) if gsd else None
    return Scenery(
        places=tuple((*place, number) for place, number in sorted(places.items())),
        months=dict(sorted(Counter(one.month for one in taken if one.month is not None).items())),
        gsd_cm=None if middle is None else (gsd[0], middle, gsd[-1]),
        unplaced=sum(one.place is None for one in taken),
    )


def lineage_after(own: LearnedSet, began_with: str, before: Lineage | None, version: str | None) -> Lineage:
    """Put together all that a version has learned from.

    Args:
        own: Its training set.
        began_with: What its training began with, for a person.
        before: What that had learned from; null: not known.
        version: Which version that was, such as "herd/3".
    """
    sets = () if before is None else before.sets
    earlier = tuple(
        one if one.version or version is None else one.model_copy(update={"version": version}) for one in sets
    )
    if before is None:
        return Lineage(sets=(own,), began_with=began_with)
    return Lineage(sets=(own, *earlier), began_with=before.began_with, complete=before.complete)
