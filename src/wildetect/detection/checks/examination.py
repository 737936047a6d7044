"""From weights files to a detector that is known to work: before it is registered, or run as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.detection.checks.classifier_inspection import describe_classifier
from wildetect.detection.checks.feeding_check import feeding_doubt
from wildetect.detection.checks.inspection import WeightsFile, check, inspect
from wildetect.detection.checks.recognition import describe
from wildetect.detection.checks.row_layout import with_layout
from wildetect.detection.families.exporter_notes import names_in_doubt
from wildetect.registry.manifest import CLASSIFIER_FILE, Manifest, Source
from wildetect.registry.weights.intake import PreparedWeights, load_for_storage
from wildetect.settings.registration import RegistrationSettings

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["Examined", "Reader", "examined", "read_once"]


@dataclass(frozen=True)
class Examined:
    """A detector that was run once.

    Attributes:
        proto: The network, external data included.
        manifest: How it is fed and read.
        files: What is stored beside it, by the place among the version's files.
        seconds: For its first forward pass.
        read_as: Family and layout of its rows, and why, for a person.
    """

    proto: ModelProto
    manifest: Manifest
    files: Mapping[str, bytes]
    seconds: float
    read_as: str


@dataclass(frozen=True, slots=True)
class Reader:
    """How a detector's file is fed and read, known from running it.

    Attributes:
        manifest: Without the second stage.
        seconds: For its first forward pass.
        read_as: Family and layout of its rows, and why, for a person.
        left_out: What its own file leaves out, though its thresholds ask for it; a run says so of its own.
    """

    manifest: Manifest
    seconds: float
    read_as: str
    left_out: str | None


def read_once(
    file: WeightsFile,
    settings: RegistrationSettings,
    sha256: str,
    source: Source,
    picture: Path | None = None,
) -> Reader:
    """Find out how a detector is fed and read, and hold what comes out against it.

    Args:
        file: What the file says of itself.
        settings: What its owner says.
        sha256: SHA-256 of the file that will run.
        source: The file that the owner gave.
        picture: A photograph with animals; a made-up picture is looked at besides.

    Raises:
        InputError: The picture cannot be read.
        ModelError: It does not work as it is declared, or what it gives can be read in several ways.
    """
    manifest = describe(file, settings, sha256, source)
    manifest, layout = with_layout(file, manifest, settings, picture)
    why = "as the settings say" if settings.family else "as its metadata and the shapes of its outputs say"
    read_as = f"{manifest.family}, {why}" + (f"; {layout}" if layout else "") + _kind_of_boxes(manifest)
    doubts = (
        _feeding_to_look_at(file, settings, manifest),
        # a second stage gives names of its own
        names_in_doubt(file.class_names, () if settings.classifier else manifest.class_names),
        feeding_doubt(file.path, manifest, picture),
    )
    for doubt in doubts:
        manifest = manifest.doubted(doubt)
    read_as = "; ".join(filter(None, (read_as, *doubts)))
    outcome = check(file.path, manifest)
    feeding = manifest.feeding.model_copy(update={"batch": outcome.batch})
    return Reader(
        manifest.model_copy(update={"feeding": feeding}), outcome.seconds, read_as, outcome.left_out
    )


def examined(
    settings: RegistrationSettings,
    weights: PreparedWeights,
    classifier: PreparedWeights | None,
    picture: Path | None = None,
) -> Examined:
    """Run a detector, and the classifier behind it, as they will be run later.

    Args:
        settings: What the owner says of them.
        weights: The detector's.
        classifier: The second stage's, if there is one.
        picture: A photograph with animals; a made-up picture is looked at besides.

    Raises:
        InputError: The picture cannot be read.
        ModelError: Either does not work as it is declared.
    """
    file = inspect(weights.onnx)
    stored = load_for_storage(weights)
    reader = read_once(file, settings, stored.sha256, weights.source, picture)
    manifest = reader.manifest
    files: dict[str, bytes] = {}
    doubt = None
    if classifier is not None and settings.classifier is not None:
        second = load_for_storage(classifier)
        stage, doubt = describe_classifier(
            classifier.onnx, settings.classifier, second.sha256, classifier.source
        )
        manifest = manifest.with_second_stage(stage).doubted(doubt)
        files[CLASSIFIER_FILE] = second.proto.SerializeToString()
    read_as = "; ".join(filter(None, (reader.read_as, doubt, reader.left_out)))
    return Examined(stored.proto, manifest, files, reader.seconds, read_as)


def _feeding_to_look_at(file: WeightsFile, settings: RegistrationSettings, manifest: Manifest) -> str | None:
    """What no output tells: files of PaddleDetection, and Hugging Face's DETRs, are not all fed alike.

    Source: the readers of PaddleDetection's configurations, of which PP-YOLOE, PicoDet and Faster R-CNN
    normalise and PP-YOLOE+ and RT-DETR do not; the image processors of transformers, of which those of
    RT-DETR and D-FINE do not.
    """
    unsaid = settings.mean is None and settings.std is None
    if unsaid and any(spec.name == "scale_factor" for spec in file.inputs):
        return (
            "fed without mean and deviation, as PP-YOLOE+ is: where NormalizeImage in the model's "
            "infer_cfg.yml has others (PP-YOLOE, PicoDet), set them as mean: and std:, else "
            "mean: [0, 0, 0] and std: [1, 1, 1]"
        )
    theirs = {"logits", "pred_boxes"} <= {spec.name for spec in file.outputs}
    if manifest.family != "rf-detr" or not (unsaid and theirs):
        return None
    return (
        "fed with ImageNet's mean and deviation: for RT-DETR and D-FINE, which are fed without, set "
        "mean: [0, 0, 0] and std: [1, 1, 1]"
    )


def _kind_of_boxes(manifest: Manifest) -> str:
    match manifest.box_kind:
        case "points":
            return f"; its points are reported as boxes of {manifest.point_size} px"
        case "oriented":
            overlap = f"one class may overlap by {manifest.thresholds.iou:g}"
            return f"; the upright boxes around its oriented ones are counted, those of {overlap}"
        case _:
            return ""
