"""What is stored with a registered detector, so that it is always fed and read the same way."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from wildetect.errors import ModelError
from wildetect.settings.names import LONGEST_NAME, unfit_class
from wildetect.settings.registration import BoxKind, BoxUnit, Column, Yolo
from wildetect.settings.words import (
    ChannelOrder,
    CropShape,
    Family,
    OverlapMetric,
    RelabelledConfidence,
    Resize,
    Shrink,
)
from wildetect.wording import listed

__all__ = [
    "CLASSIFIER_FILE",
    "Feeding",
    "Manifest",
    "SecondStage",
    "Source",
    "Thresholds",
    "WeightsFormat",
    "Windows",
    "each_once",
]

CLASSIFIER_FILE = "classifier/classifier.onnx"


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Feeding(_Stored):
    """How an upright RGB picture becomes the network's input.

    A pixel value p (0 to 255) of each channel is fed as `(p * scale - mean) / std`, where mean and std
    are given in the units of the scaled value and in the order of `channel_order`.
    """

    width: int = Field(gt=0, description="width of the network input in px")
    height: int = Field(gt=0, description="height of the network input in px")
    dtype: Literal["float32", "float16", "uint8"] = "float32"
    batch: int | None = Field(default=None, gt=0, description="images per forward pass; None: any number")
    channel_order: ChannelOrder = "rgb"
    scale: float = Field(default=1 / 255, gt=0)
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    resize: Resize = "letterbox"
    shrink: Shrink = Field(default="average", description="how a tile larger than the input is made smaller")
    pad: int = Field(default=114, ge=0, le=255, description="pixel value of the letterbox border")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the network input in px."""
        return self.width, self.height

    @property
    def factor_and_offset(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Factor and offset of each channel, shape (3,), so that `p * factor - offset` is what is fed."""
        std = np.array(self.std, dtype=np.float64)
        return (self.scale / std).astype(np.float32), (np.array(self.mean) / std).astype(np.float32)


_YOLO = Yolo()


class Thresholds(_Stored):
    """Defaults of the detector; a detection run can override them."""

    confidence: float = Field(default=_YOLO.conf_thres, ge=0, le=1)
    iou: float = Field(
        default=_YOLO.iou_thres, ge=0, le=1, description="above it two boxes of one class are one"
    )
    max_detections: int | None = Field(default=_YOLO.max_det, gt=0, description="per tile; null: no limit")
    overlap_metric: OverlapMetric = "IOU"


WeightsFormat = Literal["onnx", "pt", "torchscript"]


class Source(_Stored):
    """Where the weights came from."""

    file: str = Field(description="file name, without its folder")
    size: int = Field(ge=0, description="bytes")
    sha256: str
    path: str | None = Field(default=None, description="as it was given; for people, not to be opened")
    format: WeightsFormat = "onnx"
    exported_by: str | None = Field(default=None, description="what made the ONNX file of another format")


class SecondStage(_Stored):
    """How the classifier is fed and read that says of each detected box what it shows.

    Its crops are cut out of the photograph: the box with a margin, as a square around its centre
    ("square"; what lies beyond the photograph's border has the feeding's pad value) or as it is ("box"),
    resized to the network's input.
    """

    feeding: Feeding
    class_names: tuple[str, ...] = Field(min_length=2, description="class_names[class_id]")
    softmax: bool = Field(description="whether the network leaves the softmax to its reader")
    crop: CropShape = "square"
    margin: float = Field(default=0.1, ge=0, description="on each side, as a share of the longer side")
    crops_per_pass: int = Field(default=8, gt=0)
    confidence: RelabelledConfidence = "product"
    file: str = Field(default=CLASSIFIER_FILE, description="among the version's files")
    sha256: str = Field(description="of the stored ONNX file")
    source: Source


_LATER = (
    *("columns", "box_unit", "first_label", "box_kind", "point_size", "trained_gsd_cm", "windows"),
    "unchecked",
)


class Windows(_Stored):
    """How much larger than a tile a pass of a network with free sides may be.

    The input then grows with the window, so that the network sees animals as large as in a tile.
    """

    most: int = Field(gt=1, description="longest side of a window, in tiles")
    agreement: float = Field(gt=0, le=1, description="of its boxes with those of tiles, when it was measured")


def each_once(names: tuple[str, ...], hint: str) -> tuple[str, ...]:
    """Class names that can be printed, of which none comes twice: counts are kept by name.

    Args:
        names: Names of the classes, by class id.
        hint: How to give them.

    Raises:
        ModelError: One comes more than once, or cannot be the name of a class.
    """
    for name in names:
        why = unfit_class(name)
        if why is not None:
            raise ModelError(f"{name[:LONGEST_NAME]!r} cannot be the name of a class: {why}", hint=hint)
    repeated = [name for name, number in Counter(names).items() if number > 1]
    if repeated:
        raise ModelError(f"the class names hold {listed(map(repr, repeated))} more than once", hint=hint)
    return names


class Manifest(_Stored):
    """Everything needed to run a detector besides its ONNX file.

    `class_names` are those of what is reported: with a second stage the classifier's. The detector's
    own are then `detector_class_names`.
    """

    manifest_version: Literal[1] = 1
    family: Family
    feeding: Feeding
    thresholds: Thresholds = Thresholds()
    class_names: tuple[str, ...] = Field(min_length=1, description="class_names[class_id]")
    sha256: str = Field(description="of the stored ONNX file")
    source: Source
    classifier: SecondStage | None = None
    detector_class_names: tuple[str, ...] | None = Field(default=None, description="null: class_names")
    columns: tuple[Column, ...] | None = Field(
        default=None, description="of an end-to-end table; null: the family's own order"
    )
    box_unit: BoxUnit | None = Field(default=None, description="null: the family's own")
    box_kind: BoxKind = Field(default="boxes", description="what stands behind a reported box")
    trained_gsd_cm: float | None = Field(
        default=None, gt=0, description="of the network's input in training, cm/px; null: unknown"
    )
    point_size: int | None = Field(
        default=None, gt=0, description="side of the box around a point, in px of the network's input"
    )
    first_label: int | None = Field(
        default=None,
        ge=0,
        le=1,
        description="number of the first class in the outputs; null: the family's own",
    )
    windows: Windows | None = Field(default=None, description="null: each pass is a tile")
    unchecked: str | None = Field(
        default=None, description="what of its reading no picture has shown to be right; null: nothing"
    )

    @property
    def detected_names(self) -> tuple[str, ...]:
        """What the detector itself tells apart: names for the class ids of its outputs."""
        return self.detector_class_names or self.class_names

    @property
    def fingerprint(self) -> str:
        """The same for the same files, fed and read in the same way, wherever they came from."""
        return self._digest(source=True, classifier={"source"})

    @property
    def reading_digest(self) -> str:
        """The same for the same feeding, reading and second stage, whatever the file and the thresholds."""
        return self._digest(source=True, thresholds=True, sha256=True, unchecked=True)

    def _digest(self, **left_out: bool | set[str]) -> str:
        content = self.model_dump(mode="json", exclude=left_out)
        # versions that were registered, and runs that began, before these fields existed keep their digests
        for field in _LATER:
            if getattr(self, field) == type(self).model_fields[field].default:
                content.pop(field, None)
        for feeding in (content.get("feeding"), (content.get("classifier") or {}).get("feeding")):
            if feeding and feeding.get("shrink") == Feeding.model_fields["shrink"].default:
                del feeding["shrink"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def doubted(self, doubt: str | None) -> Manifest:
        """The same detector with what could not be checked: whoever uses its numbers is to know."""
        if doubt is None:
            return self
        return self.model_copy(update={"unchecked": "; ".join(filter(None, (self.unchecked, doubt)))})

    def with_second_stage(self, classifier: SecondStage) -> Manifest:
        """The same detector with a classifier behind it."""
        return self.model_copy(
            update={
                "classifier": classifier,
                "detector_class_names": self.detected_names,
                "class_names": classifier.class_names,
            }
        )
