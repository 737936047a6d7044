"""journal.jsonl: what is done of a run, so that nothing is done twice and nothing is lost.

    line 1        what shapes the results: the model, the settings, the source
    other lines   the result of one image each, written as soon as it is known; the last one counts;
                  some tiles of an image with many, so that a night's work on a raster is not lost;
                  or which of the images do not count, as the start that wrote the line did not find them;
                  or the command of a later start, where it is another one;
                  or how many damaged lines that start found, whose images it did again;
                  or where the images of all lines before lie now, as that start found them in another place

A line is handed to the system at once, so that a run that is killed loses no image that was done, and
is on the disk within seconds, so that a power cut loses little. A line that was cut in the middle is
removed when the journal is opened again. The process that has the folder's lock is the only writer.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any, Self

from wildetect.errors import InputError
from wildetect.imagery.discovery import ImageFile
from wildetect.results.files import unwritable
from wildetect.results.journal.command import SOURCE, Command
from wildetect.results.journal.lines import Entry, document_of, place_document, tiles_document
from wildetect.results.journal.reading import JOURNAL
from wildetect.results.journal.record import Record, header_of
from wildetect.results.pictures.stamps import Stamp
from wildetect.results.records import ImageResult, Tally, TileResult
from wildetect.results.sealed import sealed

__all__ = ["Journal"]

_SECONDS_BETWEEN_SYNCS = 2.0


class Journal:
    """The journal of an output folder, open for more lines; a context manager.

    Args:
        folder: The output folder; it exists, and its lock is held.
        shape: What shapes the results, by name, as JSON values.
        model: What the detector is called, for a person.
        images: The images that there are now: they may have been moved since.
        command: What a new run is started with.

    Attributes:
        record: What it holds.
        images: The images, by the names that the run has for them.

    Raises:
        ConfigurationError: There is the journal of a run with another shape; the details say what differs.
        InputError: It cannot be read or written.
    """

    def __init__(
        self,
        folder: Path,
        shape: Mapping[str, object],
        model: str | None = None,
        images: Sequence[ImageFile] = (),
        command: Command | None = None,
    ) -> None:
        self.path = folder / JOURNAL
        self.record = Record.read(folder)
        self.images = self.record.named_as_before(images)
        self.record.refuse_another(shape, model, self.images)
        self._synced = time.monotonic()
        end = self.record.end
        try:
            # without a buffer: what could not be written must not be tried again when it is closed
            self._file: FileIO = self.path.open("r+b" if end else "wb", buffering=0)
            self._file.truncate(end)
            self._file.seek(end)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        if not end:
            self._write(sealed(header_of(self.record.started, shape, model, command)))
            self.record.command = command
        if self.record.moved_now:
            self._keep_places(shape[SOURCE])
        if self.record.damage:
            self.record.warn_of_damage()
            self._append({"damaged": len(self.record.damage)})
            self.record.damage.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, result: ImageResult, stamp: Stamp | None, seconds: float) -> None:
        """Keep the result of an image.

        Args:
            result: The result.
            stamp: Stamp of the image's file, taken before it was read.
            seconds: How long the run has worked until now, all its starts together.

        Raises:
            InputError: The disk is full, or the folder is gone; all earlier lines are kept.
        """
        offset = self.record.end
        self._append(document_of(result, stamp, self.path.parent) | {"elapsed": round(seconds, 3)})
        self.record.note(result.name, Entry(offset, stamp, Tally.of(result)), seconds)

    def add_tiles(self, name: str, stamp: Stamp | None, tiles: Sequence[TileResult], seconds: float) -> None:
        """Keep some tiles of an image that is not done; arguments and errors as for `add`."""
        self._append(tiles_document(name, stamp, tiles) | {"elapsed": round(seconds, 3)})
        self.record.note_part(name, seconds)

    def _keep_places(self, source: object) -> None:
        """Keep where the images lie now that are done: what comes after the run looks for them there."""
        places: dict[str, dict[str, object]] = {}
        for image in self.images:
            if (entry := self.record.entries.get(image.name)) is not None:
                places[image.name] = {
                    **place_document(image.path, self.path.parent),
                    "stamp": entry.stamp and entry.stamp.document,
                }
        self._append({"moved": places, SOURCE: source})

    def leave_out(self, names: frozenset[str]) -> None:
        """Have the results of some images not count from now on, and all others count; errors as for `add`.

        They stay in the journal: images that come back need not be done again.
        """
        if names != self.record.left_out:
            self._append({"left_out": sorted(names)})
            self.record.left_out = names

    def begun_by(self, command: Command | None) -> None:
        """Keep the command of this start, where it is another one; errors as for `add`."""
        if command is not None and command != self.record.command:
            self._append({"command": command.document})
            self.record.command = command

    def _append(self, document: dict[str, Any]) -> None:
        self._write(sealed(document))
        if time.monotonic() - self._synced > _SECONDS_BETWEEN_SYNCS:
            self.sync()

    def sync(self) -> None:
        """Have everything on the disk, not only in the system's memory.

        Raises:
            InputError: The disk or the folder is gone.
        """
        try:
            os.fsync(self._file.fileno())
            self.path.stat()  # Linux goes on writing into a file whose folder was deleted
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._synced = time.monotonic()

    def _write(self, line: bytes) -> None:
        try:
            left = memoryview(line)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            with contextlib.suppress(OSError):  # opening it again would cut the torn line, too
                self._file.truncate(self.record.end)
            raise _unwritable(self.path, error) from error
        self.record.end += len(line)


def _unwritable(path: Path, error: OSError) -> InputError:
    return unwritable(path, error, "Bring its drive back, then give the same command: what is done is kept.")
