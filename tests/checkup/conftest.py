"""A project of its own for each test of a check."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY, unused_uri


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; its server is off."""
    folder = tmp_path / "project"
    shutil.copytree(REPOSITORY / "configs", folder / "configs")
    (folder / "tasks.py").touch()
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "WILDETECT_", "PYTHONPATH")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", unused_uri())
    monkeypatch.chdir(folder)
    return folder
