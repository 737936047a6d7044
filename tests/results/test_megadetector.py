from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tests.results.megadetector import problems_of
from tests.results.samples import NAMES, survey

from wildetect.detections import Detections
from wildetect.results.exports.formats.megadetector import write_megadetector
from wildetect.results.records import ImageResult


def written(folder: Path, results: list[ImageResult]) -> Any:
    write_megadetector(folder / "detections.json", results, NAMES)
    return json.loads((folder / "detections.json").read_text(encoding="utf-8"))


def test_the_survey_is_valid(tmp_path: Path) -> None:
    assert problems_of(written(tmp_path, survey())) == []
    assert problems_of(written(tmp_path, [])) == []


@given(
    st.integers(1, 60_000),
    st.integers(1, 60_000),
    st.lists(st.tuples(*[st.floats(0, 1)] * 5, st.integers(0, 2)), max_size=5),
)
def test_boxes_cut_to_their_image_are_valid(
    tmp_path_factory: pytest.TempPathFactory,
    width: int,
    height: int,
    shares: list[tuple[float, float, float, float, float, int]],
) -> None:
    table = np.array(shares).reshape(-1, 6)
    corners = np.sort(table[:, :4].reshape(-1, 2, 2), axis=1).reshape(-1, 4) * [width, height, width, height]
    found = Detections(corners, table[:, 4], table[:, 5].astype(int)).clip(width, height)
    result = ImageResult(name="a.jpg", path=Path("a.jpg"), detections=found, width=width, height=height)
    assert problems_of(written(tmp_path_factory.mktemp("written"), [result])) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"info": {"format_version": 1.6}}, "format_version is a string"),
        ({"detection_categories": {"one": "gnu"}}, "number in a string"),
        ({"images": [{"file": "a"}]}, "list of detections"),
        ({"images": [{"file": "a", "failure": "broken", "detections": []}]}, "failed image"),
        (
            {
                "images": [
                    {"file": "a", "detections": [{"category": "1", "conf": 0.5, "bbox": [0.9, 0, 0.2, 1]}]}
                ]
            },
            "inside",
        ),
    ],
)
def test_the_validator_finds_mistakes(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    assert said in "\n".join(problems_of(written(tmp_path, survey()) | change))
