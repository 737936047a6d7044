"""Every file that lies in shared/data, through the real program: read, refused by name, or told as not read.

What an independent decoder finds in a picture is found, or a word in run.json says why it may not be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.detection.test_reference import CONFIDENCE, IOU, reference
from tests.workspaces import Workspace, unused_uri

Document = dict[str, Any]


def is_a_picture(path: Path) -> bool:
    """Whether Pillow, asked without regard to the name, takes a file for a picture."""
    try:
        with Image.open(path):
            return True
    except Image.DecompressionBombError:
        return True
    except Exception:  # noqa: BLE001 - broken and other files raise nearly anything
        return path.suffix.lower() in {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".dng"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Document:
    """run.json of a run over all files, whole pictures, and what was found in each."""
    workspace = Workspace.make(tmp_path_factory.mktemp("all") / "project", MLFLOW_TRACKING_URI=unused_uri())
    workspace.variables["WILDETECT_DETECTION__PROCESSING__NMS_THRESHOLD"] = str(IOU)
    weights = shared_data / "models/yolov8n_int8.onnx"
    words = ("--model", weights, "--tile-size", "0", "--confidence", str(CONFIDENCE), "--output", "found")
    ended = workspace.invoke("detect.run", shared_data, *words, timeout=300)
    assert ended.returncode == 5, ended.stderr  # some are damaged
    assert "Traceback" not in ended.stderr
    read = {
        name: json.loads((workspace.root / "found" / name).read_text(encoding="utf-8"))
        for name in ("run.json", "detections.json")
    }
    boxes = {one["file"]: one["detections"] for one in read["detections.json"]["images"]}
    return {**read["run.json"], "boxes": boxes}


def named(remarks: list[Document]) -> Iterator[str]:
    return (file for remark in remarks for file in remark["files"])


def test_each_picture_is_read_or_refused_or_told_by_name(run: Document, shared_data: Path) -> None:
    there = {
        path.relative_to(shared_data).as_posix()
        for path in shared_data.rglob("*")
        if path.is_file() and is_a_picture(path)
    }
    failed = {one["file"] for one in run["failures"]}
    left_out = set(named(run["not_read"]))
    read = {file for file, found in run["boxes"].items() if found is not None}
    assert read | failed | left_out == there
    assert len(read) + len(failed) + len(left_out) == len(there) > 65
    assert run["images"] == {**run["images"], "found": len(read | failed), "failed": len(failed), "left": 0}
    assert all(one["reason"] for one in run["failures"])
    assert not any("unexpected" in one["reason"] for one in run["failures"])


def test_what_an_independent_decoder_finds_is_found_or_in_doubt(run: Document, shared_data: Path) -> None:
    weights = shared_data / "models/yolov8n_int8.onnx"
    doubtful = {*named(run["doubts"]), *named(run["read_as"]), *run["dark_images"]}
    compared = boxes = 0
    for file, found in run["boxes"].items():
        if found is None or file in doubtful:
            continue
        expected = reference(weights, shared_data / file)
        with Image.open(shared_data / file) as opened:
            opaque = not opened.has_transparency_data
        assert len(found) >= len(expected) or not opaque, file
        if opaque:
            told = sorted(round(one["conf"], 3) for one in found)
            assert told == pytest.approx(sorted(round(box[4], 3) for box in expected), abs=2e-3), file
            compared += 1
            boxes += len(found)
    assert compared >= 45
    assert boxes > 25


def test_pages_of_a_tiff_that_are_not_read_are_told(run: Document) -> None:
    (film,) = [one for one in run["doubts"] if "the first alone is read" in one["what"]]
    assert film["files"] == ["naughty/pil_multipage.tiff"]
