"""What the journal in a folder knows: of which run it is, and which images are done."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wildetect.errors import ConfigurationError, InputError
from wildetect.how_far import through
from wildetect.imagery.discovery import ImageFile
from wildetect.remote.place import Place, of_each
from wildetect.results.journal.command import SOURCE, Command, to_go_on
from wildetect.results.journal.lines import Entry, tally_from, tiles_from
from wildetect.results.journal.reading import (
    JOURNAL,
    VERSION,
    JournalledResults,
    command_of,
    lines,
    read_header,
)
from wildetect.results.pictures.stamps import Stamp, pieces_of, stamp_of
from wildetect.results.records import ImageResult, RunSummary, TileResult
from wildetect.results.sealed import Seals
from wildetect.tables.names import spelled_otherwise
from wildetect.wording import commas, form, listed, number_of

__all__ = ["Record", "header_of"]

_MOST_NAMED = 5
_JPEG = (".jpg", ".jpeg")

logger = logging.getLogger(__name__)


def header_of(
    started: datetime, shape: Mapping[str, object], model: str | None, command: Command | None = None
) -> dict[str, Any]:
    """The first line of a journal; `command` is in it only where it is known."""
    header = {"journal": VERSION, "started": started.isoformat(), "model": model, "shape": dict(shape)}
    return header if command is None else {**header, "command": command.document}


@dataclass(slots=True)
class Record:
    """The content of a journal, without the detections themselves.

    Attributes:
        path: The journal.
        shape: What shapes the results, by name; None where there is no journal yet.
        model: What the detector is called, for a person.
        command: The command of its last start; None where the journal does not tell.
        started: When the run was first started.
        seconds: How long the run worked until now, all its starts together.
        entries: Entries by image.
        left_out: Images that have an entry and do not count: the last start did not find them.
        parts: Offset and stamp of the lines of tiles, of each image that is not done.
        moved: Whether the photographs were moved since: another drive may round their times.
        moved_now: Whether this start found them in another place than the one before.
        end: Where the whole lines end, in bytes.
        damage: What is wrong with lines that no start has dealt with, and where.
    """

    path: Path
    shape: Mapping[str, object] | None = None
    model: str | None = None
    command: Command | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    entries: dict[str, Entry] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    parts: dict[str, list[tuple[int, Stamp | None]]] = field(default_factory=dict)
    moved: bool = False
    moved_now: bool = False
    end: int = 0
    damage: list[str] = field(default_factory=list)
    _partly: dict[str, float] = field(
        default_factory=lambda: defaultdict(float)
    )  # seconds of images that are not done

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

    def refuse_another(
        self, shape: Mapping[str, object], model: str | None = None, images: Iterable[ImageFile] = ()
    ) -> None:
        """Go no further where the journal is that of another run.

        The same photographs in another place, as a drive has with another letter, are the same run.

        Args:
            shape: What shapes the results that are wanted now.
            model: What the detector is called, for a person.
            images: The images that there are now.

        Raises:
            ConfigurationError: Its details say what differs.
        """
        if self.shape is None:
            return
        names = [name for name in sorted({*self.shape, *shape}) if self.shape.get(name) != shape.get(name)]
        if not names:
            return
        other = self._why_not_the_same(images) if names == [SOURCE] else None
        if names == [SOURCE] and other is None:
            logger.warning(
                "the photographs lie in %s now, before in %s: names, sizes and times or content are the "
                "same, and the run goes on",
                _shown(shape[SOURCE]),
                _shown(self.shape[SOURCE]),
            )
            self.moved = self.moved_now = True
            return
        details = [
            f"{name}: {_shown(shape.get(name))}, there {_shown(self.shape.get(name))}" for name in names
        ]
        if other is not None:
            details.append(other)
        # not compared: one file may be registered under two names
        if any("model" in name for name in names):
            details.insert(0, f"model: {model or 'another'}, there {self.model or 'another'}")
        raise ConfigurationError(
            f"{self.path.parent} holds another run: "
            f"its {listed(names)} {form(len(names), 'differs', 'differ')}",
            hint="Give another folder with --output, or replace that run with --restart.",
            details=details,
        )

    def named_as_before(self, images: Sequence[ImageFile]) -> Sequence[ImageFile]:
        """Give images the names of the journal where only capitals or the form of accents differ."""
        now = (image.name for image in images)
        names = {new: old for old, new in spelled_otherwise(self.entries, now).items()}
        return [replace(one, name=names[one.name]) if one.name in names else one for one in images]

    def _why_not_the_same(self, images: Iterable[ImageFile]) -> str | None:
        """Why the images that were done are not those of these names; None where they are, most being there.

        A copy has a time of its own: content tells then, and the time of the copy counts from now on. Of a
        raster that is not compressed a part may have been written again, which its time alone tells.
        """
        now = {image.name: image.path for image in images}
        there = [name for name in self.entries if name in now]
        if not there or 2 * len(there) < len(self.entries):
            away = next((name for name in self.entries if name not in now), "none")
            known = number_of(len(self.entries), "photograph")
            return f"{len(there)} of its {known} found by name, not {away}"
        stamps = of_each(lambda name: stamp_of(now[name]), there)
        copies: dict[str, Stamp] = {}
        for name, stamp in zip(there, stamps, strict=True):
            then = self.entries[name].stamp
            if then is None or stamp is None or then.contradicts(stamp):
                return f"{name} has another size there"
            if then.fits(stamp):
                continue
            if not self._has_content(name, now[name]):
                return f"{name} has another time there, and no content that is known to be the same"
            copies[name] = stamp
        self.entries |= {name: self.entries[name]._replace(stamp=stamp) for name, stamp in copies.items()}
        return None

    def _has_content(self, name: str, path: Place) -> bool:
        """Whether a JPEG is that of an entry, by pieces of it: a change in one changes its end, too."""
        if not isinstance(path, Path) or path.suffix.lower() not in _JPEG:
            return False
        with self.path.open("rb") as file:
            file.seek(self.entries[name].offset)
            pieces = Seals().parsed(file.readline()).get("pieces")
        try:
            return bool(pieces) and pieces_of(path) == pieces
        except OSError:
            return False

    def holds(self, name: str, stamp: Stamp | None) -> bool:
        """Whether an image is done: nothing of it failed, and its file is still the one that was read."""
        entry = self.entries.get(name)
        return entry is not None and entry.is_whole and self._unchanged(entry.stamp, stamp)

    def _unchanged(self, then: Stamp | None, now: Stamp | None) -> bool:
        if then is None or now is None:
            return False
        return then.fits(now) if self.moved else then == now

    def failed(self, name: str, stamp: Stamp | None) -> bool:
        """Whether an image failed as a whole, and its file is still the one that was tried."""
        entry = self.entries.get(name)
        return entry is not None and entry.tally.failure is not None and entry.stamp == stamp

    def stands(self, name: str, stamp: Stamp | None, result: ImageResult | None = None) -> bool:
        """Whether what is known of an image is of use, and better than what this start has.

        Args:
            name: Its name.
            stamp: Stamp of its file now; None where it cannot be looked at, so that it may be as it was.
            result: Result of this start; None where it has none.
        """
        entry = self.entries.get(name)
        if entry is None or entry.tally.failure is not None:
            return False
        if stamp is not None and not self._unchanged(entry.stamp, stamp):
            return False
        if result is None or result.failure is not None:
            return True
        return len(result.tiles_failed) > len(entry.tally.tiles_failed)

    def count(self, images: Iterable[ImageFile], summary: RunSummary) -> None:
        """Add what is known of images to a summary, without reading their detections again."""
        for image in images:
            summary.count(image.name, self.entries[image.name].tally)

    def seconds_of(self, names: Iterable[str]) -> float:
        """How long the run worked on these images, all its starts together."""
        return sum(self.entries[name].seconds for name in names)

    def missing_from(self, images: Iterable[ImageFile]) -> frozenset[str]:
        """Names of the images that have an entry and are not among these."""
        return frozenset(self.entries).difference(image.name for image in images)

    def results(self, images: Iterable[ImageFile]) -> JournalledResults:
        """The results of those images that have one, in their order."""
        known = [image for image in images if image.name in self.entries]
        places: list[tuple[int, Place | None]] = [
            (self.entries[image.name].offset, image.path) for image in known
        ]
        return JournalledResults(self.path, places)

    def tiles(self, name: str, stamp: Stamp | None) -> list[TileResult]:
        """The tiles that are done of an image that is not, if its file is still the one that was read."""
        offsets = [offset for offset, then in self.parts.get(name, []) if self._unchanged(then, stamp)]
        if not offsets:
            return []
        found: list[TileResult] = []
        with self.path.open("rb") as file:
            for offset in offsets:
                file.seek(offset)
                found += tiles_from(Seals().parsed(file.readline()))
        return found

    def _read(self) -> None:
        with self.path.open("rb") as file:
            seals, first = Seals(), file.readline()
            try:
                header = read_header(first, seals)
            except ValueError as error:
                if not first.strip(b"\0") or (not first.endswith(b"\n") and not file.read(1)):
                    return  # killed before the first line was whole
                raise ConfigurationError(
                    f"{self.path} cannot be gone on with: {error}",
                    hint="Give another folder with --output, or begin again there with --restart.",
                ) from error
            self.shape = header["shape"]
            self.model = header.get("model")
            self.command = command_of(header)
            self.started = datetime.fromisoformat(header["started"])
            self.end = len(first)
            for line in through(lines(file, seals, self.end), "lines of the journal read"):
                if line.cut:
                    return
                self.end = line.end
                if line.document is None:
                    self.damage.append(line.complaint)
                else:
                    self._take(line.offset, line.document)

    @property
    def to_go_on(self) -> Command | None:
        """The command that goes on with the run; None where the journal tells too little."""
        return to_go_on(self.command, self.shape or {}, self.model, self.path.parent)

    def warn_of_damage(self) -> None:
        """Say which lines are damaged: their images are done again."""
        if self.damage:
            logger.warning(
                "%s is damaged, and the images of these lines are done again: %s",
                self.path,
                listed(self.damage, most=_MOST_NAMED),
            )

    def _take(self, offset: int, document: dict[str, Any]) -> None:
        if "left_out" in document:
            self.left_out = frozenset(document["left_out"])
            return
        if "command" in document:
            self.command = command_of(document)
            return
        if "moved" in document:
            self.shape, self.moved = {**(self.shape or {}), SOURCE: document[SOURCE]}, True
            for name, place in document["moved"].items():
                if name in self.entries and place.get("stamp"):
                    self.entries[name] = self.entries[name]._replace(stamp=Stamp(*place["stamp"]))
            return
        if "damaged" in document:
            self.damage.clear()  # that start did their images again
            return
        stamp = Stamp(*document["stamp"]) if document["stamp"] else None
        if "part_of" in document:
            self.parts.setdefault(document["part_of"], []).append((offset, stamp))
            self.note_part(document["part_of"], document["elapsed"])
        else:
            self.note(document["image"], Entry(offset, stamp, tally_from(document)), document["elapsed"])
            if self.entries[document["image"]].is_whole:
                self.parts.pop(document["image"], None)

    def note(self, name: str, entry: Entry, seconds: float) -> None:
        """An image has its result, `seconds` after the run's first start, less the pauses."""
        self.note_part(name, seconds)
        self.entries[name] = entry._replace(seconds=self._partly.pop(name))

    def note_part(self, name: str, seconds: float) -> None:
        """Some of an image is done; the time is that of `note`."""
        self._partly[name] += max(seconds - self.seconds, 0.0)
        self.seconds = seconds


def _shown(value: object) -> str:
    return commas(value) if isinstance(value, list) else str(value)
