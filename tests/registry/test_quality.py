from __future__ import annotations

import json
from typing import Any

from mlflow.utils.validation import _validate_metric_name

from wildetect.registry.evaluations import evaluations_of, tag_of
from wildetect.registry.names import find_metric, metric_name, name_for_mlflow
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
    assert tag_of("camp 23.b") == "eval.camp 23.b"
    assert tag_of("camp 23: north") == "eval.camp 23_ north-0c423e"
    assert metric_name("recall", "Grévy's zebra") == "recall/Grévy_s zebra-3d31f1"
    assert metric_name("recall", "snow leopard") == "recall/snow leopard"


def test_every_name_can_be_required() -> None:
    for name in (metric_name("recall", "Grévy's zebra"), "map50", "camp_23/map50_95", "recall/大象"):
        assert Requirement.parse(f"{name}>=0.5").metric == name


def test_no_two_classes_share_a_name() -> None:
    classes = [
        "大象",
        "斑马",
        "羚羊",
        "éléphant",
        "lion?",
        "lion!",
        "lion_",
        "a/b",
        "a_b",
        ".",
        "..",
        "हाथी",
        "हथ",
    ]
    classes += ["snow leopard", "snow  leopard", "snow leopard ", "x" * 200, "x" * 201, "", " "]
    names = {name_for_mlflow(one) for one in classes}
    assert len(names) == len(classes)
    for name in names:
        _validate_metric_name(f"recall/{name}")
        _validate_metric_name(f"count_{name}")
    assert {"大象", "éléphant", "snow leopard"} <= names


def test_composed_and_decomposed_letters_are_one_name() -> None:
    assert name_for_mlflow("e\u0301le\u0301phant") == name_for_mlflow("éléphant")


def test_metrics_under_earlier_names_are_found() -> None:
    earlier = {"recall/snow_leopard": 0.7, "recall/__": 0.2, "camp_23/map50": 0.5}
    assert find_metric("recall/snow leopard", earlier) == 0.7
    assert find_metric("camp 23/map50", earlier) == 0.5
    assert find_metric("recall/斑马", earlier) is None
    now = {"recall/snow leopard": 0.8, "recall/éléphant": 0.9, "camp 23.b/map50": 0.5, "recall/大象": 0.1}
    assert find_metric("recall/snow_leopard", now) == 0.8
    assert find_metric("recall/_l_phant", now) == 0.9
    assert find_metric("camp_23_b/map50", now) == 0.5
    assert find_metric("recall/斑马", now) is None


def test_a_data_set_with_two_spellings_of_its_tag_counts_once() -> None:
    tags = {"eval.camp_23": tag("camp 23", 3, map50=0.5), "eval.camp 23": tag("camp 23", 5, map50=0.7)}
    found = evaluations_of(Version("demo", "1", tags=tags))
    assert [one.metrics for one in found] == [{"map50": 0.7}]
