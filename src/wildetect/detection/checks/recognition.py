"""From a weights file and what its owner says of it to the manifest that it is run with."""

from __future__ import annotations

from wildetect.detection.checks.inspection import WeightsFile, candidates, infer_family
from wildetect.detection.families.exporter_notes import is_rt_detr, noted_stride
from wildetect.detection.families.points.peaks import POINT_SIZE
from wildetect.detection.families.table import TABLE
from wildetect.errors import ModelError
from wildetect.registry.manifest import Feeding, Manifest, Source, Thresholds, each_once
from wildetect.settings.registration import RegistrationSettings
from wildetect.settings.words import FAMILIES, Family
from wildetect.wording import listed, number_of

__all__ = ["UnclearFamilyError", "describe"]

CONFIG = RegistrationSettings.file
_UPRIGHT_IOU = 0.6
_MOST_CLASSES = 1000  # looked for in outputs
_AS_IT_IS = {"scale": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


class UnclearFamilyError(ModelError):
    """A file fits several families, and nothing says which one it is of."""


def describe(weights: WeightsFile, settings: RegistrationSettings, sha256: str, source: Source) -> Manifest:
    """Say how a detector is fed and read: by its owner, else by its file, else by its family.

    Args:
        weights: What the file says of itself.
        settings: What its owner says.
        sha256: SHA-256 of the file that will run.
        source: The file that the owner gave.

    Raises:
        UnclearFamilyError: Where the family is given nowhere.
        ModelError: Where class names or input size are given nowhere.
    """
    family = settings.family or infer_family(weights) or _refuse_to_guess(weights, settings)
    class_names = tuple(settings.class_names or weights.class_names or ())
    if not class_names:
        raise ModelError(
            f"{weights.path.name} carries no class names",
            hint=f"List them in the order of its outputs as class_names: in {CONFIG}.",
        )
    each_once(class_names, f"Give each class its own name, in their order, as class_names: in {CONFIG}.")
    return Manifest(
        family=family,
        feeding=_feeding(weights, settings, family),
        thresholds=_thresholds(settings, family),
        class_names=class_names,
        sha256=sha256,
        source=source,
        box_kind=TABLE[family].box_kind,
        point_size=_point_size(settings, family),
        trained_gsd_cm=settings.trained_gsd_cm,
    )


def _point_size(settings: RegistrationSettings, family: Family) -> int | None:
    if TABLE[family].box_kind == "points":
        return settings.point_size or POINT_SIZE
    if settings.point_size is not None:
        takers = listed(name for name, one in TABLE.items() if one.box_kind == "points")
        raise ModelError(
            f"point_size: is for {takers}; {family} gives boxes", hint=f"Remove point_size: from {CONFIG}."
        )
    return None


def _refuse_to_guess(weights: WeightsFile, settings: RegistrationSettings) -> Family:
    fitting = candidates(weights, len(settings.class_names) if settings.class_names else None)
    shapes = listed(str(output.shape).replace("None", "any") for output in weights.outputs)
    if not fitting:
        _refuse_number_of_names(weights, settings, shapes)
        raise ModelError(
            f"{weights.path.name} is not a detector of a known family: its outputs are {shapes}",
            hint=f"The families that can be registered: {listed(FAMILIES)}.",
        )
    raise UnclearFamilyError(
        f"{weights.path.name} does not say its family; its outputs {shapes} fit {listed(fitting)}",
        hint=f"Write the one it was trained as into {CONFIG} (family: {fitting[0]}), or see what each finds: "
        "model.register --family auto-check --picture FILE",
    )


def _refuse_number_of_names(weights: WeightsFile, settings: RegistrationSettings, shapes: str) -> None:
    """Say so where the outputs are those of a family, and of another number of classes than there are names.

    Raises:
        ModelError: They are.
    """
    names = settings.class_names or weights.class_names or ()
    for number in range(1, _MOST_CLASSES):
        fitting = candidates(weights, number)
        if fitting:
            whose = "the settings name" if settings.class_names else f"{weights.path.name} names"
            raise ModelError(
                f"{whose} {number_of(len(names), 'class', 'classes')}, and its outputs {shapes} hold "
                f"{number} (as {listed(fitting, last='or')})",
                hint="List the names of all classes, in the order of the outputs, as class_names: in "
                f"{CONFIG}, and give family: {fitting[0]} there.",
            )


def _feeding(weights: WeightsFile, settings: RegistrationSettings, family: Family) -> Feeding:
    side = settings.localizer.yolo.imgsz
    width, height = (side, side) if side else (weights.width, weights.height)
    if width is None or height is None:
        raise ModelError(
            f"{weights.path.name} takes pictures of any size and does not say of which it was trained on",
            hint=f"Write the side in px into {CONFIG}, as localizer.yolo.imgsz.",
        )
    stride = noted_stride(weights.metadata)
    if side and stride and side % stride:
        low = side // stride * stride
        raise ModelError(
            f"imgsz: {side} does not fit {weights.path.name}, whose sides are multiples of {stride} px",
            hint=f"Write {low + stride}{f' or {low}' if low else ''} into {CONFIG}, as localizer.yolo.imgsz.",
        )
    said = {
        key: value
        for key in ("channel_order", "scale", "mean", "std", "resize", "shrink", "pad")
        if (value := getattr(settings, key)) is not None
    }
    # Ultralytics' RT-DETR stretches pictures to the square, whatever comes out of its export
    resize = {"resize": "stretch"} if is_rt_detr(weights.metadata) else {}
    facts = {"width": width, "height": height, "dtype": weights.dtype, "batch": weights.batch}
    inside = _AS_IT_IS if weights.scales_pixels else {}
    if inside and settings.scale not in {None, 1}:
        raise ModelError(
            f"{weights.path.name} scales pixels itself, and scale: {settings.scale:g} would scale them twice",
            hint=f"Remove scale: from {CONFIG}, or write scale: 1 there.",
        )
    return Feeding.model_validate({**facts, **TABLE[family].feeding, **resize, **inside, **said})


def _thresholds(settings: RegistrationSettings, family: Family) -> Thresholds:
    yolo = settings.localizer.yolo
    iou = yolo.iou_thres
    if TABLE[family].box_kind == "oriented":
        # upright boxes around turned ones overlap where the animals do not; the family removes the doubles
        iou = max(iou, _UPRIGHT_IOU)
    return Thresholds(
        confidence=yolo.conf_thres,
        iou=iou,
        max_detections=yolo.max_det,
        overlap_metric=yolo.overlap_metric,
    )
