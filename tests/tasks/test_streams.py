"""A reader of a task's lines that leaves ends neither the task nor its exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.workspaces import SIGN_OF_LIFE

PROJECT = Path(__file__).parents[2]


def _left_by_its_reader(*words: str, both: bool = False) -> tuple[int, str]:
    """Exit code and other words of a task whose reader has gone before its first line."""
    with subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if both else subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        said = "" if process.stderr is None else process.stderr.read()
        return process.wait(timeout=60), SIGN_OF_LIFE.sub("", said)


@pytest.mark.parametrize(
    "words",
    [("invoke",), ("invoke", "--list"), ("invoke", "census.selftest"), ("invoke", "config.show", "--json")],
    ids=" ".join,
)
def test_a_reader_that_leaves_is_no_error(words: tuple[str, ...]) -> None:
    assert _left_by_its_reader(*words) == (0, "")


def test_an_error_keeps_its_exit_code_when_nobody_reads_it() -> None:
    assert _left_by_its_reader("invoke", "detect.run", "--no-such-option", both=True) == (2, "")
