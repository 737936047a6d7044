from __future__ import annotations

import json
from typing import Any

from wildetect.registry.evaluations import evaluations_of, metric_name, tag_of
from wildetect.registry.requirement import Requirement
from wildetect.registry.versions import Version


def tag(dataset: str, day: int, **metrics: float) -> str:
    document: dict[str, Any] = {"dataset": dataset, "at": f"2026-11-{day:02}T08:00:00Z", "run_id": "r"}
    return json.dumps({**document, "metrics": metrics})


def test_the_newest_evaluation_comes_first() -> None:
    tags = {
        "eval.north": tag("north", 3, map50=0.5),
        "eval.south": tag("south", 5, map50=0.7),
        "sha256": "0" * 64,
    }
    found = evaluations_of(Version("demo", "1", tags=tags))
    assert [(one.dataset, one.metrics) for one in found] == [
        ("south", {"map50": 0.7}),
        ("north", {"map50": 0.5}),
    ]


def test_tags_made_by_hand_are_passed_over() -> None:
    tags = {"eval.mine": "good", "eval.other": "{}", "eval.list": "[1]"}
    assert evaluations_of(Version("demo", "1", tags=tags)) == []


def test_names_that_mlflow_takes() -> None:
    assert tag_of("camp 23: north/a.b") == "eval.camp_23__north_a_b"
    assert metric_name("recall", "Grévy's zebra") == "recall/Gr_vy_s_zebra"


def test_every_name_can_be_required() -> None:
    for name in (metric_name("recall", "Grévy's zebra"), "map50", "camp_23/map50_95"):
        assert Requirement.parse(f"{name}>=0.5").metric == name
