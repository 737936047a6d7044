"""Photographs that are there twice under different names: their animals would count twice."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path

from wildetect.imagery.discovery import ImageFile

__all__ = ["COPIES", "copies_among"]

COPIES = (
    "byte for byte the same as another of the images, so that their animals count once more for each copy; "
    "move the copies away"
)
"""What is doubtful about them."""

_PIECE = 65_536  # bytes
_PIECES = 3


def copies_among(images: Sequence[ImageFile]) -> list[str]:
    """Names of the images that are the same file as one before them, such as those of a card copied twice.

    Photographs differ in size nearly always, so that few are read: of those of one size first three
    pieces, whole ones only where these are the same.

    Args:
        images: In the order of the run. A file that cannot be read is no copy.
    """
    groups: Iterable[Sequence[ImageFile]] = [images]
    for key in (_size, _pieces, _content):
        groups = [same for group in groups for same in _alike(group, key)]
    copies = {image.name for group in groups for image in group[1:]}
    return [image.name for image in images if image.name in copies]


def _alike(images: Sequence[ImageFile], key: Callable[[Path], Hashable]) -> Iterator[Sequence[ImageFile]]:
    """The images that have their key in common with another one, those of one key together."""
    groups: dict[Hashable, list[ImageFile]] = defaultdict(list)
    for image in images:
        try:
            groups[key(image.path)].append(image)
        except (OSError, ValueError):  # ValueError: a name that no file can have
            continue
    return (group for group in groups.values() if len(group) > 1)


def _size(path: Path) -> Hashable:
    return path.stat().st_size


def _pieces(path: Path) -> Hashable:
    """Start, middle and end: files of one camera may share their beginning."""
    size = path.stat().st_size
    with path.open("rb") as file:
        read = hashlib.sha256()
        for number in range(_PIECES):
            file.seek(max(size - _PIECE, 0) * number // (_PIECES - 1))
            read.update(file.read(_PIECE))
    return read.digest()


def _content(path: Path) -> Hashable:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
