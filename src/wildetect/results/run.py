"""run.json: what ran on what, with which model and settings, and what came out.

`Run` is its content. `run_of` makes it, `write_run_file` is the one writer, `read_run_file` the one
reader; it takes the files of earlier versions, too.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, TypeVar

from wildetect import __version__
from wildetect.errors import InputError
from wildetect.registry.cache import FetchedModel
from wildetect.results.blurring import BLURRED, Grid
from wildetect.results.dataset import DataSet, PictureSet
from wildetect.results.files import make_folder, write_text
from wildetect.results.records import MANY_CUT, RunSummary
from wildetect.wording import number_of

__all__ = [
    "BlurredFiles",
    "BrokenImage",
    "CutBoxes",
    "DetectionRun",
    "Failure",
    "ImageCounts",
    "Logged",
    "Remark",
    "RunFacts",
    "RunModel",
    "ScaledTiles",
    "State",
    "Times",
    "mark_running",
    "package_versions",
    "read_run_file",
    "run_from",
    "run_of",
    "write_run_file",
]

State = Literal["running", "finished", "stopped", "interrupted"]
_SCALING = (  # module imagery.stretch says how
    "8-bit values as they are; others so that black to white, which read_as states, come out evenly as "
    "0 to 255, rounded"
)
PACKAGES = ("onnxruntime", "numpy", "pillow", "rasterio", "mlflow")
_LARGER = 1.1  # a part says only how long an animal is at least
_Made = TypeVar("_Made")


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
    """

    name: str | None = None
    version: str | None = None
    file: str = ""
    sha256: str = ""
    family: str = ""
    box_kind: str = "boxes"
    class_names: tuple[str, ...]
    unchecked: str | None = None

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

    @property
    def read(self) -> int:
        """Number of images that are done and did not fail."""
        return self.done - self.failed

    def __str__(self) -> str:
        failed = f" ({self.failed} failed)" if self.failed else ""
        return f"{self.read} of {number_of(self.found, 'image')}{failed}"


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


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Images that were done and are not there any more, and their detections."""

    images: int = 0
    detections: int = 0


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
        summary: Detected, reviewed and corrected numbers by species; None before there is a review.
        sensitive: Classes whose exact places stay in the output folder.
        blurred: The files for others, with coarsened places; None where there are none.
        places: How the places in the files of this folder are coarsened; None where they are exact.
    """

    state: State
    model: RunModel
    settings: Mapping[str, Any] = field(default_factory=dict)
    device: str = ""
    images: ImageCounts = ImageCounts()
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
    cut_boxes: CutBoxes = CutBoxes()
    scaled_tiles: ScaledTiles = ScaledTiles()
    resumed_images: int = 0
    left_out: LeftOut = LeftOut()
    dataset: DataSet = field(default_factory=DataSet)
    pixel_scaling: str | None = None
    failures: tuple[Failure, ...] = ()
    times: Times
    versions: Mapping[str, str] = field(default_factory=dict)
    mlflow: Logged | None = None
    files: tuple[str, ...] = ()
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
        state: As in `DetectionRun`.
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
        model=RunModel(
            name=facts.model.name,
            version=facts.model.version,
            file=manifest.source.file,
            sha256=manifest.sha256,
            family=manifest.family,
            box_kind=manifest.box_kind,
            class_names=tuple(manifest.class_names),
            unchecked=manifest.unchecked,
        ),
        settings=dict(facts.settings),
        device=facts.device,
        images=ImageCounts(
            found=summary.expected,
            done=summary.done,
            failed=summary.failed,
            left=summary.left,
            with_detections=summary.with_detections,
        ),
        detections=summary.detections,
        counts=summary.per_class(manifest.class_names),
        tiles=summary.tiles,
        tiles_empty=summary.tiles_empty,
        tiles_failed=tuple(BrokenImage(name, tiles) for name, tiles in summary.tiles_failed.items()),
        dark_images=tuple(sorted(summary.dark)),
        doubts=_remarks(summary.doubts),
        read_as=_remarks(summary.read_as),
        not_read=_remarks(facts.not_read),
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


