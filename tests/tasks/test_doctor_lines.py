"""What the doctor writes on a terminal; end_to_end/test_doctor.py looks at the plain lines."""

from __future__ import annotations

import io
import re
import sys

import pytest

from wildetect.checkup.finding import fine, problem
from wildetect.tasks.doctor import _line_for_terminal, _shown

FINDINGS = [
    fine("server", "[bold]all[/bold] is well"),
    problem("disk", "no space " + "is left " * 20, fix="uv run invoke it"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Terminal:
    """Put a terminal in the place of stdout, 80 columns wide; pytest replaces that of a fixture."""
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", **variables}.items():
        monkeypatch.setenv(name, value)
    return stream


def test_colours_and_folded_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    assert list(_shown(iter(FINDINGS))) == FINDINGS
    said = stream.getvalue()
    assert "\x1b[32mok" in said
    assert "\x1b[31mproblem" in said
    assert "[bold]all[/bold] is well" in said
    assert said.endswith("1 problem, no warnings\n")


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch, NO_COLOR="1")
    _line_for_terminal()(FINDINGS[1])
    said = re.sub(r"\x1b\[[01]m", "", stream.getvalue())  # bold is no colour
    assert "\x1b" not in said
    lines = said.splitlines()
    assert len(lines) > 3
    assert all(len(line) <= 80 for line in lines)
    assert lines[-1].strip().startswith("-> uv run invoke it")


def test_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    list(_shown(iter(FINDINGS)))
    assert stream.getvalue().splitlines()[0] == "ok       server     [bold]all[/bold] is well"
