"""The tasks that draw what people look at, and take back what they corrected elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from wildetect.tasks.calling import as_called
from wildetect.tasks.numbers import decimal, whole
from wildetect.tasks.support import emit, say, verb
from wildetect.wording import first_lines, listed, number_of, percent, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.review.importing import Imported
    from wildetect.review.plan import Plan, Purpose
    from wildetect.review.planning import Planned, Wish

__all__ = ["MOST_PROBLEMS", "NORMAL", "RUN", "import_", "plan", "purpose_of", "run_folder"]

_PURPOSES: tuple[Purpose, ...] = ("estimate", "training")
RUN = "output folder of a finished detect.run"
NORMAL = 1.96
MOST_PROBLEMS = 5


@verb(
    help={
        "run": RUN,
        "photographs": "how many to draw; without it 150, or as many as --cv takes",
        "cv": "draw as many as leave this error in the total, as a part of it: 0.05 is 5%",
        "seed": "of the random numbers; without it that of the earlier plan, or any",
        "species": "class whose number is to be the surest; without it all together",
        "double": "part that every reviewer looks at, each on their own, such as 10%",
        "for": "estimate: by chance, for a number that holds up; training: those that teach a detector most",
        "census": "for training: folder of a census of this run, for its near misses",
        "json": "what was drawn, on stdout",
    },
    paths="run",
    iterable=["run"],
)
def plan(
    context: Context,
    run: list[str] | None = None,
    photographs: str | None = None,
    cv: str | None = None,
    seed: str | None = None,
    species: str | None = None,
    double: str | None = None,
    for_: str = "estimate",
    census: str | None = None,
    json: bool = False,
) -> None:
    """Draw the photographs that a person is to look at.

    They are drawn by chance, some of those with many detections, some of those with few and some of those
    with none, and are listed in review/plan.json and plan.csv in the run's folder. With the same seed a
    larger number adds to a smaller one, so that a review can go on.

    With --for training those are chosen that teach a detector most, one of five by chance, none of them of
    the sample for an estimate; they are listed in review/training.json and training.csv with the reason.
    """
    del context
    from dataclasses import replace

    from wildetect.results.finished_run import read_finished_run
    from wildetect.review.planning import make_plan
    from wildetect.settings import Project
    from wildetect.settings.project import given_path
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.review import lessons_for, own_grounds_of

    wish = replace(
        _wish(photographs, cv, seed, for_),
        species=species,
        double=None if double is None else _percentage("--double", double),
    )
    finished, project = read_finished_run(run_folder(run, "review.plan")), Project.find()
    if wish.purpose == "training":
        _no_estimate(cv, double)
        folder = given_path(census)
        wish = replace(wish, lessons=lessons_for(project, finished, folder))
        made = make_plan(finished, {}, wish)
    else:
        made = make_plan(finished, own_grounds_of(project, finished, Terminal()), wish)
    if json:
        emit(_plan_document(made))
        return
    _show_plan(made, wish, str(finished.folder))


def run_folder(run: Sequence[str] | None, task: str) -> Path:
    """The folder of a run that a task is about.

    Args:
        run: What was typed.
        task: The task, for the hint.

    Raises:
        ConfigurationError: None is named, or several are.
    """
    from wildetect.errors import ConfigurationError
    from wildetect.settings.project import from_caller

    if not run:
        raise ConfigurationError(
            "the folder of a detection run is needed", hint=f"uv run invoke {task} --run FOLDER"
        )
    if len(run) > 1:
        raise ConfigurationError(
            f"{len(run)} folders of runs are given", hint="Review one run after the other."
        )
    return from_caller(run[0])


def _no_estimate(cv: str | None, double: str | None) -> None:
    from wildetect.errors import ConfigurationError

    if cv is not None or double is not None:
        raise ConfigurationError(
            "--cv and --double are for an estimate: what is chosen for training says nothing of the others",
            hint="Give a number of photographs: --for training --photographs 50",
        )


def purpose_of(text: str) -> Purpose:
    """What a plan is for.

    Raises:
        ConfigurationError: The text says something else.
    """
    from wildetect.settings.problems import one_of

    return one_of("--for", text, _PURPOSES)


def _wish(photographs: str | None, cv: str | None, seed: str | None, purpose: str) -> Wish:
    from wildetect.errors import ConfigurationError
    from wildetect.review.planning import Wish

    if photographs is not None and cv is not None:
        raise ConfigurationError("--photographs and --cv both say how many to draw", hint="Give one of them.")
    part = "a number between 0 and 1"
    return Wish(
        photographs=_whole("--photographs", photographs, 1),
        cv=None if cv is None else decimal("--cv", cv, lambda one: 0 < one < 1, part, 0.05),
        seed=_whole("--seed", seed, 0),
        purpose=purpose_of(purpose),
    )


def _whole(option: str, text: str | None, least: int) -> int | None:
    return None if text is None else whole(option, text, least=least, example=150)


def _percentage(option: str, text: str) -> float:
    """A share such as 10% or 0.1, from 0 to 1."""
    from wildetect.errors import ConfigurationError

    word = text.strip()
    try:
        number = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ConfigurationError(
            f"{option}: {text} is not a share from 0% to 100%", hint=f"For example {option} 10%"
        )
    return number


def _show_training(plan: Plan, folder: str) -> None:
    from collections import Counter

    from wildetect.tasks.table import print_table
    from wildetect.wording import quoted

    reasons = Counter(unit.why.partition(",")[0] for unit in plan.to_review)
    print_table(
        ["chosen for", "photographs"], [[why, f"{number:,}"] for why, number in reasons.most_common()]
    )
    of_all = number_of(len(plan.units), "photograph")
    print(f"{len(plan.to_review):,} of {of_all}: review/training.csv says why")
    print(as_called(f"review them: uv run invoke review.open --run {quoted(folder)} --for training"))


def _plan_document(made: Planned) -> dict[str, Any]:
    drawn = made.plan.to_review
    return {
        "for": made.plan.purpose,
        "seed": made.plan.seed,
        "species": made.plan.species,
        "photographs": len(drawn),
        "of": len(made.plan.units),
        "expected_cv": made.expected,
        "strata": [
            {"detections": one.name, "units": one.units, "drawn": one.drawn} for one in made.plan.strata
        ],
        "images": [unit.image for unit in drawn],
        **({"why": [unit.why for unit in drawn]} if made.plan.purpose == "training" else {}),
        "double": [unit.image for unit in drawn if unit.double],
    }


def _show_plan(made: Planned, wish: Wish, folder: str) -> None:
    from wildetect.tasks.table import print_table
    from wildetect.wording import quoted

    drawn = len(made.plan.to_review)
    if made.plan.purpose == "training":
        _show_training(made.plan, folder)
        return
    rows = [[one.name, f"{one.units:,}", f"{one.drawn:,}"] for one in made.plan.strata if one.units]
    of = "" if made.plan.species is None else f" of {made.plan.species}"
    print_table([f"detections{of}", "photographs", "to review"], rows, numbers=True)
    if wish.photographs is not None and drawn > wish.photographs:
        say(f"{drawn:,} instead of {wish.photographs:,}: each group needs 8, or all that it has")
    if doubles := sum(unit.double for unit in made.plan.to_review):
        say(f"{doubles:,} of them are for every reviewer, without what the others said (--reviewer NAME)")
    if any(unit.outline is not None for unit in made.plan.units):
        say("photographs overlap: of each, the ground that lies nearest to its middle is reviewed")
    if made.expected is not None:
        print(
            f"{number_of(drawn, 'photograph')} should leave about ±{percent(NORMAL * made.expected)} in the "
            "number of "
            f"{made.plan.species or 'animals'} photographed; what the flight did not see comes on top"
        )
    print(as_called(f"review them: uv run invoke review.open --run {quoted(folder)}"))


@verb(
    name="import",
    help={
        "run": RUN,
        "source": "what was corrected: JSON, GeoPackage or CSV; or another copy's verdicts.jsonl",
        "reviewer": "who corrected it; without it the name of the user of this machine",
        "json": "what came of it, on stdout",
    },
    paths=["run", "source"],
    iterable=["run"],
)
def import_(
    context: Context,
    run: list[str] | None = None,
    source: str | None = None,
    reviewer: str | None = None,
    json: bool = False,
) -> None:
    """Take back what was corrected in another program.

    The file is one that the run exported: what differs from it becomes verdicts. A box that is gone was
    wrong, a new one is an animal that the detector missed, and a box with another class or place is just
    that. In tables a column `verdict` may say right, wrong, unsure or nothing-here. What cannot be taken
    over is named with the reason.
    """
    del context
    import getpass
    from pathlib import Path

    from wildetect.errors import ConfigurationError
    from wildetect.results.finished_run import read_finished_run
    from wildetect.review.corrected.reading import check_is_there
    from wildetect.review.importing import import_corrected
    from wildetect.settings.project import from_caller

    if not source:
        raise ConfigurationError(
            "the corrected file is needed",
            hint=f"uv run invoke review.import --run {quoted((run or ['FOLDER'])[0])} --source FILE",
        )
    corrected = Path(from_caller(source))
    check_is_there(corrected)
    finished = read_finished_run(run_folder(run, "review.import"))
    made = import_corrected(finished, corrected, reviewer or getpass.getuser())
    if json:
        emit({"images": made.images, "verdicts": made.verdicts, "refused": list(made.refused)})
        return
    _show_import(made)


def _show_import(made: Imported) -> None:
    number = sum(made.verdicts.values())
    which = listed(f"{count:,} {kind}" for kind, count in made.verdicts.items())
    print(
        f"{number_of(number, 'verdict')} from {number_of(made.images, 'image')}"
        + (f": {which}" if which else "")
    )
    refused = (f"not taken over: {reason}" for reason in made.refused)
    for line in first_lines(refused, MOST_PROBLEMS, more=", all of them with --json"):
        say(line)
