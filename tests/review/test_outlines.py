import numpy as np
import pytest
import shapely

from wildetect.review.drawing import inside
from wildetect.review.outlines import GroundView, own_grounds


def view(name: str, x: float, y: float, turn: float = 0.0) -> GroundView:
    """100 x 60 m on the ground around a place, 1000 x 600 px."""
    corners = np.array([(-50.0, 30.0), (50.0, 30.0), (50.0, -30.0), (-50.0, -30.0)])
    cos, sin = np.cos(turn), np.sin(turn)
    return GroundView(name, 1000, 600, corners @ np.array([[cos, sin], [-sin, cos]]) + (x, y))


def test_photographs_that_share_half_of_their_ground_meet_in_the_middle() -> None:
    found = own_grounds([view("a", 0, 0), view("b", 50, 0), view("far", 900, 0)])

    assert set(found) == {"a", "b"}
    assert shapely.Polygon(found["a"]).area == pytest.approx(750 * 600)
    assert shapely.Polygon(found["b"]).bounds == pytest.approx((250, 0, 1000, 600))


def test_every_place_that_a_photograph_shows_belongs_to_exactly_one() -> None:
    views = [view("a", 0, 0), view("b", 40, 10, 0.5), view("c", 30, -35, 2.0), view("d", 70, 5)]
    found = own_grounds(views)
    dice = np.random.default_rng(1)
    places = dice.uniform((-60, -80), (130, 60), (4000, 2))
    owners, shown = np.zeros(4000, int), np.zeros(4000, bool)
    for one in views:
        along = (one.footprint[1] - one.footprint[0]) / 100
        down = (one.footprint[3] - one.footprint[0]) / 60
        from_corner = places - one.footprint[0]
        px = np.column_stack([from_corner @ along, from_corner @ down]) * 10
        within = ((px >= 0) & (px <= (1000, 600))).all(axis=1)
        shown |= within
        owners += within & inside(px, found[one.image])

    assert (owners[~shown] == 0).all()
    assert np.mean(owners[shown] == 1) > 0.995


def test_of_two_photographs_of_one_place_the_first_has_the_ground() -> None:
    found = own_grounds([view("a", 0, 0), view("b", 0, 0)])

    assert found == {"b": ()}
    assert not inside(np.array([(1.0, 1.0)]), ()).any()
    assert inside(np.array([(1.0, 1.0)]), None).all()
