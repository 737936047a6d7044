"""configs/detection.yaml: what to detect in, with which model, and how."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from wildetect.errors import ConfigurationError
from wildetect.remote.address import is_address
from wildetect.remote.place import Place, place_of_text
from wildetect.remote.remote_file import RemoteFile
from wildetect.settings.keys import FromVariable, Keys, NoEffect, SectionKeys
from wildetect.settings.words import Device, Export, StretchRule
from wildetect.wording import commas, listed

__all__ = [
    "LARGEST_KM",
    "DetectionKeys",
    "DetectionSettings",
    "FlightSpecs",
    "KeptFiles",
    "Logging",
    "ModelChoice",
    "Output",
    "PositionTable",
    "Processing",
    "Sensitive",
    "as_list",
]

NOT_SENT = NoEffect("predictions are not sent to Label Studio; --export labelstudio writes a file to import")
NO_REMOTE = NoEffect("detection runs on this machine, where a batch has no time limit")
NO_PROFILER = NoEffect("there is no built-in profiler; run.json holds the times")


class ModelChoice(Keys):
    """Which detector, and where inference runs."""

    mlflow_model_name: Annotated[str | None, FromVariable("MLFLOW_REGISTRY_NAME")] = Field(
        None, description="registered model; null: MLFLOW_REGISTRY_NAME"
    )
    mlflow_model_alias: Annotated[str | None, FromVariable("MLFLOW_ALIAS")] = Field(
        None, description="alias, version number or latest; null: MLFLOW_ALIAS"
    )
    device: Device = Field("auto", description="where inference runs; auto: the best that is installed")


def _address_or_path(value: Any, path: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, RemoteFile):
        return value
    if not (isinstance(value, str) and is_address(value)):
        return path(value)
    try:
        return place_of_text(value)
    except ConfigurationError as error:
        raise ValueError(f"{error.message}. {error.hint}") from None


if TYPE_CHECKING:
    Source = Place
else:
    Source = Annotated[
        Path,
        WrapValidator(_address_or_path, json_schema_input_type=Path),
        PlainSerializer(str, when_used="json"),
    ]


class PositionTable(Keys):
    """A folder of photographs and a CSV file with their positions."""

    image_folder: Source | None = Field(None, description="folder of photographs, searched recursively")
    csv_path: Path | None = Field(None, description="CSV file with the positions of those without GPS")
    skip_rows: int | None = Field(None, ge=0, description="lines of the CSV file before its head")
    delimiter: str = Field(",", min_length=1, description="what stands between the columns of the CSV file")
    filename_col: str = Field(
        "filename", description="its column of file names, or a usual head: image, photo, SourceFile"
    )
    lat_col: str = Field("latitude", description="its column of latitudes, or a usual head: lat, GPSLatitude")
    lon_col: str = Field(
        "longitude", description="its column of longitudes, or a usual head: lon, lng, GPSLongitude"
    )
    alt_col: str = Field(
        "altitude", description="its column of heights; m, or the unit in its head, as height_ft"
    )


class LabelStudio(Keys):
    """Where the original sent its predictions."""

    url: Annotated[str | None, NOT_SENT] = None
    api_key: Annotated[str | None, NOT_SENT] = None
    project_id: Annotated[int | None, NOT_SENT] = None
    download_resources: Annotated[bool, NoEffect(NOT_SENT.reason, harmless=(True,))] = True
    from_name: str = Field("label", min_length=1, description="name of RectangleLabels in its setup")
    to_name: str = Field("image", min_length=1, description="name of Image in its setup")
    label_type: Annotated[str | None, NOT_SENT] = None
    json_path: Annotated[Path | None, NOT_SENT] = None
    dotenv_path: Annotated[Path | None, NOT_SENT] = None
    parse_ls_config: Annotated[bool | None, NOT_SENT] = None
    ls_xml_config: Annotated[Path | None, NOT_SENT] = None


Pipeline = Literal["mt", "mt_simple", "mp", "async", "simple", "default", "raster", "mt_raster"]
ONE_PIPELINE = NoEffect("one pipeline does all of them")


def _auto_or_number(value: Any, number: ValidatorFunctionWrapHandler) -> Any:
    return "auto" if str(value).strip().lower() == "auto" else number(value)


if TYPE_CHECKING:
    Overlap = float | Literal["auto"]
else:  # a union would report every mistake twice; an editor is told of it all the same
    Share = Annotated[float, Field(ge=0, lt=1)]
    Overlap = Annotated[Share, WrapValidator(_auto_or_number, json_schema_input_type=Share | Literal["auto"])]


def _band(value: Any) -> Any:
    """A number from 1 or a name; a number in quotes is a number."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or value in {0, ""}:
        raise ValueError("must hold numbers from 1, or names of bands as the file has them")
    return value


