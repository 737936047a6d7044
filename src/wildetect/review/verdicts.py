"""What people said of a run: a verdict each, of a detection, a pair of them or a whole image.

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
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from wildetect.results.ids import BoxCorners

__all__ = ["Kind", "Marked", "Other", "Verdict", "of_boxes", "standing"]

Kind = Literal[
    "right", "wrong", "class", "unsure", "moved", "added", "nothing-here", "same", "not-same", "undo"
]

_KINDS: tuple[str, ...] = get_args(Kind)
_OF_A_PAIR = ("same", "not-same")
_OF_A_DETECTION = ("right", "wrong", "class", "unsure", "moved", "added", *_OF_A_PAIR)
_WITH_AFTER = ("class", "moved", "added")


@dataclass(frozen=True, slots=True)
class Marked:
    """A box with its class.

    Attributes:
        xyxy: Corners in px of the upright image.
        class_name: Class name as the model or the reviewer calls it; may be one that the model does not know.
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
        id: Identifier of this verdict.
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
