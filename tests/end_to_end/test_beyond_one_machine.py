"""The server on PostgreSQL and an S3 object store, both real programs on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.servers import processes_of
from tests.web_pictures import s3_keys, s3_server
from tests.workspaces import Workspace, free_port, unused_uri

PASSWORD = "Tr0ub4dor-and-3"  # noqa: S105 - of a server that lives as long as the test
BUCKET = "models"
PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A PostgreSQL server of our own; gives its port."""
    if PROGRAMS is None or sys.platform == "win32":
        pytest.skip("there is no PostgreSQL here (Debian: apt-get install postgresql)")
    root = os.geteuid() == 0
    if root and shutil.which("postgres", path=str(PROGRAMS)) is None:
        pytest.skip("there is no PostgreSQL here")
    options: dict[str, Any] = {"user": "postgres", "group": "postgres"} if root else {}
    folder = Path("/tmp") / f"wildetect-postgresql-{os.getpid()}"  # noqa: S108 - pytest's folders are closed to others
    folder.mkdir(mode=0o700)
    if root:
        shutil.chown(folder, "postgres", "postgres")
    secret = folder / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    if root:
        shutil.chown(secret, "postgres")
    port, data = free_port(), folder / "data"

    def run(program: str, *words: str | Path) -> None:
        command = [str(PROGRAMS / program), "-D", str(data), *map(str, words)]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **options)

    run("initdb", "-U", "field", f"--pwfile={secret}", "--auth=scram-sha-256")
    flags = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    run("pg_ctl", "-w", "-l", folder / "log", "-o", flags, "start")
    try:
        yield port
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """moto's S3 with one bucket; gives the variables that lead to it."""
    pytest.importorskip("moto")
    with s3_server(tmp_path_factory.mktemp("empty"), BUCKET) as variables:
        yield variables


@pytest.fixture
def workspace(postgresql: int, object_store: dict[str, str], tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace.make(tmp_path / "project")
    keys = {**object_store, "MLFLOW_S3_ENDPOINT_URL": object_store["AWS_ENDPOINT_URL"]}
    del keys["AWS_ENDPOINT_URL"]
    (workspace.root / "configs/mlflow.yaml").write_text(
        f"backend_store_uri: postgresql://field:${{DB_PASSWORD}}@127.0.0.1:{postgresql}/postgres\n"
        "artifacts_destination: s3://models/wildetect\n",
        encoding="utf-8",
    )
    (workspace.root / ".env").write_text(
        f"MLFLOW_TRACKING_URI={unused_uri()}\nDB_PASSWORD={PASSWORD}\n"
        + "".join(f"{name}={value}\n" for name, value in keys.items()),
        encoding="utf-8",
    )
    yield workspace
    workspace.succeed("mlflow.stop")


def test_register_and_detect(workspace: Workspace, shared_data: Path, object_store: dict[str, str]) -> None:
    served = workspace.invoke("mlflow.serve", "--detach", timeout=200)
    assert served.returncode == 0, served.stdout + served.stderr
    said = [served.stdout + served.stderr]
    weights = shared_data / "models/yolox_nano.onnx"
    names = "\n".join(f"  - class {number}" for number in range(80))
    config = workspace.root / "configs/yolox.yaml"
    config.write_text(f"family: yolox\nclass_names:\n{names}\naliases: [production]\n", encoding="utf-8")
    said.append(
        workspace.succeed("model.register", "--config", config, "--weights", weights, "--name", "far")
    )
    words = ("--source", shared_data / "images/bus.jpg", "--model", "far@production", "--output", "results")
    said.append(workspace.succeed("detect.run", *words))
    said.append(workspace.succeed("mlflow.status"))
    assert "far" in said[-1]
    assert "postgresql://field@127.0.0.1" in said[-1]
    assert "s3://models/wildetect" in said[-1]
    assert any(
        key.startswith("wildetect/") and key.endswith("model.onnx") for key in s3_keys(object_store, BUCKET)
    )
    said += [
        path.read_text(encoding="utf-8", errors="replace") for path in workspace.root.glob("runs/**/*.log")
    ]
    said += [path.read_text(encoding="utf-8") for path in workspace.root.glob("runs/mlflow/*.json")]
    said += [" ".join(process.cmdline()) for process in processes_of(workspace)]
    assert not [text for text in said if PASSWORD in text or object_store["AWS_SECRET_ACCESS_KEY"] in text]


def test_a_database_that_is_off(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    (workspace.root / "configs/mlflow.yaml").write_text(
        f"backend_store_uri: postgresql://field:secret@127.0.0.1:{free_port()}/wild\n", encoding="utf-8"
    )
    begun = time.monotonic()
    error, _ = workspace.fail(3, "mlflow.serve", "--detach")
    assert time.monotonic() - begun < 15
    assert "does not answer" in error
    assert "secret" not in error
