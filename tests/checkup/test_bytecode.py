"""Packages are compiled once after an installation, not at each command."""

from __future__ import annotations

import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY

from wildetect.checkup.bytecode import MARKER, compile_once
from wildetect.how_far import how_far, through


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site-packages"
    (folder / "one-1.0.dist-info").mkdir(parents=True)
    (folder / "one.py").write_text("x = 1\n", encoding="utf-8")
    (folder / "of_another_python.py").write_text("print 'no'\n", encoding="utf-8")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(folder))
    return folder


def test_once_after_an_installation_and_again_after_the_next(packages: Path) -> None:
    said: list[str] = []
    assert compile_once(said.append)
    assert list((packages / "__pycache__").glob("one.*.pyc"))
    assert not compile_once(said.append)
    (packages / "two-2.0.dist-info").mkdir()
    assert compile_once(said.append)
    assert len(said) == 2
    assert "once after an installation" in said[0]


def test_it_says_how_far_it_is(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (packages / "two.py").write_text("y = 2\n", encoding="utf-8")
    said = []

    def noting(items: Iterable[bytes], what: str, total: int) -> Iterator[bytes]:
        for number, item in enumerate(through(items, what, total)):
            said.append((number, how_far()))
            yield item

    monkeypatch.setattr("wildetect.checkup.bytecode.through", noting)
    assert compile_once(lambda _: None)
    assert said == [(done, f"{done} of 3 files compiled") for done in range(3)]


def test_other_programs_packages_are_left_alone(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert not compile_once(lambda _: None)
    assert not (packages / "__pycache__").exists()


def test_a_place_that_cannot_be_written_costs_no_task(packages: Path) -> None:
    (packages.parent / MARKER).mkdir()
    assert not compile_once(lambda _: None)


def test_uv_itself_compiles_nothing_and_makes_launchers_that_may_be_moved() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    uv = tomllib.loads(text)["tool"]["uv"]
    assert not uv.get("compile-bytecode", False)
    assert uv["preview-features"] == ["relocatable-envs-default"]
