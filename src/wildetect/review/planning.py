"""Make the plan of a run: draw its units, or add to those that were drawn before."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from wildetect.errors import ConfigurationError, InputError
from wildetect.results.finished_run import FinishedRun
from wildetect.review.drawing import (
    Candidate,
    candidates_of,
    draw,
    expected_error,
    least_for,
    run_digest,
)
from wildetect.review.plan import Outline, Plan, PlanStratum, Purpose, Unit, read_plan, write_plan
from wildetect.review.teaching import Lesson, chosen
from wildetect.review.verdict_file import read_verdicts
from wildetect.review.verdicts import standing
from wildetect.settings.problems import nearest
from wildetect.wording import listed

__all__ = ["USUAL_PHOTOGRAPHS", "Planned", "Wish", "make_plan"]

USUAL_PHOTOGRAPHS = 150
_DOUBLES = 1_000  # beside the numbers of the strata: a stream of random numbers of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to draw.

    Attributes:
        photographs: How many; null: as many as `cv` takes.
        cv: Coefficient of variation that the review may leave in the total; null: not asked.
        seed: Seed of the random numbers; null: that of the earlier plan, or any.
        purpose: What it is for.
        double: Share of the drawn photographs that every reviewer looks at; null: as the earlier plan has it.
        lessons: For training: what each image may teach.
        species: The class whose number is to be the surest; null: as the earlier plan has it, or all.
    """

    photographs: int | None = None
    cv: float | None = None
    seed: int | None = None
    purpose: Purpose = "estimate"
    double: float | None = None
    lessons: Sequence[Lesson] = ()
    species: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what to expect from it.

    Attributes:
        plan: Plan as it was written.
        expected: Coefficient of variation that the review leaves in the total; null: it cannot be told.
        earlier: How many units the earlier plan had drawn; 0: there was none.
    """

    plan: Plan
    expected: float | None
    earlier: int = 0


def make_plan(run: FinishedRun, outlines: Mapping[str, Outline], wish: Wish) -> Planned:
    """Draw units and write plan.json and plan.csv.

    Args:
        run: The detections.
        outlines: Own ground of the images that overlap with others.
        wish: What to draw.

    Raises:
        ConfigurationError: What is wished for cannot be drawn, or would throw a review away.
        InputError: The run has no image to draw, or the plan cannot be written.
    """
    results = list(run.results)
    earlier = read_plan(run.folder)
    of_earlier = None if earlier is None or wish.purpose == "training" else earlier.species
    species = wish.species or of_earlier
    class_id = None if species is None else _class_id(run, species)
    candidates = candidates_of(results, outlines, class_id)
    if not candidates:
        raise InputError(
            f"the run in {run.folder} holds no image that could be reviewed",
            hint="Name the folder of a run that has read its images.",
        )
    digest = run_digest(results)
    if wish.purpose == "training":
        plan = _for_training(run, wish, digest, earlier)
        write_plan(run.folder, plan)
        return Planned(plan, None)
    seed = wish.seed
    if earlier is not None and seed is None:
        seed = earlier.seed
    if seed is None:
        seed = secrets.randbelow(2**31)
    plan = draw(candidates, _number(candidates, wish), seed, digest, species)
    share = wish.double
    if share is None:
        share = 0.0 if earlier is None else _share_of_doubles(earlier)
    plan = _with_doubles(plan, share)
    _keep_reviewed(run.folder, earlier, plan)
    write_plan(run.folder, plan)
    drawn = len(plan.to_review)
    return Planned(plan, expected_error(candidates, drawn), 0 if earlier is None else len(earlier.to_review))


def _class_id(run: FinishedRun, species: str) -> int:
    """The class of a species.

    Raises:
        ConfigurationError: The model does not know it.
    """
    names = run.class_names
    if species not in names:
        close = nearest(species, names)
        meant = f"; did you mean {close}?" if close else ""
        raise ConfigurationError(
            f"--species: the model of this run does not know {species}{meant}",
            hint=f"It knows {listed(names)}.",
        )
    return names.index(species)


def _with_doubles(plan: Plan, share: float) -> Plan:
    """Have a share of the drawn units, at least one, looked at by every reviewer; chosen by chance."""
    drawn = sorted(unit.image for unit in plan.to_review)
    number = math.ceil(round(share * len(drawn), 6))
    order = np.random.default_rng([plan.seed, _DOUBLES]).permutation(len(drawn))
    chosen = {drawn[place] for place in order[:number].tolist()}
    return replace(plan, units=tuple(replace(unit, double=unit.image in chosen) for unit in plan.units))


def _share_of_doubles(plan: Plan) -> float:
    drawn = plan.to_review
    return sum(unit.double for unit in drawn) / len(drawn) if drawn else 0.0


def _number(candidates: Sequence[Candidate], wish: Wish) -> int:
    if wish.cv is None:
        return wish.photographs or USUAL_PHOTOGRAPHS
    if expected_error(candidates, 1) is None:
        raise ConfigurationError(
            "nothing was detected, so no precision can be promised",
            hint="Give a number of photographs instead: --photographs 150",
        )
    return least_for(candidates, wish.cv)


def _keep_reviewed(run: Path, earlier: Plan | None, plan: Plan) -> None:
    """Go no further where units that were drawn and reviewed would not be in the sample any more.

    Raises:
        ConfigurationError: Saying what to do instead.
    """
    if earlier is None:
        return
    complete = {one.image for one in standing(read_verdicts(run).verdicts) if one.kind == "nothing-here"}
    drawn = {unit.image for unit in plan.to_review}
    lost = [unit.image for unit in earlier.to_review if unit.image in complete and unit.image not in drawn]
    same = (earlier.seed, earlier.run_digest, earlier.species) == (plan.seed, plan.run_digest, plan.species)
    if lost or (complete and not same):
        number = len([unit for unit in earlier.to_review if unit.image in complete])
        raise ConfigurationError(
            f"another sample would leave out photographs of the plan that are reviewed: {number:,} of them",
            hint="Draw more of the same sample: leave out --seed and --species, and give a larger "
            f"--photographs. To begin again, move {run / 'review' / 'plan.json'} away first.",
        )


def _for_training(run: FinishedRun, wish: Wish, digest: str, sample: Plan | None) -> Plan:
    """Choose the photographs that teach most, none of those that are drawn for an estimate or complete."""
    results = list(run.results)
    drawn = set() if sample is None else {unit.image for unit in sample.to_review}
    given = standing(read_verdicts(run.folder).verdicts)
    complete = {one.image for one in given if one.kind == "nothing-here"}
    lessons = [one for one in wish.lessons if one.image not in drawn | complete]
    if not lessons:
        raise InputError(
            f"all photographs of the run in {run.folder} are reviewed, or drawn for an estimate",
            hint="Detect in more photographs, and draw from those.",
        )
    seed = secrets.randbelow(2**31) if wish.seed is None else wish.seed
    order = chosen(lessons, results, wish.photographs or USUAL_PHOTOGRAPHS, seed)
    place_of = {image: place for place, (image, _) in enumerate(order, 1)}
    why_of = dict(order)
    number = {one.name: len(one.detections) for one in results if one.detections is not None}
    return Plan(
        seed=seed,
        purpose="training",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        run_digest=digest,
        strata=(PlanStratum(name="all", least=0, most=None, units=len(number), drawn=len(order)),),
        units=tuple(
            Unit(
                image=image,
                stratum="all",
                detected=detected,
                place=place_of.get(image),
                why=why_of.get(image, ""),
            )
            for image, detected in number.items()
        ),
    )
