"""What a corrected file says of an image, and which image of the run it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from wildetect.results.finished_run import FinishedRun
from wildetect.results.ids import BoxCorners
from wildetect.tables.names import Names, meanings
from wildetect.wording import listed

__all__ = ["EMPTY", "EXPORT_AGAIN", "CorrectedBox", "CorrectedImage", "Refuse", "RunNames"]

Refuse = Callable[[str], None]
EXPORT_AGAIN = (
    "Export it again as Label Studio JSON, COCO, GeoPackage or CSV with the columns of detections.csv."
)
_MOST = 3  # images that are named
EMPTY = "empty"  # Timelapse's flag of a photograph without animals, by its usual name


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedBox:
    """A box of the file.

    Attributes:
        key: Id that the file gives it; null: none.
        xyxy: Corners in px of the upright image.
        class_name: Its class.
        verdict: "right", "wrong" or "unsure", where the file says so in words.
    """

    key: str | None
    xyxy: BoxCorners
    class_name: str
    verdict: str | None = None


@dataclass(slots=True)
class CorrectedImage:
    """An image of the file.

    Attributes:
        boxes: All that it holds there.
        complete: Whether the file says that a person looked at all of it.
        unread: Whether an entry of it was refused: a box that is missing may be that one then.
        reviewed: Whether it holds what stood after a review, what people added, too, not what was detected.
        rounding: How far in px an edge may be off because the program that wrote the file rounds.
    """

    boxes: list[CorrectedBox] = field(default_factory=list)
    complete: bool = False
    unread: bool = False
    reviewed: bool = False
    rounding: float = 0.0


class RunNames:
    """Finds the image of the run that a file means, as tables of positions and transects name them."""

    def __init__(self, run: FinishedRun) -> None:
        self._names = Names(result.name for result in run.results)

    def find(self, text: str, refuse: Refuse | None = None, what: str = "") -> str | None:
        """Return the image's name; None where none is meant, or several may be.

        Args:
            text: The name, as any tool writes it.
            refuse: Callback that is told of a name that is not found.
            what: Which part of the file holds it.
        """
        several: list[str] = []
        for meant in meanings(text):
            found = self._names.fitting(meant)
            if len(found) == 1:
                return found[0]
            several = several or found
        if refuse is not None:
            refuse(
                f"{what}{text!r} may be {listed(several, last='or', most=_MOST)}: write it with its folder"
                if several
                else f"{what}the run has no image {text!r}"
            )
        return None
