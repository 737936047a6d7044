"""From weights files to a detector that is known to work: what `model.register` does before it registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wildetect.detection.checks.classifier_inspection import describe_classifier
from wildetect.detection.checks.inspection import check, inspect
from wildetect.detection.checks.recognition import describe
from wildetect.registry.manifest import CLASSIFIER_FILE, Manifest
from wildetect.registry.weights.intake import PreparedWeights, load_for_storage
from wildetect.settings.registration import RegistrationSettings

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["Examined", "examined"]


@dataclass(frozen=True)
class Examined:
    """A detector that was run once.

    Attributes:
        proto: The network, external data included.
        manifest: How it is fed and read.
        files: What is stored beside it, by the place among the version's files.
    """

    proto: ModelProto
    manifest: Manifest
    files: Mapping[str, bytes]


def examined(
    settings: RegistrationSettings, weights: PreparedWeights, classifier: PreparedWeights | None
) -> tuple[Examined, float]:
    """Run a detector, and the classifier behind it, as they will be run later.

    Args:
        settings: What the owner says of them.
        weights: The detector's.
        classifier: The second stage's, if there is one.

    Returns:
        The detector, and the seconds of its first forward pass.

    Raises:
        ModelError: Either does not work as it is declared.
    """
    file = inspect(weights.onnx)
    stored = load_for_storage(weights)
    manifest = describe(file, settings, stored.sha256, weights.source)
    outcome = check(weights.onnx, manifest)
    feeding = manifest.feeding.model_copy(update={"batch": outcome.batch})
    manifest = manifest.model_copy(update={"feeding": feeding})
    files: dict[str, bytes] = {}
    if classifier is not None and settings.classifier is not None:
        second = load_for_storage(classifier)
        stage = describe_classifier(classifier.onnx, settings.classifier, second.sha256, classifier.source)
        manifest = manifest.with_second_stage(stage)
        files[CLASSIFIER_FILE] = second.proto.SerializeToString()
    return Examined(stored.proto, manifest, files), outcome.seconds
