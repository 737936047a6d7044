"""A census of a run with a review: the exact ends of the corrected number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.census.conftest import plan_of, written
from tests.census.flights import NAMES, Flight, Herd, make_run, two_strata, write_run

from wildetect.census.result import Census
from wildetect.census.survey import survey
from wildetect.detections import Detections
from wildetect.errors import ConfigurationError
from wildetect.results.finished_run import read_finished_run
from wildetect.results.ids import detection_id, ids_of
from wildetect.results.records import ImageResult
from wildetect.review.plan import read_plan
from wildetect.review.planning import Wish, make_plan
from wildetect.review.sample import NO_REVIEW, read_review
from wildetect.review.status import status_of
from wildetect.review.verdict_file import writing_verdicts
from wildetect.review.verdicts import Marked, Verdict


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run of photographs that do not overlap, all animals found; and the strata."""
    folder = tmp_path_factory.mktemp("flown")
    strata, _, herd = two_strata(folder)
    flight = Flight()
    for number in range(6):
        flight.line(f"L{number + 1}", (150.0 + 400 * number, 100.0), 0.0, 16, 90.0)
    return make_run(folder, flight, Herd(herd.places, herd.class_id)), strata


def census_of(run: Path, strata: Path) -> Census:
    finished = read_finished_run(run)
    review = read_review(run, finished.results, finished.class_names)
    reason = NO_REVIEW if review is None else review.reason
    return survey(
        plan_of(
            run,
            keys={"strata": strata},
            reviewed=None if review is None or reason else review.sample,
            review_reason=reason,
        )
    )


def copied(run: Path, folder: Path, change: np.random.Generator | None = None) -> Path:
    """The run again, without some of its boxes and with some that are wrong."""
    results = []
    for result in read_finished_run(run).results:
        found = result.detections
        assert found is not None
        if change is not None:
            kept = found.select(change.random(len(found)) < 0.7)
            corner = change.uniform((0, 0), (400, 280), (change.poisson(0.3), 2))
            wrong = Detections(np.hstack([corner, corner + 15]), [0.5] * len(corner), [1] * len(corner))
            found = Detections.concatenate([kept, wrong])
        results.append(replace(result, detections=found))
    write_run(folder, results)
    return folder


def answers(run: Path, truth: Path, images: Sequence[str]) -> Iterator[Verdict]:
    """What a person says who knows the truth."""
    there = {result.name: result for result in read_finished_run(truth).results}
    for result in read_finished_run(run).results:
        if result.name in images:
            yield from answers_of(result, there[result.name])


def answers_of(result: ImageResult, truth: ImageResult) -> Iterator[Verdict]:
    assert result.detections is not None
    assert truth.detections is not None
    right = {tuple(box) for box in truth.detections.xyxy.tolist()}
    found = {tuple(box) for box in result.detections.xyxy.tolist()}
    for key, box, class_id in zip(
        ids_of(result), result.detections.xyxy.tolist(), result.detections.class_id.tolist(), strict=True
    ):
        yield Verdict(
            kind="right" if tuple(box) in right else "wrong",
            image=result.name,
            reviewer="Ann",
            detection=key,
            before=Marked(tuple(box), NAMES[class_id]),
        )
    for box, class_id in zip(truth.detections.xyxy.tolist(), truth.detections.class_id.tolist(), strict=True):
        if tuple(box) not in found:
            yield Verdict(
                kind="added",
                image=result.name,
                reviewer="Ann",
                detection=detection_id(result.name, box),
                after=Marked(tuple(box), NAMES[class_id]),
            )
    yield Verdict(kind="nothing-here", image=result.name, reviewer="Ann")


def review(run: Path, truth: Path, images: Sequence[str]) -> None:
    with writing_verdicts(run) as file:
        file.append(*answers(run, truth, images))


def numbers(census: Census) -> dict[tuple[str | None, str], tuple[float | None, float | None]]:
    return {
        (None if one.class_id is None else NAMES[one.class_id], one.stratum): (
            one.estimate.estimate,
            one.estimate.standard_error,
        )
        for one in census.estimates
    }


def corrected(census: Census) -> dict[tuple[str | None, str], tuple[float | None, float | None]]:
    return {
        (one.species, one.stratum): (
            None if one.corrected is None else one.corrected.value,
            None if one.corrected is None else one.corrected.standard_error,
        )
        for one in census.corrected
    }


def compare(one: Census, other: Census) -> None:
    expected, came = numbers(one), corrected(other)
    compared = 0
    for key, (value, error) in expected.items():
        if value and error and key in came:
            assert came[key] == pytest.approx((value, error), rel=1e-9), key
            compared += 1
    assert compared >= 6


def test_everything_reviewed_gives_the_census_of_the_truth(flown: tuple[Path, Path], tmp_path: Path) -> None:
    truth, strata = flown
    run = copied(truth, tmp_path / "run", np.random.default_rng(5))
    review(run, truth, [result.name for result in read_finished_run(run).results])

    compare(census_of(truth, strata), census_of(run, strata))


def test_a_perfect_detector_gives_the_numbers_without_a_review(
    flown: tuple[Path, Path], tmp_path: Path
) -> None:
    truth, strata = flown
    run = copied(truth, tmp_path / "run")
    plan = make_plan(read_finished_run(run), {}, Wish(photographs=40, seed=1)).plan
    review(run, truth, [unit.image for unit in plan.to_review])

    compare(census_of(truth, strata), census_of(run, strata))


