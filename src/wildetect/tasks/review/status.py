"""The task that says how far a review is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.review.review import MOST_PROBLEMS, NORMAL, RUN, run_folder
from wildetect.tasks.support import emit, say, verb
from wildetect.wording import listed, number_of, percent

if TYPE_CHECKING:
    from wildetect.evaluation.detector_quality import DetectorQuality
    from wildetect.results.finished_run import FinishedRun
    from wildetect.review.agreement import Agreement, Conflict
    from wildetect.review.status import ReviewStatus

__all__ = ["status"]


@verb(
    help={
        "run": RUN,
        "survey": "name under which to keep precision and recall with the model's version",
        "json": "everything, on stdout",
    },
    paths="run",
    iterable=["run"],
)
def status(
    context: Context, run: list[str] | None = None, survey: str | None = None, json: bool = False
) -> None:
    """Say how far a review is, and what follows from it.

    With --survey the detector's precision and recall on this survey, and the confidence at which it counts
    best, go to its version on the server, where model.show and model.compare find them; census.run does
    the same with campaign.id.
    """
    del context
    from wildetect.results.finished_run import read_finished_run
    from wildetect.review.status import status_document, status_of

    finished = read_finished_run(run_folder(run, "review.status"))
    found = status_of(finished)
    kept = None if survey is None else _keep_quality(finished, found, survey.strip())
    if json:
        emit(status_document(found) | ({} if survey is None else {"kept_with": kept}))
        return
    _show_status(found)
    if kept is not None:
        print(f"kept with {kept} as its precision and recall on survey {survey}")


def _keep_quality(run: FinishedRun, found: ReviewStatus, survey: str) -> str | None:
    """Write what the review tells of the detector onto its version.

    Returns:
        The version; None where the review does not tell.

    Raises:
        ConfigurationError: The survey has no name, or the detector is no version.
        ModelError: The version is gone.
        ServerError: No server answers.
    """
    from wildetect.errors import ConfigurationError
    from wildetect.settings import Project
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.connecting import connect_for
    from wildetect.workflows.evaluation import log_survey, version_of

    if not survey:
        raise ConfigurationError("--survey: the name is empty", hint="For example --survey camp-23")
    version_of(run.record)
    if found.sample is None:
        say("warning: nothing is kept with the model: the review does not tell its precision and recall yet")
        return None
    log_survey(connect_for(Project.find(), Terminal()), run.record, found.sample, survey)
    return str(run.record.model)


def _show_status(found: ReviewStatus) -> None:
    from wildetect.tasks.table import print_table

    if found.planned is not None:
        print(f"{found.reviewed:,} of {number_of(found.planned, 'photograph')} of the plan are reviewed")
    print(f"{found.complete:,} of {number_of(found.images, 'photograph')} are complete")
    for name, number in found.reviewers.items():
        print(f"{number_of(number, 'verdict')} by {name}")
    rows = []
    for one in found.numbers:
        limits = "-" if one.corrected is None else f"{one.corrected.lower:,.0f} to {one.corrected.upper:,.0f}"
        value = "-" if one.corrected is None else f"{one.corrected.value:,.0f}"
        reviewed = "-" if one.reviewed is None else f"{one.reviewed:,}"
        rows.append([one.species, f"{one.detected:,}", reviewed, value, limits])
    print_table(["species", "detected", "reviewed", "corrected", "95% limits"], rows, numbers=True)
    for reason in dict.fromkeys(one.reason for one in found.numbers if one.reason):
        print(f"not corrected: {reason}")
    if found.quality is not None:
        _show_quality(found.quality)
    so_far = found.outlook.get(0, 0.0)
    for more, error in found.outlook.items():
        if more and so_far:
            print(
                f"{more:,} more photographs would take the part of the limits that the review leaves from "
                f"±{NORMAL * so_far:,.0f} to ±{NORMAL * error:,.0f}"
            )
    _show_agreement(found.agreement, found.conflicts)
    if found.another:
        say(
            f"warning: {number_of(len(found.another), 'photograph')} cannot be judged, such as "
            f"{found.another[0]}: another picture has its name now than the run saw; "
            f"{number_of(found.left_there, 'detection')} there nobody has judged"
        )
    for problem in found.problems[:MOST_PROBLEMS]:
        say(f"warning: verdicts.jsonl, {problem}: it does not count")


def _show_agreement(agreement: Sequence[Agreement], conflicts: Sequence[Conflict]) -> None:
    from wildetect.tasks.table import print_table

    if not agreement:
        return
    rows = [
        [
            listed(one.reviewers),
            f"{one.photographs:,}",
            f"{one.boxes:,}",
            f"{one.same:,}",
            "-" if one.kappa is None else f"{one.kappa:.2f}",
        ]
        for one in agreement
    ]
    print_table(["reviewers", "photographs of both", "boxes", "said the same", "kappa"], rows, numbers=True)
    unsettled = [one for one in conflicts if not one.settled]
    for one in unsettled[:MOST_PROBLEMS]:
        middle = f"{(one.xyxy[0] + one.xyxy[2]) / 2:.0f}, {(one.xyxy[1] + one.xyxy[3]) / 2:.0f} px"
        said = "; ".join(f"{who}: {word}" for who, word in one.said.items())
        print(f"conflict in {one.image} at {middle}: {said}")
    if unsettled:
        say(
            f"warning: not settled: {number_of(len(unsettled), 'conflict')}. What was said last counts: "
            "give a "
            "verdict on the box again in review.open, once both have completed the photograph"
        )


def _show_quality(quality: DetectorQuality) -> None:
    for what, share in (("precision", quality.precision), ("recall", quality.recall)):
        if share:
            print(f"{what} {percent(share.value)} ({percent(share.lower)} to {percent(share.upper)})")
    if quality.best_confidence is not None:
        print(f"the detector counts best at a confidence of {quality.best_confidence:g}")
