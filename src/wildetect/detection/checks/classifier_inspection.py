"""What a classifier's ONNX file is, and whether it works: before it is registered behind a detector."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.checks.ending import check_it_ends
from wildetect.detection.families.exporter_notes import names_in_doubt, noted_class_names, noted_size
from wildetect.detection.families.family import IMAGENET
from wildetect.detection.network.classifier import Classifier
from wildetect.detection.network.session import Session, TensorSpec, open_session
from wildetect.errors import ModelError
from wildetect.imagery.source import Pixels
from wildetect.registry.manifest import Feeding, SecondStage, Source, each_once
from wildetect.settings.registration import Classifier as ClassifierSettings
from wildetect.settings.registration import RegistrationSettings

__all__ = ["describe_classifier"]

CONFIG = RegistrationSettings.file
_IMAGE_RANK = 4
_SUM_TOLERANCE = 1e-2
_BATCH_TOLERANCE = 1e-3

logger = logging.getLogger(__name__)


def describe_classifier(
    path: Path, settings: ClassifierSettings, sha256: str, source: Source
) -> tuple[SecondStage, str | None]:
    """Say how a classifier is fed and read: by its owner, else by its file; and run it once.

    Args:
        path: ONNX file.
        settings: What its owner says.
        sha256: SHA-256 of the file as it is stored.
        source: The file that the owner gave.

    Returns:
        The stage, and what of its class names is in doubt.

    Raises:
        ModelError: It is not a classifier, or its class names or input size are given nowhere.
    """
    check_it_ends(path)
    session = open_session(path, "cpu")
    noted = _noted_names(session)
    names = _class_names(session, tuple(settings.class_names or noted))
    stage = SecondStage(
        feeding=_feeding(session, settings),
        class_names=names,
        softmax=False,
        crop=settings.crop,
        margin=settings.margin,
        crops_per_pass=settings.processing.batch_size,
        confidence=settings.confidence,
        sha256=sha256,
        source=source,
    )
    classifier = Classifier(path, stage, "cpu")
    rows = np.concatenate([classifier.classify([picture]) for picture in _pictures(stage.feeding)])
    if not np.isfinite(rows).all():
        raise _unusable(path, "some of its outputs are not finite numbers")
    done = rows.min() >= 0 and np.abs(rows.sum(axis=1) - 1).max() < _SUM_TOLERANCE
    feeding = stage.feeding.model_copy(update={"batch": _bearable_batch(classifier, rows)})
    doubt = names_in_doubt(noted, names)
    stage = stage.model_copy(update={"softmax": not done, "feeding": feeding})
    return stage, doubt and f"classifier: {doubt}"


def _feeding(session: Session, settings: ClassifierSettings) -> Feeding:
    name = session.weights
    image = _image_input(session)
    if not session.outputs or len(session.outputs[0].shape) < 2:  # noqa: PLR2004 - a batch and the classes
        raise _unusable(name, "its output is not one row of classes for each picture")
    noted_width, noted_height = noted_size(session.metadata)
    width = image.shape[3] or settings.imgsz or noted_width
    height = image.shape[2] or settings.imgsz or noted_height
    if width is None or height is None:
        raise ModelError(
            f"the classifier {name.name} takes pictures of any size and does not say on which it was trained",
            hint=f"Write the side in px into {CONFIG}, as classifier.imgsz.",
        )
    if settings.imgsz not in {None, width}:
        raise ModelError(
            f"the classifier {name.name} takes pictures of {width} x {height} px, not of {settings.imgsz}",
            hint=f"Remove classifier.imgsz from {CONFIG}.",
        )
    said = {key: value for key in ("scale", "mean", "std") if (value := getattr(settings, key)) is not None}
    facts = {
        "width": width,
        "height": height,
        "dtype": image.dtype,
        "batch": image.shape[0],
        "channel_order": settings.channel_order,
        "resize": "stretch",
        "pad": settings.pad,
    }
    return Feeding.model_validate({**facts, **(said or _usual_scaling(session))})


def _usual_scaling(session: Session) -> dict[str, object]:
    """Ultralytics feeds 0 to 1; other files do not say, and most were trained from ImageNet's weights."""
    if session.metadata.get("task") == "classify":
        return {}
    logger.warning(
        "%s does not say how it is fed: taken as trained from ImageNet's weights (scale 1/255, mean "
        "0.485 0.456 0.406, std 0.229 0.224 0.225). Else set classifier.scale, .mean and .std",
        session.weights.name,
    )
    return dict(IMAGENET)


def _image_input(session: Session) -> TensorSpec:
    if len(session.inputs) != 1 or len(session.inputs[0].shape) != _IMAGE_RANK:
        raise _unusable(session.weights, "it does not take pictures of shape (n, 3, height, width) alone")
    image = session.inputs[0]
    if image.shape[1] not in {3, None} or image.dtype not in {"float32", "float16", "uint8"}:
        shape = tuple("any" if length is None else length for length in image.shape)
        raise _unusable(session.weights, f"it takes {image.dtype} of shape {shape}, not colour pictures")
    if (task := session.metadata.get("task", "classify")) != "classify":
        raise _unusable(session.weights, f"its metadata says that its task is {task!r}")
    return image


def _noted_names(session: Session) -> tuple[str, ...]:
    ways = noted_class_names(session.metadata)
    scores = session.outputs[0].shape[-1] if session.outputs[0].shape else None
    return next((names for names in ways if len(names) == scores), ways[0] if ways else ())


def _class_names(session: Session, names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ModelError(
            f"the classifier {session.weights.name} carries no class names",
            hint=f"List them in the order of its outputs as classifier.class_names: in {CONFIG}.",
        )
    return each_once(names, f"Give each class its own name as classifier.class_names: in {CONFIG}.")


def _pictures(feeding: Feeding) -> list[Pixels]:
    """Made-up crops, unlike each other and always the same."""
    noise = np.random.default_rng(0).integers(0, 256, (3, feeding.height, feeding.width, 3), dtype=np.uint8)
    noise[1] //= 4
    noise[2, : feeding.height // 2] = (180, 150, 90)
    return list(noise)


def _bearable_batch(classifier: Classifier, alone: NDArray[np.float32]) -> int | None:
    """None if crops come out of a batch as they do alone; else 1."""
    feeding = classifier.stage.feeding
    if feeding.batch is not None:
        return feeding.batch
    try:
        together = classifier.classify(_pictures(feeding))
    except ModelError:
        return 1
    return None if np.allclose(together, alone, rtol=_BATCH_TOLERANCE, atol=_BATCH_TOLERANCE) else 1


def _unusable(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"{path.name} cannot be used as classifier: {reason}",
        hint=f"Name the ONNX file of an image classifier as classifier.weights in {CONFIG}, or remove it.",
    )
