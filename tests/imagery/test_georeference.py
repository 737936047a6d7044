from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as warp

from wildetect.geometry import Window
from wildetect.imagery.georeference import Georeference
from wildetect.imagery.opening import open_image


def test_pixels_of_a_rotated_raster_in_utm() -> None:
    place = Affine.translation(500_000, 0) @ Affine.rotation(30) @ Affine.scale(0.05, -0.05)
    found = Georeference(place, CRS.from_epsg(32736)).centres(
        np.array([[0, 0, 10, 20], [100, 100, 300, 100]])
    )
    assert found is not None
    for (longitude, latitude), (column, row) in zip(found, [(5, 10), (200, 100)], strict=True):
        x, y = place * (column, row)
        (wanted_longitude,), (wanted_latitude,) = warp("EPSG:32736", "EPSG:4326", [x], [y])
        assert (longitude, latitude) == (pytest.approx(wanted_longitude), pytest.approx(wanted_latitude))


@pytest.mark.parametrize(
    ("epsg", "place", "gsd"),
    [
        (32633, Affine(0.04, 0, 500_000, 0, -0.04, 5_000_000), 0.04),
        (4326, Affine(1e-6, 0, 15, 0, -1e-6, 60), 111_320e-6 * math.sqrt(0.5)),
        # web mercator at 60 degrees: what it calls a metre is half of one
        (3857, Affine(0.2, 0, 1_000_000, 0, -0.2, 8_399_738), 0.1),
    ],
)
def test_gsd(epsg: int, place: Affine, gsd: float) -> None:
    assert Georeference(place, CRS.from_epsg(epsg)).gsd(10, 10) == pytest.approx(gsd, rel=0.01)


def test_a_building_site_has_no_place_on_earth() -> None:
    local = CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    reference = Georeference(Affine(0.1, 0, 0, 0, -0.1, 0), local)
    assert reference.positions(np.array([[1, 2]])) is None
    assert reference.gsd(1, 2) is None


def test_outside_of_the_projection() -> None:
    reference = Georeference(Affine(1e9, 0, 0, 0, -1e9, 0), CRS.from_epsg(32633))
    assert reference.positions(np.array([[1, 2]])) is None


def test_no_boxes() -> None:
    found = Georeference(Affine.scale(2), CRS.from_epsg(4326)).centres(np.zeros((0, 4)))
    assert found is not None
    assert found.shape == (0, 2)


@pytest.mark.parametrize("name", ["rio_rotated.tif", "webodm_orthophoto.tif", "df_OSBS_029.tif"])
def test_real_rasters_lie_where_rasterio_says(shared_data: Path, name: str) -> None:
    source = open_image(shared_data / "geo" / name)
    with rasterio.open(shared_data / "geo" / name) as dataset:
        if dataset.crs is None:
            assert source.georeference is None
            return
        x, y = dataset.xy(11, 7)  # of the middle of that pixel: row, column
        longitude, latitude = (values[0] for values in warp(dataset.crs, "EPSG:4326", [x], [y]))
    assert source.georeference is not None
    found = source.georeference.centres(np.array([[7, 11, 8, 12]]))
    assert found is not None
    assert found[0].tolist() == [pytest.approx(longitude, abs=1e-9), pytest.approx(latitude, abs=1e-9)]
    assert source.read(Window(0, 0, 5, 5)).shape == (5, 5, 3)
    source.close()
