from __future__ import annotations

import pytest

from wildetect.errors import ConfigurationError, ModelError
from wildetect.registry.requirement import Requirement


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("map50>=0.6", True),
        ("map50 >= 0.61", False),
        ("map50>0.6", False),
        ("map50<=.6", True),
        ("map50<1", True),
    ],
)
def test_bounds(text: str, holds: bool) -> None:
    requirement = Requirement.parse(text)
    if holds:
        requirement.check("herd/1", {"map50": 0.6})
    else:
        with pytest.raises(ModelError, match=r"herd/1 has map50 0\.6, which is not"):
            requirement.check("herd/1", {"map50": 0.6})


def test_a_version_that_was_never_measured() -> None:
    with pytest.raises(ModelError, match="herd/1 has no metric map50; it has: none") as caught:
        Requirement.parse("map50>=0.6").check("herd/1", {})
    assert "model.evaluate" in caught.value.hint


@pytest.mark.parametrize("text", ["", "map50", "map50=0.6", "map50>=x", ">=0.6"])
def test_what_is_no_requirement(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Requirement.parse(text)