def _one_or_three(value: Any) -> Any:
    bands = value.split(",") if isinstance(value, str) else value
    if not isinstance(bands, list | tuple) or len(bands) not in {1, 3}:
        raise ValueError("must hold three bands (for red, green and blue) or one (for grey)")
    return [_band(band.strip() if isinstance(band, str) else band) for band in bands]


def _word_or_limits(value: Any) -> Any:
    if isinstance(value, str) and value.strip().casefold() in {"auto", "percentiles"}:
        return value.strip().casefold()
    limits = value.strip(" []()").split(",") if isinstance(value, str) else value
    try:
        low, high = (float(limit) for limit in limits)
    except (TypeError, ValueError):
        raise ValueError("must be auto, percentiles, or two numbers, such as [0, 10000]") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError("the first number, which becomes black, must be less than the second, white")
    return low, high


if TYPE_CHECKING:
    Bands = list[int | str]
    Stretch = StretchRule | tuple[float, float]
else:  # as above
    Bands = Annotated[
        list[int | str],
        WrapValidator(lambda value, _: _one_or_three(value), json_schema_input_type=list[int | str]),
    ]
    _Stretch = StretchRule | tuple[float, float]
    Stretch = Annotated[
        _Stretch, WrapValidator(lambda value, _: _word_or_limits(value), json_schema_input_type=_Stretch)
    ]


class Processing(Keys):
    """Tiles, batches, thresholds."""

    @field_validator("max_errors")
    @classmethod
    def _a_share_or_a_whole_number(cls, value: float | None) -> float | None:
        if value is not None and value > 1 and value != int(value):
            raise ValueError("must be a whole number of images, or a share of them below 1")
        return value if value is None or 0 < value < 1 else int(value)

    batch_size: int = Field(32, gt=0, description="tiles per forward pass on a GPU")
    tile_size: int = Field(800, ge=0, description="longer side of a tile in px; 0: each image whole")
    overlap_ratio: Overlap = Field(
        0.2, description="overlap of neighbouring tiles, 0 up to 1, or auto: from largest_animal"
    )
    scale: Literal["native", "auto"] = Field(
        "native",
        description="native: tiles of tile_size; auto: of the size that gives the model's trained_gsd_cm",
    )
    largest_animal: float = Field(6.0, gt=0, description="length in m; for overlap_ratio: auto")
    confidence: float | None = Field(
        None,
        ge=0,
        le=1,
        examples=[0.3],
        description="boxes below it are not counted; null: that stored with the model",
    )
    nms_threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="IoU above which two boxes of a class are one; null: the model's own",
    )
    bands: Bands | None = Field(
        None, description="bands of a raster that are red, green, blue (or the one that is grey)"
    )
    stretch: Stretch = Field(
        "auto", description="how values of more than 8 bits become 8: auto, percentiles, or two values"
    )
    max_detections: int | None = Field(
        None, gt=0, description="most boxes per tile; null: as stored with the model, most often no limit"
    )
    on_damage: Literal["skip", "use"] = Field(
        "skip",
        description="what can be decoded of a damaged picture: leave it out (the image fails) or use it",
    )
    max_errors: float | None = Field(
        None,
        ge=0,
        description="failed images after which the run stops: a number, or a share below 1; null: none, "
        "but for a run whose first 50 images all fail",
    )
    pipeline_type: Annotated[Pipeline | None, ONE_PIPELINE] = None
    queue_size: int = Field(64, gt=0, description="most photographs decoded ahead")
    num_data_workers: int | None = Field(
        None, ge=0, description="decoder threads; null: 2, with a GPU one a core, at most 8"
    )
    prefetch_factor: int | None = Field(
        None, gt=0, description="photographs decoded ahead; null: one for each decoder thread"
    )
    num_inference_workers: Annotated[int | None, NoEffect("there is one worker for each core or GPU")] = None
    pin_memory: Annotated[bool | None, NoEffect("onnxruntime copies tiles to the device itself")] = None
    max_concurrent: Annotated[int | None, ONE_PIPELINE] = None


class FlightSpecs(Keys):
    """The camera and the flight, where a photograph does not tell; for overlap_ratio and scale: auto."""

    sensor_height: float = Field(24.0, gt=0, description="shorter side of the sensor in mm")
    focal_length: float = Field(35.0, gt=0, description="of the lens in mm")
    flight_height: float = Field(180.0, gt=0, description="height above ground in m")
    gsd: float | None = Field(None, gt=0, description="ground sampling distance in cm/px; overrides the rest")


