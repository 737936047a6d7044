"""What `census.plan` says: how many transects a wanted precision takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wildetect.tasks.table import print_table

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.census.planning import SpeciesPlan

__all__ = ["plan", "plan_document", "show_plan"]


def plan(config: str | None, census: Sequence[str], cv: str | None) -> tuple[Path, float, list[SpeciesPlan]]:
    """Read the pilot and plan with the wanted precision of the command line or the settings.

    Raises:
        ConfigurationError: No census is named, or several.
        InputError: There is none.
    """
    from wildetect.census.planning import plans_of, read_census
    from wildetect.errors import ConfigurationError
    from wildetect.settings import Option, Project, load_settings
    from wildetect.settings.census import CensusSettings
    from wildetect.settings.project import from_caller

    project = Project.find()
    settings = load_settings(
        CensusSettings,
        project,
        file=from_caller(config) if config else None,
        options={("plan", "cv"): Option("--cv", cv)},
    )
    if len(census) > 1:
        raise ConfigurationError(f"{len(census)} pilots are given", hint="Plan from one census at a time.")
    folder = project.path(from_caller(census[0])) if census else project.path(settings.output)
    return folder, settings.plan.cv, list(plans_of(read_census(folder), settings.plan.cv))


def plan_document(folder: Path, cv: float, plans: Sequence[SpeciesPlan]) -> dict[str, Any]:
    """What `--json` prints."""
    from dataclasses import asdict

    return {"pilot": str(folder), "wanted_cv": cv, "plans": [asdict(one) for one in plans]}


def show_plan(folder: Path, cv: float, plans: Sequence[SpeciesPlan]) -> None:
    """A line for each species and stratum, and what more transects buy."""
    print(f"pilot: {folder}")
    rows = [row for one in plans for row in _rows(one)]
    if rows:
        wanted = f"for {cv:.0%}"
        print_table(
            ["species", "stratum", "flown", "possible", "CV", wanted, "to be sure", "km"], rows, numbers=True
        )
    for one in plans:
        name = one.species or "all species"
        if one.effort is not None:
            steps = ", ".join(f"{step.transects} give {step.cv:.0%}" for step in one.effort.steps)
            print(f"{name}: transects and their CV: {steps}")
        if one.refusal is not None:
            print(f"{name}: no plan: {one.refusal}")
    doubts: dict[str, list[str]] = {}
    for one in plans:
        if one.doubt is not None:
            doubts.setdefault(one.doubt, []).append(one.species or "all species")
    for doubt, names in doubts.items():
        print(f"a weak guide: {doubt} ({', '.join(names)})")


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
    sums = [f"{flown:,}", f"{possible:,.0f}", f"{effort.cv:.0%}", f"{effort.needed:,}", f"{effort.safe:,}"]
    if len(rows) == 1:
        rows[0][4] = f"{effort.cv:.0%}"
        return rows
    return [*rows, [name, "all", *sums, f"{effort.km:,.1f}"]]
