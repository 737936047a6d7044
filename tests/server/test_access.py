"""Who may do what on a shared server, and which files only their owner reads."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from wildetect.errors import ServerError
from wildetect.server.access.guard import allowed
from wildetect.server.access.signin import keep_private, webhook_key


@pytest.mark.parametrize(
    ("method", "path", "passes"),
    [
        ("GET", "/api/2.0/mlflow/registered-models/get", True),
        ("HEAD", "/", True),
        ("POST", "/api/2.0/mlflow/runs/search", True),
        ("POST", "/ajax-api/2.0/mlflow/experiments/search", True),
        ("POST", "/graphql", True),
        ("PATCH", "/api/2.0/mlflow/users/update-password", True),
        ("POST", "/api/2.0/mlflow/runs/create", False),
        ("POST", "/api/2.0/mlflow/runs/search/../create", False),
        ("POST", "/api/2.0/mlflow/registered-models/alias", False),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/1/x", False),
        ("DELETE", "/api/2.0/mlflow-artifacts/artifacts/1/x", False),
        ("POST", "/a/route/of/a/newer/mlflow", False),
        ("POST", "/api/2.0/mlflow/runs/search\nx", False),
    ],
)
def test_a_reader_asks_and_changes_nothing(method: str, path: str, passes: bool) -> None:
    assert allowed(method, path, lambda: False) is passes
    assert allowed(method, path, lambda: True)


def test_a_key_of_webhooks_stays_the_same(tmp_path: Path) -> None:
    first = webhook_key(tmp_path / "mlflow", None)
    assert len(base64.urlsafe_b64decode(first)) == 32
    assert webhook_key(tmp_path / "mlflow", None) == first
    assert webhook_key(tmp_path / "mlflow", "given") == "given"
    (tmp_path / "mlflow" / "webhooks.key").write_bytes(b"\xff\xfe")
    with pytest.raises(ServerError, match="cannot be read"):
        webhook_key(tmp_path / "mlflow", None)


@pytest.mark.skipif(os.name == "nt", reason="Windows has the rights of the folder")
def test_private_files_are_their_owner_s(tmp_path: Path) -> None:
    known = tmp_path / "auth.db"
    known.write_bytes(b"accounts")
    known.chmod(0o666)
    webhook_key(tmp_path, None)
    for path in (known, tmp_path / "new.db"):
        keep_private(path)
    assert known.read_bytes() == b"accounts"
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("auth.db", "new.db", "webhooks.key")}
    assert modes == {0o600}