class InferenceService(Keys):
    """A remote scoring server: refused, since a run that quietly stays here is not what was asked for."""

    url: str | None = Field(None, description="must be null: tiles are not sent to a scoring service")
    timeout: Annotated[float, NoEffect(NO_REMOTE.reason, harmless=(60,))] = Field(60.0, gt=0)

    @field_validator("url")
    @classmethod
    def _null_alone(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        raise ValueError(
            "tiles are not sent to a scoring service, since which weights score there could not be checked "
            "and recorded; set it to null to detect here, or run detect.run on that machine"
        )


class Profiling(Keys):
    """Profilers of the original."""

    enable: Annotated[bool, NO_PROFILER] = False
    memory_profile: Annotated[bool, NO_PROFILER] = False
    line_profile: Annotated[bool, NO_PROFILER] = False
    gpu_profile: Annotated[bool, NO_PROFILER] = False


class Output(Keys):
    """Where results go."""

    directory: Path = Field(Path("results"), description="where results go")
    overlays: str = Field("100", description="pictures with boxes to draw: all, none or a number")
    exports: list[Export] = Field([], description="files to write besides those of every run")
    dataset_name: Annotated[
        str | None, NoEffect("results are not sent to FiftyOne; coco and csv open in it")
    ] = None

    @field_validator("overlays")
    @classmethod
    def _a_number_or_a_word(cls, value: str) -> str:
        if value not in {"all", "none"} and not (value.isascii() and value.isdigit()):
            raise ValueError("must be all, none or a number of pictures")
        return value

    @property
    def most_overlays(self) -> int | None:
        """Most pictures with boxes; None: all."""
        return None if self.overlays == "all" else 0 if self.overlays == "none" else int(self.overlays)


def as_list(value: Any) -> Any:
    """Take one text as a list of it; several names in one text are no list."""
    if not isinstance(value, str):
        return value
    names = [name.strip(" \"'") for name in re.split(r"[,;\n]", value.strip(" \n()[]"))]
    if len(names) > 1 or value.strip()[:1] in ("(", "["):
        raise ValueError(f"must be a list; write [{commas(names)}]")
    return [value]


LARGEST_KM = 1000.0
"""The largest cells that places are coarsened to."""


class Sensitive(Keys):
    """Which places are coarsened in all that others get to see, and how far."""

    species: Annotated[list[str], BeforeValidator(as_list, json_schema_input_type=list[str] | str | None)] = (
        Field([], description="classes whose exact places stay in the output folder: [rhino, elephant]")
    )
    blur: float = Field(
        10.0,
        gt=0,
        le=LARGEST_KM,
        allow_inf_nan=False,
        description="least side in km of the cells that places are coarsened to",
    )


KeptFiles = Literal["all", "results", "record"]


class Logging(Keys):
    """How much is said, and where it is kept."""

    verbose: bool = Field(False, description="say more while working")
    log_file: Path | None = Field(None, description="also keep a log in this file")
    keep_in_mlflow: KeptFiles = Field(
        "results",
        description="what MLflow keeps: all, results (without overlays and journal) or record (run.json)",
    )


class DetectionKeys(Keys):
    """The keys of a detection run."""

    model: ModelChoice = ModelChoice()
    image_paths: list[Source] | None = Field(
        None, description="files to detect in, or their addresses (s3://, https://)"
    )
    image_dir: Source | None = Field(
        None, description="folder, searched recursively, or its address (s3://, https://)"
    )
    exif_gps_update: PositionTable | None = None
    labelstudio: LabelStudio | None = None
    processing: Processing = Processing()
    flight_specs: FlightSpecs = FlightSpecs()
    inference_service: InferenceService | None = None
    profiling: Profiling = Profiling()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if len(self.sources) > 1:
            names = listed(self.sources)
            raise ValueError(f"{names} are given: keep one of them and set the others to null")
        return self

    @property
    def sources(self) -> dict[str, list[Source]]:
        """The images to work on, under the name of the key that gives them."""
        folder = self.exif_gps_update.image_folder if self.exif_gps_update else None
        named = {
            "image_paths": self.image_paths,
            "image_dir": [self.image_dir] if self.image_dir else None,
            "exif_gps_update.image_folder": [folder] if folder else None,
        }
        return {name: paths for name, paths in named.items() if paths is not None}


class DetectionSettings(DetectionKeys, SectionKeys):
    """configs/detection.yaml."""

    section: ClassVar[str] = "detection"
    file: ClassVar[str] = "configs/detection.yaml"

    output: Output = Output()
    sensitive: Sensitive = Sensitive()
    logging: Logging = Logging()
