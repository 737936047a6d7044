"""The rules of tools/check_house.py see what they are there for."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PLACE = Path(__file__).resolve().parents[1] / "tools" / "check_house.py"
SPEC = importlib.util.spec_from_file_location("check_house", PLACE)
assert SPEC is not None
assert SPEC.loader is not None
HOUSE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(HOUSE)

DANGLING = '''"""By how much."""

HIGHEST = 4
"""Of a camera in m."""


def draw(height: float, *names: str) -> str:
    """Draw a map.

    Args:
        height: Of the drawing.
        *names: Official names.
        other (null: none): By class id.
        scale: In m.

    Raises:
        OSError: As writing raises it.
    """
    return "Of this no word is said: " + names[0]
'''


def test_lines_of_docstrings_that_begin_in_the_middle_of_a_phrase_are_found() -> None:
    lines = [number for number, _ in HOUSE.dangling(DANGLING)]
    assert lines == [1, 4, 11, 13, 14]
    whole = DANGLING.replace("Of the drawing", "Height of the drawing").replace("By class", "Names by class")
    whole = whole.replace("In m", "Scale in m")
    assert [number for number, _ in HOUSE.dangling(whole)] == [1, 4]
