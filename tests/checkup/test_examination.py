"""All checks together: nothing that fails in one hides the others."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from wildetect.checkup import examination
from wildetect.checkup.examination import as_document, examine, exit_code
from wildetect.checkup.finding import Finding, fine, problem, warning, warnings_kept
from wildetect.checkup.subject import Subject
from wildetect.errors import ConfigurationError, ModelError, ServerError
from wildetect.settings import Project


def raising(error: Exception) -> examination.Check:
    def check(_: Subject) -> list[Finding]:
        raise error

    return check


def made(monkeypatch: pytest.MonkeyPatch, **checks: examination.Check) -> list[Finding]:
    monkeypatch.setattr(examination, "CHECKS", checks)
    return list(examine(Subject(Project(Path.cwd()))))


def test_errors_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ConfigurationError("2 problems", hint="fix them", details=["a", "b"])
    first, second, third = made(
        monkeypatch, one=raising(both), two=raising(ServerError("gone", hint="start it"))
    )
    assert (first.check, first.says, first.fix, first.exit_code) == ("one", "a", "fix them", 2)
    assert second.says == "b"
    assert (third.check, third.exit_code) == ("two", 3)


def test_a_broken_package_is_a_problem_and_what_follows_from_it_none(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = made(
        monkeypatch,
        one=raising(ImportError("cannot import name 'x' from 'yaml'")),
        two=raising(ImportError("No module named 'y'")),
        three=raising(AttributeError("module 'yaml' has no\nattribute 'z'")),
    )
    assert (first.verdict, first.fix, first.exit_code) == ("problem", "uv sync", 2)
    assert (second.verdict, second.fix) == ("warning", "Fix what stands above first")
    assert third.says == "not looked at: AttributeError: module 'yaml' has no attribute 'z'"
    assert third.verdict == "warning"


def test_a_bug_has_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = made(monkeypatch, one=raising(ZeroDivisionError("by zero")))
    assert (found.verdict, found.exit_code) == ("problem", 1)
    assert "wildetect.log" in str(found.fix)


def test_one_cause_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    same = ConfigurationError("the port is none", hint="fix it")
    assert len(made(monkeypatch, store=raising(same), port=raising(same))) == 1


def test_the_first_problem_gives_the_code() -> None:
    found = [
        fine("a", "x"),
        warning("b", "x", fix="y"),
        problem("c", "x", fix="y", error=ServerError),
        problem("d", "x", fix="y", error=ModelError),
        problem("e", "x", fix="y"),
    ]
    assert exit_code(found) == 3
    assert exit_code(found[:2]) == exit_code([]) == 0
    document = as_document(found)
    assert (document["problems"], document["warnings"], document["healthy"]) == (3, 1, False)


def test_warnings_of_the_library_are_kept_and_told_to_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("wildetect.something")
    with warnings_kept() as said:
        logger.warning("port %d", 5)
        logger.info("more")
    assert said == ["port 5"]
    assert capsys.readouterr() == ("", "")
