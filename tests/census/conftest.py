"""A census of a small survey, taken once for all tests that only read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.census.flights import Flight, Herd, make_run, two_strata

from wildetect.census.design.survey_files import SurveyFiles
from wildetect.census.output.document import CensusFacts
from wildetect.census.output.outputs import CensusWanted, write_census
from wildetect.census.output.parts import Campaign
from wildetect.census.output.record import CensusRecord
from wildetect.census.result import Census
from wildetect.census.survey import SurveyPlan, survey
from wildetect.results.finished_run import read_finished_run
from wildetect.settings.census import SurveyKeys
from wildetect.settings.detection import FlightSpecs, PositionTable

STARTED = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Surveyed:
    """A census and all that it was made of."""

    strata: Path
    flight: Flight
    herd: Herd
    run: Path
    census: Census
    folder: Path
    record: CensusRecord
    document: dict[str, Any]


def plan_of(
    run: Path, *, keys: dict[str, Any] | None = None, table: PositionTable | None = None, **changes: Any
) -> SurveyPlan:
    """A plan with the settings' defaults."""
    wanted = SurveyKeys.model_validate(keys or {})
    given: dict[str, Any] = {
        "run": read_finished_run(run),
        "keys": wanted,
        "species": None,
        "specs": FlightSpecs(),
        "files": SurveyFiles.read(wanted, table),
    }
    return SurveyPlan(**{**given, **changes})


def written(census: Census, run: Path, folder: Path, **changes: Any) -> CensusRecord:
    """The census's files in a folder, and what census.json holds."""
    folder.mkdir(parents=True, exist_ok=True)
    given: dict[str, Any] = {
        "campaign": Campaign("Kwando <1>", "A. Pilot"),
        "settings": {"tolerance": None, "confidence": None, "strata": "strata.geojson"},
        "run": read_finished_run(run).record,
        "run_folder": run,
        "started": STARTED,
        "seconds": 3.25,
    }
    return write_census(folder, census, CensusFacts(**{**given, **changes}), CensusWanted())


@pytest.fixture(scope="session")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Surveyed:
    """Six transects in two strata, without any error of position."""
    root = tmp_path_factory.mktemp("survey")
    strata, flight, herd = two_strata(root)
    run = make_run(root, flight, herd)
    census = survey(plan_of(run, keys={"strata": strata, "tolerance": 1.0}))
    record = written(census, run, root / "census")
    document = json.loads(json.dumps(record.document()))
    return Surveyed(strata, flight, herd, run, census, root / "census", record, document)


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """Makes a run of one short line with the animals that are given."""

    def make(herd: Herd, **changes: Any) -> Path:
        flight = Flight(**changes)
        if not flight.names:
            flight.line("L", (0.0, 0.0), 0.0, 4, 48.0)
        return make_run(tmp_path, flight, herd)

    return make
