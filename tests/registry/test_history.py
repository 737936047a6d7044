"""Where an alias was: moves in order, gaps where nothing recorded one, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wildetect.errors import ModelError
from wildetect.registry.history import AliasMove, before_last_move, with_gaps

BEGUN = datetime(2026, 5, 1, tzinfo=UTC)


def moves(*steps: str) -> list[AliasMove]:
    """Moves of the alias "production", written "1>2", or "undo 2>1"; "-" where there is no version."""
    found = []
    for index, step in enumerate(steps):
        before, after = step.removeprefix("undo ").split(">")
        found.append(
            AliasMove(
                alias="production",
                before=None if before == "-" else before,
                after=None if after == "-" else after,
                at=BEGUN + timedelta(days=index),
                undo=step.startswith("undo"),
            )
        )
    return found


@pytest.mark.parametrize(
    ("steps", "now", "before"),
    [
        (["->1"], "1", None),
        (["->1", "1>2"], "2", "1"),
        (["->1", "1>2", "undo 2>1", "1>3"], "3", "1"),
        (["->1", "1>2", "2>3", "undo 3>2"], "2", "1"),
        (["->1", "1>2", "2>3", "undo 3>2", "undo 2>1"], "1", None),
    ],
)
def test_an_undo_goes_one_standing_move_back(steps: list[str], now: str, before: str | None) -> None:
    assert before_last_move("herd", "production", moves(*steps), now) == before


@pytest.mark.parametrize(
    ("steps", "now", "why"),
    [
        ([], "1", "no move of herd@production is left"),
        (["->1", "undo 1>-"], None, "no move of herd@production is left"),
        (["->1", "1>2"], "7", "points at version 7"),
        (["->1"], None, "points at version none"),
    ],
)
def test_an_undo_that_would_guess_is_refused(steps: list[str], now: str | None, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        before_last_move("herd", "production", moves(*steps), now)


def test_moves_that_nothing_recorded_show_as_gaps() -> None:
    shown = with_gaps(moves("->1", "1>2", "4>5"), {"production": "6", "trial": "3"})
    assert [(move.alias, move.before, move.after, move.at is not None) for move in shown] == [
        ("production", None, "1", True),
        ("production", "1", "2", True),
        ("production", "2", "4", False),
        ("production", "4", "5", True),
        ("production", "5", "6", False),
        ("trial", None, "3", False),
    ]


def test_a_move_reads_as_it_was_written() -> None:
    (move,) = moves("1>2")
    assert AliasMove.model_validate_json(move.model_dump_json(by_alias=True, exclude_defaults=True)) == move
