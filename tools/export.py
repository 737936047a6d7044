"""Writes the detector as ONNX in the layout of YOLOv8's exports, and checks what it wrote."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from animals import CLASS_NAMES
from measure_detector import open_session
from network import STRIDES, Detector
from scoring import TILE

OPSET = 17

METADATA = {
    "description": "WildDetect demo detector, trained on rendered savanna scenes",
    "author": "WildDetect",
    "license": "Apache-2.0",
    "task": "detect",
    "stride": str(max(STRIDES)),
    "batch": "1",
    "imgsz": str([TILE, TILE]),
    "names": str(dict(enumerate(CLASS_NAMES))),
}
"""Strings that readers of such files look for; `names` is a Python literal."""


def export(model: Detector, path: Path) -> None:
    """Writes `model` to `path`; batch, height and width stay free (sides: multiples of 32 px).

    Args:
        model: the detector; batch normalisation is folded into its convolutions.
        path: the ONNX file.

    Raises:
        ValueError: onnxruntime does not give what torch gives.
    """
    model = model.eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    axes = {"images": {0: "batch", 2: "height", 3: "width"}, "output0": {0: "batch", 2: "anchors"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model,
            (torch.zeros(1, 3, TILE, TILE),),
            str(path),
            opset_version=OPSET,
            input_names=["images"],
            output_names=["output0"],
            dynamic_axes=axes,
            dynamo=False,
        )
    stored = onnx.load(str(path))
    rows = stored.graph.output[0].type.tensor_type.shape.dim[1]
    rows.ClearField("dim_param")
    rows.dim_value = 4 + len(CLASS_NAMES)
    onnx.helper.set_model_props(stored, METADATA)
    onnx.checker.check_model(stored, full_check=True)
    onnx.save(stored, str(path))
    _check(model, path)


def _check(model: Detector, path: Path) -> None:
    """Compares the file with the model at several sizes."""
    forward = open_session(path, 1)
    rng = np.random.default_rng(0)
    for batch, height, width in ((1, TILE, TILE), (3, TILE, TILE), (2, 320, 672)):
        pictures = rng.random((batch, 3, height, width), dtype=np.float32)
        with torch.no_grad():
            wanted = model(torch.from_numpy(pictures)).numpy()
        got = forward(pictures)
        if got.shape != wanted.shape or not np.allclose(got, wanted, rtol=1e-3, atol=2e-3):
            message = f"{path.name} differs from the trained model at {pictures.shape}"
            raise ValueError(message)
