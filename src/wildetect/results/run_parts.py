"""What the record of a run is made of: its model, images and their doubts, times, where it is logged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from wildetect.registry.cache import FetchedModel
from wildetect.results.records import RunSummary
from wildetect.wording import number_of

__all__ = [
    "BlurredFiles",
    "BrokenImage",
    "CutBoxes",
    "Failure",
    "FullImage",
    "ImageCounts",
    "LeftOut",
    "Logged",
    "Remark",
    "RunModel",
    "ScaledTiles",
    "State",
    "Times",
    "remarks_of",
]

State = Literal["running", "finished", "stopped", "interrupted"]
_LARGER = 1.1  # a part says only how long an animal is at least


@dataclass(frozen=True, slots=True, kw_only=True)
class RunModel:
    """The detector of a run.

    Attributes:
        name: Registered name; that of the file where it is not registered.
        version: Registered version; None for a weights file.
        file: Name of the weights file.
        sha256: Digest of the weights.
        family: Family of its outputs.
        box_kind: What stands behind its boxes: boxes, points (of which only the middle counts), oriented.
        class_names: Names by class id.
        unchecked: What of the way in which its outputs are read no picture has shown to be right; null:
            nothing.
        as_of: When the version was what the wanted alias means, where no registry could be asked; null: it
            was asked, or the version itself was named.
    """

    name: str | None = None
    version: str | None = None
    file: str = ""
    sha256: str = ""
    family: str = ""
    box_kind: str = "boxes"
    class_names: tuple[str, ...]
    unchecked: str | None = None
    as_of: str | None = None

    @classmethod
    def of(cls, model: FetchedModel) -> RunModel:
        """Take it from the detector that was fetched."""
        manifest = model.manifest
        return cls(
            name=model.name,
            version=model.version,
            file=manifest.source.file,
            sha256=manifest.sha256,
            family=manifest.family,
            box_kind=manifest.box_kind,
            class_names=tuple(manifest.class_names),
            unchecked=manifest.unchecked,
            as_of=model.as_of,
        )

    def __str__(self) -> str:
        return f"{self.name} version {self.version}" if self.version else self.file

    @property
    def registered(self) -> tuple[str, str] | None:
        """Name and version in the registry; None for a weights file."""
        return (self.name, self.version) if self.name and self.version else None

    @property
    def parameters(self) -> dict[str, str]:
        """What MLflow keeps of it, to compare runs by."""
        known = {"name": self.name, "version": self.version, "sha256": self.sha256, "family": self.family}
        return {f"model_{key}": value for key, value in known.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCounts:
    """Numbers of images.

    Attributes:
        found: Images that the run is about.
        done: Images with a result, failed ones included.
        failed: Images that could not be processed.
        left: Images that the run did not come to.
        with_detections: Images with at least one detection.
    """

    found: int = 0
    done: int = 0
    failed: int = 0
    left: int = 0
    with_detections: int = 0

    @classmethod
    def of(cls, summary: RunSummary) -> ImageCounts:
        """Take them from what was counted while the run went on."""
        return cls(
            found=summary.expected,
            done=summary.done,
            failed=summary.failed,
            left=summary.left,
            with_detections=summary.with_detections,
        )

    @property
    def read(self) -> int:
        """Number of images that are done and did not fail."""
        return self.done - self.failed

    def __str__(self) -> str:
        failed = f" ({self.failed} failed)" if self.failed else ""
        return f"{self.read:,} of {number_of(self.found, 'image')}{failed}"


@dataclass(frozen=True, slots=True)
class Failure:
    """An image that could not be processed, and why."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(frozen=True, slots=True)
class BrokenImage:
    """An image that is done but for some tiles, which could not be read."""

    file: str
    tiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be known of some images: how they were read, or why they are in doubt.

    Attributes:
        what: For a person.
        files: Names of the images.
    """

    what: str
    files: tuple[str, ...]


def remarks_of(told: Mapping[str, Iterable[str]]) -> tuple[Remark, ...]:
    """Give what is told of images, by text, in an order that does not depend on which was done first."""
    return tuple(Remark(what, tuple(sorted(told[what]))) for what in sorted(told))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Images that were done and are not there any more, and their detections."""

    images: int = 0
    detections: int = 0

    def __str__(self) -> str:
        return f"{number_of(self.images, 'image')} with {number_of(self.detections, 'detection')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When a run was started, and how fast it went.

    Attributes:
        started: First start, ISO 8601, UTC.
        seconds: Time that it worked, all starts of an interrupted run together.
        tiles_per_second: Tiles run through the model in a second.
    """

    started: str
    seconds: float = 0.0
    tiles_per_second: float = 0.0

    @property
    def begun(self) -> datetime:
        """First start."""
        return datetime.fromisoformat(self.started)


@dataclass(frozen=True, slots=True)
class FullImage:
    """An image, and in how many of its tiles the network gave as many boxes as it can."""

    file: str
    tiles: int


@dataclass(frozen=True, slots=True)
class CutBoxes:
    """What the borders of tiles did to boxes.

    Attributes:
        number: Detections that end at an inner border of a tile and were seen whole by no tile: each may be
            a part of an animal that counts more than once.
        files: The images that hold them.
        joined: Parts of animals that were joined to others.
        longest: Extent across a border of the longest of both, in px.
    """

    number: int = 0
    files: tuple[str, ...] = ()
    joined: int = 0
    longest: int = 0

    def overlap(self, tile_size: int) -> tuple[float, int]:
        """The overlap that shows the longest whole, as a share of a tile, and the tiles that it needs.

        Where half of a tile is not enough, tiles are made larger, in steps of 100 px.
        """
        needed = math.ceil(self.longest * _LARGER)
        if needed > tile_size / 2:
            tile_size = math.ceil(2 * needed / 100) * 100
        return math.ceil(100 * needed / tile_size) / 100, tile_size


@dataclass(frozen=True, slots=True)
class ScaledTiles:
    """Tiles that are cut for the ground resolution of the model's training.

    Attributes:
        images: How many images have such tiles.
        least: Smallest side of these in px; 0 where there are none.
        most: Largest side of these in px.
    """

    images: int = 0
    least: int = 0
    most: int = 0

    @classmethod
    def of(cls, sides: Mapping[int, int]) -> ScaledTiles:
        """Take it from the number of images for each side in px."""
        return cls(sum(sides.values()), min(sides, default=0), max(sides, default=0))


@dataclass(frozen=True, slots=True)
class Logged:
    """Where MLflow has a run.

    Attributes:
        uri: The server's address.
        run_id: The run's id there.
        places_km: Least side of the cells that its places are coarsened to there; null where they are exact.
    """

    uri: str
    run_id: str
    places_km: float | None = None


@dataclass(frozen=True, slots=True)
class BlurredFiles:
    """A run's files with coarsened places, in a folder of their own beside the exact ones.

    Attributes:
        km: Least side of the cells of the grid.
        files: Their names, relative to that folder.
    """

    km: float
    files: tuple[str, ...] = ()
