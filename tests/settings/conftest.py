from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine says, or MLflow said in a test before (it notes its server's address there)."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "WILDETECT_")):
            monkeypatch.delenv(name)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without settings, in which the test stands."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "tasks.py").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path
