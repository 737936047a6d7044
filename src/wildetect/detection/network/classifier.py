"""The second stage: a network that says of each detected box what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.network.preprocess import network_input
from wildetect.detection.network.session import check_numbers, open_session
from wildetect.errors import ModelError
from wildetect.imagery.source import Pixels
from wildetect.registry.manifest import SecondStage
from wildetect.settings.words import Device
from wildetect.wording import number_of

__all__ = ["Classifier", "probabilities"]

Floats = NDArray[np.float32]


class Classifier:
    """Names what crops of a photograph show; may be used by several threads at once.

    Args:
        weights: ONNX file.
        stage: How to feed and read it.
        device: One of words.Device.

    Raises:
        ConfigurationError: The device cannot be used.
        ModelError: The weights cannot be used.
    """

    def __init__(self, weights: Path, stage: SecondStage, device: Device = "auto") -> None:
        self.stage = stage
        self.session = open_session(weights, device, feeding=stage.feeding)
        self._input = self.session.inputs[0].name
        self._output = self.session.outputs[0].name

    @property
    def crops_per_pass(self) -> int:
        """Crops in a forward pass: what the network takes, else what its owner chose."""
        return self.stage.feeding.batch or self.stage.crops_per_pass

    def classify(self, crops: Sequence[Pixels]) -> Floats:
        """Run the network on crops, `crops_per_pass` at a time.

        Args:
            crops: RGB, each of shape (height, width, 3); any number, sizes may differ.

        Returns:
            The probability of each class, shape (n, classes), each row adding up to 1.

        Raises:
            ModelError: The network failed, gave what is no number, or knows another number of classes than
                it has names.
        """
        size = self.crops_per_pass
        rows = [self._pass(crops[start : start + size]) for start in range(0, len(crops), size)]
        names = len(self.stage.class_names)
        return np.concatenate(rows) if rows else np.zeros((0, names), np.float32)

    def _pass(self, crops: Sequence[Pixels]) -> Floats:
        full = self.session.backend.batched or self.stage.feeding.batch is not None
        size = self.crops_per_pass if full else None
        pixels, _ = network_input(crops, self.stage.feeding, size, as_pixels=self.session.takes_pixels)
        (output,) = self.session.run({self._input: pixels}, [self._output])
        rows = output.reshape(len(pixels), -1)[: len(crops)]
        check_numbers([rows])
        if rows.shape[1] != len(self.stage.class_names):
            raise ModelError(
                f"the classifier tells {number_of(rows.shape[1], 'class', 'classes')} apart, "
                f"but has {number_of(len(self.stage.class_names), 'class name')}",
                hint="Register the model again with all names in classifier.class_names",
            )
        return probabilities(rows) if self.stage.softmax else rows.astype(np.float32)


def probabilities(scores: NDArray[Any]) -> Floats:
    """The softmax of each row of (n, classes)."""
    raised = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)
