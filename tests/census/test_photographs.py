from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.census.simulator import Herd, Shot, Survey, fly, to_pixels

from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Photograph, make_views
from wildetect.census.ground.views import View
from wildetect.detections import Detections
from wildetect.imagery.camera.camera import read_camera
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.positions.metadata import Position
from wildetect.imagery.positions.table import TableRow


def photograph(path: Path) -> Photograph:
    with Image.open(path) as image:
        width, height = image.size
    return Photograph(
        file=path.name,
        path=path,
        width=width,
        height=height,
        tags=read_camera(path),
        detections=Detections.empty(),
    )


# DJI_0018.JPG says (exiftool): GPS 46.8426071 N, 91.9945599 W; RelativeAltitude +39.80; GimbalYawDegree
# +45.00, GimbalPitchDegree -89.90; FocalLength 3.61 mm, model FC300S, whose sensor is 6.17 mm wide;
# 4000 x 2250 px. Focal length 3.61 / 6.17 * 4000 = 2340.4 px; 39.8 / 2340.4 = 1.70 cm a px; 4000 px are
# 68.0 m, 2250 px 38.3 m. Its upper left corner is 34.0 m to the left and 19.1 m ahead of the middle, which
# is turned by 45 degrees to the right: east -34.0 cos 45 + 19.1 sin 45 = -10.5 m, north 34.0 sin 45 +
# 19.1 cos 45 = 37.6 m. The others alike: 0024 has 39.9 m and -140 degrees, 0032 has 40.1 m and 42 degrees.
REAL = [
    ("DJI_0018.JPG", 39.8, 45.0, (-91.9945599, 46.8426071), (-10.5, 37.6)),
    ("DJI_0024.JPG", 39.9, -140.0, (-91.9936967, 46.8428646), (13.8, -36.6)),
    ("DJI_0032.JPG", 40.1, 42.0, (-91.9938293, 46.8424584), (-12.6, 37.3)),
]


@pytest.mark.parametrize(("name", "height", "yaw", "place", "corner"), REAL)
def test_real_drone_pictures_lie_where_their_tags_say(
    shared_data: Path,
    name: str,
    height: float,
    yaw: float,
    place: tuple[float, float],
    corner: tuple[float, float],
) -> None:
    views = make_views([photograph(shared_data / "geo" / name)], Flight())
    (view,) = views.views
    assert isinstance(view, View)
    assert (view.longitude, view.latitude) == pytest.approx(place, abs=1e-7)
    assert view.height_above_ground == height
    assert view.yaw == yaw
    assert view.focal_px == pytest.approx(2340.4, abs=0.1)
    assert view.gsd * 100 == pytest.approx(height / 23.404, rel=1e-3)
    # the tenth of a degree of tilt moves a corner by 7 to 13 cm
    assert view.footprint[0] - (view.x, view.y) == pytest.approx(corner, abs=0.2)
    sides = np.hypot(*(view.footprint - np.roll(view.footprint, 1, axis=0)).T)
    assert sorted(sides) == pytest.approx([38.3, 38.3, 68.0, 68.0], rel=0.01)
    assert view.sources["position"] == "EXIF"
    assert view.sources["height"] == view.sources["yaw"] == "XMP"


def test_real_pictures_lie_apart_as_their_positions_do(shared_data: Path) -> None:
    """0018 to 0024: 0.000863 degrees east, at 46.84 N 76.2 km each, and 0.0002575 north: 65.9 and 28.6 m."""
    views = make_views([photograph(shared_data / "geo" / name) for name, *_ in REAL], Flight()).views
    assert (views[1].x - views[0].x, views[1].y - views[0].y) == pytest.approx((65.9, 28.6), abs=0.2)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("pitch", "yaw", "roll"), [(-90.0, 0.0, 0.0), (-72.0, 37.0, 8.0), (-60.0, -140.0, -5.0)]
)
def test_the_way_from_the_ground_into_a_picture_is_that_from_the_picture_back(
    pitch: float, yaw: float, roll: float, orientation: int
) -> None:
    (one,) = fly(replace(Survey(), shots=(Shot((5.0, 3.0), yaw, pitch, roll),)), Herd.at([])).photographs
    (view,) = make_views([replace(one, tags=replace(one.tags, orientation=orientation))], Flight()).views
    assert isinstance(view, View)
    points = np.array([(0, 0), (4000, 0), (1234, 2345), (2000, 1500)], np.float64)
    assert view.to_picture(view.to_ground(points)) == pytest.approx(points, abs=1e-6)


