"""verdicts.jsonl: what people said, one line a verdict, in the order in which they said it.

Lines are only ever appended, so that it can be seen who said what, and a kill costs one verdict at most.
Each carries its checksum (module sealed); those of earlier versions have none and are read, too. A line
that is damaged is named, and there is no corrected number until it is dealt with: who said what of which
animal would be missing from it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from wildetect.errors import ConfigurationError, InputError
from wildetect.how_far import through
from wildetect.results.files import make_folder, unwritable
from wildetect.results.lock import sole_writer
from wildetect.results.sealed import Seals, sealed
from wildetect.review.verdicts import Verdict
from wildetect.wording import first_of

__all__ = [
    "VERDICTS",
    "VerdictFile",
    "VerdictsRead",
    "read_verdicts",
    "review_folder",
    "verdicts_in",
    "writing_verdicts",
]

VERDICTS = "verdicts.jsonl"
_SEAL = re.compile(rb'"check":"[^"]{8}"\}')
_IMAGE = re.compile(rb'"image":"((?:[^"\\]|\\.)*)"')


def review_folder(run: Path) -> Path:
    """Where the review of a run lies."""
    return run / "review"


@dataclass(frozen=True, slots=True)
class VerdictsRead:
    """What a file of verdicts holds.

    Attributes:
        verdicts: Verdicts in the order in which they were given, undone ones among them.
        problems: "line 7 (of a.jpg): reason" for each line that cannot be used; the others count.
    """

    verdicts: tuple[Verdict, ...]
    problems: tuple[str, ...] = ()

    @property
    def reason(self) -> str | None:
        """Why they are not all there, and what to do, for a person; null where they are."""
        if not self.problems:
            return None
        return (
            f"review/{VERDICTS} is damaged in {first_of(self.problems)}; delete that line in a text editor "
            "and give the verdict again in review.open"
        )


def read_verdicts(run: Path) -> VerdictsRead:
    """Read the verdicts of a run; a last line that was cut in the middle is dropped.

    Args:
        run: Output folder of the run.

    Raises:
        InputError: The file is there and cannot be read.
    """
    path = review_folder(run) / VERDICTS
    return verdicts_in(path) if path.exists() else VerdictsRead(())


def verdicts_in(path: Path) -> VerdictsRead:
    """Read a file of verdicts, of this run or brought along; a last line that was cut is dropped.

    Args:
        path: The file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}",
            hint="Close it in other programs, then give the same command again.",
        ) from error
    *whole, last = content.split(b"\n")
    if _is_sealed(last):  # only the end of its line is missing
        whole.append(last)
    verdicts: list[Verdict] = []
    problems: list[str] = []
    seals = Seals()
    for number, line in enumerate(through(whole, "verdicts read"), 1):
        try:
            verdicts.append(Verdict.from_document(seals.parsed(line)))
        except ValueError as error:
            problems.append(f"line {number}{_image_of(line)}: {error}")
    return VerdictsRead(tuple(verdicts), tuple(problems))


def _is_sealed(line: bytes) -> bool:
    """Whether a line was written to its end, whatever became of it since."""
    return _SEAL.search(line) is not None


def _image_of(line: bytes) -> str:
    """The image that a damaged line seems to be of, for a person."""
    found = _IMAGE.search(line)
    if found is None:
        return ""
    try:
        name = json.loads(b'"%s"' % found[1])
    except ValueError:
        return ""
    return f" (of {name})" if name.isprintable() else ""


class VerdictFile:
    """The verdicts of a run, open for more lines; made by `writing_verdicts`, which holds the lock."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self._file = file
        self._torn: int | None = None  # where a line begins that could not be taken away again

    def append(self, *verdicts: Verdict) -> None:
        """Write verdicts; they are on the disk when this returns.

        Raises:
            InputError: They cannot be written; nothing of them counts then.
        """
        lines = b"".join(sealed(verdict.document()) for verdict in verdicts)
        try:
            self._refuse_another()
            if self._torn is not None:
                self._file.truncate(self._torn)
            self._torn = self._file.seek(0, os.SEEK_END)
            written = self._file.write(lines)
            while written < len(lines):
                written += self._file.write(lines[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                if self._torn is not None:
                    self._file.truncate(self._torn)
                    self._torn = None
            raise InputError(
                f"cannot write {self.path}: {error.strerror or error}",
                hint="Make room on its drive, or connect it again, then give the verdict again.",
            ) from error
        self._torn = None

    def _refuse_another(self) -> None:
        """Write into no file that nobody will read: one that was deleted, or replaced by a synchronised copy.

        Raises:
            InputError: The file is not the one that was opened.
        """
        if os.name == "nt":
            return  # Windows lets nobody do that to an open file
        try:
            same = os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        except FileNotFoundError:
            same = False
        if not same:
            raise InputError(
                f"{self.path} was deleted or replaced while it was open: the verdict would be lost",
                hint="End this page with Ctrl+C in its window and start review.open again.",
            )


@contextmanager
def writing_verdicts(run: Path) -> Iterator[VerdictFile]:
    """Open the verdicts of a run for more lines. There is one writer at a time.

    A last line that was cut in the middle is removed first.

    Args:
        run: Output folder of the run; it exists.

    Raises:
        ConfigurationError: Another program is writing verdicts of this run.
        InputError: The file cannot be written.
    """
    folder = review_folder(run)
    make_folder(folder, hint="Check the drive and its free space.", what="the folder of the review")
    path = folder / VERDICTS
    with ExitStack() as stack:
        try:
            stack.enter_context(sole_writer(folder))
        except ConfigurationError as error:
            raise ConfigurationError(
                f"another program is writing verdicts into {folder}",
                hint="Close the review page with Ctrl+C in its window, or wait for the import.",
            ) from error
        try:
            file: FileIO = path.open("r+b" if path.exists() else "w+b", buffering=0)
            stack.enter_context(file)
            _end_last_line(file)
        except OSError as error:
            raise unwritable(path, error, "Close it in other programs.") from error
        yield VerdictFile(path, file)


def _end_last_line(file: FileIO) -> None:
    """Cut off a last line that was not written to its end; give one that was its end."""
    content = file.readall()
    end = content.rfind(b"\n") + 1
    if _is_sealed(content[end:]):
        file.write(b"\n")
    else:
        file.truncate(end)
