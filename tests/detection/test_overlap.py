from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.tiles.overlap import AutoOverlap, TileOverlap
from wildetect.imagery.camera.camera import CameraTags, read_camera
from wildetect.imagery.camera.lens import ground_resolution, lens_of
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.opening import open_image
from wildetect.imagery.source import ArraySource, HeaderFacts


def photograph(camera: CameraTags | None) -> ArraySource:
    return ArraySource(np.zeros((300, 400, 3), np.uint8), HeaderFacts(400, 300, camera=camera))


def tags(height: float | None = None, focal_length: float | None = None) -> CameraTags:
    return CameraTags(height=height, focal_length_35=focal_length)


def test_pix4d_example() -> None:
    """13.125 mm wide sensor of 4608 x 3456 px, 15.4 mm, 100 m: 1.85 cm/px and 85 x 64 m."""
    flight = Flight(sensor_height=13.125 * 3456 / 4608, focal_length=15.4, flight_height=100)
    gsd = ground_resolution(tags(), (4608, 3456), flight).gsd
    assert gsd == pytest.approx(0.0185, abs=5e-5)
    assert [4608 * gsd, 3456 * gsd] == pytest.approx([85, 64], abs=0.5)
    # turned upright, the sensor's shorter side is the picture's shorter side all the same
    assert ground_resolution(tags(), (3456, 4608), flight).gsd == gsd


def test_what_a_photograph_tells_comes_before_the_settings() -> None:
    flight = Flight(flight_height=100)
    told = ground_resolution(tags(50, 43.267), (4000, 3000), flight).gsd
    assert told == pytest.approx(50 / 5000)
    assert ground_resolution(tags(50, 43.267), (4000, 3000), Flight(gsd=3)).gsd == 0.03


def test_a_drone_photograph(shared_data: Path) -> None:
    source = open_image(shared_data / "geo" / "DJI_0018.JPG")
    gsd = AutoOverlap().gsd(source)
    assert gsd == pytest.approx(0.0170, rel=0.01)  # by its sensor of 6.17 mm and lens of 3.61 mm, at 39.8 m


@pytest.mark.parametrize("name", ["geo/DJI_0018.JPG", "images/AWPE Pigeon Lake 2020 DJI_0005.JPG"])
def test_tiles_and_census_see_one_ground_resolution(name: str, shared_data: Path) -> None:
    """One of them is a crop: its focal length "in 35 mm film" no longer fits its diagonal."""
    source = open_image(shared_data / name)
    camera = read_camera(shared_data / name)
    focal_px = lens_of(camera, (source.width, source.height), Flight()).px  # as the census places it
    assert camera.height is not None
    assert AutoOverlap().gsd(source) == pytest.approx(camera.height / focal_px, rel=1e-9)


def test_an_orthomosaic(shared_data: Path) -> None:
    source = open_image(shared_data / "geo" / "webodm_orthophoto.tif")
    gsd = AutoOverlap().gsd(source)
    assert gsd is not None
    assert 0.01 < gsd < 1
    source.close()


@pytest.mark.parametrize(
    ("animal", "gsd", "ratio"), [(6, 3, 0.55 / 2), (100, 3, 0.5), (0.1, 3, 0.02), (6, 6, 0.55 / 4)]
)
def test_overlap_is_the_largest_animal(animal: float, gsd: float, ratio: float) -> None:
    auto = AutoOverlap(largest_animal=animal, flight=Flight(gsd=gsd))
    assert auto.ratio(photograph(None), 800) == pytest.approx(ratio, abs=0.002)


@pytest.mark.parametrize(
    ("camera", "gsd", "assumed"),
    [
        (tags(50, 24), None, False),
        (tags(None, 24), None, True),
        (tags(50, None), None, True),
        (tags(), 3, False),  # that of the settings is no guess
    ],
)
def test_what_is_assumed_is_told(camera: CameraTags, gsd: float | None, assumed: bool) -> None:
    measured = AutoOverlap(flight=Flight(gsd=gsd)).measure(photograph(camera), 800)
    assert measured.assumed == assumed


def test_what_tiles_are_too_small_for_is_told() -> None:
    source = photograph(None)
    assert AutoOverlap(flight=Flight(gsd=0.3)).measure(source, 800) == TileOverlap(0.5, 2200, capped=True)
    assert AutoOverlap(flight=Flight(gsd=1.65)).measure(source, 800) == TileOverlap(0.5, 400)


def test_where_nothing_is_known() -> None:
    assert AutoOverlap().ratio(photograph(None), 800) == 0.2


def test_tiles_follow_the_overlap() -> None:
    source = photograph(tags(100, 43.267))  # 0.2 m/px
    narrow = PipelineOptions(tile_size=100, auto_overlap=AutoOverlap(largest_animal=2))
    wide = PipelineOptions(tile_size=100, auto_overlap=AutoOverlap(largest_animal=8))
    assert len(narrow.tiles(source)) < len(wide.tiles(source))
