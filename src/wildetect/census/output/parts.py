"""What the record of a census is made of: who flew, what was counted where, and on what grounds.

Lengths are in m or km, areas in km², angles in degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wildetect.census.estimates.records import Estimate
from wildetect.census.estimates.sample_records import Reach
from wildetect.evaluation.reviewed_sample import CorrectedNumber
from wildetect.registry.evaluations import MeasuredQuality
from wildetect.results.run_parts import Failure, ImageCounts, Logged

__all__ = [
    "AnimalRecord",
    "Available",
    "BoxRecord",
    "Campaign",
    "CensusTimes",
    "CorrectedRecord",
    "CountAtConfidence",
    "CountAtTolerance",
    "Counts",
    "DetectionsRecord",
    "DetectorRecord",
    "EstimateRecord",
    "LineRecord",
    "MergeRecord",
    "PhotographRecord",
    "SamplingRecord",
    "SpeciesSummary",
    "StratumRecord",
    "ToleranceRecord",
    "TransectRecord",
]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Who flew what for which species."""

    id: str
    pilot_name: str | None = None
    target_species: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SpeciesSummary:
    """The three numbers of a species, or of all.

    Attributes:
        detected: Different animals, as the detector says.
        reviewed: Animals that people saw in the photographs that they looked at; null without a review.
        corrected: What follows for all, with limits that name what they hold; null where nothing does.
    """

    detected: int
    reviewed: int | None = None
    corrected: CorrectedNumber | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of the whole census.

    Attributes:
        animals: Different animals that were detected.
        boxes: Boxes that they were detected in.
        photographs: Photographs with a place on the ground.
        per_class: Different animals by class name.
        on_transects: Animals that count for a transect.
        off_transects: Animals of a stratum that count for none.
        outside_strata: Animals outside all strata.
        boxes_left_out: Boxes of photographs without a place.
    """

    animals: int
    boxes: int
    photographs: int
    per_class: Mapping[str, int]
    on_transects: int = 0
    off_transects: int = 0
    outside_strata: int = 0
    boxes_left_out: int = 0


@dataclass(frozen=True, slots=True)
class CountAtTolerance:
    """Animals detected at one tolerance: "strict", "chosen" or "loose"."""

    name: str
    metres: float
    animals: int
    per_class: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ToleranceRecord:
    """How near two boxes must be to be one animal, who says so, and the numbers at others."""

    metres: float
    source: str
    counts: tuple[CountAtTolerance, ...] = ()


@dataclass(frozen=True, slots=True)
class CountAtConfidence:
    """Animals detected if only boxes of at least this confidence counted."""

    threshold: float
    boxes: int
    animals: int
    per_class: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateRecord(Estimate):
    """The estimate of one species, or of all, in one stratum or in all.

    Attributes:
        species: Its name; null: all together.
        stratum: Its name, or "all".
        limits_hold: Which errors the limits hold; null without limits.
    """

    species: str | None
    stratum: str
    limits_hold: str | None = None


@dataclass(frozen=True, slots=True)
class Available:
    """A corrected number with the animals that no photograph shows.

    Attributes:
        p: Share of the animals that photographs can show.
        se: Its standard error.
        corrected: The number; null where there is none to correct.
    """

    p: float
    se: float
    corrected: CorrectedNumber | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedRecord:
    """The number of one species, or of all, in one stratum or in all, as a review sets it right.

    Attributes:
        species: Its name; null: all together.
        stratum: Its name, or "all".
        detected: Detections on the photographs' own ground.
        reviewed: Animals that people saw on it.
        corrected: The number with its limits; null where there is none.
        reason: Why there is none; null where there is one.
        available: Estimate with the animals out of sight, where their share is known.
    """

    species: str | None
    stratum: str
    detected: int
    reviewed: int
    corrected: CorrectedNumber | None = None
    reason: str | None = None
    available: Available | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumRecord:
    """A stratum: its size and what was searched of it."""

    name: str
    area_km2: float | None = None
    searched_km2: float = 0.0
    possible_transects: float | None = None
    transects: int = 0
    animals: int = 0
    searched_share: float | None = None
    reach: Reach | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TransectRecord:
    """A transect in a stratum."""

    name: str
    stratum: str
    photographs: int = 0
    length_km: float = 0.0
    strip_m: float = 0.0
    searched_km2: float = 0.0
    animals: int = 0
    per_class: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SamplingRecord:
    """Where the transects come from."""

    transects_from: str = ""
    systematic: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionsRecord:
    """The detection run that was counted in.

    Attributes:
        folder: Where it lies; as it is read, where it lies now.
        from_here: The same from the folder of the census, as both may be moved together; null: on another
            drive, or not noted.
    """

    folder: str
    started: str
    images: ImageCounts = field(default_factory=ImageCounts)
    detections: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    mlflow: Logged | None = None
    from_here: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorRecord:
    """What is known of the detector.

    Attributes:
        measured: How well it did on labelled pictures, newest first.
        unknown: Why nothing is known; null where it was measured.
    """

    measured: tuple[MeasuredQuality, ...] = ()
    unknown: str | None = None

    @property
    def newest(self) -> MeasuredQuality | None:
        """The newest evaluation; null where there is none."""
        return self.measured[0] if self.measured else None


@dataclass(frozen=True, slots=True)
class CensusTimes:
    """When a census was begun (ISO 8601, UTC), and how long it took."""

    started: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LineRecord:
    """A transect in a stratum, by their names."""

    stratum: str
    transect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotographRecord:
    """Where a photograph looks, and what says so; a raster has neither height nor direction.

    Its `lines` are the transects whose searched ground it shows: two where it lies on the border of two
    strata; none in files of earlier versions.
    """

    file: str
    longitude: float
    latitude: float
    height_m: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    gsd_cm: float | None = None
    position_error_m: float | None = None
    taken: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    boxes: int = 0
    lines: tuple[LineRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class BoxRecord:
    """A box: its photograph, edges in px and confidence.

    Its `id` is that of the detection in all files of its run; empty in files of earlier versions.
    """

    file: str
    xyxy: tuple[float, float, float, float]
    confidence: float
    id: str = ""


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """Two boxes that were taken for one animal, and how far apart they lie.

    It is `told` where a person said so, whatever the distance.
    """

    animal: int
    metres: float
    boxes: tuple[BoxRecord, BoxRecord]
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalRecord:
    """An animal; module rows says what each attribute is."""

    animal: int
    species: str
    confidence: float
    longitude: float
    latitude: float
    stratum: str | None = None
    transect: str | None = None
    boxes: tuple[BoxRecord, ...] = ()
    photographs: tuple[str, ...] = ()
    apart_m: float | None = None
    id: str = ""
