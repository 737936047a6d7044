"""A workspace with a real server, one for all tests of the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.servers import keep_empty_database
from tests.workspaces import Workspace, free_port


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    uri = f"http://127.0.0.1:{free_port()}"
    workspace = Workspace.make(tmp_path_factory.mktemp("served") / "project", MLFLOW_TRACKING_URI=uri)
    try:
        workspace.succeed("mlflow.serve", "--detach")
        keep_empty_database(workspace)
        yield workspace
    finally:
        workspace.succeed("mlflow.stop")
