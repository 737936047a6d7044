"""Orthomosaics among the photographs of a survey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from tests.workspaces import REPOSITORY

import wildetect
from wildetect.census.counting.animals import count_once
from wildetect.census.gathering import gather
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Photograph, make_views
from wildetect.census.ground.raster_views import RasterView
from wildetect.detections import Detections
from wildetect.imagery.camera.camera import read_camera
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.opening import look_at


def raster(path: Path, detections: Detections) -> Photograph:
    facts = look_at(path)
    return Photograph(
        file=path.name,
        path=path,
        width=facts.width,
        height=facts.height,
        tags=read_camera(path),
        detections=detections,
        georeference=facts.georeference,
    )


def test_an_orthomosaic_covers_the_ground_that_it_shows(shared_data: Path) -> None:
    """webodm_orthophoto.tif lies in UTM zone 15 north; two parts in a hundred of it are transparent."""
    path = shared_data / "geo" / "webodm_orthophoto.tif"
    with rasterio.open(path) as dataset:
        step_x, step_y = dataset.res
        corner = dataset.xy(200, 100, offset="ul")
        part = float((dataset.dataset_mask() > 0).mean())
        geographic = pyproj.Transformer.from_crs(dataset.crs, 4326, always_xy=True).transform(*corner)
        width, height = dataset.width, dataset.height
    photograph = raster(path, Detections([[90, 190, 110, 210]], [0.9], [0]))
    views = make_views([photograph], Flight())
    (view,) = views.views
    assert isinstance(view, RasterView)
    assert view.gsd == pytest.approx((step_x * step_y) ** 0.5, rel=0.002)
    boxes = boxes_on_ground([photograph], views)
    assert views.projection.to_degrees(boxes.centre)[0] == pytest.approx(geographic, abs=1e-8)
    searched = shapely.Polygon(view.footprint)
    assert searched.is_valid
    assert searched.area == pytest.approx(part * width * height * step_x * step_y, rel=0.01)
    assert part < 0.98


def test_an_animal_in_two_rasters_is_one(shared_data: Path) -> None:
    path = shared_data / "geo" / "df_OSBS_029.tif"
    first = raster(path, Detections([[90, 190, 110, 210], [300, 30, 330, 50]], [0.9, 0.8], [0, 0]))
    second = Photograph(**{name: getattr(first, name) for name in first.__slots__} | {"file": "again.tif"})
    views = make_views([first, second], Flight())
    animals = count_once(boxes_on_ground([first, second], views), views, 5.0)
    assert animals.members == [[0, 2], [1, 3]]


def test_only_where_it_holds_data_is_a_raster_searched(tmp_path: Path) -> None:
    """Half of it has none, in two corners; two parts that do not touch are held together."""
    cells = np.full((3, 80, 100), 90, np.uint8)
    cells[:, :40, :50] = cells[:, 40:, 50:] = 0
    place = {"crs": "EPSG:32735", "transform": Affine(0.5, 0, 500_000, 0, -0.5, 7_870_000), "nodata": 0}
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=100, height=80, count=3, dtype="uint8", **place
    ) as file:
        file.write(cells)
    (view,) = make_views([raster(tmp_path / "a.tif", Detections.empty())], Flight()).views
    ground = shapely.Polygon(view.footprint)
    assert ground.is_valid
    assert 1000 <= ground.area <= 1600  # of 2000 m²
    inside = view.to_ground([(75, 20), (25, 60)])
    assert shapely.contains_xy(ground, inside).all()
    assert not shapely.contains_xy(ground, view.to_ground([(10, 10), (90, 70)])).any()


def written(path: Path, shared_data: Path, **form: object) -> None:
    """The orthomosaic of the other tests, in a form of another program."""
    with rasterio.open(shared_data / "geo" / "df_OSBS_029.tif") as whole:
        cells, place, system = whole.read(), whole.transform, whole.crs
    shape = {"width": cells.shape[2], "height": cells.shape[1], "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", transform=place, crs=system, **shape, **form) as file:
        file.write(cells[:3])


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("ortho.tif", {"driver": "GTiff"}),
        ("ortho.jp2", {"driver": "JP2OpenJPEG", "quality": 90}),
        ("ortho.png", {"driver": "PNG", "worldfile": "YES"}),
    ],
)
def test_an_orthomosaic_counts_in_a_census_whatever_its_form(
    shared_data: Path, tmp_path: Path, name: str, form: dict[str, object]
) -> None:
    """Detection takes its place on the map from the file or from those beside it; so does the census."""
    path = tmp_path / name
    written(path, shared_data, **form)
    run = wildetect.detect(path, model=REPOSITORY / "demo" / "detector.onnx", output=tmp_path / "run")
    (photograph,) = gather(run).photographs
    (view,) = make_views([photograph], Flight()).views
    assert isinstance(view, RasterView)
    assert view.gsd == pytest.approx(0.1, rel=0.02)  # m: what its makers say of it
