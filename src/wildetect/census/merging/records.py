"""What census.json says of the overlaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "AllTurnedRecord",
    "ConservativeCount",
    "DisplacedRecord",
    "DoublesRecord",
    "EmptyPlaceRecord",
    "GapRecord",
    "MergingRecord",
    "NearMissRecord",
    "OverlapRecord",
    "PowerRecord",
    "RateRecord",
    "RecallRecord",
    "SaidRecord",
    "TurnedRecord",
]


@dataclass(frozen=True, slots=True)
class RateRecord:
    """How many of the boxes that should have a partner have one.

    Attributes:
        expected: Boxes that lie well inside another photograph.
        joined: Those of them that were joined to a box of it.
        partner_rate: Rate, from 0 to 1; null where none was expected.
    """

    expected: int = 0
    joined: int = 0
    partner_rate: float | None = None


@dataclass(frozen=True, slots=True)
class DisplacedRecord:
    """Boxes without a partner that lie nearer to each other than missed animals would; see `Displaced`."""

    share: float = 0.0
    deviations: float = 0.0
    within_m: float = 0.0


@dataclass(frozen=True, slots=True)
class ConservativeCount:
    """The count in which each spot of ground counts in one photograph only."""

    animals: int = 0
    per_class: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRecord(RateRecord):
    """The rate of photographs taken so many seconds apart; `below_s` is null for any longer time."""

    from_s: float
    below_s: float | None


@dataclass(frozen=True, slots=True)
class RecallRecord:
    """An upper bound of the detector's recall, from the overlaps alone.

    Attributes:
        upper_bound: Share of photographs that found an animal, of those that show one found in another.
        per_class: The same by class name; null where there are too few boxes.
        caveats: What the bound does not know.
    """

    upper_bound: float
    per_class: Mapping[str, float | None] = field(default_factory=dict)
    caveats: str = ""


@dataclass(frozen=True, slots=True)
class NearMissRecord:
    """Two boxes without a partner, each the nearest to the other.

    Attributes:
        photographs: Photographs that they are in.
        boxes: Edges of both in px.
        metres: Between them.
        seconds: Between the exposures; null where the photographs do not tell.
        ids: Identifiers of both detections; empty in files of earlier versions.
    """

    photographs: tuple[str, str]
    boxes: tuple[tuple[float, float, float, float], tuple[float, float, float, float]]
    metres: float
    seconds: float | None = None
    ids: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class SaidRecord:
    """What came of what people said of pairs of boxes; see `SaidUse`."""

    same: int = 0
    apart: int = 0
    unused: int = 0
    animals_without: int = 0


@dataclass(frozen=True, slots=True)
class EmptyPlaceRecord:
    """An animal that another photograph should show, too, and does not.

    Attributes:
        photographs: The one with the box, and the other.
        boxes: Its edges in px, and where it should be in the other.
        seconds: Between the exposures; null where the photographs do not tell.
    """

    photographs: tuple[str, str]
    boxes: tuple[tuple[float, float, float, float], tuple[float, float, float, float]]
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TurnedRecord:
    """A photograph that fits its neighbours when it is turned clockwise by so many degrees."""

    photograph: str
    degrees: int
    agree_before: int
    agree_after: int


@dataclass(frozen=True, slots=True)
class AllTurnedRecord:
    """What makes all photographs fit together; see `Alike`.

    Attributes:
        corrections: The settings under `survey.corrections` that correct it.
        or_else: Other settings that would do as well: the overlaps cannot tell which is right.
    """

    degrees: float
    scale: float
    fixed: bool
    agree_before: int
    agree_after: int
    yaw_reversed: bool = False
    positions: str | None = None
    clock_s: float = 0.0
    corrections: Mapping[str, float | str | bool] = field(default_factory=dict)
    or_else: tuple[Mapping[str, float | str | bool], ...] = ()


@dataclass(frozen=True, slots=True)
class DoublesRecord:
    """Boxes of one photograph that lie nearer to each other than an animal is long.

    Attributes:
        pairs: How many.
        doubtful: Those of them that no other photograph shows as two, too.
        photographs: Photographs that hold these.
    """

    pairs: int = 0
    doubtful: int = 0
    photographs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PowerRecord:
    """Which mistakes of positions could be told from animals that were missed; see `Power`.

    Attributes:
        animals: Animals that lie well inside another photograph than one that shows them.
        unseen: The largest share of them without a partner that would not be told.
        blind_photographs: How many show too few animals to be named, if they lay elsewhere.
        doubtful_animals: Those that only one of these shows, on ground that others show, too.
        too_high: Share by which the number would be too high, were they others, there twice.
    """

    animals: int = 0
    unseen: float = 1.0
    blind_photographs: int = 0
    doubtful_animals: int = 0
    too_high: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MergingRecord(RateRecord):
    """How well boxes were joined: the rate of all overlaps, and what else tells of it.

    Attributes:
        tested: Whether there were boxes enough to tell wrong positions from animals that were missed.
        reason: Why it was not tested; null where it was.
        along: Rate of photographs of one line of flight.
        across: Rate of photographs of different lines.
        margin_m: How far inside of another photograph a box must lie.
        displaced: Boxes without a partner that lie near each other.
        off: Whether animals lie at two places, which missed animals cannot explain.
        low: Whether more than half of the expected partners are missing.
        worse_across: Whether far fewer boxes have a partner across lines than along them.
        guilty: Photographs that fit no other.
        turned: Photographs that fit their neighbours when they are turned.
        all_turned: What makes all photographs fit together; nothing was changed.
        conservative: The count that joins nothing.
        gaps: Rates by the time between the exposures.
        recall: What follows for the detector; null where the overlaps do not agree or are too few.
        near_misses: Pairs of boxes that nearly were one animal; the nearest are in `near_misses` of the file.
        empty: Boxes whose place another photograph shows empty; the first are in `empty_places` of the file.
        doubles: Boxes that the detector may have drawn twice.
        doubtful_joins: Pairs of boxes that were joined though other animals are about as near: `Crowded`.
        said: What came of what people said of pairs; null where nobody did.
        power: Which mistakes could be told; null in files of earlier versions.
    """

    tested: bool = False
    reason: str | None = None
    along: RateRecord = RateRecord()
    across: RateRecord = RateRecord()
    margin_m: float = 0.0
    displaced: DisplacedRecord = DisplacedRecord()
    off: bool = False
    low: bool = False
    worse_across: bool = False
    guilty: tuple[str, ...] = ()
    turned: tuple[TurnedRecord, ...] = ()
    all_turned: AllTurnedRecord | None = None
    conservative: ConservativeCount | None = None
    gaps: tuple[GapRecord, ...] = ()
    recall: RecallRecord | None = None
    near_misses: int = 0
    empty: int = 0
    doubles: DoublesRecord = DoublesRecord()
    doubtful_joins: int = 0
    said: SaidRecord | None = None
    power: PowerRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapRecord(RateRecord):
    """Two photographs with boxes on common ground.

    Attributes:
        photographs: Both.
        line: "along" one line of flight, or "across" lines.
        seconds: Between the exposures; null where the photographs do not tell.
    """

    photographs: tuple[str, str]
    line: str = "across"
    seconds: float | None = None
