"""Read a journal: its lines one after the other, and results when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeGuard, overload

from wildetect.errors import InputError
from wildetect.results.journal.lines import parsed, result_from
from wildetect.results.records import ImageResult

__all__ = ["JOURNAL", "JournalledResults", "journalled_names", "lines", "read_results"]

JOURNAL = "journal.jsonl"


def lines(file: IO[bytes], offset: int) -> Iterator[tuple[int, int, dict[str, Any] | None]]:
    """Offset, length and content of each whole line of a journal; None for one that is damaged.

    Args:
        file: Open at the line after the header.
        offset: Of that line in bytes.
    """
    for line in file:
        if not line.endswith(b"\n"):
            return  # cut in the middle
        yield offset, len(line), parsed(line)
        offset += len(line)


def _is_result(document: dict[str, Any] | None) -> TypeGuard[dict[str, Any]]:
    """Whether a line is whole and of an image that is done, not of some of its tiles."""
    return document is not None and "image" in document


class JournalledResults(Sequence[ImageResult]):
    """Results that are read from a journal when they are asked for: memory does not grow with them.

    Args:
        path: The journal.
        places: For each result the offset of its line in bytes, and where its image lies.
    """

    def __init__(self, path: Path, places: Sequence[tuple[int, Path | None]]) -> None:
        self._path = path
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[ImageResult]:
        with self._path.open("rb") as file:
            for offset, image in self._places:
                if file.tell() != offset:
                    file.seek(offset)
                yield result_from(json.loads(file.readline()), image)

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
        InputError: There is no journal in it.
    """
    try:
        with (folder / JOURNAL).open("rb") as file:
            end = len(file.readline())
            last: dict[str, int] = {}
            left_out: list[str] = []
            for offset, _, document in lines(file, end):
                if _is_result(document):
                    last[document["image"]] = offset  # an image that was done again keeps its place
                elif document is not None:
                    left_out = document.get("left_out", left_out)
    except OSError as error:
        raise InputError(
            f"there is no finished or interrupted run in {folder}: {error.strerror or error}",
            hint="Name the output folder of a run of detect.run.",
        ) from error
    gone = set(left_out)
    return JournalledResults(
        folder / JOURNAL, [(offset, None) for name, offset in last.items() if name not in gone]
    )


def journalled_names(folder: Path) -> set[str]:
    """Names of the images in the journal of a folder; none where there is no readable one."""
    try:
        with (folder / JOURNAL).open("rb") as file:
            end = len(file.readline())
            return {str(document["image"]) for _, _, document in lines(file, end) if _is_result(document)}
    except (OSError, KeyError):
        return set()