@pytest.mark.parametrize("pitch", [-90.0, -75.0, -60.0])
@pytest.mark.parametrize(("yaw", "roll"), [(0.0, 0.0), (37.0, 0.0), (-140.0, 8.0), (180.0, -12.0)])
def test_what_the_simulated_camera_sees_is_put_back(pitch: float, yaw: float, roll: float) -> None:
    """The simulator turns places into px by other means than the census turns px into places."""
    survey = replace(Survey(), shots=(Shot((12.0, -7.0), yaw, pitch, roll),))
    places = np.array([(12.0, 0.0), (30.0, 5.0), (2.0, -20.0)])
    flown = fly(survey, Herd.at(np.zeros((0, 2))))
    (view,) = make_views(flown.photographs, Flight()).views
    found = view.to_ground(to_pixels(survey, survey.shots[0], places))
    assert found - (view.x, view.y) == pytest.approx(places - (12.0, -7.0), abs=0.02)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_picture_looks_at_the_same_ground(orientation: int) -> None:
    """EXIF's orientation turns the picture, not the camera: its yaw is that of the sensor."""
    survey = replace(Survey(), shots=(Shot((0.0, 0.0), 25.0),))
    (taken,) = fly(survey, Herd.at([(10.0, 20.0)])).photographs
    (width, height), ((x, y),) = (
        survey.size,
        (taken.detections.xyxy[:, :2] + taken.detections.xyxy[:, 2:]) / 2,
    )
    turned = {1: (x, y), 3: (width - x, height - y), 6: (height - y, x), 8: (y, width - x)}[orientation]
    size = (width, height) if orientation in {1, 3} else (height, width)
    box = np.array([[turned[0] - 20, turned[1] - 20, turned[0] + 20, turned[1] + 20]])
    other = replace(
        taken,
        width=size[0],
        height=size[1],
        tags=replace(taken.tags, orientation=orientation),
        detections=Detections(box, np.array([0.9]), np.array([0])),
    )
    views = make_views([other], Flight())
    boxes = boxes_on_ground([other], views)
    assert boxes.centre[0] - (views.views[0].x, views.views[0].y) == pytest.approx((10.0, 20.0), abs=0.05)


def test_a_camera_that_sees_the_horizon_is_left_out() -> None:
    survey = replace(Survey(), shots=(Shot((0.0, 0.0)), Shot((0.0, 30.0), pitch=-20.0)))
    views = make_views(fly(survey, Herd.at(np.zeros((0, 2)))).photographs, Flight())
    assert len(views.views) == 1
    assert "horizon" in views.left_out["DJI_00002.JPG"]


def test_the_table_fills_what_the_photographs_do_not_tell() -> None:
    survey = replace(Survey(), shots=(Shot((0.0, 0.0)), Shot((0.0, 30.0))))
    photographs = fly(survey, Herd.at(np.zeros((0, 2)))).photographs
    bare = [replace(one, tags=replace(one.tags, position=None, height=None)) for one in photographs]
    table = {"dji_00001.jpg": TableRow(Position(23.5, -19.2), height=90.0)}
    views = make_views(bare, Flight(), table)
    (view,) = views.views
    assert (view.longitude, view.latitude) == (23.5, -19.2)
    assert view.height_above_ground == 90.0
    assert view.sources["position"] == view.sources["height"] == "CSV"
    assert list(views.left_out) == ["DJI_00002.JPG"]


