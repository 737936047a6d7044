"""configs/detector_registration.yaml: the weights to register and how they are fed and read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from wildetect.settings.address import TRACKING_URI
from wildetect.settings.keys import FromVariable, Keys, NoEffect, SectionKeys
from wildetect.settings.words import (
    ChannelOrder,
    CropShape,
    Family,
    OverlapMetric,
    RelabelledConfidence,
    Resize,
    Shrink,
)

__all__ = ["CENTRES", "CORNERS", "BoxKind", "BoxUnit", "Column", "RegistrationSettings"]

NOT_A_FORMAT = NoEffect(
    "the registry holds ONNX, exported for any number of tiles at once", harmless=("onnx",)
)
ONE_BLOCK = NoEffect("how the detector is exported is said under localizer.processing")
ALREADY_ONNX = NoEffect("the classifier is an ONNX file already", harmless=("onnx",))

Column = Literal["batch", "class", "score", "x1", "y1", "x2", "y2", "cx", "cy", "w", "h"]
"""What a column of a table of boxes holds: a box is its corners, or its centre, width and height."""
BoxUnit = Literal["px", "fraction"]
BoxKind = Literal["boxes", "points", "oriented"]
"""What stands behind a reported box: itself, a point in its middle, or a turned box that it encloses."""
CORNERS: tuple[Column, ...] = ("x1", "y1", "x2", "y2")
CENTRES: tuple[Column, ...] = ("cx", "cy", "w", "h")

ExportFormat = Literal["pt", "torchscript", "onnx", "openvino"]
Triple = tuple[float, float, float]


class Yolo(Keys):
    """The weights of the detector and the thresholds stored with them."""

    weights: Path | None = Field(None, description="ONNX, Ultralytics' .pt, or TorchScript")
    imgsz: int | None = Field(None, gt=0, description="side of the network input in px; null: from the file")
    device: Annotated[str | None, NoEffect("the device is chosen when detecting")] = None
    conf_thres: float = Field(0.2, ge=0, le=1, description="boxes below it are not counted")
    iou_thres: float = Field(0.5, ge=0, le=1, description="overlap above which two boxes of a class are one")
    max_det: int | None = Field(None, gt=0, description="most boxes per tile; null: no limit")
    overlap_metric: OverlapMetric = Field(
        "IOU", description="overlap as a share of both boxes together, or of the smaller one"
    )
    task: Literal["detect"] = Field("detect", description="what the network does")
    merging_method: Annotated[str | None, NoEffect("boxes are merged by class-wise NMS")] = None
    disable_detection_filtering: Annotated[bool, NoEffect("boxes below conf_thres are never kept")] = False


class LocalizerExport(Keys):
    """How a .pt file is exported to ONNX; an ONNX file is registered as it is.

    Files written for the original say `export_format: pt` beside a batch size that only an ONNX export
    would have used. There, as where nothing is said, the export takes any number of tiles at once.
    """

    export_format: Annotated[ExportFormat | None, NOT_A_FORMAT] = None
    batch_size: int | None = Field(None, gt=0, description="tiles in each pass, with dynamic: false")
    dynamic: bool | None = Field(None, description="any number of tiles in a pass")

    @property
    def fixed_batch(self) -> int | None:
        """Tiles that each forward pass of the export has; None: any number."""
        if self.dynamic or self.export_format not in {None, "onnx"}:
            return None
        return self.batch_size if self.dynamic is None else self.batch_size or 1


class Localizer(Keys):
    """The detector."""

    yolo: Yolo = Yolo()
    mmdet: Annotated[
        str | dict[str, object] | None, NoEffect("MMDetection weights must be exported to ONNX")
    ] = None
    processing: LocalizerExport = LocalizerExport()


class ClassifierProcessing(Keys):
    """How crops go through the classifier."""

    batch_size: int = Field(8, gt=0, description="crops in a forward pass")
    export_format: Annotated[ExportFormat | None, ALREADY_ONNX] = None
    dynamic: Annotated[bool | None, ALREADY_ONNX] = None


class Classifier(Keys):
    """The second stage: it says of each detected box what it shows."""

    weights: Path | None = Field(None, description="ONNX file; null: no second stage")
    imgsz: int | None = Field(None, gt=0, description="side of the network input in px; null: from the file")
    class_names: list[str] | None = Field(None, min_length=2, description="null: from the file's metadata")
    channel_order: ChannelOrder = Field("rgb", description="order in which the network takes colours")
    scale: float | None = Field(None, gt=0, description="pixel values are multiplied by it")
    mean: Triple | None = Field(None, description="subtracted after scaling")
    std: Triple | None = Field(None, description="divided by after that")
    crop: CropShape = Field("square", description="what is cut out around a box")
    margin: float = Field(0.1, ge=0, le=2, description="added on each side, as a share of the longer side")
    pad: int = Field(114, ge=0, le=255, description="pixel value beyond the photograph's border")
    confidence: RelabelledConfidence = Field(
        "product", description="of a relabelled box: times the classifier's own, or as the detector gave it"
    )
    processing: ClassifierProcessing = ClassifierProcessing()


class Naming(Keys):
    """The registered name and the server."""

    name: str = Field("detector", description="the registered name; under a known one a new version is made")
    mlflow_tracking_uri: Annotated[str | None, FromVariable(TRACKING_URI, beats_settings=True)] = Field(
        None, description="where the environment and .env say nothing"
    )
    export_format: Annotated[ExportFormat | None, ONE_BLOCK] = None
    batch_size: Annotated[int | None, ONE_BLOCK] = Field(None, gt=0)
    dynamic: Annotated[bool | None, ONE_BLOCK] = None


class RegistrationSettings(SectionKeys):
    """configs/detector_registration.yaml: the nested form, or the flat one (`model_path`, `model_name`)."""

    section: ClassVar[str] = "registration"
    file: ClassVar[str] = "configs/detector_registration.yaml"

    localizer: Localizer = Localizer()
    classifier: Classifier | None = None
    processing: Naming = Naming()
    weights: Annotated[Path | None, NoEffect("it names a classifier alone; a detector is needed")] = None

    model_path: Path | None = Field(None, description="localizer.yolo.weights in the flat form")
    model_name: str | None = Field(None, description="processing.name in the flat form")
    model_type: Literal["detector", "classifier"] = Field(
        "detector", description="a classifier alone is refused: it is a second stage"
    )

    family: Family | None = Field(None, description="null: from the file's own metadata")
    columns: list[Column] | None = Field(
        None, description="order of an end-to-end table's columns; null: found out on a picture"
    )
    box_unit: BoxUnit | None = Field(
        None, description="of its boxes: px of the network's input, or fractions of it; null: found out"
    )
    first_label: int | None = Field(
        None, ge=0, le=1, description="number of the first class in the outputs; null: the family's own"
    )
    trained_gsd_cm: float | None = Field(
        None, gt=0, description="ground resolution of the network's input in training, cm/px; null: unknown"
    )
    point_size: int | None = Field(
        None, gt=0, description="side in px of the box around a point, for herdnet and heat-map; null: 12"
    )
    class_names: list[str] | None = Field(
        None, min_length=1, description="null: from the file's own metadata"
    )
    channel_order: ChannelOrder | None = Field(None, description="order of colours; null: the family's own")
    scale: float | None = Field(
        None, gt=0, description="pixel values are multiplied by it; null: the family's own"
    )
    mean: Triple | None = Field(None, description="subtracted after scaling; null: the family's own")
    std: Triple | None = Field(None, description="divided by after that; null: the family's own")
    resize: Resize | None = Field(
        None, description="how a tile gets the network's size; null: the family's own"
    )
    shrink: Shrink | None = Field(
        None,
        description="whether a larger tile is averaged, or sampled without antialias; null: the family's own",
    )
    pad: int | None = Field(
        None, ge=0, le=255, description="pixel value of the letterbox border; null: the family's own"
    )
    aliases: list[str] = Field(default_factory=list, description="names for the new version")
    description: str | None = Field(None, description="shown on the model's page; Markdown")
    tags: dict[str, str] = Field(default_factory=dict, description="further labels of the version")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.model_path and self.localizer.yolo.weights:
            raise ValueError("model_path and localizer.yolo.weights are both given: keep one of them")
        return self

    @model_validator(mode="after")
    def _whole_rows(self) -> Self:
        if self.columns is None:
            return self
        words = set(self.columns)
        boxes = [box for box in (CORNERS, CENTRES) if words - {"batch"} == {"class", "score", *box}]
        if not boxes or len(words) < len(self.columns) or "batch" in self.columns[1:]:
            raise ValueError(
                "columns: name class, score, and x1, y1, x2, y2 or cx, cy, w, h, once; batch only as first"
            )
        return self

    @property
    def weights_path(self) -> Path | None:
        """The detector's weights, from whichever form names them."""
        return self.model_path or self.localizer.yolo.weights

    @property
    def name(self) -> str:
        """The registered model's name."""
        return self.model_name or self.processing.name
