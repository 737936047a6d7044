"""Whether a network scales pixels itself, in the first step of its graph: then they are fed from 0 to 255.

Exporters can put the preparation of a picture into the file (Keras' Rescaling, a first layer of one's own,
onnxruntime's tools). Fed with what is scaled already, such a network sees black pictures and finds nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wildetect.detection.network.graph import Constants, graph_of

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["scales_pixels"]

_PASSED_ON = {"Identity", "Cast", "Transpose", "Unsqueeze", "Squeeze", "Reshape", "Gather", "Slice"}
_LEAST_DIVISOR = 100.0  # 255, 127.5; standard deviations of pixels come after a mean
_LEAST_MEAN = 16.0  # of pixels; that of scaled ones is below 1
_STEPS = 8


def scales_pixels(weights: Path, picture: str) -> bool:
    """Whether the first arithmetic on the picture fits pixels from 0 to 255 alone.

    Args:
        weights: An ONNX file that can be run.
        picture: Its input for pictures.
    """
    graph = graph_of(weights)
    if graph is None:
        return False
    constants = Constants(graph)
    name = picture
    for _ in range(_STEPS):
        readers = [node for node in constants.nodes if name in node.input]
        # exporters ask for the picture's size beside
        readers = [node for node in readers if node.op_type != "Shape"]
        if len(readers) != 1:
            return False
        if readers[0].op_type not in _PASSED_ON:
            return _fits_pixels(readers[0], name, constants)
        name = readers[0].output[0]
    return False


def _fits_pixels(node: NodeProto, picture: str, constants: Constants) -> bool:
    first = node.input[0] == picture
    other = constants.values(node, 1 if first else 0)
    if other is None or not other.size:
        return False
    match node.op_type:
        case "Div":
            return first and bool(np.min(other) >= _LEAST_DIVISOR)
        case "Mul":
            return bool(0 < np.max(other) <= 1 / _LEAST_DIVISOR)
        case "Sub":
            return first and bool(np.min(other) >= _LEAST_MEAN)
        case "Add":
            return bool(np.max(other) <= -_LEAST_MEAN)
    return False
