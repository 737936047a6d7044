"""One thing to know before the numbers of a census are used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wildetect import wording
from wildetect.census.counting.animals import Animals
from wildetect.census.ground.photographs import Photograph, Views
from wildetect.census.ground.views import View

__all__ = ["Caution", "Survey", "number_of"]


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that makes the numbers uncertain.

    Attributes:
        kind: Kind of caution, for programs.
        what: What is the matter and what follows, for a person.
        fix: What to do about it.
        files: The photographs that it is about; none where it is about all.
    """

    kind: str
    what: str
    fix: str
    files: list[str] = field(default_factory=list)


class Survey(NamedTuple):
    """What cautions look at; `cautions` names the attributes, `shots` are the views of photographs."""

    photographs: Sequence[Photograph]
    views: Views
    shots: Sequence[View]
    animals: Animals | None
    trained_gsd: float | None


def number_of(files: Collection[object], *, verb: bool = True) -> str:
    """How many photographs have: "1 photograph has", "12 photographs have"; without the verb on demand."""
    number = wording.number_of(len(files), "photograph")
    return f"{number} {wording.form(len(files), 'has', 'have')}" if verb else number
