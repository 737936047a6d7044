"""What ran on what, with which model and settings, and what came out: the content of run.json.

`DetectionRun` is this record and `run_of` makes it; module run_file writes and reads it, module run_parts
has what it is made of.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from wildetect import __version__
from wildetect.registry.cache import FetchedModel
from wildetect.results.dataset import DataSet, PictureSet
from wildetect.results.records import MANY_CUT, RunSummary
from wildetect.results.run_parts import (
    BlurredFiles,
    BrokenImage,
    CutBoxes,
    Failure,
    FullImage,
    ImageCounts,
    LeftOut,
    Logged,
    Remark,
    RunModel,
    ScaledTiles,
    State,
    Times,
    remarks_of,
)

__all__ = ["DetectionRun", "RunFacts", "package_versions", "run_of"]

_SCALING = (  # module imagery.stretch says how
    "8-bit values as they are; others so that black to white, which read_as states, come out evenly as "
    "0 to 255, rounded"
)
PACKAGES = ("onnxruntime", "numpy", "pillow", "rasterio", "mlflow")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionRun:
    """The content of run.json, in its order.

    Attributes:
        state: "finished", "stopped" (too many failures) or "interrupted" (Ctrl+C); "running" while it goes
            on, and for good where it was killed.
        model: The detector.
        settings: The settings that shape the result, by name.
        device: Where inference ran.
        images: How many there are.
        detections: Number of all detections.
        counts: Detections by class name.
        tiles: Tiles run through the model.
        tiles_empty: Tiles left out, as a raster has no data there.
        tiles_failed: Images of which tiles could not be read.
        dark_images: Names of the images that are almost black.
        doubts: Why detections in some images may be wrong.
        read_as: How bands and values of some images were read and where they were placed.
        not_read: Files that look like pictures and are of a kind that is not read, or lie beyond --limit.
        full_images: Images in which a limit on the boxes of a tile was reached: animals may be missing.
        cut_boxes: Boxes at the borders of tiles: parts of animals that were joined, or count by themselves.
        scaled_tiles: Tiles that are cut for the ground resolution of the model's training.
        resumed_images: Images whose results come from an earlier start.
        left_out: Images that were done and are not there any more.
        dataset: The pictures.
        pixel_scaling: How values of 16 bits became 8; None where an earlier version did not say.
        failures: Images that could not be processed.
        times: When, and how fast.
        versions: Versions of this program, Python and packages.
        mlflow: Where it is logged; None until then.
        files: Names of the files written, relative to the folder.
        digests: The sha256 of those that people may change, as they were written, by name.
        summary: Detected, reviewed and corrected numbers by species; None before there is a review.
        sensitive: Classes whose exact places stay in the output folder.
        blurred: The files for others, with coarsened places; None where there are none.
        places: How the places in the files of this folder are coarsened; None where they are exact.
    """

    state: State
    model: RunModel
    settings: Mapping[str, Any] = field(default_factory=dict)
    device: str = ""
    images: ImageCounts = field(default_factory=ImageCounts)
    detections: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    tiles: int = 0
    tiles_empty: int = 0
    tiles_failed: tuple[BrokenImage, ...] = ()
    dark_images: tuple[str, ...] = ()
    doubts: tuple[Remark, ...] = ()
    read_as: tuple[Remark, ...] = ()
    not_read: tuple[Remark, ...] = ()
    full_images: tuple[FullImage, ...] = ()
    cut_boxes: CutBoxes = field(default_factory=CutBoxes)
    scaled_tiles: ScaledTiles = field(default_factory=ScaledTiles)
    resumed_images: int = 0
    left_out: LeftOut = field(default_factory=LeftOut)
    dataset: DataSet = field(default_factory=DataSet)
    pixel_scaling: str | None = None
    failures: tuple[Failure, ...] = ()
    times: Times
    versions: Mapping[str, str] = field(default_factory=dict)
    mlflow: Logged | None = None
    files: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] | None = None
    sensitive: tuple[str, ...] = ()
    blurred: BlurredFiles | None = None
    places: str | None = None

    @property
    def confidence(self) -> float:
        """Lowest confidence that was kept."""
        return float(self.settings.get("confidence") or 0.0)

    @property
    def many_cut(self) -> bool:
        """Whether so many boxes end at borders of tiles that animals may count more than once."""
        return self.cut_boxes.number > MANY_CUT * self.detections

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the model's classes by class id."""
        return self.model.class_names

    def document(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return asdict(self)

    def same_results(self, other: DetectionRun) -> bool:
        """Whether both say the same of the same images.

        The state is not compared: it says "running" where a start was killed that came after the logged one.
        """
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("model", "dataset", "images", "detections", "counts", "failures")
        )


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a run knows besides its results.

    Attributes:
        model: The detector.
        settings: The settings that shape the result, by name.
        device: Where inference ran.
        state: State as in `DetectionRun`.
        started: When.
        seconds: How long it took, all starts of an interrupted run together; of the images that count.
        dataset: The pictures.
        resumed: Images whose results come from an earlier start.
        left_out: Images that were done and are not there any more, and their detections.
        not_read: Names of the files that look like pictures and are not read, for each reason.
    """

    model: FetchedModel
    settings: Mapping[str, object]
    device: str
    state: State
    started: datetime
    seconds: float
    dataset: PictureSet
    resumed: int = 0
    left_out: tuple[int, int] = (0, 0)
    not_read: Mapping[str, Sequence[str]] = field(default_factory=dict)


def run_of(facts: RunFacts, summary: RunSummary) -> DetectionRun:
    """Put together what a run says of itself; times are in seconds or UTC."""
    manifest = facts.model.manifest
    return DetectionRun(
        state=facts.state,
        model=RunModel.of(facts.model),
        settings=dict(facts.settings),
        device=facts.device,
        images=ImageCounts.of(summary),
        detections=summary.detections,
        counts=summary.per_class(manifest.class_names),
        tiles=summary.tiles,
        tiles_empty=summary.tiles_empty,
        tiles_failed=tuple(BrokenImage(name, tiles) for name, tiles in summary.tiles_failed.items()),
        dark_images=tuple(sorted(summary.dark)),
        doubts=remarks_of(summary.doubts),
        read_as=remarks_of(summary.read_as),
        not_read=remarks_of(facts.not_read),
        full_images=tuple(FullImage(name, tiles) for name, tiles in sorted(summary.full.items())),
        cut_boxes=CutBoxes(
            sum(summary.cut.values()), tuple(sorted(summary.cut)), summary.joined, summary.longest_cut
        ),
        scaled_tiles=ScaledTiles.of(summary.scaled),
        resumed_images=facts.resumed,
        left_out=LeftOut(*facts.left_out),
        dataset=facts.dataset.named(),
        pixel_scaling=_SCALING,
        failures=tuple(Failure(name, reason) for name, reason in summary.failures.items()),
        times=Times(
            started=facts.started.astimezone(UTC).isoformat(timespec="seconds"),
            seconds=round(facts.seconds, 3),
            tiles_per_second=round(summary.tiles / facts.seconds, 3) if facts.seconds else 0.0,
        ),
        versions=package_versions(PACKAGES),
    )


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of this program, of Python, and of those packages that are installed."""
    found = {"wildetect": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
