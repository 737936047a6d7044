"""Rasters with damaged blocks: what can be read is detected in and shown, each image is told of once."""

from __future__ import annotations

import json
from pathlib import Path

from tests.detection.networks import save_network
from tests.detection.test_decoders import yolov8
from tests.html_elements import Elements
from tests.imagery.damaged_rasters import save_damaged
from tests.workspaces import Workspace, unused_uri


def test_a_raster_in_parts_and_one_not_at_all(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    metadata = {"names": str({0: "a", 1: "b", 2: "c"}), "task": "detect", "args": "{'nms': False}"}
    save_network(workspace.root / "network.onnx", yolov8()[0], metadata=metadata)
    folder, output = tmp_path / "survey", tmp_path / "results"
    folder.mkdir()
    save_damaged(folder / "part.tif", 3, 2, [(1, 1)])
    save_damaged(folder / "none.tif", 2, 2, [(column, row) for column in (0, 1) for row in (0, 1)])
    words = ("--source", folder, "--output", output, "--model", workspace.root / "network.onnx")
    ended = workspace.invoke("detect.run", *words, "--tile-size", "256", "--overlap", "0")
    assert ended.returncode == 5
    assert "error: 1 of 2 images failed" in ended.stderr
    assert "none.tif: all of its 4 tiles failed: the file is damaged" in ended.stderr
    assert "besides, 1 tile of images that are done failed" in ended.stderr
    assert "cannot be read again" not in ended.stderr
    run = json.loads((output / "run.json").read_text(encoding="utf-8"))
    assert [failure["file"] for failure in run["failures"]] == ["none.tif"]
    assert run["tiles_failed"] == [
        {"file": "part.tif", "tiles": ["256 x 256 px at 256, 256: the file is damaged"]}
    ]
    assert [name for name in run["files"] if name.startswith("overlays/part")]
    page = Elements((output / "report.html").read_text(encoding="utf-8"), void={"input", "use"})
    assert "1 image could not be processed." in page.text
    assert "Parts of 1 image failed." in page.text
    crops = [attributes for _, attributes in page.found if attributes.get("class") == "crop"]
    assert crops
    assert {attributes["data-image"] for attributes in crops} == {"part.tif"}
