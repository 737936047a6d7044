"""The machine, Python and the packages."""

from __future__ import annotations

import os
import sys
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest
from tests.checkup.findings import bad, only, subject

from wildetect.checkup.environment import check_clock, check_packages, check_python, check_uv, check_versions


def program(folder: Path, name: str, says: str, code: int = 0) -> Path:
    """A program that says something, for the system that the tests run on."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.name == "nt":
        path = folder / f"{name}.bat"
        path.write_text(f"@echo {says}\n@exit /b {code}\n", encoding="ascii")
    else:
        path = folder / name
        path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n", encoding="ascii")
        path.chmod(0o755)
    return path


def test_all_is_well(root: Path) -> None:
    for check in (check_versions, check_python, check_packages):
        assert only(check(subject())).verdict == "ok"


@pytest.mark.parametrize(
    ("now", "says"), [("1980-01-01", "before files of this"), ("2126-06-01", "years after")]
)
def test_a_clock_that_cannot_be_right(
    root: Path, monkeypatch: pytest.MonkeyPatch, now: str, says: str
) -> None:
    """A laptop that lost its time: what is on its drive was written later than today, or very long ago."""
    assert only(check_clock(subject())).verdict == "ok"

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromisoformat(now).replace(tzinfo=tz)

    monkeypatch.setattr("wildetect.checkup.environment.datetime", Wrong)
    found = bad(check_clock(subject()))
    assert found.verdict == "warning"
    assert says in found.says
    assert "Set the clock" in str(found.fix)


def test_a_python_of_another_environment(root: Path) -> None:
    (root / ".venv").mkdir()
    assert "not the project's own environment .venv" in bad(check_python(subject())).says


def test_a_python_that_is_too_new(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert bad(check_python(subject())).fix == "uv venv --clear --python 3.14"


def test_missing_and_old_packages(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = [
        "invoke>=99",
        "no-such-package>=1",
        "extra-only; extra == 'x'",
        "pytest; python_version<'3'",
    ]
    monkeypatch.setattr("importlib.metadata.requires", lambda _: needed)
    says = [finding.says for finding in check_packages(subject())]
    assert len(says) == 2
    assert says[0].endswith("but >=99 is needed")
    assert says[1] == "the package no-such-package is not installed"


def test_packages_that_cannot_be_compiled_are_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(root))  # without what says that they are compiled
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "each task begins some seconds later" in bad(check_packages(subject())).says
    monkeypatch.setattr(os, "access", lambda *_: True)
    assert only(check_packages(subject())).verdict == "ok"  # the next task compiles them


def test_another_wildetect_than_the_project_s(root: Path) -> None:
    (root / "src/wildetect").mkdir(parents=True)
    (root / "src/wildetect/__init__.py").touch()
    assert "not the one of this project" in bad(check_versions(subject())).says


def test_uv(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PATH", str(program(tmp_path / "bin", "uv", "uv 9.9.9 (abc)").parent))
    assert only(check_uv(subject())).says.startswith("uv 9.9.9 (")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("UV", "/elsewhere/uv")
    (root / "tasks.py").touch()
    assert bad(check_uv(subject())).verdict == "problem"
    elsewhere = program(tmp_path / "own uv", "uv", "uv 9.9.9")
    monkeypatch.setenv("UV", str(elsewhere))
    found = bad(check_uv(subject()))
    assert (found.verdict, str(elsewhere) in (found.fix or "")) == ("warning", True)
    program(tmp_path / ".local" / "bin", "uv", "uv 9.9.9")
    assert bad(check_uv(subject())).verdict == "warning"
    program(tmp_path / ".local" / "bin", "uv", "broken", code=3)
    assert bad(check_uv(subject())).says.endswith("does not run")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_a_uv_that_passes_over_the_settings_of_the_project(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what uv 0.5 says, which knows no preview-features and then heeds no pinned date, too."""
    path = program(tmp_path / "bin", "uv", "uv 0.5.0")
    told = "warning: Failed to parse `pyproject.toml` during settings discovery:"
    path.write_text(f"#!/bin/sh\necho 'uv 0.5.0'\n[ $1 = cache ] && echo '{told}' >&2\nexit 0\n", "ascii")
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    found = bad(check_uv(subject()))
    assert "passes over all" in found.says
    assert "uv self update" in (found.fix or "")
