"""What is wrong in all photographs alike: found from animals seen twice, allowed for, and told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.census.simulator import Flown, Herd, Survey, fly
from tests.hinted import write_setting

from wildetect.census.cautions.findings import cautions
from wildetect.census.counting.animals import Animals, count_once, default_tolerance
from wildetect.census.counting.misfit import FITS, Misfit, misfit_of
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Views, make_views
from wildetect.imagery.camera.optics import Flight
from wildetect.settings import Project, load_settings
from wildetect.settings.census import CensusSettings, Corrections

LINES = {
    "scale": "census/cautions/findings.py: Give the ground resolution as",
    "turn": "census/cautions/findings.py: Calibrate the compass before the next flight",
}


def flown(**errors: float) -> Flown:
    survey = replace(Survey(), position_error=1.0, jitter=0.1, **errors)  # type: ignore[arg-type]
    herd = Herd.apart(8, 420, 420, 500, 5)
    return fly(survey.mown(5, 9, ahead=0.6, aside=0.3, heading=40, wind=3), herd)


def counted(flown: Flown, corrections: Corrections | None = None) -> tuple[Animals, Views]:
    views = make_views(flown.photographs, Flight(), corrections=corrections)
    return count_once(boxes_on_ground(flown.photographs, views), views, default_tolerance(views)), views


@pytest.mark.parametrize(
    ("errors", "scale", "turn", "kinds"),
    [
        ({}, 1.0, 0.0, set()),
        ({"height_factor": 0.85}, 0.85, 0.0, {"scale"}),
        ({"height_factor": 1.2}, 1.2, 0.0, {"scale"}),
        ({"yaw_bias": 6.0}, 1.0, 6.0, {"turn"}),
        ({"height_factor": 0.9, "yaw_bias": -5.0}, 0.9, -5.0, {"scale", "turn"}),
    ],
)
def test_wrong_heights_and_compasses_do_not_change_the_number(
    errors: dict[str, float], scale: float, turn: float, kinds: set[str], tmp_path: Path
) -> None:
    found = flown(**errors)
    animals, views = counted(found)
    assert animals.misfit.scale == pytest.approx(scale, abs=0.01)
    assert animals.misfit.turn == pytest.approx(turn, abs=0.5)
    assert len(animals.members) == pytest.approx(len(found.seen), rel=0.01)
    told = {one.kind: one for one in cautions(found.photographs, views, None, animals)}
    assert set(told) == kinds
    if "scale" in told:
        assert ("smaller" if scale < 1 else "larger") in told["scale"].what
        assert f"as {abs(animals.misfit.scale - 1):.0%}" in told["scale"].what
    if kinds:
        file = tmp_path / "configs/census.yaml"
        file.parent.mkdir()
        file.write_text("campaign: {id: misfit}\n", encoding="utf-8")
        for kind, where in LINES.items():
            if kind in told:
                write_setting(file, told[kind].fix, where)
        chosen = load_settings(CensusSettings, Project(tmp_path)).survey.corrections
        assert counted(found, chosen)[0].misfit == pytest.approx((1.0, 0.0), abs=0.02)


def test_it_is_exact_where_nothing_else_is_wrong() -> None:
    """x_a - x_b = (1 - f) (X_a - X_b), with f = 0.9 turned by 5 degrees clockwise."""
    true = Misfit(0.9, 5.0)
    bases = np.random.default_rng(1).uniform(-80, 80, (60, 2))
    differences = (1 - true.factor) * (bases @ (1, 1j))
    vectors = np.column_stack([differences.real, differences.imag])
    assert misfit_of(bases, vectors, np.full(60, 4.0), 40, 3.0) == pytest.approx(true)


@pytest.mark.parametrize("votes", [0, 5, 200])
def test_chance_is_no_misfit(votes: int) -> None:
    dice = np.random.default_rng(2)
    bases, vectors = dice.uniform(-80, 80, (votes, 2)), dice.normal(0, 4, (votes, 2))
    assert misfit_of(bases, vectors, np.full(votes, 4.0), votes, 3.0) == FITS


def test_a_few_animals_that_agree_by_chance_count_for_nothing() -> None:
    bases = np.random.default_rng(3).uniform(-80, 80, (60, 2))
    assert misfit_of(bases, 0.3 * bases, np.full(60, 2.0), 60, 3.0) == FITS
