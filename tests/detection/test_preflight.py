from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.detection.networks import manifest, save_network
from tests.detection.test_decoders import yolov8
from tests.imagery.test_geotiff import save_raster

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.preflight import Space, check_space, sample, seconds_per_tile, space_for, survey
from wildetect.detection.tiles.overlap import AutoOverlap
from wildetect.errors import InputError
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.discovery import ImageFile, discover

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 - as shutil has it


@pytest.fixture
def images(tmp_path: Path) -> list[ImageFile]:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (100, 64)).save(folder / "1.png")
    Image.new("RGB", (64, 64)).save(folder / "2.jpg")
    (folder / "3.jpg").touch()
    (folder / "4.jpg").write_bytes(b"no photograph")
    save_raster(folder / "5.tif", np.ones((3, 64, 164), np.uint8))
    return discover([folder])


def test_headers_tell_what_a_run_would_meet(images: list[ImageFile]) -> None:
    found = survey(images, PipelineOptions(tile_size=64, overlap_ratio=0))
    assert found.tiles == {"1.png": 2, "2.jpg": 1, "5.tif": 3}
    assert set(found.unreadable) == {"3.jpg", "4.jpg"}
    assert "empty" in found.unreadable["3.jpg"]
    assert found.without_position == 2  # the raster lies on the map
    assert found.pixels == 64 * (100 + 64 + 164)


def test_some_tiles_are_timed(tmp_path: Path, images: list[ImageFile]) -> None:
    detector = Detector(save_network(tmp_path / "network.onnx", yolov8()[0]), manifest("yolov8"), "cpu")
    each = seconds_per_tile(images, detector, PipelineOptions(tile_size=64))
    assert each is not None
    assert 0 < each < 5
    assert seconds_per_tile(images[2:4], detector, PipelineOptions()) is None


def test_space_grows_with_pictures(tmp_path: Path) -> None:
    none = space_for(tmp_path / "new" / "folder", 1000, overlays=0, pixels_each=20e6)
    some = space_for(tmp_path, 1000, overlays=100, pixels_each=20e6)
    every = space_for(tmp_path, 1000, overlays=None, pixels_each=20e6)
    assert none.needed < 50e6 < some.needed < 1e9 < every.needed
    assert none.free > 0


def test_a_full_drive_is_refused_before_the_run(
    tmp_path: Path, images: list[ImageFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1, 1, 1_000_000))
    with pytest.raises(InputError, match=r"need about 20\.0 MB") as raised:
        check_space(tmp_path, len(images), survey(images, PipelineOptions()), 100)
    assert "--output" in raised.value.hint


@pytest.mark.parametrize(("pictures", "helps"), [(0, False), (30, False), (60, True)])
def test_drawing_fewer_pictures_is_proposed_where_it_helps(pictures: int, helps: bool) -> None:
    space = Space(needed=100, free=50, pictures=pictures)
    assert ("--overlays none" in space.fix) == helps


@pytest.mark.parametrize(("count", "looked_at"), [(0, 0), (1, 1), (50, 50), (51, 26), (10_000, 50)])
def test_a_sample_of_the_headers_is_looked_at(count: int, looked_at: int) -> None:
    images = [ImageFile(Path(f"{number}.jpg"), f"{number}.jpg") for number in range(count)]
    found = sample(images)
    assert len(found) == looked_at
    assert found[:1] == images[:1]


def test_automatic_overlap_is_counted_where_there_are_tiles(images: list[ImageFile]) -> None:
    auto = AutoOverlap(largest_animal=1, flight=Flight(gsd=10))
    found = survey(images, PipelineOptions(tile_size=64, auto_overlap=auto)).overlap
    assert found is not None
    assert (found.images, found.capped, found.needed) == (2, 0, 11)  # 2.jpg is one tile
    small = survey(images, PipelineOptions(tile_size=16, auto_overlap=auto)).overlap
    assert small is not None
    assert (small.images, small.capped, small.most, small.tile_size) == (3, 3, 0.5, 22)
    assert survey(images, PipelineOptions()).overlap is None
