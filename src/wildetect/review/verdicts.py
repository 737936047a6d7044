"""verdicts.jsonl: what people said, one line a verdict, in the order in which they said it.

    right         the detection shows an animal of its class
    wrong         it shows none; said of an added box, it is taken away again
    class         it shows an animal of another class (`after`)
    unsure        the reviewer cannot tell; the detection counts as the detector has it
    moved         the animal is there, and its box is another one (`after`)
    added         an animal that the detector missed (`after`); `detection` is the id of the new box
    nothing-here  nothing further is in the image: it is complete. A detection in it that has no verdict
                  of its own stands as right
    same          the detection and `other`, in another image, are one animal
    not-same      they are two animals
    undo          the verdict named by `undoes` does not count

Lines are only ever appended, so that it can be seen who said what, and a kill costs one verdict at most.
Each carries its checksum (module sealed); those of earlier versions have none and are read, too. A line
that is damaged is named, and there is no corrected number until it is dealt with: who said what of which
animal would be missing from it.
"""

from __future__ import annotations

import json
import math
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Literal, get_args

from wildetect.errors import ConfigurationError, InputError
from wildetect.results.files import make_folder, unwritable
from wildetect.results.ids import BoxCorners
from wildetect.results.lock import sole_writer
from wildetect.results.sealed import Seals, sealed
from wildetect.wording import first_of

__all__ = [
    "VERDICTS",
    "Kind",
    "Marked",
    "Other",
    "Verdict",
    "VerdictFile",
    "VerdictsRead",
    "of_boxes",
    "read_verdicts",
    "review_folder",
    "standing",
    "verdicts_in",
    "writing_verdicts",
]

VERDICTS = "verdicts.jsonl"
Kind = Literal[
    "right", "wrong", "class", "unsure", "moved", "added", "nothing-here", "same", "not-same", "undo"
]

_KINDS: tuple[str, ...] = get_args(Kind)
_OF_A_PAIR = ("same", "not-same")
_OF_A_DETECTION = ("right", "wrong", "class", "unsure", "moved", "added", *_OF_A_PAIR)
_SEAL = re.compile(rb'"check":"[^"]{8}"\}')
_IMAGE = re.compile(rb'"image":"((?:[^"\\]|\\.)*)"')
_WITH_AFTER = ("class", "moved", "added")


def review_folder(run: Path) -> Path:
    """Where the review of a run lies."""
    return run / "review"


@dataclass(frozen=True, slots=True)
class Marked:
    """A box with its class.

    Attributes:
        xyxy: In px of the upright image.
        class_name: As the model or the reviewer calls it; may be one that the model does not know.
    """

    xyxy: BoxCorners
    class_name: str

    def __post_init__(self) -> None:
        x_min, y_min, x_max, y_max = self.xyxy
        if not all(math.isfinite(edge) for edge in self.xyxy) or x_max <= x_min or y_max <= y_min:
            raise ValueError(f"{list(self.xyxy)} is not a box")
        if not self.class_name.strip():
            raise ValueError("a box has a class")


