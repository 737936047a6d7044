from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from wildetect.detection.run.copies import copies_among
from wildetect.imagery.discovery import ImageFile


def test_copies_are_told_from_files_that_only_begin_and_end_alike(tmp_path: Path) -> None:
    content = bytearray(np.random.default_rng(5).bytes(400_000))
    (tmp_path / "a.jpg").write_bytes(content)
    content[100_000] ^= 1  # between the pieces that are looked at first
    (tmp_path / "b.jpg").write_bytes(content)
    content[0] ^= 1
    (tmp_path / "c.jpg").write_bytes(content)
    shutil.copy(tmp_path / "b.jpg", tmp_path / "b (1).jpg")
    shutil.copy(tmp_path / "b.jpg", tmp_path / "b (2).jpg")
    for name in ("empty", "small", "smaller"):
        (tmp_path / f"{name}.jpg").write_bytes(b"" if name == "empty" else name[:5].encode())
    names = ["a", "b", "gone", "c", "b (2)", "empty", "small", "b (1)", "smaller"]
    images = [ImageFile(tmp_path / f"{name}.jpg", name) for name in names]
    assert copies_among(images) == ["b (2)", "b (1)", "smaller"]
