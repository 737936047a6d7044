"""The script that says which files of a folder just work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from benchmarks.files_that_work import main
from PIL import Image
from tests import known_answers


def test_each_file_is_told_and_the_shares_add_up(
    tmp_path: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known_answers.segmentation(tmp_path / "a_seg.onnx")
    known_answers.heat_map(tmp_path / "b_heat.onnx")
    shutil.copy(shared_data / "naughty/notdetector_mnist.onnx", tmp_path / "c_digits.onnx")
    Image.fromarray(known_answers.picture()).save(tmp_path / "squares.png")
    assert main([str(tmp_path), "--picture", str(tmp_path / "squares.png"), "--classes", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["a_seg.onnx", "b_heat.onnx", "c_digits.onnx"]
    assert "by itself   yolov8-seg, 2 classes" in lines[0]
    assert "once named  heat-map, 2 classes, points" in lines[1]
    assert "refused" in lines[2]
    assert "hint:" in lines[2]
    assert lines[3:] == ["by itself: 1 of 3 (33%)", "once named: 1 of 3 (33%)", "refused: 1 of 3 (33%)"]