@dataclass(frozen=True, slots=True)
class Other:
    """The other box of a pair: its image, the id of its detection, and the box as it stood."""

    image: str
    detection: str
    box: Marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a person said.

    Attributes:
        kind: See the module.
        image: Name of the image in its run.
        reviewer: Who said it.
        time: When, with its zone.
        detection: Id of the detection, or of the box that was added; null for a whole image and an undo.
        before: The box as it stood; null for what was added, a whole image and an undo.
        after: The box as it stands now, for "class", "moved" and "added".
        undoes: `id` of the verdict that does not count, for "undo".
        other: The other box, for "same" and "not-same".
        seen: For "nothing-here", the ids of the detections that the image had then, so that one that a later
            run finds at another place is known to be new; null: those that it has now.
        source: Where it was given: "page", or the name of the file that it was imported from.
        id: Of this verdict.
    """

    kind: Kind
    image: str
    reviewer: str
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    detection: str | None = None
    before: Marked | None = None
    after: Marked | None = None
    undoes: str | None = None
    other: Other | None = None
    seen: tuple[str, ...] | None = None
    source: str = "page"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"{self.kind!r} is not a verdict")
        if not self.image:
            raise ValueError("a verdict names an image")
        if self.time.tzinfo is None:
            raise ValueError("a verdict's time has a zone")
        if (self.detection is not None) != (self.kind in _OF_A_DETECTION):
            raise ValueError(f"{self.kind}: a verdict of a detection, and no other, names it")
        if (self.after is not None) != (self.kind in _WITH_AFTER):
            raise ValueError(f"{self.kind}: class, moved and added, and no other, say what stands after")
        if (self.undoes is not None) != (self.kind == "undo"):
            raise ValueError(f"{self.kind}: an undo, and no other, names what it undoes")
        if (self.other is not None) != (self.kind in _OF_A_PAIR):
            raise ValueError(f"{self.kind}: same and not-same, and no other, name another box")
        if self.other is not None and self.other.image == self.image:
            raise ValueError("one photograph shows both boxes: they cannot be one animal")
        if self.kind in _OF_A_DETECTION and (self.before is None) != (self.kind == "added"):
            raise ValueError(f"{self.kind}: all but an added box say what stood before")

    def document(self) -> dict[str, Any]:
        """What its line says."""
        marks = {"before": self.before, "after": self.after}
        return {
            "id": self.id,
            "time": self.time.astimezone(UTC).isoformat(timespec="milliseconds"),
            "reviewer": self.reviewer,
            "verdict": self.kind,
            "image": self.image,
            "detection": self.detection,
            **{name: mark and _mark_document(mark) for name, mark in marks.items()},
            "undoes": self.undoes,
            **({} if self.other is None else {"other": _other_document(self.other)}),
            **({} if self.seen is None else {"seen": list(self.seen)}),
            "source": self.source,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Verdict:
        """Read what a line says.

        Raises:
            ValueError: It is not a valid verdict.
        """
        try:
            return cls(
                id=_text(document["id"]),
                time=datetime.fromisoformat(document["time"]),
                reviewer=_text(document["reviewer"]),
                kind=document["verdict"],
                image=_text(document["image"]),
                detection=_text_or_none(document["detection"]),
                before=_mark(document["before"]),
                after=_mark(document["after"]),
                undoes=_text_or_none(document["undoes"]),
                other=_other(document.get("other")),
                seen=None if document.get("seen") is None else tuple(map(_text, document["seen"])),
                source=_text(document.get("source", "page")),
            )
        except KeyError as error:
            raise ValueError(f"{error.args[0]} is missing") from error
        except (TypeError, AttributeError, OverflowError) as error:
            raise ValueError(str(error)) from error


@dataclass(frozen=True, slots=True)
class VerdictsRead:
    """What a file of verdicts holds.

    Attributes:
        verdicts: In the order in which they were given, undone ones among them.
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
    for number, line in enumerate(whole, 1):
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


def standing(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Leave out undone verdicts and the undoings; an undoing may itself be undone."""
    given = list(verdicts)
    undone: set[str] = set()
    # from the last one: what undoes counts only where it is not undone itself
    for verdict in reversed(given):
        if verdict.undoes is not None and verdict.id not in undone:
            undone.add(verdict.undoes)
    return [verdict for verdict in given if verdict.kind != "undo" and verdict.id not in undone]


def of_boxes(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Leave out verdicts on pairs, and what undoes these."""
    left_out: set[str] = set()
    found = []
    for verdict in verdicts:
        if verdict.other is not None or verdict.undoes in left_out:
            left_out.add(verdict.id)
        else:
            found.append(verdict)
    return found


class VerdictFile:
    """The verdicts of a run, open for more lines; made by `writing_verdicts`, which holds the lock."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self._file = file

    def append(self, *verdicts: Verdict) -> None:
        """Write verdicts; they are on the disk when this returns.

        Raises:
            InputError: They cannot be written; nothing of them counts then.
        """
        lines = b"".join(sealed(verdict.document()) for verdict in verdicts)
        start = self._file.seek(0, os.SEEK_END)
        try:
            written = self._file.write(lines)
            while written < len(lines):
                written += self._file.write(lines[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(start)
            hint = "Make room on its drive, then give the verdict again."
            raise unwritable(self.path, error, hint) from error


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


def _mark(value: Any) -> Marked | None:
    if value is None:
        return None
    x_min, y_min, x_max, y_max = (float(edge) for edge in value["xyxy"])
    return Marked((x_min, y_min, x_max, y_max), _text(value["class"]))


def _mark_document(mark: Marked) -> dict[str, Any]:
    return {"xyxy": list(mark.xyxy), "class": mark.class_name}


def _other(value: Any) -> Other | None:
    box = _mark(value)
    return None if box is None else Other(_text(value["image"]), _text(value["detection"]), box)


def _other_document(other: Other) -> dict[str, Any]:
    return {"image": other.image, "detection": other.detection, **_mark_document(other.box)}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")  # noqa: TRY004 - of a file's content, not of a type
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)
