"""What an ONNX file is, and whether it works as it is declared: before it is registered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.checks.ending import check_it_ends
from wildetect.detection.families.exporter_notes import (
    is_rt_detr,
    noted_class_names,
    noted_size,
    says_end_to_end,
)
from wildetect.detection.families.family import Frame, Reading, Shapes
from wildetect.detection.families.table import TABLE, families_fitting, fits, implausible
from wildetect.detection.network.detector import Detector
from wildetect.detection.network.own_limits import left_out
from wildetect.detection.network.own_scaling import scales_pixels
from wildetect.detection.network.session import (
    Session,
    TensorSpec,
    open_session,
    picture_input,
    size_of_input,
)
from wildetect.errors import ModelError
from wildetect.imagery.source import Pixels
from wildetect.registry.manifest import Manifest
from wildetect.settings.words import Family
from wildetect.wording import commas, listed, number_of

__all__ = ["Check", "WeightsFile", "candidates", "check", "infer_family", "inspect", "made_up_picture"]

_CHANNELS = 3
_BATCH_TOLERANCE = 1e-3
_USUAL = 640  # px, side of most networks' inputs


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """What an ONNX file says about itself.

    Attributes:
        path: The file.
        inputs: All inputs, the picture's and others.
        outputs: All outputs; where the file leaves their shapes open, as they came out once.
        metadata: Text that the exporter stored, as it is.
        class_names: Class names from the metadata; None if it holds none.
        width: Width of the picture's input in px; None if free and not in the metadata.
        height: Height of the picture's input in px; None if free and not in the metadata.
        batch: Pictures in a forward pass; None: any number.
        dtype: Type of the picture's input: float32, float16 or uint8.
        scales_pixels: Whether its graph scales pixels from 0 to 255 by itself, where it could take others.
    """

    path: Path
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    metadata: dict[str, str]
    class_names: tuple[str, ...] | None
    width: int | None
    height: int | None
    batch: int | None
    dtype: str
    scales_pixels: bool = False

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Width and height of the picture's input in px, where both are known."""
        return None if self.width is None or self.height is None else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class Check:
    """What a model did when it was run once.

    Attributes:
        batch: Pictures that a forward pass may have, None: any number. This goes into the manifest's feeding.
        seconds: For one forward pass, the first.
        left_out: What the network leaves out by itself, though the manifest asks for it; None: nothing.
    """

    batch: int | None
    seconds: float
    left_out: str | None = None


def inspect(path: Path) -> WeightsFile:
    """Open an ONNX file and say what it is.

    Raises:
        ModelError: It is missing, damaged, incomplete, without end, or no detector; the message says which.
    """
    check_it_ends(path)
    session = open_session(path, "cpu")
    image = _image_input(path, session.inputs)
    metadata = session.metadata
    if (task := metadata.get("task", "detect")) not in {one.task for one in TABLE.values()}:
        raise _no_detector(path, f"its metadata says that its task is {task!r}")
    noted_width, noted_height = noted_size(metadata)
    weights = WeightsFile(
        path=path,
        inputs=session.inputs,
        outputs=_outputs(session, image, noted_width, noted_height),
        metadata=metadata,
        class_names=None,
        width=image.shape[3] or noted_width,
        height=image.shape[2] or noted_height,
        batch=image.shape[0],
        dtype=image.dtype,
        scales_pixels=image.dtype != "uint8" and scales_pixels(path, image.name),
    )
    weights = _named(weights, noted_class_names(metadata))
    # names that are too many or too few are not the file's fault alone: its owner may give others
    if not candidates(weights) and not candidates(replace(weights, class_names=None)):
        shapes = listed(_shown(spec.shape) for spec in weights.outputs)
        raise _no_detector(path, f"outputs of shape {shapes} are those of no detector family")
    return weights


def _named(weights: WeightsFile, ways: Sequence[tuple[str, ...]]) -> WeightsFile:
    """The file with the names that fit the number of classes in its outputs."""
    named = [replace(weights, class_names=names) for names in ways]
    return next((one for one in named if candidates(one)), named[0] if named else weights)


