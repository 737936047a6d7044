"""One cmd.exe for all tests, and projects for its .bat files to lie in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.windows.command_prompt import CommandPrompt, missing
from tests.workspaces import REPOSITORY


@pytest.fixture(scope="session")
def prompt() -> Iterator[CommandPrompt]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    # Wine's drive C is 700 MB: not kept, as pytest keeps its own folders
    with (
        tempfile.TemporaryDirectory(prefix="cmd-", ignore_cleanup_errors=True) as name,
        CommandPrompt.opened(Path(name).resolve()) as opened,
    ):
        yield opened


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[[str], Path]:
    """Make a project with the real .bat files, in a folder of a name."""

    def make(name: str = "project") -> Path:
        root = tmp_path / name
        shutil.copytree(REPOSITORY / "scripts", root / "scripts")
        (root / "pyproject.toml").touch()
        (root / ".venv").mkdir()
        (root / ".venv/pyvenv.cfg").touch()
        return root

    return make


@pytest.fixture
def project(make_project: Callable[[str], Path]) -> Path:
    return make_project("project")
