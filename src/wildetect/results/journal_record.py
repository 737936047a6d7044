"""What the journal in a folder knows: of which run it is, and which images are done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from wildetect.errors import ConfigurationError, InputError
from wildetect.imagery.discovery import ImageFile
from wildetect.results.journal_lines import Stamp, parsed, tally_from, tiles_from
from wildetect.results.journal_reading import JOURNAL, JournalledResults, lines
from wildetect.results.records import RunSummary, Tally, TileResult

__all__ = ["Entry", "Record", "header_of"]

_VERSION = 1


class Entry(NamedTuple):
    """What is kept in memory of a line.

    Attributes:
        offset: Of the line in bytes.
        stamp: Of the image's file before it was read.
        tally: Counts.
    """

    offset: int
    stamp: Stamp | None
    tally: Tally

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the image failed."""
        return self.tally.failure is None and not self.tally.tiles_failed


def header_of(started: datetime, shape: Mapping[str, object]) -> dict[str, Any]:
    """The first line of a journal."""
    return {"journal": _VERSION, "started": started.isoformat(), "shape": dict(shape)}


@dataclass(slots=True)
class Record:
    """The content of a journal, without the detections themselves.

    Attributes:
        path: The journal.
        shape: What shapes the results, by name; None where there is no journal yet.
        started: When the run was first started.
        seconds: How long the run worked until now, all its starts together.
        entries: By image.
        parts: Of each image that is not done, the offset and stamp of the lines of its tiles.
        end: Where the whole lines end, in bytes.
    """

    path: Path
    shape: Mapping[str, object] | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    entries: dict[str, Entry] = field(default_factory=dict)
    parts: dict[str, list[tuple[int, Stamp | None]]] = field(default_factory=dict)
    end: int = 0

    @classmethod
    def read(cls, folder: Path) -> Record:
        """The journal of a folder; one without entries where there is none, or only a torn first line.

        Raises:
            ConfigurationError: It is of another version of the program, or no journal.
            InputError: It cannot be read.
        """
        record = cls(folder / JOURNAL)
        try:
            record._read()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise InputError(
                f"cannot read {record.path}: {error.strerror or error}",
                hint="Close it in other programs, or give another folder with --output.",
            ) from error
        return record

    def refuse_another(self, shape: Mapping[str, object]) -> None:
        """Go no further where the journal is that of another run.

        Raises:
            ConfigurationError: Its details say what differs.
        """
        if self.shape is None:
            return
        differs = [
            f"{name}: {_shown(shape.get(name))}, there {_shown(self.shape.get(name))}"
            for name in sorted({*self.shape, *shape})
            if self.shape.get(name) != shape.get(name)
        ]
        if differs:
            names = ", ".join(line.split(":")[0] for line in differs)
            raise ConfigurationError(
                f"{self.path.parent} holds another run: its {names} differ{'s' * (len(differs) == 1)}",
                hint="Give another folder with --output, or replace that run with --restart.",
                details=differs,
            )

    def holds(self, name: str, stamp: Stamp | None) -> bool:
        """Whether an image is done: nothing of it failed, and its file is still the one that was read."""
        entry = self.entries.get(name)
        return entry is not None and entry.is_whole and stamp is not None and entry.stamp == stamp

    def count(self, images: Iterable[ImageFile], summary: RunSummary) -> None:
        """Add what is known of images to a summary, without reading their detections again."""
        for image in images:
            summary.count(image.name, self.entries[image.name].tally)

    def results(self, images: Iterable[ImageFile]) -> JournalledResults:
        """The results of those images that have one, in their order."""
        known = [image for image in images if image.name in self.entries]
        places = [(self.entries[image.name].offset, image.path) for image in known]
        return JournalledResults(self.path, places)

    def tiles(self, name: str, stamp: Stamp | None) -> list[TileResult]:
        """The tiles that are done of an image that is not, if its file is still the one that was read."""
        offsets = [offset for offset, then in self.parts.get(name, []) if stamp is not None and then == stamp]
        if not offsets:
            return []
        found: list[TileResult] = []
        with self.path.open("rb") as file:
            for offset in offsets:
                file.seek(offset)
                found += tiles_from(json.loads(file.readline()))
        return found

    def _read(self) -> None:
        with self.path.open("rb") as file:
            first = file.readline()
            header = parsed(first) if first.endswith(b"\n") else None
            if header is None and not file.read(1):
                return  # killed before the first line was whole
            if header is None or header.get("journal") != _VERSION:
                raise ConfigurationError(
                    f"{self.path} was not written by this version of the program",
                    hint="Give another folder with --output, or begin anew there with --restart.",
                )
            self.shape = header["shape"]
            self.started = datetime.fromisoformat(header["started"])
            self.end = len(first)
            file.seek(self.end)
            for offset, length, document in lines(file, self.end):
                self.end = offset + length
                if document is not None:
                    self._take(offset, document)

    def _take(self, offset: int, document: dict[str, Any]) -> None:
        self.seconds = document["elapsed"]
        stamp = Stamp(*document["stamp"]) if document["stamp"] else None
        if "part_of" in document:
            self.parts.setdefault(document["part_of"], []).append((offset, stamp))
        else:
            entry = self.entries[document["image"]] = Entry(offset, stamp, tally_from(document))
            if entry.is_whole:
                self.parts.pop(document["image"], None)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