def candidates(weights: WeightsFile, classes: int | None = None) -> tuple[Family, ...]:
    """The families that a file can be of, by the shapes of its outputs.

    Args:
        weights: Weights from `inspect`.
        classes: Number of class names; by default that of the file's own.
    """
    if classes is None and weights.class_names is not None:
        classes = len(weights.class_names)
    frame = Frame(*weights.input_size) if weights.input_size else None
    fitting = families_fitting([spec.shape for spec in weights.outputs], frame, classes)
    task = weights.metadata.get("task")
    return tuple(family for family in fitting if task in {None, TABLE[family].task})


def infer_family(weights: WeightsFile) -> Family | None:
    """The family that the file's own metadata names without doubt; a shape alone never does.

    Ultralytics writes `task` into its exports. Among the families that it exports so, few shapes fit
    several: (1, 300, 6) is an end-to-end table, and RT-DETR with two classes. There its notes tell.
    """
    if "task" not in weights.metadata or weights.class_names is None:
        return None
    fitting = [family for family in candidates(weights) if TABLE[family].ultralytics]
    if says_end_to_end(weights.metadata):
        fitting = [family for family in fitting if TABLE[family].columns] or fitting
    elif "rt-detr" in fitting and len(fitting) > 1:
        if is_rt_detr(weights.metadata):
            fitting = ["end-to-end" if _gives_classes(weights) else "rt-detr"]
        elif "yolo" in weights.metadata.get("description", "").lower():
            fitting.remove("rt-detr")
    return fitting[0] if len(fitting) == 1 else None


def _gives_classes(weights: WeightsFile) -> bool:
    """Whether rows of RT-DETR end with a score and a class, or with the scores of two classes.

    Ultralytics' later versions, which note the network's head, do the former; its earlier ones the latter.
    """
    noted = "head" in weights.metadata
    try:
        session = open_session(weights.path, "cpu")
        image = _image_input(weights.path, session.inputs)
        size = weights.batch or 1, _CHANNELS, weights.height or _USUAL, weights.width or _USUAL
        noise = np.random.default_rng(0).random(size).astype(image.dtype)
        last = _run_once(session, noise)[0][..., -1]
    except ModelError:
        return noted
    if not last.any():
        return noted
    return bool((last == np.round(last)).all())


def check(path: Path, manifest: Manifest) -> Check:
    """Run weights once, as the manifest says, and look whether the outputs are its family's.

    Raises:
        ModelError: They do not run, or the shapes or values are not those of the family; the message says
            what is wrong and which families would fit.
    """
    detector = Detector(path, manifest, "cpu")
    picture = made_up_picture(manifest)
    start = time.perf_counter()
    outputs = detector.forward([picture])[0][0]
    seconds = time.perf_counter() - start
    reading = Reading.of(manifest)
    shapes = tuple(output.shape for output in outputs)
    if not fits(manifest.family, Shapes(shapes, reading.frame, reading.classes)):
        raise _not_the_family(manifest, _others(detector, shapes, reading), shapes)
    if problem := implausible(manifest.family, outputs, reading):
        others = _others(detector, shapes, reading)
        raise ModelError(
            f"{path.name} does not behave as {manifest.family}: {problem}",
            hint=_name_one(others) if others else "Check its feeding and its class names",
        )
    lost = left_out(detector.limits, manifest.thresholds.confidence, detector.detect([picture]))
    return Check(_bearable_batch(detector, picture), seconds, lost)


def _outputs(
    session: Session, image: TensorSpec, width: int | None, height: int | None
) -> tuple[TensorSpec, ...]:
    """The outputs with the lengths that really come out, where the file leaves a row's length open."""
    declared = session.outputs
    if all(spec.shape and spec.shape[-1] for spec in declared):
        return declared
    size = (
        image.shape[0] or 1,
        _CHANNELS,
        image.shape[2] or height or _USUAL,
        image.shape[3] or width or _USUAL,
    )
    try:
        came = _run_once(session, np.zeros(size, image.dtype))
    except ModelError:
        return declared
    return tuple(
        TensorSpec(spec.name, spec.dtype, _completed(spec.shape, array.shape))
        for spec, array in zip(declared, came, strict=True)
    )


def _run_once(session: Session, pictures: NDArray[Any]) -> list[NDArray[Any]]:
    """All outputs for pictures (n, 3, height, width) as the network takes them."""
    found = picture_input(session.inputs)
    feeds: dict[str, NDArray[Any]] = {}
    for spec in session.inputs:
        if found is not None and spec.name == found[0].name:
            feeds[spec.name] = pictures[0] if found[1] else pictures
        elif (given := size_of_input(spec, len(pictures), *pictures.shape[:1:-1])) is not None:
            feeds[spec.name] = given
    return session.run(feeds, [spec.name for spec in session.outputs])


