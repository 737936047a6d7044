from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine says, or MLflow said in a test before (it notes its server's address there)."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "WILDETECT_")):
            monkeypatch.delenv(name)
