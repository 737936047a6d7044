"""What is stored with a registered detector, so that it is always fed and read the same way."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wildetect.settings.registration import FAMILIES, Family

__all__ = ["FAMILIES", "Family", "Feeding", "Manifest", "Source", "Thresholds"]


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
    channel_order: Literal["rgb", "bgr"] = "rgb"
    scale: float = Field(default=1 / 255, gt=0)
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    resize: Literal["letterbox", "letterbox-corner", "stretch"] = "letterbox"
    pad: int = Field(default=114, ge=0, le=255, description="pixel value of the letterbox border")


class Thresholds(_Stored):
    """Defaults of the detector; a detection run can override them."""

    confidence: float = Field(default=0.2, ge=0, le=1)
    iou: float = Field(default=0.3, ge=0, le=1, description="above it two boxes of one class are one")
    max_detections: int = Field(default=300, gt=0, description="per tile")
    overlap_metric: Literal["IOU", "IOS"] = "IOU"


class Source(_Stored):
    """Where the weights came from."""

    file: str = Field(description="file name, without its folder")
    size: int = Field(ge=0, description="bytes")
    sha256: str


class Manifest(_Stored):
    """Everything needed to run a detector besides its ONNX file."""

    manifest_version: Literal[1] = 1
    family: Family
    feeding: Feeding
    thresholds: Thresholds = Thresholds()
    class_names: tuple[str, ...] = Field(min_length=1, description="class_names[class_id]")
    sha256: str = Field(description="of the stored ONNX file")
    source: Source
