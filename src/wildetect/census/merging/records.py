"""What census.json says of the overlaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ConservativeCount", "DisplacedRecord", "MergingRecord", "OverlapRecord", "RateRecord"]


@dataclass(frozen=True, slots=True)
class RateRecord:
    """How many of the boxes that should have a partner have one.

    Attributes:
        expected: Boxes that lie well inside another photograph.
        joined: Those of them that were joined to a box of it.
        partner_rate: From 0 to 1; null where none was expected.
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
class MergingRecord(RateRecord):
    """How well boxes were joined: the rate of all overlaps, and what else tells of it.

    Attributes:
        tested: Whether there were boxes enough.
        reason: Why it was not tested; null where it was.
        along: Rate of photographs of one line of flight.
        across: Rate of photographs of different lines.
        margin_m: How far inside of another photograph a box must lie.
        displaced: Boxes without a partner that lie near each other.
        off: Whether animals lie at two places, which missed animals cannot explain.
        low: Whether more than half of the expected partners are missing.
        worse_across: Whether far fewer boxes have a partner across lines than along them.
        guilty: Photographs that fit no other.
        conservative: The count that joins nothing.
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
    conservative: ConservativeCount | None = None


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
