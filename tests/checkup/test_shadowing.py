"""Files that hide a package."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.checkup.findings import bad, only, subject

from wildetect.checkup.environment import check_shadowing


def test_what_is_hidden(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(check_shadowing(subject())).verdict == "ok"
    (root / "yaml.py").touch()
    (root / "csv").mkdir()
    (root / "csv" / "__init__.py").touch()
    found = bad(check_shadowing(subject()))
    assert found.says == f"{root} hides csv and yaml"
    assert found.exit_code == 2


def test_pythonpath(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mlflow", "numpy", "mine"):
        (tmp_path / "more" / name).mkdir(parents=True)
        (tmp_path / "more" / name / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "gone"), str(tmp_path / "more")]))
    found = bad(check_shadowing(subject()))
    assert found.says == f"{tmp_path / 'more'} (PYTHONPATH) hides mlflow and numpy"
    assert "PYTHONPATH" in str(found.fix)


def test_folders_and_files_that_hide_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "numpy").mkdir()  # no package: Python goes on looking
    (root / "survey.py").touch()
    (root / "yaml.txt").touch()
    (root / "src/wildetect").mkdir(parents=True)
    (root / "src/wildetect/__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(root / "src"))
    assert only(check_shadowing(subject())).verdict == "ok"
