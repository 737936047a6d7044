"""The photographs that teach most: unsure, disagreeing, rare, spread over the ground, and some by chance."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.census.flights import write_run

from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.records import ImageResult
from wildetect.review.page.session import Session
from wildetect.review.plan import read_plan
from wildetect.review.planning import Wish, make_plan
from wildetect.review.sample import read_review
from wildetect.review.teaching import BY_CHANCE, chosen, lessons_of
from wildetect.review.verdict_file import writing_verdicts
from wildetect.review.verdicts import Verdict


def image(
    name: str, *boxes: tuple[float, int], place: tuple[float, float] | None = None, cut: int = 0
) -> ImageResult:
    """An image with boxes that do not touch: a confidence and a class each."""
    corners = np.array([(100.0 * row, 0, 100.0 * row + 50, 50) for row in range(len(boxes))])
    found = Detections(
        corners.reshape(-1, 4),
        np.array([confidence for confidence, _ in boxes]),
        np.array([class_id for _, class_id in boxes], np.int64),
    )
    longitude, latitude = place or (None, None)
    return ImageResult(
        name=name,
        path=Path(name),
        detections=found,
        width=4000,
        height=3000,
        longitude=longitude,
        latitude=latitude,
        boxes_cut=cut,
    )


def names(results: list[ImageResult], number: int, near_misses: dict[str, int] | None = None) -> list[str]:
    return [name for name, _ in chosen(lessons_of(results, near_misses), results, number, seed=1)]


def apart(*results: ImageResult) -> list[ImageResult]:
    """Each in a flight of its own, so that none is near another."""
    return [replace(one, name=f"{number}/{one.name}") for number, one in enumerate(results)]


def test_the_unsure_come_before_the_sure_and_the_empty() -> None:
    results = apart(
        image("sure", (0.95, 0)), image("empty"), image("unsure", (0.5, 0)), image("so so", (0.7, 0))
    )
    assert names(results, 3) == ["2/unsure", "3/so so", "0/sure"]


def test_what_tiles_and_classes_disagree_about_is_shown() -> None:
    results = apart(image("sure", (0.99, 0)), image("cut", (0.99, 0), cut=2), image("also sure", (0.99, 0)))
    twice = results[2].detections
    assert twice is not None
    both = Detections(np.vstack([twice.xyxy, twice.xyxy + 4]), np.array([0.99, 0.99]), np.array([0, 1]))
    results[2] = replace(results[2], detections=both)
    ((first, why), (second, _)) = chosen(lessons_of(results), results, 2, seed=1)
    assert {first, second} == {"1/cut", "2/also sure"}
    assert "disagreeing tiles or classes" in why


def test_a_rare_class_and_a_near_miss_are_reasons() -> None:
    results = apart(
        *(image(f"zebras{number}", *[(0.97, 0)] * 12) for number in range(4)),
        image("lion", (0.97, 1)),
        image("missed", (0.97, 0)),
    )
    (lion,) = (one for one in lessons_of(results) if one.image == "4/lion")
    assert lion.why == "rare class"
    lessons = {one.image: one for one in lessons_of(results, {"5/missed": 3})}
    assert lessons["5/missed"].why == "near miss"
    assert set(names(results, 2, near_misses={"5/missed": 3})) == {"4/lion", "5/missed"}


def test_places_are_spread_although_one_herd_would_take_all() -> None:
    """A line of 20 over an unsure herd, and nine places far away with half as much to see in each."""
    herd = [
        image(f"line/{number:02}.jpg", *[(0.5, 0)] * 4, place=(30 + number * 1e-4, -2))
        for number in range(20)
    ]
    others = [image(f"far{number}/a.jpg", *[(0.5, 0)] * 2, place=(31 + number, -2)) for number in range(9)]
    order = chosen(lessons_of([*herd, *others]), [*herd, *others], 15, seed=1)
    best = [name for name, why in order if why != BY_CHANCE]
    flights = Counter(name.partition("/")[0].rstrip("0123456789") for name in best)
    assert flights["far"] >= 7, best
    without_places = [replace(one, longitude=None, latitude=None) for one in (*herd, *others)]
    order = chosen(lessons_of(without_places), without_places, 15, seed=1)
    assert sum(name.startswith("far") for name, why in order if why != BY_CHANCE) >= 6


def test_one_of_five_is_drawn_by_chance_from_all_others() -> None:
    results = apart(
        *(image(f"unsure{number}", (0.5, 0)) for number in range(40)),
        *(image(f"empty{n}") for n in range(200)),
    )
    order = chosen(lessons_of(results), results, 50, seed=1)
    assert len({name for name, _ in order}) == 50
    assert [place for place, (_, why) in enumerate(order) if why == BY_CHANCE] == list(range(4, 50, 5))
    by_chance = {name for name, why in order if why == BY_CHANCE}
    assert sum("empty" in name for name in by_chance) >= 8
    assert by_chance != {
        name for name, why in chosen(lessons_of(results), results, 50, seed=2) if why == BY_CHANCE
    }
    assert chosen(lessons_of(results), results, 50, seed=1) == order
    assert len(chosen(lessons_of(results), results, 1000, seed=1)) == 240


def run_of(folder: Path) -> FinishedRun:
    unsure = [image(f"unsure{number:02}.jpg", (0.5, 0)) for number in range(12)]
    write_run(folder, apart(*unsure, *(image(f"empty{number:02}.jpg") for number in range(30))))
    return read_finished_run(folder)


def for_training(run: FinishedRun, photographs: int) -> Wish:
    lessons = lessons_of(list(run.results))
    return Wish(photographs=photographs, seed=1, purpose="training", lessons=lessons)


def test_nothing_of_the_sample_for_an_estimate_is_chosen_and_no_number_is_made(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    sample = make_plan(run, {}, Wish(photographs=16, seed=1)).plan
    plan = make_plan(run, {}, for_training(run, 10)).plan
    chosen_images = {unit.image for unit in plan.to_review}
    assert len(chosen_images) == 10
    assert not chosen_images & {unit.image for unit in sample.to_review}
    assert read_plan(run.folder) == sample  # it stays as it was
    assert read_plan(run.folder, "training") == plan
    table = (run.folder / "review/training.csv").read_text(encoding="utf-8").splitlines()
    assert table[0] == "place,image,detected,why"
    assert table[1].endswith(",unsure")
    with writing_verdicts(run.folder) as file:
        file.append(*(Verdict(kind="nothing-here", image=one, reviewer="Ann") for one in chosen_images))
    review = read_review(run.folder, run.results, run.class_names)
    assert review is not None
    assert review.sample is not None
    assert not review.sample.design.reviewed.any()
    further = make_plan(run, {}, for_training(run, 100)).plan
    assert not chosen_images & {unit.image for unit in further.to_review}  # complete
    with writing_verdicts(run.folder) as file:
        rest = [one.name for one in run.results]
        file.append(*(Verdict(kind="nothing-here", image=one, reviewer="Ann") for one in rest))
    with pytest.raises(InputError, match="all photographs of the run"):
        make_plan(run, {}, for_training(run, 10))


def test_the_page_goes_through_the_plan_that_is_asked_for(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    names_by_number = {number: one.name for number, one in enumerate(run.results)}
    plan = make_plan(run, {}, for_training(run, 10)).plan
    with writing_verdicts(run.folder) as file:
        shown = Session(run, file, "Ann", purpose="training").state()["photographs"]
        assert [names_by_number[one["image"]] for one in shown] == [unit.image for unit in plan.to_review]
        assert len(Session(run, file, "Ann").state()["photographs"]) == 42
