"""No ground, no flight line and no picture is in two parts of a training set."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.workspaces import REPOSITORY

from wildetect.detections import Detections
from wildetect.evaluation.annotations import Annotations, LabelledImage
from wildetect.imagery.discovery import ImageFile
from wildetect.settings.training.dataset import DataSetOptions
from wildetect.training.splitting import PARTS, Part, Shot, groups_of, parts_of, places_of

OPTIONS = DataSetOptions()
SHARES: dict[Part, float] = {"train": 0.6, "val": 0.2, "test": 0.2}
SIDE = 60.0  # m
NOON = datetime(2026, 6, 1, 12, 0)  # noqa: DTZ001 - a camera's clock has no zone

Square = tuple[float, float]  # its lower left corner


def square(x: float, y: float) -> np.ndarray:
    return np.array([(x, y + SIDE), (x + SIDE, y + SIDE), (x + SIDE, y), (x, y)])


def flights(random: np.random.Generator) -> list[tuple[Shot, Square, str]]:
    """Flights of parallel lines, some over ground that an earlier one has seen, some photographs copied."""
    found: list[tuple[Shot, Square, str]] = []
    for flight in range(int(random.integers(4, 9))):
        x0, y0 = random.uniform(0, 6000, 2)
        if flight and random.random() < 0.4:
            x0, y0 = np.array(found[int(random.integers(len(found)))][1]) + random.uniform(-40, 40, 2)
        apart, taken = random.choice([45.0, 400.0]), NOON
        for line, place in itertools.product(range(int(random.integers(1, 4))), range(8)):
            along = place if line % 2 == 0 else 7 - place
            x, y = (
                float(x0 + along * 90 + random.normal(0, 2)),
                float(y0 + line * apart + random.normal(0, 2)),
            )
            taken += timedelta(seconds=10)
            number = len(found)
            shot = Shot(
                run=flight % 3,
                name=f"flight{flight}/{number:04}.jpg",
                digest=f"{number:04}" if random.random() < 0.7 else None,
                footprint=square(x, y),
                camera=(x + SIDE / 2, y + SIDE / 2),
                taken=taken,
            )
            found.append((shot, (x, y), f"{flight} {line}"))
    for row in random.choice(len(found), 3, replace=False).tolist():
        shot, _, _ = found[row]
        if shot.digest is not None:  # a copy, somewhere else by its tags
            x, y = random.uniform(10_000, 20_000, 2).tolist()
            copy = replace(
                shot, name=f"copies{row}/a.jpg", footprint=square(x, y), camera=(x + SIDE / 2, y + SIDE / 2)
            )
            found.append((copy, (x, y), f"copy {row}"))
    return found


@pytest.mark.parametrize("seed", range(50))
def test_no_ground_no_line_and_no_picture_is_in_two_parts(seed: int) -> None:
    made = flights(np.random.default_rng(seed))
    groups = groups_of([shot for shot, _, _ in made])
    part_of = parts_of(groups, SHARES, seed)
    reviewed = [one for one in made if one[0].digest is not None]

    assert set(part_of) == {shot.digest for shot, _, _ in reviewed}
    for (shot, place, line), (other, other_place, other_line) in itertools.combinations(reviewed, 2):
        apart = part_of[str(shot.digest)] != part_of[str(other.digest)]
        overlap = all(abs(a - b) < SIDE for a, b in zip(place, other_place, strict=True))
        assert not (apart and overlap), (shot.name, other.name)
        assert not (apart and line == other_line), (shot.name, other.name)


def test_many_places_come_near_to_the_shares_in_any_order_of_the_photographs() -> None:
    shots = [
        Shot(
            run=0, name=f"{n}/a.jpg", digest=f"{n:03}", footprint=square(n * 500.0, 0), camera=(n * 500.0, 0)
        )
        for n in range(50)
    ]
    part_of = parts_of(groups_of(shots), SHARES, 3)

    assert [list(part_of.values()).count(part) for part in PARTS] == [30, 10, 10]
    assert parts_of(groups_of(shots[::-1]), SHARES, 3) == part_of
    assert parts_of(groups_of(shots), SHARES, 4) != part_of


def test_a_flight_with_a_photograph_without_position_stays_together_and_a_pause_parts_flights() -> None:
    def shot(name: str, minutes: int, camera: tuple[float, float] | None) -> Shot:
        return Shot(run=0, name=name, digest=name, camera=camera, taken=NOON + timedelta(minutes=minutes))

    groups = groups_of(
        [
            shot("a", 0, (0.0, 0.0)),
            shot("b", 1, None),
            shot("c", 2, (50_000.0, 0.0)),
            shot("d", 60, (90_000.0, 0.0)),
        ]
    )
    assert groups == [("a", "b", "c"), ("d",)]


def test_a_single_group_is_there_to_learn_from() -> None:
    assert parts_of([("a", "b")], SHARES, 0) == {"a": "train", "b": "train"}


@pytest.mark.parametrize("seed", range(20))
def test_what_an_earlier_set_measures_with_stays_for_measuring_with_all_its_ground(seed: int) -> None:
    shots = [shot for shot, _, _ in flights(np.random.default_rng(seed))]
    groups = groups_of(shots)
    frozen = {group[-1] for group in groups[:: max(2, len(groups) // 3)]}
    part_of = parts_of(groups, SHARES, OPTIONS.seed, frozen)
    for group in groups:
        assert len({part_of[digest] for digest in group}) == 1
        if frozen & set(group):
            assert part_of[group[0]] == "test"
    if len(frozen) < len(groups):
        assert "train" in part_of.values()


def labelled(folder: Path) -> tuple[Annotations, list[ImageFile]]:
    """The pictures of a folder as if people had labelled them, and found nothing."""
    files = [ImageFile(path, path.name) for path in sorted(folder.glob("*.jpg"))]
    images = []
    for file in files:
        with Image.open(str(file.path)) as picture:
            images.append(LabelledImage(file.name, Detections.empty(), np.zeros(0, np.bool_), picture.size))
    return Annotations(tuple(images), ("elephant",), (0,), {}, ""), files


def test_labelled_pictures_of_one_flight_line_are_one_place(tmp_path: Path) -> None:
    places = places_of(*labelled(REPOSITORY / "demo/pictures"))
    assert len({places[f"A{number}.jpg"] for number in range(1, 5)}) == 1
    assert len({places[f"B{number}.jpg"] for number in range(1, 5)}) == 1
    assert places["A1.jpg"] != places["B1.jpg"]
    for path in (REPOSITORY / "demo/pictures").glob("A*.jpg"):
        shutil.copy(path, tmp_path)
    Image.new("RGB", (64, 64)).save(tmp_path / "without-tags.jpg")
    assert places_of(*labelled(tmp_path)) == {}  # one that nobody can place may lie anywhere


def test_places_that_a_labels_file_names_are_taken_as_they_are() -> None:
    truth, files = labelled(REPOSITORY / "demo/pictures")
    told = replace(truth, images=tuple(replace(one, place=f"group {one.name}") for one in truth.images))
    assert set(places_of(told, files).values()) == {f"group {file.name}" for file in files}
