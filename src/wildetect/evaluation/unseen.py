"""Whether a detector has learned from the pictures that it is measured on: by what they show, not by name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wildetect.errors import ModelError
from wildetect.evaluation.annotations import Annotations
from wildetect.evaluation.content import Content, content_of, looks_alike
from wildetect.imagery.camera.camera import read_camera
from wildetect.imagery.discovery import ImageFile
from wildetect.imagery.reading import Reading
from wildetect.imagery.source import UnreadableImageError
from wildetect.registry.learning.lineage import LearnedSet, Lineage
from wildetect.wording import number_of

__all__ = ["Seen", "near_learned", "refuse_seen", "seen_by"]

_CELL = 0.1  # degrees: the places that a lineage keeps, as exact ones would tell where animals are


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture that a detector has learned from.

    Attributes:
        picture: Its name.
        dataset: Name of the training set.
        how: Way in which it is in it, for a person.
    """

    picture: str
    dataset: str
    how: str


def refuse_seen(
    model: str,
    lineage: Lineage | None,
    truth: Annotations,
    files: Sequence[ImageFile],
    reading: Reading,
) -> str:
    """Go no further where a detector has learned from a picture that it is to be measured on.

    Args:
        model: The detector, for a person.
        lineage: What it has learned from; null: not known.
        truth: The labelled pictures.
        files: Where each of them lies.
        reading: How values become 8 bits.

    Returns:
        "none" where it has learned from none of them, "unknown" where that cannot be told.

    Raises:
        ModelError: It has learned from some.
    """
    if lineage is None:
        return "unknown"
    photographs = {image.name: image.photograph for image in truth.images}
    shown = {}
    for file in files:
        with contextlib.suppress(UnreadableImageError):  # the evaluation says so
            shown[file.name] = content_of(file.path, reading)
    seen = list(seen_by(lineage, shown, photographs))
    if seen:
        first = seen[0]
        raise ModelError(
            f"{model} has learned from {len(seen):,} of {number_of(len(files), 'picture')}: {first.picture} "
            f"{first.how} of the training set {first.dataset}. Numbers on them would be too good",
            hint="Measure it on pictures that it has not seen, such as test.json of its training set.",
            details=[f"{one.picture}: {one.how} of {one.dataset}" for one in seen[1:5]],
        )
    return "none" if lineage.complete else "unknown"


def seen_by(lineage: Lineage, shown: Mapping[str, Content], photographs: Mapping[str, str]) -> Iterator[Seen]:
    """Find the pictures that a detector has learned from.

    Args:
        lineage: What it has learned from.
        shown: The content of each picture, by name.
        photographs: Digest of the photograph that a picture is a tile of, by the picture's name.
    """
    tables = [(one, set(one.photographs), set(one.tiles)) for one in lineage.sets]
    for name, content in shown.items():
        for one, learned, tiles in tables:
            how = None
            if content.sha256 in learned:
                how = "is a photograph"
            elif content.sha256 in tiles:
                how = "is a tile"
            elif photographs.get(name) in learned:
                how = "is cut from a photograph"
            elif _looks_known(content.look, one):
                how = "shows the same as a photograph"
            if how is not None:
                yield Seen(name, one.name, how)
                break


def near_learned(lineage: Lineage | None, files: Sequence[ImageFile]) -> list[str]:
    """Name the pictures that may show ground that a detector has learned from, photographed on another day.

    A lineage keeps places to 0.1 degrees (11 km), so that a picture of the same cell or the next one may show
    the same ground or not.

    Args:
        lineage: What the detector has learned from; null: not known.
        files: The pictures; those without a position are never among them.
    """
    known = {
        (round(latitude / _CELL), round(longitude / _CELL))
        for one in (() if lineage is None else lineage.sets)
        for latitude, longitude, _ in one.scenery.places
    }
    if not known:
        return []
    found = []
    for file in files:
        position = read_camera(file.path).position
        if position is None:
            continue
        row, column = round(position.latitude / _CELL), round(position.longitude / _CELL)
        around = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
        if around & known:
            found.append(file.name)
    return found


def _looks_known(look: str, learned: LearnedSet) -> bool:
    return any(looks_alike(look, other) for other in learned.looks)
