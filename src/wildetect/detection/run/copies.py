"""Photographs of one moment that are there twice, as copies or by several lenses: animals count twice."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Sequence

from wildetect.how_far import through
from wildetect.imagery.discovery import ImageFile
from wildetect.remote.place import Place
from wildetect.results.pictures.stamps import pieces_of

__all__ = ["doubled"]

_COPIES = (
    "byte for byte the same as another of the images, so that detections hold their animals once more for "
    "each copy; move the copies away"
)
_LENSES = (
    "one of several pictures of the same moment, by other lenses or of other bands, as their names say: "
    "animals count once in each; detect in one of the kinds alone"
)
_KINDS = (
    "of the same name as another of the images, but for the kind of the file: if both are the same picture, "
    "animals count once in each; move one of the kinds away"
)
# DJI: wide, zoom, thermal, visible, and bands (MS_G, MS_NIR); Parrot Sequoia; MicaSense: bands 1 to 10
_MOMENTS = (
    re.compile(r"(?P<moment>DJI_\d{14}_\d{4,}_)(?:[TWZVSD]|MS_[A-Z]+)(?P<rest>(?:_.*)?\.\w+)", re.IGNORECASE),
    re.compile(r"(?P<moment>IMG_\d+_\d+_\d+_)(?:GRE|NIR|RED|REG|RGB)(?P<rest>)\.\w+", re.IGNORECASE),
    re.compile(r"(?P<moment>IMG_\d{4,}_)(?:[1-9]|10)(?P<rest>\.tiff?)", re.IGNORECASE),
)


def doubled(images: Sequence[ImageFile], read: Container[str]) -> dict[str, list[str]]:
    """Why animals in some images would count more than once, and the names of these.

    Args:
        images: Images in the order of the run.
        read: Names of those that can be read.
    """
    copies = _copies_among(images)
    kinds = [name for name in _of_several_kinds(images) if name not in set(copies)]
    told = {_COPIES: copies, _LENSES: _of_one_moment(images), _KINDS: kinds}
    found = {what: [name for name in names if name in read] for what, names in told.items()}
    return {what: names for what, names in found.items() if names}


def _of_several_kinds(images: Sequence[ImageFile]) -> list[str]:
    """Names of the images before which one of the same name with another suffix lies: a.jpg and a.tif."""
    seen: set[str] = set()
    found = []
    for image in images:
        stem = image.name.removesuffix(image.path.suffix).casefold()
        if stem in seen:
            found.append(image.name)
        seen.add(stem)
    return found


def _of_one_moment(images: Sequence[ImageFile]) -> list[str]:
    """Names of the images beside which others lie that the same trigger took."""
    moments: dict[Hashable, list[str]] = defaultdict(list)
    for image in images:
        folder, _, name = image.name.rpartition("/")
        found = next((match for one in _MOMENTS if (match := one.fullmatch(name))), None)
        if found is not None:
            moments[(folder, found["moment"].casefold())].append(image.name)
    several = {name for names in moments.values() if len(names) > 1 for name in names}
    return [image.name for image in images if image.name in several]


def _copies_among(images: Sequence[ImageFile]) -> list[str]:
    """Names of the images that are the same file as one before them, such as those of a card copied twice.

    Photographs differ in size nearly always, so that few are read: of those of one size first three
    pieces, whole ones only where these are the same.

    Args:
        images: Images in the order of the run. A file that cannot be read is no copy.
    """
    groups: Iterable[Sequence[ImageFile]] = [images]
    for key in (_size, pieces_of, _content):
        groups = [same for group in groups for same in _alike(group, key)]
    copies = {image.name for group in groups for image in group[1:]}
    return [image.name for image in images if image.name in copies]


def _alike(images: Sequence[ImageFile], key: Callable[[Place], Hashable]) -> Iterator[Sequence[ImageFile]]:
    """The images that have their key in common with another one, those of one key together."""
    groups: dict[Hashable, list[ImageFile]] = defaultdict(list)
    for image in through(images, "files compared"):
        try:
            groups[key(image.path)].append(image)
        except (OSError, ValueError):  # ValueError: a name that no file can have
            continue
    return (group for group in groups.values() if len(group) > 1)


def _size(path: Place) -> Hashable:
    return path.stat().st_size


def _content(path: Place) -> Hashable:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
