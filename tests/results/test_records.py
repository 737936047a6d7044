from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wildetect.detections import Detections
from wildetect.results.records import ImageResult, RunSummary


def result(name: str, *class_ids: int) -> ImageResult:
    count = len(class_ids)
    found = Detections(np.zeros((count, 4)), np.ones(count), np.array(class_ids))
    return ImageResult(name=name, path=Path(name), detections=found, width=10, height=10, tiles=3)


def test_counts() -> None:
    failed = ImageResult(name="c", path=Path("c"), failure="cut short")
    summary = RunSummary.of([result("a", 0, 2, 2), result("b"), failed], expected=5)
    assert (summary.expected, summary.done, summary.left, summary.failed) == (5, 3, 2, 1)
    assert (summary.with_detections, summary.detections, summary.tiles) == (1, 3, 6)
    assert summary.per_class(["zebra", "gnu", "lion"]) == {"zebra": 1, "gnu": 0, "lion": 2}
    assert summary.failures == {"c": "cut short"}


def test_without_expected_nothing_is_left() -> None:
    assert RunSummary.of([result("a")]).left == 0


@pytest.mark.parametrize(("detections", "failure"), [(None, None), (Detections.empty(), "cut short")])
def test_an_image_has_either_detections_or_a_failure(
    detections: Detections | None, failure: str | None
) -> None:
    with pytest.raises(ValueError, match="either"):
        ImageResult(name="a", path=Path("a"), detections=detections, failure=failure)


def test_a_failed_image_is_not_among_those_with_failed_tiles() -> None:
    # a journal of an earlier version may hold such a line
    failed = ImageResult(
        name="c", path=Path("c"), failure="damaged", tiles_failed=("9 x 9 px at 0, 0: damaged",)
    )
    part = ImageResult(
        name="d", path=Path("d"), detections=Detections.empty(), tiles_failed=("9 x 9 px at 0, 0: damaged",)
    )
    summary = RunSummary.of([failed, part])
    assert list(summary.failures) == ["c"]
    assert list(summary.tiles_failed) == ["d"]
