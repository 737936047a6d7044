"""A server that answers at the start of a run and is gone at its end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from PIL import Image
from tests.detection.networks import save_network
from tests.detection.test_decoders import yolov8
from tests.workspaces import Workspace


class _Healthy(BaseHTTPRequestHandler):
    server: HTTPServer

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"OK")
        self.server.socket.close()  # nobody else is let in

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def short_lived() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Healthy)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    thread.join()


def test_a_server_that_goes_away_during_a_run(tmp_path: Path, short_lived: str) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=short_lived)
    names = "{0: 'elephant', 1: 'kob', 2: 'topi'}"
    save_network(workspace.root / "network.onnx", yolov8()[0], metadata={"names": names, "task": "detect"})
    Image.new("RGB", (64, 64), "tan").save(workspace.root / "1.png")
    ended = workspace.invoke("detect.run", "--source", "1.png", "--model", "network.onnx")
    assert ended.returncode == 0
    (warning,) = [line for line in ended.stderr.splitlines() if line.startswith("warning: ")]
    assert warning == (
        "warning: the results are written, but the run is not logged: the MLflow server does not answer any "
        "more (experiment detection). Start it with: uv run invoke mlflow.serve (or fix MLFLOW_TRACKING_URI "
        "in .env); then give the same command again."
    )
    run = json.loads((workspace.root / "results/run.json").read_text(encoding="utf-8"))
    assert run["mlflow"] is None  # so that the same command logs it
