"""configs/detector_registration.yaml: the weights to register and how they are fed and read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from wildetect.settings.keys import Keys, NoEffect, SectionKeys

__all__ = ["FAMILIES", "Family", "RegistrationSettings"]

Family = Literal[
    "yolov8",
    "end-to-end",
    "end-to-end-7",
    "yolov5",
    "yolov5-raw",
    "yolox",
    "detr",
    "nanodet",
    "fastestdet",
]
"""How a detector is fed and read; the README explains each."""
FAMILIES: tuple[Family, ...] = get_args(Family)

NO_EXPORT = NoEffect("ONNX weights are registered as they are")
NO_CLASSIFIER = NoEffect("a second stage is not registered")


class Yolo(Keys):
    """The weights of the detector and the thresholds stored with them."""

    weights: Path | None = Field(None, description="ONNX file")
    imgsz: int | None = Field(None, gt=0, description="side of the network input in px; null: from the file")
    device: Annotated[str | None, NoEffect("the device is chosen when detecting")] = None
    conf_thres: float = Field(0.2, ge=0, le=1)
    iou_thres: float = Field(0.3, ge=0, le=1)
    max_det: int = Field(300, gt=0, description="boxes per tile")
    overlap_metric: Literal["IOU", "IOS"] = "IOU"
    task: Literal["detect"] = "detect"
    merging_method: Annotated[str | None, NoEffect("boxes are merged by class-wise NMS")] = None
    disable_detection_filtering: Annotated[bool, NoEffect("boxes below conf_thres are never kept")] = False


ExportFormat = Literal["pt", "torchscript", "onnx", "openvino"]


class Export(Keys):
    """How the original exported weights."""

    export_format: Annotated[ExportFormat | None, NO_EXPORT] = None
    batch_size: Annotated[int | None, NO_EXPORT] = Field(None, gt=0)
    dynamic: Annotated[bool | None, NO_EXPORT] = None


class Localizer(Keys):
    """The detector."""

    yolo: Yolo = Yolo()
    mmdet: Annotated[
        str | dict[str, object] | None, NoEffect("MMDetection weights must be exported to ONNX")
    ] = None
    processing: Export = Export()


class Classifier(Keys):
    """The second stage of the original."""

    weights: Annotated[Path | None, NO_CLASSIFIER] = None
    processing: Export = Export()


class Naming(Export):
    """The registered name and the server."""

    name: str = "detector"
    mlflow_tracking_uri: str | None = Field(None, description="where the environment and .env say nothing")


class RegistrationSettings(SectionKeys):
    """configs/detector_registration.yaml: the nested form, or the flat one (`model_path`, `model_name`)."""

    section: ClassVar[str] = "registration"
    file: ClassVar[str] = "configs/detector_registration.yaml"

    localizer: Localizer = Localizer()
    classifier: Classifier | None = None
    processing: Naming = Naming()
    weights: Annotated[Path | None, NoEffect("it names a classifier alone; a detector is needed")] = None

    model_path: Path | None = None
    model_name: str | None = None
    model_type: Literal["detector", "classifier"] = "detector"

    family: Family | None = Field(None, description="null: from the file's own metadata")
    class_names: list[str] | None = Field(
        None, min_length=1, description="null: from the file's own metadata"
    )
    channel_order: Literal["rgb", "bgr"] | None = None
    scale: float | None = Field(None, gt=0, description="pixel values are multiplied by it")
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    resize: Literal["letterbox", "letterbox-corner", "stretch"] | None = None
    pad: int | None = Field(None, ge=0, le=255)
    aliases: list[str] = Field(default_factory=list)
    description: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.model_path and self.localizer.yolo.weights:
            raise ValueError("model_path and localizer.yolo.weights are both given: keep one of them")
        return self

    @property
    def weights_path(self) -> Path | None:
        """The detector's weights, from whichever form names them."""
        return self.model_path or self.localizer.yolo.weights

    @property
    def name(self) -> str:
        """The registered model's name."""
        return self.model_name or self.processing.name
