"""Height above ground, with hills and without."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from tests.census.simulator import Flown, Herd, Shot, Survey, fly

from wildetect.census.cautions.findings import cautions
from wildetect.census.ground.heights import Terrain
from wildetect.census.ground.photographs import make_views
from wildetect.census.ground.views import View
from wildetect.errors import InputError
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.positions.metadata import Position
from wildetect.imagery.positions.table import TableRow

WEST, NORTH, CELL = 23.40, -19.22, 0.001  # degrees; a cell is about 105 x 111 m


def hills(path: Path, sea: float = 0.0) -> Path:
    """Ground that rises by 10 m a cell to the east, from 900 m; nothing is known in the last column."""
    cells = np.tile(sea + 900 + 10.0 * np.arange(20, dtype=np.float32), (20, 1))
    cells[:, -1] = -9999
    form = {
        "driver": "GTiff",
        "width": 20,
        "height": 20,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
        "transform": from_origin(WEST, NORTH, CELL, CELL),
        "nodata": -9999,
    }
    with rasterio.open(path, "w", **form) as raster:
        raster.write(cells, 1)
    return path


def test_heights_are_linear_between_the_middles_of_cells(tmp_path: Path) -> None:
    with Terrain(hills(tmp_path / "hills.tif")) as terrain:
        places = [(WEST + (0.5 + column) * CELL, NORTH - 5 * CELL) for column in (0, 3, 3.25, 9.5)]
        assert terrain.heights(np.array(places)) == pytest.approx([900, 930, 932.5, 995], abs=1e-3)
        outside = [(WEST - 1, NORTH), (WEST + 19.6 * CELL, NORTH - 5 * CELL)]
        assert np.isnan(terrain.heights(np.array(outside))).all()


def flight(**tags: object) -> Flown:
    """Over the rising ground: 0, 210 and 420 m to the east of take-off, where cells are 2 columns apart."""
    survey = Survey(origin=(WEST + 2.5 * CELL, NORTH - 5 * CELL))
    survey = replace(survey, shots=tuple(Shot((105.17 * 2 * number, 0.0)) for number in range(3)))
    flown = fly(survey, Herd.at(np.zeros((0, 2))))
    photographs = [replace(one, tags=replace(one.tags, **tags)) for one in flown.photographs]  # type: ignore[arg-type]
    return Flown(photographs)


def heights(flown: Flown, terrain: Path, **more: TableRow) -> list[tuple[float, str]]:
    views = make_views(flown.photographs, Flight(), more, terrain).views
    return [(round(view.height_above_ground or 0), dict(view.sources)["height"]) for view in views]


@pytest.mark.parametrize("sea", [0.0, 35.0])
def test_above_take_off_less_what_the_ground_rises(tmp_path: Path, sea: float) -> None:
    """From which level the terrain counts does not matter."""
    found = heights(flight(altitude=5.0), hills(tmp_path / "hills.tif", sea))
    assert found == [(100, "terrain"), (80, "terrain"), (60, "terrain")]


def test_altitude_above_sea_where_no_height_is_told(tmp_path: Path) -> None:
    found = heights(flight(height=None, altitude=1020.0), hills(tmp_path / "hills.tif"))
    assert found == [(100, "terrain"), (80, "terrain"), (60, "terrain")]


def test_another_flight_has_another_place_of_take_off(tmp_path: Path) -> None:
    flown = flight()
    later = flown.photographs[1]
    assert later.tags.taken is not None
    taken = later.tags.taken + timedelta(minutes=30)
    flown.photographs[1] = replace(later, tags=replace(later.tags, taken=taken))
    found = heights(flown, hills(tmp_path / "hills.tif"))
    assert [height for height, _ in found] == [100, 100, 60]


def test_ground_that_reaches_the_camera_leaves_it_out(tmp_path: Path) -> None:
    views = make_views(flight(height=41.0).photographs, Flight(), {}, hills(tmp_path / "hills.tif"))
    assert [view.file for view in views.views] == ["DJI_00001.JPG", "DJI_00002.JPG"]
    assert "terrain" in views.left_out["DJI_00003.JPG"]


def test_beyond_the_terrain_ground_is_flat_and_that_is_told(tmp_path: Path) -> None:
    flown = flight()
    far = replace(flown.photographs[2].tags, position=Position(24.0, NORTH))
    flown.photographs[2] = replace(flown.photographs[2], tags=far)
    views = make_views(flown.photographs, Flight(), {}, hills(tmp_path / "hills.tif"))
    (last,) = [view for view in views.views if view.file == "DJI_00003.JPG"]
    assert isinstance(last, View)
    assert (last.height_above_ground, last.sources["height"]) == (100.0, "XMP")
    found = {one.kind: one for one in cautions(flown.photographs, views)}
    assert found["terrain-gaps"].files == ["DJI_00003.JPG"]


def test_what_is_no_terrain_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("no raster", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        make_views(flight().photographs, Flight(), {}, tmp_path / "text.tif")
