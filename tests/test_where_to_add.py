"""docs/developers.md says where a new thing goes: the places are there, and two files are enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY

PACKAGE = REPOSITORY / "src" / "wildetect"
WORDS = "settings/words.py"
FAMILY = """
from wildetect.detection.families.family import DetectorFamily
from wildetect.detection.families.grids.yolov5 import _decode, _implausible
from wildetect.detection.families.grids.cells import fit_objects

NEW = DetectorFamily(
    name="of-a-test", exported_from="a test", outputs="(1, N, 5+C)", fits=fit_objects, decode=_decode,
    implausible=_implausible,
)
"""
FORM = """
from wildetect.results.exports.format import ExportedRun, ExportFormat
from wildetect.results.files import write_text


def _write(run: ExportedRun) -> list[str]:
    write_text(run.folder / "of_a_test.txt", [f"{run.model}\\n"])
    return ["of_a_test.txt"]


NEW = ExportFormat(name="of-a-test", about="a test", files=("of_a_test.txt",), write=_write)
"""
CENSUS_FORM = """
from pathlib import Path

from wildetect.census.exports.form import CensusForm, ExportedCensuses
from wildetect.results.files import write_text


def _write(path: Path, censuses: ExportedCensuses) -> list[str]:
    write_text(path, [f"{censuses.one.record.campaign.id}\\n"])
    return []


NEW = CensusForm(name="of-a-test", file="of_a_test.txt", about="a test", write=_write)
"""
METHOD = """
from wildetect.census.estimates.methods.jolly import jolly2
from wildetect.census.estimates.methods.method import EstimateMethod

NEW = EstimateMethod(
    name="of-a-test", said="the method of a test", explained="method_jolly.html.j2",
    applies=lambda _: True, estimate=lambda counted: jolly2(counted.sample),
)
"""
CHOSEN = """
from wildetect.census.estimates.methods import table

chosen = table.method_for(None)
print("| `" + chosen.name + "` | " + table.methods_among(["none", chosen.name])[0].said)
"""


def table() -> dict[str, tuple[str, int]]:
    """Where each thing goes and how many files that takes at most, by the thing."""
    page = (REPOSITORY / "docs" / "developers.md").read_text(encoding="utf-8")
    rows = page.partition("## Where do I add ...")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (an? .+?) \| (.+?) \| (?:\d to )?(\d) \|$", rows, re.MULTILINE)
    return {what: (where, int(most)) for what, where, most in found}


def test_every_place_that_the_page_names_is_there() -> None:
    named = {text for where, _ in table().values() for text in re.findall(r"`([\w/.]+)`", where)}
    places = {text for text in named if "/" in text or text.endswith(".py")} - {"rows/", "points/"}
    assert len(places) > 15
    assert [
        text for text in sorted(places) if not ((PACKAGE / text).exists() or (REPOSITORY / text).exists())
    ] == []


@pytest.mark.parametrize(
    ("what", "file", "text", "word", "asked"),
    [
        (
            "a family of detectors",
            "detection/families/grids/of_a_test.py",
            FAMILY,
            '    "obb",\n',
            "from wildetect.docs.pages import families_block; print(families_block())",
        ),
        (
            "a form of results",
            "results/exports/formats/of_a_test.py",
            FORM,
            '    "labelstudio",\n',
            "from wildetect.docs.pages import exports_block; print(exports_block())",
        ),
        (
            "a form of a census for others",
            "census/exports/of_a_test.py",
            CENSUS_FORM,
            'CensusExport = Literal["aed", ',
            "from wildetect.docs.pages import census_exports_block; print(census_exports_block())",
        ),
        ("a census method", "census/estimates/methods/of_a_test.py", METHOD, "Method = Literal[", CHOSEN),
    ],
)
def test_one_file_and_one_word_are_enough(
    tmp_path: Path, what: str, file: str, text: str, word: str, asked: str
) -> None:
    """Both are named on the page, and the program then knows the new thing everywhere."""
    where, most = table()[what]
    assert WORDS in where
    assert Path(file).parent.as_posix() in where
    assert most == len((file, WORDS))
    copy = Path(
        shutil.copytree(PACKAGE, tmp_path / "wildetect", ignore=shutil.ignore_patterns("__pycache__"))
    )
    words = (copy / WORDS).read_text(encoding="utf-8")
    assert word in words
    (copy / WORDS).write_text(words.replace(word, f'{word}"of-a-test", ', 1), encoding="utf-8")
    alone = python(tmp_path, asked)
    assert "has a record for" in alone.stderr  # a word without its file is told at once
    (copy / file).write_text(text, encoding="utf-8")
    said = python(tmp_path, asked)
    assert said.returncode == 0, said.stderr
    assert "| `of-a-test` | " in said.stdout


def python(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