def test_a_part_reviewed_gives_limits_wider_than_the_flight_alone_and_holds_the_truth(
    flown: tuple[Path, Path], tmp_path: Path
) -> None:
    truth, strata = flown
    run = copied(truth, tmp_path / "run", np.random.default_rng(6))
    plan = make_plan(read_finished_run(run), {}, Wish(photographs=40, seed=1)).plan
    review(run, truth, [unit.image for unit in plan.to_review])

    census = census_of(run, strata)
    record = written(census, run, tmp_path / "census")
    summary = record.summary["all"]
    perfect = numbers(census_of(truth, strata))[None, "all"][0]

    assert summary.corrected is not None
    assert perfect is not None
    assert summary.corrected.holds == ("sampling", "detector")
    assert summary.corrected.lower < perfect < summary.corrected.upper
    assert summary.reviewed
    assert record.not_corrected is None
    assert {one.reason for one in record.corrected if one.species is None} == {None}


def test_nothing_reviewed_gives_no_corrected_number_but_the_reason(
    flown: tuple[Path, Path], tmp_path: Path
) -> None:
    truth, strata = flown
    run = copied(truth, tmp_path / "run")
    record = written(census_of(run, strata), run, tmp_path / "census")
    make_plan(read_finished_run(run), {}, Wish(photographs=40, seed=1))

    assert {one.corrected for one in record.summary.values()} == {None}
    assert record.not_corrected == NO_REVIEW


def test_a_review_outside_of_the_plan_is_never_extrapolated(flown: tuple[Path, Path], tmp_path: Path) -> None:
    truth, strata = flown
    run = copied(truth, tmp_path / "run", np.random.default_rng(7))
    images = [result.name for result in read_finished_run(run).results][:30]
    review(run, truth, images)

    census = census_of(run, strata)

    assert census.corrected == []
    assert census.review_reason is not None
    assert "not drawn by chance" in census.review_reason


def test_a_plan_for_one_species_has_strata_of_its_detections_and_goes_on_with_them(
    flown: tuple[Path, Path], tmp_path: Path
) -> None:
    truth, strata = flown
    run = copied(truth, tmp_path / "run", np.random.default_rng(8))
    finished = read_finished_run(run)
    plan = make_plan(finished, {}, Wish(photographs=50, seed=2, species=NAMES[1])).plan
    of_image = {one.name: one.detections for one in finished.results}
    for unit in plan.units:
        found = of_image[unit.image]
        assert found is not None
        assert unit.detected == int((found.class_id == 1).sum())
    assert (read_plan(run), plan.species) == (plan, NAMES[1])
    review(run, truth, [unit.image for unit in plan.to_review])
    total = {one.species: one for one in census_of(run, strata).corrected if one.stratum == "all"}
    assert total[NAMES[1]].corrected is not None
    # another species would be another sample
    more = make_plan(finished, {}, Wish(photographs=60)).plan
    assert {unit.image for unit in plan.to_review} <= {unit.image for unit in more.to_review}
    with pytest.raises(ConfigurationError, match="another sample"):
        make_plan(finished, {}, Wish(photographs=60, species=NAMES[0]))
    with pytest.raises(ConfigurationError, match="did you mean zebra"):
        make_plan(finished, {}, Wish(species="zebras"))


def test_strata_of_a_rare_species_narrow_its_limits_more_than_those_of_all(tmp_path: Path) -> None:
    dice = np.random.default_rng(12)
    results, truth = [], []
    for number in range(400):
        rare = int(dice.random() < 0.08) * int(dice.integers(1, 4))
        class_id = np.array([0] * int(dice.poisson(6)) + [1] * rare, np.int64)
        corners = dice.uniform(0, 300, (len(class_id), 2))
        whole = Detections(np.hstack([corners, corners + 12]), dice.uniform(0.3, 1, len(corners)), class_id)
        path = tmp_path / f"{number}.jpg"
        path.touch()
        one = ImageResult(name=path.name, path=path, detections=whole, width=400, height=400)
        truth.append(one)
        results.append(replace(one, detections=whole.select(dice.random(len(whole)) < 0.8)))
    widths = {
        species: [
            width_of_rare(tmp_path / f"{species} {seed}", results, truth, seed, species) for seed in range(6)
        ]
        for species in (None, NAMES[1])
    }
    assert np.median(widths[NAMES[1]]) < 0.8 * np.median(widths[None])


def width_of_rare(
    run: Path, results: Sequence[ImageResult], truth: Sequence[ImageResult], seed: int, species: str | None
) -> float:
    """Measure the width of the limits of the second class after 80 photographs are reviewed."""
    write_run(run, results)
    finished = read_finished_run(run)
    plan = make_plan(finished, {}, Wish(photographs=80, seed=seed, species=species)).plan
    drawn = {unit.image for unit in plan.to_review}
    with writing_verdicts(run) as file:
        for one, other in zip(results, truth, strict=True):
            if one.name in drawn:
                file.append(*answers_of(one, other))
    [found] = [one for one in status_of(finished).numbers if one.species == NAMES[1]]
    assert found.corrected is not None
    return found.corrected.upper - found.corrected.lower
