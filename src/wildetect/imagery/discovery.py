"""Find the images to work on: files and folders, in one natural order, none twice."""

from __future__ import annotations

import errno
import logging
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from wildetect.errors import InputError
from wildetect.how_far import through
from wildetect.imagery.kinds import (
    EXTENSIONS,
    HEIF,
    RAW,
    extensions,
    holds_a_picture,
    looks_like_a_picture,
    why_not_read,
)
from wildetect.imagery.positions.metadata import Position
from wildetect.remote.place import Place, RemoteFolder, common_folder, files_of, of_each
from wildetect.remote.remote_file import RemoteFile
from wildetect.wording import first_of, listed, number_of

__all__ = ["DRAWN", "Discovery", "ImageFile", "discover", "look_for", "natural_order"]

_OF_A_RUN = frozenset({"journal.jsonl", "run.json"})
"""Files of an output folder of detection."""
DRAWN = "overlays"
"""The folder beside them with copies of photographs that have boxes drawn in."""
_SYSTEM_FOLDERS = {"__macosx", "@eadir", "$recycle.bin", "system volume information"}
_TWINS = "an image of the same name beside it is read in its place, as the same picture"
_SYSTEM_FILES = ("thumbs.", "ehthumbs")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image to work on.

    Attributes:
        path: Where it lies: absolute, or its address.
        name: What results call it: relative to the source folder (or to the folder that all sources
            share), with forward slashes; unique in a run.
        position: Position by a table of positions, for a photograph that does not tell; null: none.
        above_ground: Height in m by that table, for a photograph that does not tell; null: none.
    """

    path: Place
    name: str
    position: Position | None = None
    above_ground: float | None = None


@dataclass(frozen=True, slots=True)
class Discovery:
    """What lies among files and in folders.

    Attributes:
        images: To work on, in natural order.
        not_read: Names of the files that look like pictures and are not worked on, for each reason; and of
            folders that cannot be looked into, with a slash at the end.
    """

    images: list[ImageFile]
    not_read: Mapping[str, Sequence[str]] = field(default_factory=dict)


def discover(sources: Sequence[Place], *, exclude: Iterable[Path] = ()) -> list[ImageFile]:
    """The images that `look_for` finds; arguments and errors as there."""
    return look_for(sources, exclude=exclude).images


def look_for(sources: Sequence[Place], *, exclude: Iterable[Path] = ()) -> Discovery:
    """All images among files and, recursively, in folders.

    Hidden and system files in folders are left out; so are links to an image that is there already, raw
    files beside the same picture as JPEG, and the pictures with boxes that any run drew: they show the same
    animals once more. A file that is named itself is taken if it is of a kind that is
    read, in any letter case.

    Args:
        sources: Files and folders; or addresses of pictures, folders and lists of pictures.
        exclude: Folders not to look into, such as the output folder of the run.

    Returns:
        The images in natural order (2.jpg before 10.jpg), the same on every machine.

    Raises:
        InputError: A source does not exist, cannot be asked or is a file of another kind, some are on this
            machine and others are not, or there are no images.
    """
    local = [source for source in sources if isinstance(source, Path)]
    remote = [source for source in sources if not isinstance(source, Path)]
    if local and remote:
        raise InputError(
            f"{local[0]} is on this machine, {remote[0]} is not: one run has its pictures in one place",
            hint="Detect in each by a run of its own.",
        )
    there = _at_addresses(remote) if remote else _on_this_machine(local, exclude)
    found = there.files
    readable = extensions()
    twins = {key for key in _twins(found) if key not in there.named}
    images: list[ImageFile] = []
    other: list[ImageFile] = []
    for key, image in found.items():
        if key not in twins:
            (images if image.path.suffix.lower() in readable else other).append(image)
    not_read = {**_by_reason(other), **there.unseen}
    if twins:
        not_read[_TWINS] = sorted((found[key].name for key in twins), key=natural_order)
    if not images:
        raise _nothing(sources, not_read)
    return Discovery(sorted(images, key=lambda image: natural_order(image.name)), not_read)


class _There(NamedTuple):
    """What lies at the sources.

    Attributes:
        files: Those that look like pictures, by their identity.
        named: The identities of those that were named.
        unseen: Folders that cannot be looked into, for each reason.
    """

    files: Mapping[str, ImageFile]
    named: Collection[str]
    unseen: Mapping[str, Sequence[str]]


def _on_this_machine(sources: Sequence[Path], exclude: Iterable[Path]) -> _There:
    _check(sources)
    left_out = {_identity(folder) for folder in exclude}
    base = _base([source.absolute() if source.is_dir() else source.absolute().parent for source in sources])
    found: dict[str, ImageFile] = {}
    troubles: list[OSError] = []
    for source in sources:
        folder = _images_in(source.absolute(), left_out, troubles) if source.is_dir() else None
        for path in [source.absolute()] if folder is None else through(folder, "pictures found"):
            key = _identity(path)
            if key not in found:
                found[key] = ImageFile(path, _name(path, base))
    unseen: dict[str, list[str]] = {}
    for error in troubles:
        why = f"not looked into, nor what it may hold: {error.strerror or error}"
        unseen.setdefault(why, []).append(f"{_name(Path(error.filename), base)}/")
    named = {_identity(source.absolute()) for source in sources if not source.is_dir()}
    return _There(found, named, unseen)


def _at_addresses(sources: Sequence[RemoteFile]) -> _There:
    folders = [files_of(source, looks_like_a_picture) for source in sources]
    base = common_folder([folder.folder for folder in folders])
    found: dict[str, ImageFile] = {}
    named: set[str] = set()
    for folder in folders:
        for file in folder.files if folder.named else _pictures_among(folder):
            key = str(file)
            known = found.setdefault(key, ImageFile(file, base.name_of(file.address)))
            _refuse_one_for_two(known.path, file)
            if folder.named:
                named.add(key)
    return _There(found, named, {})


def _refuse_one_for_two(known: Place, file: RemoteFile) -> None:
    """Addresses are written without their queries, which may hold keys: two must not become one."""
    if isinstance(known, RemoteFile) and known.address.query != file.address.query:
        raise InputError(
            f"{file} is there twice, with different texts behind the question mark",
            hint="Name each picture once; pictures must differ in the part before the question mark.",
        )


def _pictures_among(found: RemoteFolder) -> Iterator[RemoteFile]:
    """As `_images_in` chooses."""
    runs = {str(file.address.folder) for file in found.files if file.name in _OF_A_RUN}
    drawn = tuple(f"{run}{DRAWN}/" for run in runs)
    shown = []
    for file in found.files:
        # what the source itself is called, and lies in, is the choice of who named it
        *folders, name = found.below(file).casefold().split("/")
        hidden = any(part.startswith(".") or part in _SYSTEM_FOLDERS for part in (*folders, name))
        if not (hidden or str(file.address).startswith(drawn) or name.startswith(_SYSTEM_FILES)):
            shown.append(file)
    unnamed = [file for file in shown if not looks_like_a_picture(file.name)]
    others = {
        file for file, holds in zip(unnamed, of_each(holds_a_picture, unnamed), strict=True) if not holds
    }
    return (file for file in shown if file not in others)


def _twins(found: Mapping[str, ImageFile]) -> Iterator[str]:
    """Raw and HEIF files beside the same picture in a kind that every installation reads."""

    def stem(image: ImageFile) -> str:
        return os.path.normcase(str(image.path).removesuffix(image.path.suffix)).casefold()

    plain = {stem(image) for image in found.values() if image.path.suffix.lower() in EXTENSIONS}
    for key, image in found.items():
        if image.path.suffix.lower() in (*RAW, *HEIF) and stem(image) in plain:
            yield key


def _by_reason(files: Iterable[ImageFile]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for file in sorted(files, key=lambda file: natural_order(file.name)):
        reasons.setdefault(why_not_read(file.path.suffix), []).append(file.name)
    return reasons


def _nothing(sources: Sequence[Place], not_read: Mapping[str, Sequence[str]]) -> InputError:
    where = listed(sources, none="an empty list")
    if not_read:
        number = sum(map(len, not_read.values()))
        return InputError(
            f"no images that are read in {where}, but {number_of(number, 'other')}",
            hint="Install what reads them, or save them as JPEG, PNG or TIFF.",
            details=[f"{why} ({len(files)}, such as {files[0]})" for why, files in not_read.items()],
        )
    return InputError(
        f"no images in {where}", hint=f"Name a folder or files with one of {' '.join(extensions())}"
    )


def _check(sources: Sequence[Path]) -> None:
    problems = []
    for source in sources:
        if not source.exists():
            problems.append(f"{source}: does not exist")
        elif not source.is_dir() and source.suffix.lower() not in extensions():
            told = looks_like_a_picture(source.name)
            reason = why_not_read(source.suffix) if told else f"not one of {' '.join(extensions())}"
            problems.append(f"{source}: {reason}")
    if problems:
        raise InputError(first_of(problems), hint="Check the path for typing errors", details=problems[1:])


def _images_in(folder: Path, left_out: set[str], troubles: list[OSError]) -> Iterator[Path]:
    """Files that look like images below a folder. Linked folders are followed, each real one once.

    Args:
        folder: Where to look.
        left_out: Identities of folders not to look into.
        troubles: Is given an error for each folder, or link that may be one, that cannot be looked into.
    """
    visited = left_out - {_identity(folder)}  # results may be written among the images
    pending = [folder]
    while pending:
        current = pending.pop()
        identity = _identity(current)
        if identity in visited:
            continue
        visited.add(identity)
        try:
            entries = list(os.scandir(current))
        except OSError as error:
            logger.warning("cannot look into %s: %s", current, error.strerror or error)
            troubles.append(OSError(error.errno, error.strerror or str(error), str(current)))
            continue
        drawn = DRAWN if _OF_A_RUN.intersection(entry.name for entry in entries) else None
        for entry in entries:
            try:
                if _is_hidden(entry) or entry.name == drawn:
                    continue
                if entry.is_dir():
                    pending.append(Path(entry.path))
                elif _is_a_picture(entry):
                    yield Path(entry.path)
            except OSError as error:  # such a link, or one to itself; a damaged folder
                if looks_like_a_picture(entry.name):
                    yield Path(entry.path)  # it fails alone, and is named among those that failed
                else:
                    logger.warning("cannot look at %s: %s", entry.path, error.strerror or error)
                    troubles.append(OSError(error.errno, error.strerror or str(error), entry.path))


def _is_a_picture(entry: os.DirEntry[str]) -> bool:
    """Whether a file looks like a picture.

    Raises:
        OSError: It is a link to itself or to what is not there, which may be a folder.
    """
    if entry.is_file():
        return looks_like_a_picture(entry.name) or holds_a_picture(Path(entry.path))
    if entry.is_symlink() and not Path(entry.path).exists():
        raise FileNotFoundError(errno.ENOENT, "it is a link to what is not there")
    return False


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    """Dot files (macOS writes ._x.jpg beside x.jpg), thumbnails, and what Windows hides."""
    name = entry.name.lower()
    if name.startswith(".") or name in _SYSTEM_FOLDERS or name.startswith(_SYSTEM_FILES):
        return True
    try:
        attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    except OSError:
        return False  # let opening it say why
    return bool(attributes & (stat.FILE_ATTRIBUTE_HIDDEN | stat.FILE_ATTRIBUTE_SYSTEM))


def _identity(path: Path) -> str:
    """The same text for the same file or folder, through links and, on Windows, any letter case."""
    return os.path.normcase(os.path.realpath(path))


def _base(folders: Sequence[Path]) -> Path | None:
    """The folder that all sources share; None on different drives of Windows."""
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:
        return None


def _name(path: Path, base: Path | None) -> str:
    return (path if base is None else path.relative_to(base)).as_posix()


def natural_order(name: str) -> tuple[object, ...]:
    """Sort key: folder by folder, digits as numbers, letter case only where nothing else differs."""
    folders = [
        [
            (0, int(part), "") if part.isdecimal() else (1, 0, part)
            for part in re.split(r"(\d+)", folder.casefold())
        ]
        for folder in name.split("/")
    ]
    return (folders, name)