def _completed(declared: tuple[int | None, ...], came: tuple[int, ...]) -> tuple[int | None, ...]:
    """The declared shape with the row's length as it came; a number of rows that was open stays open."""
    if len(declared) != len(came):
        return tuple(length or None for length in came)
    return (*declared[:-1], declared[-1] or came[-1] or None)


def _others(detector: Detector, shapes: Sequence[tuple[int, ...]], reading: Reading) -> list[Family]:
    """The families that fit the shapes that came out, of all outputs where only the first was read."""
    came = [*shapes, *(spec.shape for spec in detector.session.outputs[len(shapes) :])]
    fitting = families_fitting(came, reading.frame, reading.classes)
    return [family for family in fitting if family != detector.manifest.family]


def _image_input(path: Path, inputs: tuple[TensorSpec, ...]) -> TensorSpec:
    """The input that takes the picture, (batch, 3, height, width)."""
    found = picture_input(inputs)
    if found is None:
        shapes = listed(_shown(spec.shape) for spec in inputs)
        raise _no_detector(
            path, f"its inputs have shape {shapes}; none is a single picture (1, 3, height, width)"
        )
    image = found[0]
    if image.shape[1] != _CHANNELS and image.shape[-1] == _CHANNELS:
        raise ModelError(
            f"{path.name} takes pictures of shape {_shown(image.shape)}, with the colours last",
            hint="Export it again with the colours first, (1, 3, height, width); from TensorFlow: "
            f"python -m tf2onnx.convert ... --inputs-as-nchw {image.name}",
        )
    if image.shape[1] not in {_CHANNELS, None}:
        raise _no_detector(
            path, f"it takes input of shape {_shown(image.shape)}, not colour pictures (1, 3, ...)"
        )
    if image.dtype not in {"float32", "float16", "uint8"}:
        raise ModelError(
            f"{path.name} takes pictures of {image.dtype}, not of float32, float16 or uint8",
            hint="Export it again with an input of float32; int8 networks keep a float32 input with a "
            "QuantizeLinear behind it",
        )
    return image


def made_up_picture(manifest: Manifest) -> Pixels:
    """A picture of the network's size with edges, colours and texture, always the same."""
    width, height = manifest.feeding.size
    row, column = np.mgrid[0:height, 0:width]
    texture = np.random.default_rng(0).integers(-20, 20, (height, width))
    channels = [
        110 + 60 * np.sin(column / 23),
        120 + 60 * np.cos(row / 31),
        90 + 50 * np.sin((row + column) / 47),
    ]
    picture = np.stack(channels, axis=2) + texture[..., None]
    picture[height // 4 : height // 2, width // 3 : width // 2] = (70, 50, 40)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _bearable_batch(detector: Detector, picture: Pixels) -> int | None:
    """None if a picture comes out of a batch as it does alone; else 1."""
    if detector.batch is not None:
        return detector.batch
    alone = detector.forward([picture])[0][0]
    try:
        together = detector.forward([picture, picture[::-1, ::-1]])[0][0]
    except ModelError:
        return 1
    same = all(
        first.shape == second.shape
        and np.allclose(first, second, rtol=_BATCH_TOLERANCE, atol=_BATCH_TOLERANCE)
        for first, second in zip(alone, together, strict=True)
    )
    return None if same else 1


def _no_detector(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"{path.name} is not a detector: {reason}",
        hint=f"The families that can be used: {listed(TABLE)}",
    )


def _not_the_family(
    manifest: Manifest, fitting: Sequence[Family], shapes: tuple[tuple[int, ...], ...]
) -> ModelError:
    given = listed(shapes)
    classes = len(manifest.detected_names)
    others = _name_one(fitting) if fitting else "Give all class names of the model"
    return ModelError(
        f"outputs {given} are not those of {manifest.family} with {number_of(classes, 'class name')}: "
        f"{TABLE[manifest.family].outputs}",
        hint=others,
    )


def _shown(shape: tuple[int | None, ...]) -> str:
    return "(" + commas("any" if length is None else str(length) for length in shape) + ")"


def _name_one(families: Iterable[Family]) -> str:
    return f"Set family: {listed(families, last='or')}"