def _remarks(told: Mapping[str, Iterable[str]]) -> tuple[Remark, ...]:
    """In an order that does not depend on which image was done first."""
    return tuple(Remark(what, tuple(sorted(told[what]))) for what in sorted(told))


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of this program, of Python, and of those packages that are installed."""
    found = {"wildetect": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def write_run_file(folder: Path, run: DetectionRun) -> None:
    """Write run.json, whole or not at all; that of the files with coarsened places, too."""
    _write(folder, run)
    if run.blurred is not None:
        inner = folder / BLURRED
        make_folder(inner, hint="Give another folder with --output.")
        _write(inner, replace(run, files=run.blurred.files, blurred=None, places=str(Grid(run.blurred.km))))


def _write(folder: Path, run: DetectionRun) -> None:
    write_text(folder / "run.json", json.dumps(run.document(), indent=2, ensure_ascii=False) + "\n")


def mark_running(folder: Path) -> DetectionRun | None:
    """Have the run.json in a folder say that its run goes on: what it counts is no longer true.

    Returns:
        What it held; None where there is no readable one.
    """
    try:
        run = read_run_file(folder)
    except InputError:
        return None
    write_run_file(folder, replace(run, state="running"))
    return run


def read_run_file(folder: Path) -> DetectionRun:
    """Read the run.json in a folder.

    Raises:
        InputError: There is none, or it is damaged.
    """
    try:
        return run_from(json.loads((folder / "run.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{folder} holds no run.json of a run",
            hint="Name the output folder of a run; give the command of a run that was killed again.",
        ) from error


def run_from(document: Mapping[str, Any]) -> DetectionRun:
    """Take a run from what its run.json holds; what an earlier version did not write has its default.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: It is not the content of a run.json.
    """
    logged, left_out, dataset, cut, blurred = (
        document.get(name) for name in ("mlflow", "left_out", "dataset", "cut_boxes", "blurred")
    )
    return _made(
        DetectionRun,
        document,
        model=_made(RunModel, document["model"], class_names=tuple(document["model"]["class_names"])),
        images=_made(ImageCounts, document.get("images", {})),
        tiles_failed=tuple(
            BrokenImage(one["file"], tuple(one["tiles"])) for one in document.get("tiles_failed", ())
        ),
        dark_images=tuple(document.get("dark_images", ())),
        doubts=_remarks_from(document, "doubts"),
        read_as=_remarks_from(document, "read_as"),
        not_read=_remarks_from(document, "not_read"),
        full_images=tuple(_made(FullImage, one) for one in document.get("full_images", ())),
        cut_boxes=_made(CutBoxes, cut, files=tuple(cut["files"])) if cut else CutBoxes(),
        scaled_tiles=_made(ScaledTiles, document.get("scaled_tiles") or {}),
        left_out=_made(LeftOut, left_out or {}),
        dataset=_made(DataSet, dataset, sources=tuple(dataset["sources"])) if dataset else DataSet(),
        failures=tuple(_made(Failure, one) for one in document.get("failures", ())),
        times=_made(Times, document["times"]),
        mlflow=_made(Logged, logged) if logged else None,
        files=tuple(document.get("files", ())),
        sensitive=tuple(document.get("sensitive", ())),
        blurred=_made(BlurredFiles, blurred, files=tuple(blurred["files"])) if blurred else None,
    )


def _remarks_from(document: Mapping[str, Any], name: str) -> tuple[Remark, ...]:
    return tuple(Remark(one["what"], tuple(one["files"])) for one in document.get(name, ()))


def _made(kind: type[_Made], document: Mapping[str, Any], **parts: object) -> _Made:
    """A dataclass from those items that are its fields; what a later version added is left out."""
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in document.items() if name in known} | parts)
