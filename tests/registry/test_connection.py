from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]
from mlflow.exceptions import MlflowException

from wildetect.errors import ServerError
from wildetect.registry import probe
from wildetect.registry.connection import errors_of_mlflow, locked, require_whole_answers
from wildetect.settings.address import TRACKING_URI

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
        ("no such table: runs", "no such table", "mlflow.logs"),
    ],
)
def test_what_mlflow_s_client_says_is_said_in_our_words(
    said: str, expected: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRACKING_URI, "http://127.0.0.1:5000")
    monkeypatch.setattr(probe, "_own", set())
    probe.known_as_own("http://127.0.0.1:5000")
    with pytest.raises(ServerError) as raised, errors_of_mlflow("run 7"):
        raise MlflowException(said)
    message, hint = raised.value.message, raised.value.hint
    assert expected.replace("gone", "does not answer any more (run 7)") in message
    assert fix in hint
    assert "Max retries" not in message


def test_an_answer_of_another_shape_is_named_and_a_long_one_is_cut() -> None:
    with pytest.raises(ServerError, match="in a shape that MLflow does not have"), errors_of_mlflow("run 7"):
        raise ParseError("repeated field registered_models must be in [] which is 7")
    with pytest.raises(ServerError) as raised, errors_of_mlflow("run 7"):
        raise MlflowException("\x1b[2J" + "[" * 100_000)
    assert len(raised.value.message) < 1000
    assert raised.value.message.isprintable()


class Dripping(BaseHTTPRequestHandler):
    """An answer of which one byte comes each moment; it is whole after ten minutes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(6000):
                self.wfile.write(b" ")
                time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_answers_that_never_end_are_not_waited_for() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.block_on_close = False
        begun = time.monotonic()
        with pytest.raises(ServerError, match="does not finish its answers"):
            require_whole_answers(f"http://127.0.0.1:{server.server_port}", total=0.5)
        assert time.monotonic() - begun < 6
        server.shutdown()


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
