from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from wildetect.detection.run.copies import doubled
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
    ((what, copies),) = doubled(images, {image.name for image in images}).items()
    assert what.startswith("byte for byte the same")
    assert copies == ["b (2)", "b (1)", "smaller"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            [
                "DJI_20240520212354_0001_T.JPG",
                "DJI_20240520212354_0001_W.JPG",
                "DJI_20240520212356_0002_T.JPG",
            ],
            2,
        ),
        (
            ["DJI_20240520212354_0001_D.JPG", *(f"DJI_20240520212354_0001_MS_{b}.TIF" for b in ("G", "NIR"))],
            3,
        ),
        (["IMG_0001_1.tif", "IMG_0001_2.tif", "IMG_0002_1.tif"], 2),
        (["IMG_170525_101010_0001_GRE.TIF", "IMG_170525_101010_0001_RGB.JPG"], 2),
        (["a/IMG_0001_1.tif", "b/IMG_0001_2.tif"], 0),  # of two cards
        (["IMG_0001_1.jpg", "IMG_0001_2.jpg", "DJI_0001.JPG", "DJI_0002.JPG"], 0),
        (["DJI_20240520212354_0001_V.JPG", "DJI_20240520212355_0002_V.JPG"], 0),
    ],
)
def test_pictures_of_one_moment_by_several_lenses_are_told(
    tmp_path: Path, names: list[str], told: int
) -> None:
    found = doubled([ImageFile(tmp_path / name, name) for name in names], names)
    assert list(found.values()) == ([names[:told]] if told else [])
    assert all("of the same moment" in what for what in found)


def test_pictures_of_one_name_in_several_kinds_of_files_are_told(tmp_path: Path) -> None:
    names = ["DJI_1.JPG", "DJI_1.tif", "DJI_2.JPG", "x/DJI_2.tif", "dji_3.png", "DJI_3.jpg"]
    ((what, told),) = doubled([ImageFile(tmp_path / name, name) for name in names], names).items()
    assert "animals count once in each" in what
    assert told == ["DJI_1.tif", "DJI_3.jpg"]
