"""Pictures that use the lowest values alone: a count of 0 that looks like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from tests.detection.networks import SIZE, save_network
from tests.detection.test_decoders import yolov8
from tests.imagery.test_geotiff import save_raster
from tests.workspaces import Workspace, unused_uri


def test_they_are_named_at_every_start(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    metadata = {"names": str({0: "a", 1: "b", 2: "c"}), "task": "detect", "args": "{'nms': False}"}
    save_network(workspace.root / "network.onnx", yolov8()[0], metadata=metadata)
    folder, output = tmp_path / "survey", tmp_path / "results"
    folder.mkdir()
    bits = np.random.default_rng(0).integers(1, 1 << 12, (SIZE, SIZE), np.uint16)
    Image.fromarray(bits).save(folder / "12_bits.png")
    Image.fromarray(bits * 16).save(folder / "16_bits.png")
    bits[:9] = 0
    save_raster(folder / "12_bits.tif", bits[None], nodata=0)
    save_raster(folder / "16_bits.tif", bits[None] * 16, nodata=0)
    words = ("--source", folder, "--output", output, "--model", workspace.root / "network.onnx")
    for _ in range(2):
        ended = workspace.invoke("detect.run", *words)
        assert ended.returncode == 0
        assert "warning: 2 of 4 images are almost black, animals in them" in ended.stderr
        assert "can hardly be seen: 12_bits.png and 12_bits.tif." in ended.stderr
        run = json.loads((output / "run.json").read_text(encoding="utf-8"))
        assert run["dark_images"] == ["12_bits.png", "12_bits.tif"]
        assert "2 images are almost black." in (output / "report.html").read_text(encoding="utf-8")
