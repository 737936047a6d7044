"""Classes that count as one species, in what people saw, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.census.conftest import Surveyed

from wildetect.census.counting.roll_up import rolled_sample, rolled_up, species_by_class
from wildetect.errors import ConfigurationError
from wildetect.evaluation.reviewed_sample import ReviewedSample, UnitBox
from wildetect.evaluation.two_phase import Reviewed
from wildetect.results.finished_run import read_finished_run

GROUPS = {"elephant": ["cow", "calf"]}


def box(detected: str | None, animal: str | None, *, same: bool) -> UnitBox:
    return UnitBox(0, 1.0, 1.0, detected, 0.5, animal, agreed=True, same_class=same)


def test_who_names_a_calf_where_a_cow_was_detected_agrees() -> None:
    design = Reviewed(np.zeros(1, np.int64), np.ones(1, bool))
    boxes = (
        box("cow", "calf", same=False),
        box("cow", "zebra", same=False),
        box(None, "calf", same=True),
        box("calf", None, same=True),
    )
    sample = ReviewedSample(("a.jpg",), design, ("all",), boxes, np.ones(1, bool))
    found = rolled_sample(sample, GROUPS)
    assert found is not None
    assert [(one.detected, one.animal, one.same_class) for one in found.boxes] == [
        ("elephant", "elephant", True),
        ("elephant", "zebra", False),
        (None, "elephant", True),
        ("elephant", None, True),
    ]
    assert rolled_sample(sample, {}) is sample
    assert rolled_sample(None, GROUPS) is None


def test_detections_become_species_and_all_of_them_stay(surveyed: Surveyed) -> None:
    run = read_finished_run(Path(surveyed.run))
    elephant, zebra, gnu = run.class_names
    rolled = rolled_up(run, {"plains game": [zebra, gnu]})
    assert rolled.class_names == [elephant, "plains game"]
    before, after = ([one.detections for one in each.results] for each in (run, rolled))
    for old, new in zip(before, after, strict=True):
        assert old is not None
        assert new is not None
        assert (new.xyxy == old.xyxy).all()
        assert (new.class_id == np.minimum(old.class_id, 1)).all()
    assert sum(rolled.record.counts.values()) == sum(run.record.counts.values())
    # a class that is the species itself takes the others in
    assert rolled_up(run, {elephant: [zebra]}).class_names == [elephant, gnu]
    assert rolled_up(run, {}) is run


def test_a_class_of_two_species_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="counts calf as elephant and as rhino"):
        species_by_class({**GROUPS, "rhino": ["calf"]})
