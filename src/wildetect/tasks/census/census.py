"""The tasks that count each animal once and estimate how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, keep_log, verb
from wildetect.tasks.table import print_table
from wildetect.wording import listed, number_of, percent

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.census.output.parts import EstimateRecord
    from wildetect.census.output.record import CensusRecord
    from wildetect.census.planning import SpeciesPlan
    from wildetect.census.selftest.vectors import VectorCheck
    from wildetect.evaluation.reviewed_sample import CorrectedNumber
    from wildetect.registry.evaluations import MeasuredQuality

__all__ = ["plan", "plan_document", "planned", "run", "selftest", "show_checks", "show_plan", "show_summary"]


def planned(
    config: str | None, census: Sequence[str], cv: str | None
) -> tuple[Path, float, list[SpeciesPlan]]:
    """Read the pilot and plan with the wanted precision of the command line or the settings.

    Raises:
        ConfigurationError: No census is named, or several.
        InputError: There is none.
    """
    from wildetect.census.output.record import read_census_file
    from wildetect.census.planning import plans_of
    from wildetect.errors import ConfigurationError
    from wildetect.settings import Option, Project, load_settings
    from wildetect.settings.census import CensusSettings
    from wildetect.settings.project import from_caller, given_path

    project = Project.find()
    settings = load_settings(
        CensusSettings,
        project,
        file=given_path(config),
        options={("plan", "cv"): Option("--cv", cv)},
    )
    if len(census) > 1:
        raise ConfigurationError(f"{len(census)} pilots are given", hint="Plan from one census at a time.")
    folder = project.path(from_caller(census[0])) if census else project.path(settings.output)
    return folder, settings.plan.cv, list(plans_of(read_census_file(folder), settings.plan.cv))


def plan_document(folder: Path, cv: float, plans: Sequence[SpeciesPlan]) -> dict[str, Any]:
    """What `--json` prints."""
    from dataclasses import asdict

    return {"pilot": str(folder), "wanted_cv": cv, "plans": [asdict(one) for one in plans]}


def show_plan(folder: Path, cv: float, plans: Sequence[SpeciesPlan]) -> None:
    """A line for each species and stratum, and what more transects buy."""
    print(f"pilot: {folder}")
    rows = [row for one in plans for row in _rows(one)]
    if rows:
        wanted = f"for {percent(cv)}"
        print_table(
            ["species", "stratum", "flown", "possible", "CV", wanted, "to be sure", "km"], rows, numbers=True
        )
    for one in plans:
        name = one.species or "all species"
        if one.effort is not None:
            steps = listed(f"{step.transects} give {percent(step.cv)}" for step in one.effort.steps)
            print(f"{name}: transects and their CV: {steps}")
        if one.refusal is not None:
            print(f"{name}: no plan: {one.refusal}")
    doubts: dict[str, list[str]] = {}
    for one in plans:
        if one.doubt is not None:
            doubts.setdefault(one.doubt, []).append(one.species or "all species")
    for doubt, names in doubts.items():
        print(f"a weak guide: {doubt} ({listed(names)})")


def _rows(one: SpeciesPlan) -> list[list[str]]:
    if one.effort is None:
        return []
    effort, name = one.effort, one.species or "all species"
    rows = [
        [
            name,
            each.name,
            f"{each.flown:,}",
            f"{each.possible:,.0f}",
            "",
            f"{each.needed:,}",
            f"{each.safe:,}",
            f"{each.km:,.1f}",
        ]
        for each in effort.strata
    ]
    flown = sum(each.flown for each in effort.strata)
    possible = sum(each.possible for each in effort.strata)
    sums = [
        f"{flown:,}",
        f"{possible:,.0f}",
        percent(effort.cv),
        f"{effort.needed:,}",
        f"{effort.safe:,}",
    ]
    if len(rows) == 1:
        rows[0][4] = percent(effort.cv)
        return rows
    return [*rows, [name, "all", *sums, f"{effort.km:,.1f}"]]


def show_summary(record: CensusRecord, folder: Path) -> None:
    """The numbers with their limits, and where everything is."""
    counts, tolerance = record.counts, record.tolerance
    shown = record.headlines
    if len(shown) == 2:  # noqa: PLR2004 - all species together are the one there is
        shown = shown[:1]
    if shown:
        print_table(
            ["species", "detected", "estimated", "95% limits (sampling error only)"],
            [_row(one) for one in shown],
            numbers=True,
        )
    for holds in dict.fromkeys(one.limits_hold for one in record.headlines if one.limits_hold):
        print(f"the limits hold {holds}")
    for doubt in dict.fromkeys(one.doubt for one in record.headlines if one.doubt):
        print(f"the limits are in doubt: {doubt}")
    print(
        f"{number_of(counts.animals, 'animal')} detected in {number_of(counts.boxes, 'box', 'boxes')} "
        f"of {number_of(counts.photographs, 'photograph')}: "
        "what a detector says, not a population"
    )
    others = listed(
        f"{one.animals:,} at {one.metres:.1f} m" for one in tolerance.counts if one.name != "chosen"
    )
    assumed = ", an assumed position error of 3 m" * (tolerance.source == "assumed position errors")
    print(f"boxes within {tolerance.metres:.1f} m of each other are one animal ({others}{assumed})")
    if record.merging is not None and record.merging.said is not None:
        said = record.merging.said
        print(
            f"people judged pairs of animals: {said.same:,} are one, {said.apart:,} are two; without their "
            f"word {number_of(said.animals_without, 'animal')} would count"
        )
    refused = {one.refusal: one.estimate for one in record.headlines if one.refusal}
    for reason, estimate in refused.items():
        print(f"{'no estimate' if estimate is None else 'no limits'}: {reason}")
    _show_detector(record)
    _show_other_limits(record)
    _show_corrected(record)
    print(f"results: {folder}")
    print(f"report:  {folder / 'census_report.html'}   (open it in a browser; it needs no network)")


def _show_detector(record: CensusRecord) -> None:
    """What is known of the detector: how much of what is there it finds, and how much of that is right."""
    from wildetect.census.output.known_quality import quality_of_species

    if record.detector is None:
        return
    print(f"detector: {record.detector.unknown or detector_line(record.detector.measured[0])}")
    rows = [
        [name if name == species else f"{name} ({species})", _share(one.recall), _share(one.precision)]
        for species, classes in quality_of_species(record).items()
        for name, one in classes.items()
    ]
    if rows:
        print_table(["class", "recall", "precision"], rows, numbers=True)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def detector_line(measured: MeasuredQuality) -> str:
    """Say in one line how well a detector did, on what and when."""
    whole = measured.overall
    best = "" if measured.best_confidence is None else f"; counts best at {measured.best_confidence:g}"
    return (
        f"recall {_with_limits(whole.recall, whole.recall_limits)}, "
        f"precision {_with_limits(whole.precision, whole.precision_limits)} on {measured.where}{best}"
    )


def _with_limits(value: float | None, limits: tuple[float, float] | None) -> str:
    return _share(value) + ("" if limits is None else f" ({limits[0]:.2f} to {limits[1]:.2f})")


def _show_other_limits(record: CensusRecord) -> None:
    """The limits of all species together that were not chosen, and how each was made."""
    for total in record.headlines[-1:]:
        ways = [
            f"{one.lower:,.0f} to {one.upper:,.0f} ({one.shape}, {one.spread})"
            for one in total.limits
            if not one.chosen
        ]
        if ways:
            print(f"limits of all made in other ways: {listed(ways)}")


def _show_corrected(record: CensusRecord) -> None:
    """What a review makes of the numbers; one line where nobody has reviewed."""
    rows = [
        [name, f"{one.detected:,}", f"{one.reviewed or 0:,}", *_number(one.corrected)]
        for name, one in record.summary.items()
        if one.corrected is not None
    ]
    whole = [one for one in record.corrected if one.stratum == "all"]
    rows += [
        [f"{one.species or 'all'}, hidden ones too", "", "", *_number(one.available.corrected)]
        for one in whole
        if one.available is not None and one.available.corrected is not None
    ]
    if rows:
        head = ["species", "detected", "reviewed", "corrected", "95% limits", "which hold"]
        print_table(head, rows, numbers=True)
    reasons = [record.not_corrected, *(one.reason for one in whole)]
    for reason in dict.fromkeys(one for one in reasons if one):
        print(f"not corrected: {reason}")


def _number(corrected: CorrectedNumber) -> list[str]:
    holds = listed(corrected.holds)
    return [f"{corrected.value:,.0f}", f"{corrected.lower:,.0f} to {corrected.upper:,.0f}", holds]


def _row(one: EstimateRecord) -> list[str]:
    limits = "-" if one.lower is None else f"{one.lower:,.0f} to {one.upper:,.0f}"
    estimate = "-" if one.estimate is None else f"{one.estimate:,.0f}"
    return [one.species or "all species", f"{one.detected:,}", estimate, limits]


def show_checks(checks: Sequence[VectorCheck]) -> None:
    """Each figure as it was published and as it is computed here."""
    rows = [_check(check) for check in checks]
    print_table(["source", "figure", "expected", "computed", ""], rows, numbers=True)
    right = sum(check.ok for check in checks)
    print(f"{right} of {len(checks)} figures agree")


def _check(check: VectorCheck) -> list[str]:
    figures = [_figure(value, check.digits) for value in (check.expected, check.computed)]
    return [check.name, check.what, *figures, "ok" if check.ok else "OFF"]


def _figure(value: float, digits: int) -> str:
    return f"{value:,.{max(digits, 0)}f}"


@verb(
    help={
        "config": "settings file; without it configs/census.yaml",
        "detections": "output folder of a finished detect.run; without it detection runs first",
        "source": "where the photographs lie now, if elsewhere than detection found them",
        "output": "folder of the results",
        "tolerance": "boxes of two photographs that lie nearer on the ground than this, in m, are one animal",
        "confidence": "boxes below it do not count, 0 to 1",
        "blur": "write files for others, too, into blurred/, with places in cells of so many km; or none",
        "restart": "detect again, instead of going on with the run that the census began",
        "json": "what census.json holds but for its longest lists, on stdout",
    },
    shim="run_census.bat",
    paths="detections",
    iterable=["detections", "source"],
)
def run(
    context: Context,
    config: str | None = None,
    detections: list[str] | None = None,
    source: list[str] | None = None,
    output: str | None = None,
    tolerance: str | None = None,
    confidence: str | None = None,
    blur: str | None = None,
    restart: bool = False,
    json: bool = False,
) -> None:
    """Count each animal once, and estimate how many there are.

    It takes the detections of a finished detect.run, or detects first in the photographs that the
    settings name. The numbers, their 95% limits and all that they rest on are in census_report.html.
    """
    del context
    from wildetect.settings import Project
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.census import census, raise_if_incomplete
    from wildetect.workflows.census_plan import CensusRequest, settings_for

    request = CensusRequest(
        config,
        tuple(detections or ()),
        output,
        tolerance,
        confidence,
        source=tuple(source or ()),
        blur=blur,
        restart=restart,
    )
    project = Project.find()
    export_variables(project)
    settings = settings_for(project, request)
    keep_log(project, settings.logging)
    done = census(project, settings, request, Terminal())
    if json:
        emit(done.record.short_document())
    else:
        show_summary(done.record, done.folder)
    raise_if_incomplete(done)


@verb(
    help={
        "census": "folder of a finished census; without it the one that configs/census.yaml names",
        "cv": "wanted coefficient of variation (standard error / estimate), such as 0.2",
        "config": "settings file; without it configs/census.yaml",
        "json": "the whole plan, on stdout",
    },
    paths="census",
    iterable=["census"],
)
def plan(
    context: Context,
    census: list[str] | None = None,
    cv: str | None = None,
    config: str | None = None,
    json: bool = False,
) -> None:
    """Say how many transects a wanted precision takes.

    From a pilot census: how many transects each stratum needs for the wanted coefficient of variation,
    and what more of them would buy.
    """
    del context

    folder, wanted, plans = planned(config, census or (), cv)
    if json:
        emit(plan_document(folder, wanted, plans))
    else:
        show_plan(folder, wanted, plans)


@verb(help={"json": "every figure, on stdout"})
def selftest(context: Context, json: bool = False) -> None:
    """Check the formulas of the census against published surveys.

    Each figure of the published surveys and hand cases is computed on this machine and compared with
    what was printed; the task ends with 1 when one is off.
    """
    del context
    from dataclasses import asdict

    from invoke.exceptions import Exit

    from wildetect.census.selftest.vectors import check_vectors

    checks = check_vectors()
    off = [check for check in checks if not check.ok]
    if json:
        documents: list[dict[str, Any]] = [asdict(check) for check in checks]
        emit({"ok": not off, "checks": documents})
    else:
        show_checks(checks)
    if off:
        raise Exit(code=1)
