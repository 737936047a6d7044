"""transects.csv through R: a program of another house comes to the same estimates."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess

import pytest
from tests.census.conftest import Surveyed
from tests.workspaces import REPOSITORY

SCRIPT = REPOSITORY / "docs" / "transects.R"


def in_r(surveyed: Surveyed) -> list[dict[str, str]]:
    program = shutil.which("Rscript")
    if program is None:
        pytest.skip("R is not installed (Debian: r-base-core)")
    strata = [f"{one.name}={one.possible_transects}" for one in surveyed.record.strata]
    words = [program, "--vanilla", str(SCRIPT), str(surveyed.folder / "transects.csv"), *strata]
    ended = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    return list(csv.DictReader(io.StringIO(ended.stdout)))


def test_r_comes_to_the_same_estimates_and_errors(surveyed: Surveyed) -> None:
    found = {(row["stratum"], row["species"]): row for row in in_r(surveyed)}
    compared = 0
    for one in surveyed.record.estimates:
        if one.species is None or one.stratum == "all" or one.estimate is None:
            continue
        row = found[one.stratum, one.species]
        # areas are written to a square metre, so that six digits are the same
        assert float(row["estimate"]) == pytest.approx(one.estimate, rel=1e-4), row
        random = [limits for limits in one.limits if limits.spread == "random lines"]
        for limits in random:
            assert float(row["standard_error"]) == pytest.approx(limits.standard_error, rel=1e-4), row
            compared += 1
    assert compared >= 4
