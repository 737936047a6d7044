"""The card of a version keeps what people wrote, fits into MLflow's limit, and shows names as they are."""

from __future__ import annotations

from datetime import UTC, datetime

from wildetect.registry.evaluations import Evaluated
from wildetect.registry.learning.card import _markdown, _measured, _scenery, words_of_people
from wildetect.registry.learning.lineage import Scenery


def test_the_card_stands_below_what_people_wrote_and_is_written_again() -> None:
    first = _markdown("The **herd** of 2026", [("measured", "never")])
    assert words_of_people(first) == "The **herd** of 2026"
    second = _markdown(words_of_people(first), [("measured", "camp: recall 0.9")])
    assert second.count("Model card") == 1
    assert "never" not in second
    assert words_of_people(_markdown(None, [])) is None


def test_names_are_no_markup() -> None:
    text = _markdown(None, [("measured", "a|b <img src=x onerror=alert(1)> [x](javascript:y)\n| z |")])
    row = text.splitlines()[-1]
    assert "\\<img" in row
    assert "\\[x\\]" in row
    assert row.count("|") - row.count("\\|") == 3


def test_it_is_never_longer_than_a_description_may_be() -> None:
    text = _markdown("words", [("measured", "x" * 900)] * 9)
    assert len(text) < 5000
    assert text.count("measured") == 5
    assert text.endswith("| **left out** | 4 further rows would not fit here; model.show has all |\n")


def test_numbers_on_pictures_near_learned_ones_and_on_doubtful_ones_are_marked() -> None:
    settings = {"pictures": 24, "learned_from": "none"}
    said = []
    for near, doubtful in ((0, 0), (7, 0), (0, 3)):
        one = Evaluated(
            dataset="camp",
            run_id="1",
            at=datetime(2026, 5, 1, tzinfo=UTC),
            metrics={"recall": 0.9},
            settings={**settings, "near_learned": near, "doubtful_pictures": doubtful},
        )
        said += [text for _, text in _measured([one])]
    assert said[0].endswith("recall 0.900")
    assert said[1].endswith("recall 0.900; 7 of them were taken near photographs that it has learned from")
    assert said[2].endswith("recall 0.900; doubts in 3 of them (evaluation.json)")


def test_what_is_not_known_of_the_photographs_is_said() -> None:
    unknown = dict(_scenery(Scenery(unplaced=12)))
    assert set(unknown) == {"places", "seasons", "ground resolution"}
    assert all(said.startswith("not known") for said in unknown.values())
    known = Scenery(places=((-19.0, 23.5, 12),), months={"2024-08": 12}, gsd_cm=(1.0, 2.0, 3.0))
    assert not any(said.startswith("not known") for _, said in _scenery(known))