def test_the_settings_resolution_overrides_all() -> None:
    (one,) = fly(replace(Survey(), shots=(Shot((0.0, 0.0)),)), Herd.at(np.zeros((0, 2)))).photographs
    (view,) = make_views([one], Flight(gsd=5.0)).views
    assert view.gsd == pytest.approx(0.05)
    assert np.ptp(view.footprint, axis=0) == pytest.approx((200.0, 150.0), rel=1e-3)


def test_the_published_resolution_and_footprint() -> None:
    """Pix4D's example: 13.125 mm sensor, 15.4 mm lens, 100 m, 4608 x 3456 px: 1.85 cm/px, 85 x 64 m."""
    (one,) = fly(Survey(size=(4608, 3456), shots=(Shot((0.0, 0.0)),)), Herd.at(np.zeros((0, 2)))).photographs
    bare = replace(one, tags=replace(one.tags, height=None, focal_length_35=None))
    specs = Flight(sensor_height=13.125 * 3456 / 4608, focal_length=15.4, flight_height=100)
    (view,) = make_views([bare], specs).views
    assert round((view.gsd or 0) * 100, 2) == 1.85
    assert np.ptp(view.footprint, axis=0).round().tolist() == [85, 64]
    assert view.sources["lens"] == view.sources["height"] == "flight_specs"


def grey_of(path: Path) -> np.ndarray:
    """An eighth of a picture in grey."""
    with Image.open(path) as image:
        image.draft("L", (image.width // 8, image.height // 8))
        return np.asarray(image, np.float64)


def on_the_ground(view: View, grey: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Grey values of a picture at places on the ground; nan beside it."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (grey.shape[1] - 1, grey.shape[0] - 1)
    ground = np.column_stack([view.footprint, np.ones(4)])
    to_picture = np.linalg.lstsq(ground, corners, rcond=None)[0]
    column, row = (
        (np.stack([x, y, np.ones_like(x)], axis=-1) @ to_picture).round().astype(int).transpose(2, 0, 1)
    )
    inside = (row >= 0) & (row < grey.shape[0]) & (column >= 0) & (column < grey.shape[1])
    return np.where(inside, grey[row.clip(0, grey.shape[0] - 1), column.clip(0, grey.shape[1] - 1)], np.nan)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation where both show something."""
    both = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[both], other[both])[0, 1]) if both.sum() > 500 else 0.0


@pytest.mark.parametrize(("turn", "alike"), [(0.0, True), (180.0, False)])
def test_real_pictures_show_the_same_ground_where_they_overlap(
    shared_data: Path, turn: float, alike: bool
) -> None:
    """0018 and 0032 share a strip of some 5 x 40 m, and their positions are a few metres off.

    Laid on the ground as their tags say, their grey values agree (correlation 0.8) when one is moved by 3.4
    m, which is what positions are wrong by; turned by half a turn they agree nowhere near.
    """
    files = [shared_data / "geo" / name for name in ("DJI_0018.JPG", "DJI_0032.JPG")]
    first, second = (
        replace(view, yaw=view.yaw + turn)
        for view in make_views([photograph(file) for file in files], Flight()).views
        if isinstance(view, View)
    )
    x, y = np.meshgrid(np.arange(-25, 15, 0.4), np.arange(-35, 10, 0.4))
    grey = [grey_of(file) for file in files]
    fixed = on_the_ground(first, grey[0], x, y)
    found = {
        (east, north): likeness(fixed, on_the_ground(second, grey[1], x + east, y + north))
        for east in range(-5, 6)
        for north in range(-5, 6)
    }
    best = max(found, key=lambda shift: found[shift])
    assert (found[best] > 0.6) == alike
    if alike:
        assert np.hypot(best[0] + 2.0, best[1] - 2.8) < 1
