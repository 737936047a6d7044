"""Which photographs make a transect."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from tests.census.surveys import PLANE, area, changed, degrees, flight, mower, views_at

from wildetect.census.design.searched import searched_ground
from wildetect.census.design.transects import find_transects, transects_for
from wildetect.census.design.vector_files import Line
from wildetect.census.ground.raster_views import RasterView
from wildetect.errors import InputError
from wildetect.imagery.georeference import Georeference


def xs(points: NDArray[np.float64], members: tuple[int, ...]) -> set[float]:
    return set(points[list(members), 0].round(6).tolist())


def test_a_way_to_and_fro_is_its_lines_and_the_turns_are_outside() -> None:
    points = mower(6, 2000, 400)
    found = find_transects(views_at(points))
    assert [transect.name for transect in found] == ["T1", "T2", "T3", "T4", "T5", "T6"]
    assert [xs(points, transect.views) for transect in found] == [{400.0 * line} for line in range(6)]
    assert all(len(transect) == 41 for transect in (each.views for each in found))
    # seven photographs within each of the five turns of 400 m
    assert len(found.outside) == 5 * 7
    assert all(points[row, 0] % 400 for row in found.outside)
    assert "35 photographs lie in turns, at ends or on the way: DJI_0041.JPG" in found.notes[-1]
    members = [row for transect in found for row in transect.views]
    assert sorted([*members, *found.outside]) == list(range(len(points)))


def test_the_legs_of_a_zigzag_and_of_a_grid_are_transects() -> None:
    zigzag = flight([(600.0 * number, 1500.0 * (number % 2)) for number in range(7)])
    assert len(find_transects(views_at(zigzag))) == 6
    grid = np.concatenate([mower(5, 1200, 300), mower(5, 1200, 300)[:, ::-1]])
    assert len(find_transects(views_at(grid))) == 10


@pytest.mark.parametrize("heading", [0, 17, 45, 90, 133, 250])
@pytest.mark.parametrize("jitter", [0.0, 3.0])
def test_any_heading_and_the_error_of_positions_change_nothing(heading: int, jitter: float) -> None:
    clean = mower(8, 1500, 150, 30.0)
    turn = np.radians(heading)
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points: NDArray[np.float64] = (
        clean + np.random.default_rng(heading).normal(0, jitter, clean.shape)
    ) @ spin
    found = find_transects(views_at(points, position_error=3.0))
    assert len(found) == 8
    for line, transect in enumerate(found):
        on_line = np.flatnonzero(np.abs(clean[:, 0] - 150 * line) < 1e-6)
        assert set(on_line[1:-1]) <= set(transect.views) <= {*on_line, on_line[0] - 1, on_line[-1] + 1}


def test_lines_without_photographs_in_the_turns_are_told_apart() -> None:
    points = mower(5, 1000, 300)
    points = points[np.isclose(points[:, 0] % 300, 0)]
    found = find_transects(views_at(points))
    assert [xs(points, transect.views) for transect in found] == [{300.0 * line} for line in range(5)]
    assert found.outside == ()


def test_lines_flown_all_one_way_with_a_leap_between_are_told_apart() -> None:
    points = np.concatenate([flight([(x, 0), (x, 1000)]) for x in (0, 500, 1000)])
    found = find_transects(views_at(points))
    assert [xs(points, transect.views) for transect in found] == [{0.0}, {500.0}, {1000.0}]


def test_a_transect_that_goes_on_after_a_battery_is_one() -> None:
    # half of the second line, home, and back to its other half
    home = (0.0, -800.0)
    points = np.concatenate(
        [
            flight([(0, 0), (0, 2000)]),
            flight([(500, 2000), (500, 1000), home]),
            flight([home, (500, 950), (500, 0)]),
            flight([(1000, 0), (1000, 2000)]),
            flight([(1500, 2000), (1500, 0)]),
            flight([(2000, 0), (2000, 2000)]),
        ]
    )
    found = find_transects(views_at(points))
    assert len(found) == 5
    assert max(np.ptp(points[list(transect.views), 1]) for transect in found) <= 2100
    second = next(transect for transect in found if np.median(points[list(transect.views), 0]) == 500)
    assert np.ptp(points[list(second.views), 1]) >= 1950


def test_time_decides_and_else_the_order_of_names() -> None:
    points = mower(4, 1000, 300)
    plain = find_transects(views_at(points))
    mixed = views_at(points)
    mixed.views.reverse()
    behind = len(points) - 1
    timed = find_transects(mixed)
    assert [[behind - row for row in each.views] for each in timed] == [list(each.views) for each in plain]
    for row in range(len(points)):
        changed(mixed, row, taken=None)
    named = find_transects(mixed)
    assert [each.views for each in named] == [each.views for each in timed]
    assert "order of their names" in named.notes[0]


def test_photographs_on_no_lines_are_no_transects() -> None:
    points = np.random.default_rng(3).uniform(0, 3000, (600, 2))
    for some in (points, points[:40], points[:1], points[:2], np.zeros((30, 2))):
        found = find_transects(views_at(some))
        assert len(found) == 0
        assert found.outside == tuple(range(len(some)))
        assert "No transects were found" in found.notes[-1]


LINES = [
    Line("west", degrees(shapely.LineString([(0, 0), (0, 2000)]))),
    Line("east", degrees(shapely.LineString([(400, 0), (400, 2000)])), stratum="S"),
    Line("never flown", degrees(shapely.LineString([(800, 0), (800, 2000)]))),
]


def test_photographs_go_to_the_nearest_line_within_half_a_strip() -> None:
    points = mower(2, 2000, 400) + np.array([30, 0])  # strips of 100 m, flown 30 m to the east
    found = transects_for(LINES, views_at(points))
    assert [(each.name, each.stratum) for each in found] == [("west", None), ("east", "S")]
    assert xs(points, found.transects[1].views) >= {430.0}
    assert {row for row in range(len(points)) if 51 < points[row, 0] < 349} == set(found.outside)
    assert "No photographs lie on these transects of the file: never flown." in found.notes
    far = transects_for(LINES, views_at(points + np.array([25, 0])))  # 55 m off: half a strip is 50 m
    assert "west" not in [each.name for each in far if len(each.views) > 1]  # but where the strip turns


def test_transects_of_another_survey_are_an_error_that_says_how_far_off() -> None:
    with pytest.raises(InputError) as caught:
        transects_for(LINES, views_at(mower(2, 2000, 400) + np.array([34_000, 0])))
    assert "no photograph lies on any of the 3 transects" in caught.value.message
    assert "33.2 km from never flown" in caught.value.message


def test_a_table_puts_photographs_into_transects_by_name() -> None:
    views = views_at(mower(2, 200, 100))
    changed(views, 0, file="flight 1/DJI_0000.JPG")
    found = transects_for(
        [Line("A", None, ("dji_0000.jpg", "DJI_0001.JPG")), Line("B", None, ("dji_0005.jpg", "no.jpg"), "S")],
        views,
    )
    assert [(each.name, each.views, each.stratum) for each in found] == [
        ("A", (0, 1), None),
        ("B", (5,), "S"),
    ]
    assert "names 1 photograph that is not there: no.jpg" in found.notes[0]
    assert set(found.outside) == set(range(len(views.views))) - {0, 1, 5}


def test_a_table_that_is_not_clear_is_an_error() -> None:
    views = views_at(mower(2, 200, 100))
    changed(views, 0, file="one/DJI_1.JPG")
    changed(views, 1, file="two/DJI_1.JPG")
    for lines, words in (
        ([Line("A", None, ("DJI_1.JPG",))], "may be any of one/DJI_1.JPG or two/DJI_1.JPG"),
        ([Line("A", None, ("x.jpg",))], "names x.jpg, but no photograph of this survey"),
        ([Line("A", None, ("DJI_0002.JPG",)), Line("B", None, ("dji_0002.jpg",))], "into A and into B"),
    ):
        with pytest.raises(InputError) as caught:
            transects_for(lines, views)
        assert words in caught.value.message
    found = transects_for([Line("A", None, ("one\\DJI_1.JPG",))], views)
    assert found.transects[0].views == (0,)


def test_an_orthomosaic_is_a_plot_by_itself() -> None:
    # 200 m x 100 m, 3 km to the east of the lines
    west, north = PLANE.to_degrees([(3000, 100)])[0]
    east, south = PLANE.to_degrees([(3200, 0)])[0]
    place = Georeference(
        Affine((east - west) / 400, 0, west, 0, (south - north) / 200, north), CRS.from_epsg(4326)
    )
    mosaic = RasterView(
        file="plot.tif",
        width=400,
        height=200,
        georeference=place,
        projection=PLANE,
        outline=np.array([(0, 0), (400, 0), (400, 200), (0, 200)], np.float64),
        x=3100.0,
        y=50.0,
        longitude=(west + east) / 2,
        latitude=(north + south) / 2,
        gsd=0.5,
        position_error=3.0,
    )
    views = views_at(mower(3, 1000, 400), yaw=0.0)
    views.views.insert(5, mosaic)
    found = find_transects(views)
    assert [transect.name for transect in found] == ["T1", "T2", "T3", "plot.tif"]
    assert found.transects[-1].views == (5,)
    assert 5 not in {row for transect in found.transects[:-1] for row in transect.views}
    (stratum,) = searched_ground(views, [area("S", -100, 0, 4000, 1000)], found)
    plot = stratum.transects[-1]
    assert plot.area_km2 == pytest.approx(0.02, rel=1e-3)
    assert plot.length_km == pytest.approx(0.1, rel=1e-3)
