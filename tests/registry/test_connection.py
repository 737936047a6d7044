from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from wildetect.errors import ServerError
from wildetect.registry.connection import errors_of_mlflow, locked

REFUSED = "HTTPConnectionPool(host='127.0.0.1', port=5000): Max retries exceeded with url: /api/2.0/mlflow"


@pytest.mark.parametrize(
    ("said", "expected", "fix"),
    [
        (f"API request to http://127.0.0.1:5000/api failed with exception {REFUSED}", "gone", "mlflow.serve"),
        (
            f"API request to http://127.0.0.1:5000/api failed with timeout exception {REFUSED}.",
            "gone",
            "serve",
        ),
        (
            f"upload:\n{{'a.csv': \"MlflowException('failed with exception {REFUSED}')\"}}",
            "gone",
            "mlflow.serve",
        ),
        (f"failed with exception {REFUSED} (too many 503 error responses)", "locked", "mlflow.logs"),
        (f"failed with exception {REFUSED} (too many 429 error responses)", "passwords", "Wait a minute"),
        ("no such table: runs", "no such table", "mlflow.status"),
    ],
)
def test_what_mlflow_s_client_says_is_said_in_our_words(said: str, expected: str, fix: str) -> None:
    with pytest.raises(ServerError) as raised, errors_of_mlflow("run 7"):
        raise MlflowException(said)
    message, hint = raised.value.message, raised.value.hint
    assert expected.replace("gone", "does not answer any more (run 7)") in message
    assert fix in hint
    assert "Max retries" not in message


@pytest.mark.parametrize(("kind", "reading"), [("IMMEDIATE", False), ("EXCLUSIVE", True)])
def test_a_lock_that_lets_others_read_matters_to_writers_alone(
    kind: str, reading: bool, tmp_path: Path
) -> None:
    database = tmp_path / "a.db"
    with contextlib.closing(sqlite3.connect(database)) as other:
        other.execute("CREATE TABLE t (a)")
        assert not locked(database, to_write=True, patience=0.1)
        other.execute(f"BEGIN {kind}")
        assert locked(database, to_write=True, patience=0.1)
        assert locked(database, to_write=False, patience=0.1) == reading
    assert not locked(tmp_path / "missing.db", to_write=True)
