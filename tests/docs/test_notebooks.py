"""The page for notebooks: its code runs as it stands, and the surface is what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.tour import fresh_project
from tests.workspaces import REPOSITORY, unused_uri

import wildetect

PAGE = REPOSITORY / "docs" / "notebooks.md"
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_surface_is_small_and_each_name_is_there() -> None:
    assert wildetect.__all__ == ["__version__", "detect", "open_run", "take_census"]
    assert dir(wildetect) == sorted(wildetect.__all__)
    for name in wildetect.__all__:
        assert getattr(wildetect, name)


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import sys, wildetect; print(sorted({'numpy', 'mlflow', 'onnxruntime'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_code_of_the_page_runs_from_top_to_bottom(tmp_path: Path) -> None:
    workspace = fresh_project(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    program = "\n".join(CODE.findall(PAGE.read_text(encoding="utf-8")))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=workspace.root,
        env=workspace.environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, *_ = done.stdout.splitlines()
    images, detections = map(int, re.findall(r"\d+", first))
    assert images > 0
    assert detections > 0
    assert "different animals" in done.stdout
    assert "there is no folder no-such-folder - Name the output folder" in done.stdout
    assert f"{images} of {images}" in done.stdout
    assert (workspace.root / "results/notebook-census/census.json").is_file()
