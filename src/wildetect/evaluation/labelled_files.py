"""Where labelled pictures lie, under whatever names tools write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

from wildetect.errors import InputError
from wildetect.evaluation.annotations import Annotations
from wildetect.imagery.discovery import ImageFile
from wildetect.remote.place import Place
from wildetect.tables.names import meanings, spelled_alike
from wildetect.wording import first_lines, form, listed, number_of

__all__ = ["labelled_files"]

MOST_SHOWN = 5
FOLDERS = (".", "images", "pictures", "../images", "../JPEGImages")
_FOLDERS_KEPT = 256


def labelled_files(truth: Annotations, annotations: Path, folder: Path | None) -> list[ImageFile]:
    """Where the labelled pictures lie.

    A picture is looked for under its name as it is written; then under what tools mean by it (`meanings`),
    in any letter case.

    Args:
        truth: Names them.
        annotations: The annotation file.
        folder: Where they lie; None: beside the annotation file, or in a folder images or pictures there.

    Raises:
        InputError: Some are not there, or two are one file; the first of them are listed.
    """
    beside = annotations if annotations.is_dir() else annotations.parent
    bases = [folder] if folder else [beside / name for name in FOLDERS]
    found = {image.name: _found(image.name, bases) for image in truth.images}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise _missing(missing, len(found), bases)
    files = [ImageFile(path.resolve(), name) for name, path in found.items() if path is not None]
    _refuse_doubles(files)
    return files


def _missing(missing: Sequence[str], labelled: int, bases: Sequence[Path]) -> InputError:
    tried = list(dict.fromkeys(meanings(missing[0])))
    return InputError(
        f"{len(missing):,} of {number_of(labelled, 'labelled picture')} {form(len(missing), 'is', 'are')} "
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
    for tail in dict.fromkeys(meanings(name)):
        for base in bases:
            path = _in_any_case(base, tail)
            if path is not None:
                return path
    return None


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
        spelled = _spellings(place).get(spelled_alike(part))
        if spelled is None:
            return None
        place /= spelled
    return place if place.is_file() else None


@lru_cache(_FOLDERS_KEPT)
def _spellings(folder: Path) -> Mapping[str, str]:
    """Names in a folder as names are compared; two that differ in case or accents alone are neither."""
    try:
        names = [place.name for place in folder.iterdir()]
    except OSError:
        return {}
    found: dict[str, str] = {}
    double = set()
    for name in names:
        if found.setdefault(spelled_alike(name), name) != name:
            double.add(spelled_alike(name))
    return {key: name for key, name in found.items() if key not in double}
