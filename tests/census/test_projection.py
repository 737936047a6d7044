"""The survey's plane, compared with geodesics on the ellipsoid."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from wildetect.census.ground.projection import Projection

GEOD = pyproj.Geod(ellps="WGS84")
MIDDLES = {
    "Okavango": (23.41, -19.23),
    "equator": (36.8, 0.0),
    "between UTM zones 35 and 36": (30.0, -2.5),
    "Svalbard": (15.6, 78.2),
    "180th meridian": (180.0, -16.8),
}


@pytest.mark.parametrize("middle", MIDDLES.values(), ids=MIDDLES.keys())
@pytest.mark.parametrize("direction", range(0, 360, 30))
def test_lengths_and_directions_are_those_on_the_ellipsoid(
    middle: tuple[float, float], direction: float
) -> None:
    projection = Projection(*middle)
    for metres, error in ((10.0, 1e-6), (5_000.0, 1e-3), (100_000.0, 9.0)):
        longitude, latitude, _ = GEOD.fwd(*middle, direction, metres)
        east, north = projection.to_metres([(longitude, latitude)])[0]
        assert np.hypot(east, north) == pytest.approx(metres, abs=error)
        assert np.degrees(np.arctan2(east, north)) % 360 == pytest.approx(direction, abs=0.01)
        back = projection.to_degrees([(east, north)])[0]
        assert (back[0] - longitude + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)
        assert back[1] == pytest.approx(latitude, abs=1e-9)


@pytest.mark.parametrize("middle", MIDDLES.values(), ids=MIDDLES.keys())
def test_convergence_is_the_direction_of_the_meridian(middle: tuple[float, float]) -> None:
    projection = Projection(*middle)
    aside = GEOD.fwd(*middle, 77.0, 60_000.0)[:2]
    ahead = GEOD.fwd(*aside, 0.0, 10.0)[:2]
    east, north = np.diff(projection.to_metres([aside, ahead]), axis=0)[0]
    expected = np.degrees(np.arctan2(east, north))
    assert projection.convergence([aside])[0] == pytest.approx(expected, abs=1e-4)


def test_around_places_on_both_sides_of_the_180th_meridian() -> None:
    projection = Projection.around([179.9, -179.7], [-16.0, -17.0])
    assert (projection.longitude, projection.latitude) == pytest.approx((-179.9, -16.5))
    assert np.ptp(projection.to_metres([(179.9, -16.5), (-179.7, -16.5)])[:, 0]) < 43_000
    assert "+proj=tmerc" in projection.name
    assert "+lon_0=-179.9" in projection.name


def test_the_middle_does_not_depend_on_the_order() -> None:
    x, y = np.random.default_rng(1).uniform(-1, 1, (2, 50))
    assert Projection.around(x, y).name == Projection.around(x[::-1], y[::-1]).name


def test_of_no_places() -> None:
    projection = Projection.around([], [])
    assert projection.to_metres(np.zeros((0, 2))).shape == (0, 2)
    assert projection.convergence(np.zeros((0, 2))).shape == (0,)
