"""Where labelled pictures lie, under whatever names tools write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from wildetect.errors import InputError
from wildetect.evaluation.annotations import Annotations
from wildetect.imagery.discovery import ImageFile
from wildetect.remote.place import Place
from wildetect.wording import first_lines, form, listed, number_of

__all__ = ["labelled_files"]

MOST_SHOWN = 5
FOLDERS = (".", "images", "pictures", "../images")
_LOCAL = "/data/local-files/?d="  # Label Studio's address of a file on its own disk
_FOLDERS_KEPT = 256


def labelled_files(truth: Annotations, annotations: Path, folder: Path | None) -> list[ImageFile]:
    """Where the labelled pictures lie.

    A picture is looked for under its name as it is written; then as tools write names: with back-slashes, as
    `file://` or Label Studio's local address, with percent-escapes, with the folders of another machine
    before it, in another letter case.

    Args:
        truth: Names them.
        annotations: The annotation file.
        folder: Where they lie; None: beside the annotation file, or in a folder images or pictures there.

    Raises:
        InputError: Some are not there, or two are one file; the first of them are listed.
    """
    bases = [folder] if folder else [annotations.parent / name for name in FOLDERS]
    found = {image.name: _found(image.name, bases) for image in truth.images}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise _missing(missing, len(found), bases)
    files = [ImageFile(path.resolve(), name) for name, path in found.items() if path is not None]
    _refuse_doubles(files)
    return files


def _missing(missing: Sequence[str], labelled: int, bases: Sequence[Path]) -> InputError:
    tried = list(dict.fromkeys(_tails(missing[0])))
    return InputError(
        f"{len(missing)} of {number_of(labelled, 'labelled picture')} {form(len(missing), 'is', 'are')} "
        f"not in {bases[0].resolve()}",
        hint="Name their folder with --images.",
        details=[
            *first_lines(missing, MOST_SHOWN),
            f"tried for the first: {listed(tried)}",
            f"in {listed(str(base.resolve()) for base in bases if base.is_dir())}",
        ],
    )


def _refuse_doubles(files: Sequence[ImageFile]) -> None:
    """Two names that lead to one file: boxes of one would be looked for in the picture of the other."""
    names: dict[Place, str] = {}
    for file in files:
        other = names.setdefault(file.path, file.name)
        if other != file.name:
            raise InputError(
                f"{other} and {file.name} are both found as {file.path}",
                hint="Name the folder that holds their folders with --images.",
            )


def _found(name: str, bases: Sequence[Path]) -> Path | None:
    """The file that fits most of a name, in the first folder that has it."""
    for tail in dict.fromkeys(_tails(name)):
        for base in bases:
            path = _in_any_case(base, tail)
            if path is not None:
                return path
    return None


def _tails(name: str) -> Iterator[str]:
    """A name as it is written, then as it is meant.

    Addresses and absolute paths, which belong to another machine, then lose one folder after the other; a
    relative name keeps them, as `2023/1.jpg` is not `1.jpg`.
    """
    yield name
    meant = _meant(name)
    foreign = "://" in name or _LOCAL in name
    for text in (meant, unquote(meant)):
        parts = PurePosixPath(text).parts
        if not parts:
            continue
        absolute = text.startswith("/") or parts[0].endswith(":")
        yield text
        if absolute or foreign:
            for start in range(1, len(parts)):
                yield "/".join(parts[start:])


def _meant(name: str) -> str:
    text = name.replace("\\", "/")
    if _LOCAL in text:
        return text.partition(_LOCAL)[2].partition("&")[0].lstrip("/")
    scheme, colon, rest = text.partition("://")
    if not colon:
        return text
    # file:///C:/a.png and file:///home/a.png; of a web address the path counts, without what is asked of it
    path = rest if scheme.casefold() == "file" else rest.partition("?")[0]
    _, slash, tail = path.partition("/")
    return tail if slash else path


def _in_any_case(base: Path, tail: str) -> Path | None:
    """A file below a folder (or at an absolute path), in the letter case that is there."""
    place = base / tail
    try:
        if place.is_file():
            return place
    except (OSError, ValueError):
        return None
    if PurePosixPath(tail).is_absolute():
        return None
    place = base
    for part in PurePosixPath(tail).parts:
        if part == "..":
            place /= part
            continue
        spelled = _spellings(place).get(part.casefold())
        if spelled is None:
            return None
        place /= spelled
    return place if place.is_file() else None


@lru_cache(_FOLDERS_KEPT)
def _spellings(folder: Path) -> Mapping[str, str]:
    """Names in a folder by their lower-case spelling; two that differ in case alone are neither."""
    try:
        names = [place.name for place in folder.iterdir()]
    except OSError:
        return {}
    found: dict[str, str] = {}
    double = set()
    for name in names:
        if found.setdefault(name.casefold(), name) != name:
            double.add(name.casefold())
    return {key: name for key, name in found.items() if key not in double}
