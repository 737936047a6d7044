"""The tasks as users see them: names, one-line help, an explanation of every option."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.workspaces import REPOSITORY

from wildetect.tasks import ns

LONGEST_LINE = 60  # what fits beside the names in a window of 80 columns
HEAVY = ("mlflow", "onnx", "onnxruntime", "numpy", "rasterio", "pydantic", "PIL", "rich", "psutil", "torch")


def test_the_documented_tasks_are_there() -> None:
    documented = {
        "census.export",
        "census.plan",
        "census.run",
        "census.selftest",
        "demo",
        "detect.run",
        "mlflow.backup",
        "mlflow.migrate",
        "mlflow.restore",
        "mlflow.serve",
        "mlflow.status",
        "mlflow.stop",
        "model.list",
        "model.promote",
        "model.register",
        "shims.write",
    }
    assert documented <= set(ns.task_names)


@pytest.mark.parametrize("name", sorted(ns.task_names))
def test_help(name: str) -> None:
    task = ns[name]
    first = (task.__doc__ or "").splitlines()[0]
    assert 10 < len(first) <= LONGEST_LINE, first
    assert first.endswith(".")
    for argument in task.get_arguments():
        assert argument.help, f"{name} {argument.name}"
        assert not argument.positional
        assert all(len(flag) > 1 for flag in argument.names), f"{name} has a short flag"


def test_help_through_the_program() -> None:
    words = [sys.executable, "-m", "invoke", "detect.run", "--help"]
    ended = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "side of a tile in px" in ended.stdout


def test_help_is_there_however_often_it_is_read() -> None:
    first, second = ([argument.help for argument in ns["detect.run"].get_arguments()] for _ in range(2))
    assert first == second
    assert all(first)


def test_listing_the_tasks_imports_nothing_heavy() -> None:
    program = f"import sys, tasks; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == []


def test_list_through_the_program() -> None:
    words = [sys.executable, "-m", "invoke", "--list"]
    ended = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "detect.run" in ended.stdout
