"""Where a picture lies: on this machine or at an address. One answer to which pictures a source holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from wildetect.errors import ConfigurationError, InputError
from wildetect.how_far import through
from wildetect.remote.address import Address, is_address
from wildetect.remote.failures import RemoteError
from wildetect.remote.remote_file import RemoteFile, store_for
from wildetect.tables.sheet import delimiter_of
from wildetect.wording import first_of

__all__ = [
    "SIBLINGS",
    "Place",
    "RemoteFolder",
    "are_there",
    "common_folder",
    "files_of",
    "for_pillow",
    "of_each",
    "place_of_text",
    "trouble_with",
    "way_back",
    "why_away",
]

Place = Path | RemoteFile
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")
_AT_ONCE: Final = 16  # questions to a drive or a server
_BATCHES: Final = 4  # for each thread at least: one that waits long keeps few others
_BATCH: Final = 64  # items at most in one

SIBLINGS: Final = ("w", ".wld", ".prj", ".aux.xml", ".msk", ".ovr")
"""Ends of the names of files that belong to a picture beside them."""
_BELONGS: Final = (*SIBLINGS, ".rpb", "_rpc.txt")
_LISTS: Final = (".txt", ".csv")
_LARGEST_LIST: Final = 100_000_000  # bytes
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """What lies at an address that was named as a source.

    Attributes:
        folder: Its folder, from which its pictures get their names.
        files: All files there.
        named: Whether each of them was named itself.
    """

    folder: Address
    files: Sequence[RemoteFile]
    named: bool = False

    def below(self, file: RemoteFile) -> str:
        """The path of one of its files from its folder, as a person reads it."""
        return file.address.shown_path.removeprefix(self.folder.shown_path)


def place_of_text(text: str) -> Place:
    """Where something lies, as a journal or a user says it.

    Raises:
        ConfigurationError: It is an address of a kind that is not read.
    """
    return RemoteFile(Address.parse(text)) if is_address(text) else Path(text)


def of_each(ask: Callable[[_Item], _Answer], items: Iterable[_Item]) -> list[_Answer]:
    """What is asked of each, in their order: a network drive, or a server, answers several side by side."""
    asked = list(items)
    # handing out 100,000 one by one takes longer than to ask a disk for them
    size = min(max(len(asked) // (_BATCHES * _AT_ONCE), 1), _BATCH)
    batches = [asked[start : start + size] for start in range(0, len(asked), size)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answers = threads.map(lambda batch: [ask(item) for item in batch], batches)
        flat = (answer for batch in answers for answer in batch)
        return list(through(flat, "files looked for", len(asked)))


def are_there(places: Iterable[Place]) -> list[bool]:
    """Whether each can be read. Of a server that does not answer the others are taken to be away, too.

    Each of ten thousand photographs would wait a minute for it.
    """
    silent: set[str] = set()

    def ask(place: Place) -> bool:
        if isinstance(place, Path):
            return place.is_file()
        if place.address.host in silent:
            place.trouble = RemoteError("its server does not answer", again=True, silent=True)
            return False
        found = place.is_file()
        if not found and place.trouble is not None and place.trouble.silent:
            silent.add(place.address.host)
        return found

    return of_each(ask, places)


def why_away(place: Place) -> str:
    """Where a photograph was that is not there, with what its server says."""
    trouble = trouble_with(place)
    return str(place) if trouble is None else f"{place}: {trouble.reason}"


def way_back(place: Place) -> str:
    """What makes a photograph readable again that is not there, as the beginning of a hint."""
    if isinstance(place, Path):
        return "Connect the disk that it lies on"
    return f"Let this machine reach {place.address.folder} (network, sign-in)"


def trouble_with(place: Place) -> RemoteError | None:
    """What the network lost of a place since this was last asked: readers pass it over, or say damage."""
    return None if isinstance(place, Path) else place.take_trouble()


def for_pillow(place: Place) -> Path | BinaryIO:
    """What Pillow opens.

    Raises:
        RemoteError: Its server does not answer.
    """
    return place if isinstance(place, Path) else place.open()


@dataclass(frozen=True, slots=True)
class CommonFolder:
    """What several sources at addresses share, from which their pictures get their names.

    Attributes:
        above: Number of parts of a host and path that a name leaves out.
    """

    above: int

    def name_of(self, address: Address) -> str:
        """The name of a picture below it, with forward slashes."""
        return "/".join(_parts(address)[self.above :])


def common_folder(folders: Sequence[Address]) -> CommonFolder:
    """The folder that all share; none of different servers or buckets, whose names are then part of names."""
    first, *others = [[*_parts(folder)[:-1]] for folder in folders]
    above = 0
    while above < len(first) and all(first[: above + 1] == other[: above + 1] for other in others):
        above += 1
    return CommonFolder(above)


def _parts(address: Address) -> list[str]:
    return [address.host, *address.shown_path.split("/")]


def files_of(source: RemoteFile, is_picture: Callable[[str], bool]) -> RemoteFolder:
    """The files that a source at an address stands for.

    Args:
        source: A picture; a list of pictures (.txt, .csv); else a folder: of S3 a prefix, of a web server
            a page that links to its files.
        is_picture: Whether the name of a file is that of a picture.

    Raises:
        InputError: It cannot be read.
    """
    address = source.address
    try:
        if not address.is_folder and address.suffix.lower() in _LISTS:
            return RemoteFolder(address.folder, _listed(source), named=True)
        if not address.is_folder and is_picture(address.name):
            return RemoteFolder(address.folder, [source], named=True)
        is_page = address.suffix.lower() in {".html", ".htm"} and address.scheme != "s3"
        folder = address if address.is_folder or is_page else address.with_path(f"{address.path}/")
        found = store_for(folder.scheme).files(folder)
        files = [RemoteFile(where, facts) for where, facts in found]
    except RemoteError as error:
        raise InputError(
            f"{source}: {error.reason}", hint="Check the address, the network, and who is signed in there."
        ) from None
    return RemoteFolder(folder.folder, _with_siblings(files))


def _listed(source: RemoteFile) -> list[RemoteFile]:
    """The pictures that a list names: one a line, or in the first column of a table that holds addresses.

    Raises:
        InputError: It is too large to be one, or a line names none.
        RemoteError: It cannot be read.
    """
    if source.stat().st_size > _LARGEST_LIST:
        raise InputError(f"{source} is too large to be a list of pictures", hint="Give a list of addresses.")
    text = source.read_bytes().decode("utf-8-sig", errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    if source.suffix.lower() == ".csv":
        lines = _first_cells(source, text)
        lines[:1] = [line for line in lines[:1] if "." in line]  # the heads of its columns
    files, wrong = [], []
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        try:
            address = source.address.joined(line)
        except (ValueError, ConfigurationError):
            wrong.append(f"line {number} is no address of a picture")
            continue
        if address.suffix:
            files.append(RemoteFile(address))
        else:
            wrong.append(f"line {number} names no picture: its address ends without .jpg, .tif or the like")
    if wrong:
        raise InputError(
            f"{source}: {first_of(wrong)}",
            hint="Write one address a line, or the path from the list, such as camp23/DJI_0001.jpg.",
            details=wrong[1:_MOST_NAMED],
        )
    return files


def _first_cells(source: RemoteFile, text: str) -> list[str]:
    try:
        mark = delimiter_of(text.partition("\n")[0])
        return [_cell(row) for row in csv.reader(io.StringIO(text), delimiter=mark)]
    except csv.Error as error:
        raise InputError(f"{source} is not a table: {error}", hint="Give a list of addresses.") from error


def _cell(row: Sequence[str]) -> str:
    """The cell that holds the address: the first that looks like one, else the first."""
    cells = [cell.strip() for cell in row]
    return next((cell for cell in cells if is_address(cell)), cells[0] if cells else "")


def _with_siblings(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """The files, each with those beside it that belong to it."""
    every = list(files)
    beside: dict[tuple[str, str], list[RemoteFile]] = {}
    for file in every:
        if file.name.casefold().endswith(_BELONGS):
            stem = file.name.casefold().removesuffix("_rpc.txt").partition(".")[0]
            beside.setdefault((str(file.address.folder), stem), []).append(file)
    return [
        RemoteFile(
            file.address,
            file.facts,
            siblings=beside.get((str(file.address.folder), file.name.casefold().partition(".")[0]), ()),
        )
        for file in every
    ]
