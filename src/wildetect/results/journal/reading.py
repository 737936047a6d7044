"""Read a journal: its lines one after the other, and results when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeGuard, overload

from wildetect.errors import InputError
from wildetect.how_far import through
from wildetect.remote.place import Place
from wildetect.results.journal.checks import check_header, check_line
from wildetect.results.journal.command import DETECT, SOURCE, Command, again, to_go_on
from wildetect.results.journal.lines import place_from, result_from
from wildetect.results.records import ImageResult
from wildetect.results.sealed import Seals

__all__ = [
    "JOURNAL",
    "VERSION",
    "JournalledResults",
    "Line",
    "command_of",
    "journalled_names",
    "lines",
    "read_header",
    "read_results",
]

JOURNAL = "journal.jsonl"
VERSION = 1
_AGAIN = "Give the command of that run again"
_MOST_NAMED = 10


class Line(NamedTuple):
    """A line of a journal after its first.

    Attributes:
        number: Number of the line in its file, from 1.
        offset: Offset of the line in bytes.
        end: End of the line in bytes.
        document: What it says; null where it is damaged.
        damage: What is wrong with it; empty where nothing is.
        cut: Whether the file ends in the middle of it.
    """

    number: int
    offset: int
    end: int
    document: dict[str, Any] | None
    damage: str = ""
    cut: bool = False

    @property
    def complaint(self) -> str:
        """What is wrong with it, and where, for a person."""
        return f"line {self.number}: {self.damage}"


def lines(file: IO[bytes], seals: Seals, offset: int) -> Iterator[Line]:
    """Read the lines of a journal after its first.

    Args:
        file: Open at the line after the header.
        seals: What read the header.
        offset: Offset of that line in bytes.
    """
    for number, line in enumerate(file, start=2):
        end = offset + len(line)
        if not line.endswith(b"\n"):
            yield Line(number, offset, end, None, "it was cut in the middle", cut=True)
            return
        document, damage = None, ""
        try:
            document = seals.parsed(line)
            check_line(document)
        except ValueError as error:
            document, damage = None, str(error)
        yield Line(number, offset, end, document, damage)
        offset = end


def read_header(first: bytes, seals: Seals) -> dict[str, Any]:
    """Read the first line of a journal.

    Raises:
        ValueError: It is damaged, or of another program or version; the text says how, for a person.
    """
    if not first.endswith(b"\n"):
        raise ValueError("line 1 was cut in the middle")
    try:
        header = seals.parsed(first)
    except ValueError as error:
        raise ValueError(f"line 1: {error}") from error
    if header.get("journal") != VERSION:
        raise ValueError("it was not written by this version of the program")
    try:
        check_header(header)
    except ValueError as error:
        raise ValueError(f"line 1: {error}") from error
    return header


def command_of(document: Mapping[str, Any]) -> Command | None:
    """The command that a line of a journal tells; None where it tells none."""
    if "command" in document:
        return Command.read(document["command"])
    if document.get("config") is not None:  # as earlier versions kept it
        return Command(DETECT, (("--config", document["config"]),))
    return None


def _is_result(document: dict[str, Any] | None) -> TypeGuard[dict[str, Any]]:
    """Whether a line is whole and of an image that is done, not of some of its tiles."""
    return document is not None and "image" in document


class JournalledResults(Sequence[ImageResult]):
    """Results that are read from a journal when they are asked for: memory does not grow with them.

    Args:
        path: The journal.
        places: For each result the offset of its line in bytes, and where its image lies.
    """

    def __init__(self, path: Path, places: Sequence[tuple[int, Place | None]]) -> None:
        self._path = path
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[ImageResult]:
        with self._path.open("rb") as file:
            for offset, image in through(self._places, "results read"):
                if file.tell() != offset:
                    file.seek(offset)
                yield result_from(self._line(file.readline()), image, self._path.parent)

    def _line(self, line: bytes) -> dict[str, Any]:
        try:
            document = Seals().parsed(line)
            check_line(document)
        except ValueError as error:
            raise InputError(
                f"{self._path} was changed while it was read: {error}", hint=f"{_AGAIN}."
            ) from error
        return document

    @overload
    def __getitem__(self, index: int) -> ImageResult: ...
    @overload
    def __getitem__(self, index: slice) -> JournalledResults: ...
    def __getitem__(self, index: int | slice) -> ImageResult | JournalledResults:
        if isinstance(index, slice):
            return JournalledResults(self._path, self._places[index])
        return next(iter(JournalledResults(self._path, [self._places[index]])))


def read_results(folder: Path) -> JournalledResults:
    """The results that a run left in its folder, in the order in which they were done.

    Those of images that its last start did not find are not among them.

    Raises:
        InputError: There is no journal in it, or a line of it is damaged: its image would be missing.
    """
    last: dict[str, int] = {}
    moved: dict[str, dict[str, Any]] = {}
    left_out, damage = list[str](), list[str]()
    path = folder / JOURNAL
    try:
        with path.open("rb") as file:
            seals, first = Seals(), file.readline()
            header = read_header(first, seals)
            begun = command_of(header)
            for line in through(lines(file, seals, len(first)), "lines of the journal read"):
                if line.document is None:
                    damage.append(line.complaint)
                elif "damaged" in line.document:
                    damage.clear()  # a later start did their images again
                elif _is_result(line.document):
                    # an image that was done again keeps its place
                    last[line.document["image"]] = line.offset
                    moved.pop(line.document["image"], None)
                elif "moved" in line.document:
                    moved.update(line.document["moved"])
                    header["shape"][SOURCE] = line.document[SOURCE]
                else:
                    begun = command_of(line.document) or begun
                    left_out = line.document.get("left_out", left_out)
    except OSError as error:
        raise InputError(
            f"there is no finished or interrupted run in {folder}: {error.strerror or error}",
            hint="Name the output folder of a run of detect.run.",
        ) from error
    except ValueError as error:
        raise InputError(
            f"{path} cannot be read: {error}", hint=f"{_AGAIN} with --restart: it begins again."
        ) from error
    if damage:
        raise _damaged(path, damage, to_go_on(begun, header["shape"], header.get("model"), folder))
    gone = set(left_out)
    now = {name: place_from(document, folder) for name, document in moved.items()}
    return JournalledResults(path, [(last[name], now.get(name)) for name in last if name not in gone])


def _damaged(path: Path, damage: Sequence[str], command: Command | None) -> InputError:
    return InputError(
        f"{path} is damaged: {len(damage)} of its lines cannot be read; their images would be missing",
        hint=f"Have these images done again, and no others: {again(command)}",
        details=damage[:_MOST_NAMED],
    )


def journalled_names(folder: Path) -> set[str]:
    """Names of the images in the journal of a folder; none where there is no readable one."""
    try:
        with (folder / JOURNAL).open("rb") as file:
            seals, first = Seals(), file.readline()
            read_header(first, seals)
            found = [line.document for line in lines(file, seals, len(first))]
    except (OSError, ValueError):
        return set()
    return {document["image"] for document in found if _is_result(document)}
