"""What a tile teaches: animals, ground that was taken for animals, plain ground, and nothing doubtful."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from wildetect.detections import Detections
from wildetect.errors import ConfigurationError
from wildetect.imagery.reading import AS_IT_IS
from wildetect.results.records import ImageResult
from wildetect.review.marks import ImageReview, Mark, Standing
from wildetect.review.plan import Outline
from wildetect.review.verdicts import Marked
from wildetect.settings.training.dataset import DataSetOptions
from wildetect.training.reviewed import ClassTable, Reviewed, read_class_table
from wildetect.training.tiles import tiles_of

CLASSES = ClassTable.of(["elephant", "cow"], {})
OPTIONS = DataSetOptions(empty_tiles=1)


def photograph(
    *marks: tuple[Standing, tuple[float, float, float, float], str], outline: Outline | None = None
) -> Reviewed:
    result = ImageResult(
        name="a.jpg", path=Path("a.jpg"), detections=Detections.empty(), width=400, height=200
    )
    stand = tuple(
        Mark(id=str(number), box=Marked(box, name), standing=standing)
        for number, (standing, box, name) in enumerate(marks)
    )
    return Reviewed(
        run=0,
        result=result,
        review=ImageReview(image="a.jpg", marks=stand, complete=True),
        reading=AS_IT_IS,
        digest="0123456789abcdef0123",
        look="",
        said=datetime(2026, 6, 1, tzinfo=UTC),
        outline=outline,
    )


def test_animals_wrong_boxes_and_ground_are_told_apart_and_an_unsure_one_costs_its_tile() -> None:
    one = photograph(
        ("right", (10, 10, 30, 30), "elephant"),
        ("wrong", (110, 10, 130, 30), "cow"),
        ("unsure", (210, 10, 230, 30), "cow"),
    )
    tiles, doubtful, _ = tiles_of(one, "test", CLASSES, (100, 0.0), OPTIONS)

    assert doubtful == 1
    assert [tile.kind for tile in tiles] == ["animals", "rejected", *["empty"] * 5]


def test_to_learn_from_few_empty_tiles_are_taken_and_always_the_same_ones() -> None:
    one = photograph(("right", (10, 10, 30, 30), "elephant"), ("wrong", (110, 10, 130, 30), "cow"))
    tiles, _, _ = tiles_of(one, "train", CLASSES, (100, 0.0), OPTIONS)

    assert sorted(tile.kind for tile in tiles) == ["animals", "empty", "rejected"]
    assert tiles_of(one, "train", CLASSES, (100, 0.0), OPTIONS)[0] == tiles


def test_an_animal_on_a_border_is_labelled_where_enough_of_it_is_seen_and_cut_to_the_tile() -> None:
    one = photograph(("right", (90, 10, 130, 30), "cow"))
    (left, right, *_), _, _ = tiles_of(one, "val", CLASSES, (100, 0.0), OPTIONS)

    assert left.labels == ()  # a quarter of it
    assert [(label.class_id, label.xyxy) for label in right.labels] == [(1, (0.0, 10, 30, 30))]


def test_a_tile_with_an_animal_of_a_class_that_is_left_out_is_not_taught_as_ground() -> None:
    classes = ClassTable.of(["elephant", "cow"], {"cow": None})
    one = photograph(("right", (110, 10, 130, 30), "cow"))
    tiles, doubtful, _ = tiles_of(one, "test", classes, (100, 0.0), OPTIONS)

    assert classes.names == ("elephant",)
    assert (len(tiles), doubtful) == (7, 1)


def test_a_table_joins_classes_and_one_that_names_an_unknown_class_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text("class;becomes\nCow;livestock\ngoat;livestock\n", encoding="utf-8")
    table = read_class_table(path)

    assert ClassTable.of(["elephant", "cow", "goat"], table).names == ("elephant", "livestock")
    with pytest.raises(ConfigurationError, match="goat") as refused:
        ClassTable.of(["elephant", "cow"], table)
    assert "elephant and cow" in refused.value.hint


def test_ground_at_which_no_one_has_looked_is_not_taught_as_empty() -> None:
    marks: tuple[Standing, tuple[float, float, float, float], str] = ("right", (10, 10, 30, 30), "elephant")
    half = photograph(marks, outline=((0, 0), (210, 0), (210, 200), (0, 200)))
    found = tiles_of(half, "test", CLASSES, (100, 0.0), OPTIONS)
    assert [(tile.window.x, tile.window.y) for tile in found.tiles] == [
        (0, 0),
        (100, 0),
        (0, 100),
        (100, 100),
    ]
    assert found.unseen == 4
    none = tiles_of(photograph(marks, outline=()), "test", CLASSES, (100, 0.0), OPTIONS)
    assert (none.tiles, none.unseen) == ([], 8)
