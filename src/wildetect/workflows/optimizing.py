"""Make a faster version of a registered detector, and prove on pictures that it finds the same animals."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from wildetect.detection.faster.agreement import Agreement, agreement_of, speed_ratio
from wildetect.detection.faster.lighter import SHARES_KEPT, Kind, lighter
from wildetect.detection.faster.windows import LONGEST, check_sides, run_ratio, with_windows
from wildetect.detection.network.detector import Detector
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.detections import Detections
from wildetect.errors import ConfigurationError, InputError, ModelError
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile, discover
from wildetect.imagery.opening import open_image
from wildetect.imagery.source import Pixels
from wildetect.registry.cache import FetchedModel
from wildetect.registry.connection import Connection
from wildetect.registry.learning.lineage import LINEAGE, lineage_in
from wildetect.registry.manifest import CLASSIFIER_FILE, Source
from wildetect.registry.registration import Registration, provenance
from wildetect.results.files import make_folder
from wildetect.results.report.overlay import draw
from wildetect.settings import Project
from wildetect.settings.detection import DetectionSettings
from wildetect.settings.words import Device
from wildetect.wording import number_of, percent
from wildetect.workflows.detection_plan import Request, limit_of, prepared, settings_for
from wildetect.workflows.model_choice import chosen_model
from wildetect.workflows.registration import register
from wildetect.workflows.watching import SILENT, Watcher

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["FORMS", "Form", "Optimized", "optimize"]

Form = Literal[Kind, "windows"]
FORMS: tuple[Form, ...] = get_args(Form)

_MOST_TILES = 64  # for the ranges of int8; more change little
_EMPTY_TILES = 16  # of them without an animal
_TIMED_TILES = 12
_MOST_SHOWN = 60
_AROUND = 60  # px around a box that differs


@dataclass(frozen=True, kw_only=True)
class Optimized:
    """What came of it.

    Attributes:
        kind: int8, float16 or windows.
        kept: Part of the convolutions that stays in float.
        agreement: Agreement with the version that it was made of, on pictures that were not used to make it.
        speed: Time of a forward pass (of windows: of whole pictures) as a share of that one's, in turn on
            this machine.
        windows: Longest side of its windows in tiles; 1 where each pass is a tile.
        pictures: How many were compared.
        version: The new version; null where nothing was registered.
        differences: Folder of crops of boxes that only one of the two has; null where there are none.
    """

    kind: Form
    kept: float
    agreement: Agreement
    speed: float
    pictures: int
    version: str | None
    differences: Path | None
    windows: int = 1


@dataclass(frozen=True)
class _Try:
    proto: ModelProto
    detector: Detector
    kept: float
    agreement: Agreement
    found: dict[str, Detections]
    speed: float | None = None

    @property
    def enough(self) -> float:
        """Agreement, 0 to 1."""
        return self.agreement.share or 0.0


def optimize(
    project: Project,
    request: Request,
    kind: Form,
    least: float,
    watcher: Watcher = SILENT,
    *,
    dry_run: bool = False,
) -> Optimized:
    """Make, compare, time and register a lighter form of a version.

    Args:
        project: Its .env names the server.
        request: Names the model and the pictures; tiles and thresholds are those of a detection run.
        kind: What to make.
        least: Agreement, 0 to 1, below which nothing is registered.
        watcher: Observer that is told what happens.
        dry_run: Compare and time, register nothing.

    Raises:
        ConfigurationError: No registered version is named, or there are no pictures.
        InputError: A picture cannot be read, or the detector finds nothing in them.
        ModelError: It cannot be made lighter, agrees too little, or is not faster.
    """
    import onnx

    settings = settings_for(project, request)
    model, connection = _registered(project, settings, request, watcher)
    images = _spread(discover([Path(one) for one in request.sources]), limit_of(request.limit))
    detector, options = prepared(settings, model)
    watcher.notice(
        f"finding animals in {number_of(len(images), 'picture')} with {model} on {detector.device}"
    )
    found = _found_some(model, detector, options, images)
    compared = images[1::2] or images
    tiles = [] if kind == "windows" else _tiles(options, images[::2], found)
    proto = onnx.load(str(model.weights))
    setting = _Setting(
        model, proto, detector, options, compared, {one.name: found[one.name] for one in compared}
    )
    with tempfile.TemporaryDirectory(prefix="wildetect-lighter-", ignore_cleanup_errors=True) as folder:
        if kind == "windows":
            made = _windowed(setting, least, watcher)
        else:
            made = _best(setting, kind, tiles, Path(folder), least, watcher)
        speed = made.speed or speed_ratio(detector, made.detector, tiles[:_TIMED_TILES])
        place = _show(project, model, kind, made, compared, found)
        _refuse_what_is_no_gain(made.agreement, speed, least, kind, place)
        version = None
        if not dry_run:
            wanted = _registration(project, model, kind, made, speed)
            version, _ = register(project, connection, wanted, watcher)
    windows = made.detector.manifest.windows
    return Optimized(
        kind=kind,
        kept=made.kept,
        agreement=made.agreement,
        speed=speed,
        pictures=len(compared),
        version=None if version is None else version.version,
        differences=place,
        windows=1 if windows is None else windows.most,
    )


@dataclass(frozen=True)
class _Setting:
    model: FetchedModel
    proto: ModelProto
    detector: Detector
    options: PipelineOptions
    compared: Sequence[ImageFile]
    found: dict[str, Detections]


def _best(
    setting: _Setting, kind: Kind, tiles: Sequence[Pixels], folder: Path, least: float, watcher: Watcher
) -> _Try:
    """The first try that agrees enough, with more and more of the network left in float; else the best."""
    import onnx

    manifest = setting.detector.manifest
    tries: list[_Try] = []
    for number, kept in enumerate(SHARES_KEPT if kind == "int8" else (0.0,)):
        made = lighter(setting.proto, kind, manifest.feeding, tiles, kept)
        path = folder / f"{number}.onnx"
        onnx.save(made, str(path))
        classifier = setting.model.classifier
        detector = Detector(path, manifest, setting.detector.device, classifier=classifier)  # type: ignore[arg-type]
        found = _found(detector, setting.options, setting.compared)
        one = _Try(
            proto=made,
            detector=detector,
            kept=kept,
            agreement=agreement_of(setting.found, found, manifest.class_names),
            found=found,
        )
        tries.append(one)
        watcher.notice(f"{kind}, {percent(kept)} of it left in float: agreement {one.agreement.share:.3f}")
        if one.enough >= least:
            return one
    return max(tries, key=lambda one: one.enough)


def _windowed(setting: _Setting, least: float, watcher: Watcher) -> _Try:
    """The fastest of the larger windows that agree enough; else the one that agrees best."""
    manifest, device = setting.detector.manifest, setting.detector.device
    tries: list[_Try] = []
    for most in LONGEST:
        detector = Detector(
            setting.model.weights,
            with_windows(manifest, most),
            cast("Device", device),
            classifier=setting.model.classifier,
        )
        check_sides(detector, setting.options)
        options = replace(setting.options, windows=detector.windows)
        found = _found(detector, options, setting.compared)
        agreement = agreement_of(setting.found, found, manifest.class_names)
        speed = run_ratio((setting.detector, setting.options), (detector, options), setting.compared)
        one = _Try(setting.proto, detector, 0.0, agreement, found, speed)
        tries.append(one)
        watcher.notice(
            f"windows of up to {most} tiles a side: agreement {one.enough:.3f}, {speed:.2f} of the time"
        )
    enough = [one for one in tries if one.enough >= least]
    if enough:
        return min(enough, key=lambda one: one.speed or 1.0)
    return max(tries, key=lambda one: one.enough)


def _spread(images: list[ImageFile], limit: int | None) -> list[ImageFile]:
    """At most so many images, spread evenly over all."""
    if limit is None or limit >= len(images):
        return images
    return [images[round(number)] for number in np.linspace(0, len(images) - 1, limit)]


def _registered(
    project: Project, settings: DetectionSettings, request: Request, watcher: Watcher
) -> tuple[FetchedModel, Connection]:
    """The version that is named, and the server that has it.

    Raises:
        ConfigurationError: A file is named, and no version.
    """
    model, connection = chosen_model(project, settings, request.model, watcher)
    if model.version is None or connection is None:
        raise ConfigurationError(
            f"{model} is not a registered version", hint="uv run invoke model.list shows those there are."
        )
    return model, connection


def _found_some(
    model: FetchedModel, detector: Detector, options: PipelineOptions, images: Sequence[ImageFile]
) -> dict[str, Detections]:
    """What a version finds, by picture.

    Raises:
        InputError: Nothing: there is no agreement to measure then.
    """
    found = _found(detector, options, images)
    if not any(map(len, found.values())):
        raise InputError(
            f"{model} finds no animal in these {number_of(len(images), 'picture')}: agreement cannot be "
            "measured",
            hint="Give --pictures with animals, best some of your own survey.",
        )
    return found


def _found(
    detector: Detector, options: PipelineOptions, images: Sequence[ImageFile]
) -> dict[str, Detections]:
    found = {}
    for result in detect_images(images, detector, options):
        if result.detections is None:
            raise InputError(
                f"{result.name} cannot be read: {result.failure}",
                hint="Fix it, or take it out of the folder that --pictures names.",
            )
        found[result.name] = result.detections
    return found


def _tiles(
    options: PipelineOptions, images: Sequence[ImageFile], found: dict[str, Detections]
) -> list[Pixels]:
    """Tiles with animals first, and some without: what the network meets."""
    full, empty = list[Pixels](), list[Pixels]()
    for image in images:
        source = open_image(image.path)
        try:
            windows = options.tiles(source)
            for window in windows[:: max(1, len(windows) * len(images) // (4 * _MOST_TILES))]:
                pixels = source.tile(window)
                if pixels is not None:
                    (full if _holds(window, found[image.name]) else empty).append(pixels.copy())
        finally:
            source.close()
    chosen = full[: _MOST_TILES - _EMPTY_TILES]
    return [*chosen, *empty[: _MOST_TILES - len(chosen)]]


def _holds(window: Window, detections: Detections) -> bool:
    centres = (detections.xyxy[:, :2] + detections.xyxy[:, 2:]) / 2
    inside = (centres >= (window.x, window.y)) & (centres < (window.right, window.bottom))
    return bool(inside.all(axis=1).any())


def _refuse_what_is_no_gain(
    agreement: Agreement, speed: float, least: float, kind: Form, place: Path | None
) -> None:
    share = agreement.share or 0.0
    shown = f" The boxes that differ are in {place}." if place else ""
    if share < least:
        raise ModelError(
            f"the {kind} form agrees by {share:.3f}, less than {least:g}: {agreement.same} of "
            f"{agreement.first} and {number_of(agreement.second, 'box', 'boxes')} are the same. Nothing "
            f"is registered.{shown}",
            hint="Stay with this version, or accept less with --agree where the counts still serve you.",
        )
    if speed >= 1:
        raise ModelError(
            f"the {kind} form takes {speed:.2f} times as long on this machine. Nothing is registered.",
            hint="int8 needs a processor with VNNI or the like, float16 a GPU, windows photographs of many "
            "tiles; stay with this version.",
        )


def _show(
    project: Project,
    model: FetchedModel,
    kind: Form,
    made: _Try,
    images: Sequence[ImageFile],
    found: dict[str, Detections],
) -> Path | None:
    """Crops of the boxes that only one of the two has; the name of each says which."""
    differences = made.agreement.differences[:_MOST_SHOWN]
    if not differences:
        return None
    folder = project.root / "results" / "optimize" / f"{model.name}-{model.version}-{kind}"
    make_folder(folder, hint="Free the folder results/optimize.", what="the folder")
    for stale in folder.glob("*.jpg"):
        stale.unlink()
    paths = {image.name: image.path for image in images}
    names = made.detector.manifest.class_names
    for number, one in enumerate(differences, start=1):
        boxes = (found if one.first else made.found)[one.image].select(slice(one.row, one.row + 1))
        source = open_image(paths[one.image])
        try:
            x, y, right, bottom = boxes.xyxy[0].round().astype(int).tolist()
            left, top = max(x - _AROUND, 0), max(y - _AROUND, 0)
            window = Window(
                left,
                top,
                min(right + _AROUND, source.width) - left,
                min(bottom + _AROUND, source.height) - top,
            )
            picture = draw(source.read(window), boxes.shift(-left, -top), names)
        finally:
            source.close()
        picture.save(folder / f"{number:03d} {'only before' if one.first else f'only {kind}'}.jpg")
    return folder


def _registration(
    project: Project, model: FetchedModel, kind: Form, made: _Try, speed: float
) -> Registration:
    content = made.proto.SerializeToString()
    sha256 = hashlib.sha256(content).hexdigest()
    share = made.agreement.share or 0.0
    manifest = model.manifest
    if made.detector.manifest.windows is not None:
        manifest = with_windows(manifest, made.detector.manifest.windows.most, share)
    source = Source(file=f"{Path(manifest.source.file).stem}.{kind}.onnx", size=len(content), sha256=sha256)
    files: dict[str, bytes] = {}
    if model.classifier is not None:
        files[CLASSIFIER_FILE] = model.classifier.read_bytes()
    if (lineage := lineage_in(model.weights.parent)) is not None:
        files[LINEAGE] = lineage.to_bytes()  # it has learned what the other form has
    tags: dict[str, Any] = {
        **provenance(project.root),
        "optimized_from": f"{model.name}/{model.version}",
        "optimized_as": kind,
        "agreement": f"{share:.4f}",
        "speed_ratio": f"{speed:.3f}",
    }
    return Registration(
        name=model.name,
        model=made.proto,
        manifest=manifest.model_copy(update={"sha256": sha256, "source": source}),
        files=files,
        tags=tags,
        description=f"{kind} form of version {model.version}: the same boxes by {percent(share, 1)} on "
        f"{number_of(len(made.found), 'picture')}, {speed:.2f} of its time on {tags['registered_on']}.",
    )
