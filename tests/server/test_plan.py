"""Port, store, names and sign-in, decided before anything is started."""

# ruff: noqa: S104 - addresses are named here, nothing listens on them

from __future__ import annotations

import fnmatch
import logging
import os
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY

from wildetect.errors import ConfigurationError
from wildetect.registry.probe import Credentials
from wildetect.server.access import sharing
from wildetect.server.access.signin import append_secrets, credentials_of
from wildetect.server.process.command import server_command, server_environment
from wildetect.server.process.plan import Plan, plan_server, points_at
from wildetect.server.store.stores import (
    DATABASE_SERVERS,
    OBJECT_STORES,
    artifacts_of,
    holds_file_store,
    store_of,
)
from wildetect.settings import Project
from wildetect.settings.mlflow import MlflowSettings
from wildetect.settings.project import Variables


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)


def planned(root: Path, uri: str | None = None, **settings: object) -> Plan:
    variables = Variables({"MLFLOW_TRACKING_URI": uri} if uri else {})
    return plan_server(Project(root, variables), MlflowSettings.model_validate(settings))


@pytest.mark.parametrize(
    ("uri", "settings", "port", "warned"),
    [
        (None, {}, 5000, False),
        ("http://localhost:5123", {}, 5123, False),
        ("http://127.0.0.1:5123/", {}, 5123, False),
        ("http://[::1]:5123", {}, 5123, False),
        ("http://localhost:5123", {"host": "0.0.0.0"}, 5123, False),
        ("http://localhost:5123", {"port": 5123}, 5123, False),
        ("http://localhost:5123", {"port": 5124}, 5124, True),
        (None, {"port": 5124}, 5124, False),
        ("http://server.example:5123", {}, 5000, True),
        ("http://me:secret@server.example:5123", {}, 5000, True),
        ("sqlite:///mlruns.db", {}, 5000, True),
        ("http://localhost", {}, 80, False),
        (None, {"host": "localhost"}, 5000, False),
    ],
)
def test_the_port_is_the_one_that_clients_look_at(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    uri: str | None,
    settings: dict[str, object],
    port: int,
    warned: bool,
) -> None:
    caplog.set_level(logging.WARNING, "wildetect")
    logging.getLogger("wildetect").propagate = True
    plan = planned(tmp_path, uri, **settings)
    assert plan.port == port
    lines = [record.getMessage() for record in caplog.records if "MLFLOW_TRACKING_URI" in record.getMessage()]
    assert bool(lines) == warned
    if warned:
        assert lines[0].endswith(f"MLFLOW_TRACKING_URI=http://127.0.0.1:{port}")
        assert "secret" not in lines[0]


def test_a_tracking_uri_with_a_bad_port(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no valid port"):
        planned(tmp_path, "http://localhost:many")


def test_points_at() -> None:
    assert points_at("http://localhost:5000", "127.0.0.1", 5000)
    assert points_at(None, "0.0.0.0", 5000)
    assert points_at(None, "127.0.0.1", 5310)  # as tasks find their project's own server by its record
    assert not points_at("http://localhost:5001", "127.0.0.1", 5000)
    assert not points_at("http://10.9.8.7:5000", "127.0.0.1", 5000)
    assert not points_at("databricks", "127.0.0.1", 5000)


@pytest.mark.parametrize(
    ("host", "sign_in", "expected"),
    [
        ("127.0.0.1", "auto", False),
        ("localhost", "auto", False),
        ("::1", "auto", False),
        ("127.0.0.1", "on", True),
        ("0.0.0.0", "auto", True),
        ("*", "auto", True),
        ("192.168.1.5", "auto", True),
        ("0.0.0.0", "off", False),
    ],
)
def test_sign_in_is_on_where_others_can_reach_the_server(
    tmp_path: Path, host: str, sign_in: str, expected: bool
) -> None:
    assert planned(tmp_path, host=host, sign_in=sign_in).sign_in == expected


def test_what_is_set_for_another_mlflow_does_not_reach_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "MLFLOW_STATIC_PREFIX",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_SERVER_ALLOWED_HOSTS",
        "WEB_CONCURRENCY",
    ):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://minio:9000")
    project = Project(tmp_path, Variables({"AWS_SECRET_ACCESS_KEY": "from .env", "OTHER": "no"}))
    environment = server_environment(plan_server(project, MlflowSettings()))
    assert "elsewhere" not in environment.values()
    assert environment["MLFLOW_S3_ENDPOINT_URL"] == "http://minio:9000"
    assert environment["AWS_SECRET_ACCESS_KEY"] == "from .env"  # noqa: S105
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert "OTHER" not in environment


def test_no_secret_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wildetect.server.store.stores.importlib.util.find_spec", lambda _: True)
    plan = planned(tmp_path, backend_store_uri="postgresql://me:hunter2@db.example/wild", host="0.0.0.0")
    plan.folder.mkdir(parents=True)
    assert "hunter2" not in " ".join(server_command(plan)) + repr(plan) + plan.store.shown
    uri = server_environment(plan)["MLFLOW_BACKEND_STORE_URI"]
    assert uri == "postgresql+psycopg2://me:hunter2@db.example/wild"
    assert plan.store.address == ("db.example", 5432)


def test_stores(tmp_path: Path) -> None:
    default = tmp_path / "runs" / "mlflow.db"
    assert store_of(None, root=tmp_path, default=default).database == default
    relative = store_of("sqlite:///data/my.db", root=tmp_path, default=default)
    assert relative.database == tmp_path / "data" / "my.db"
    absolute = store_of(f"sqlite:///{tmp_path.as_posix()}/my.db", root=Path("/elsewhere"), default=default)
    assert absolute.database == tmp_path / "my.db"
    for wrong in (
        "runs/mlflow",
        "file:///runs/mlflow",
        "sqlite://",
        "oracle://host/db",
        "postgresql://h:port/x",
    ):
        with pytest.raises(ConfigurationError):
            store_of(wrong, root=tmp_path, default=default)


def test_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default = tmp_path / "artifacts"
    assert artifacts_of(None, root=tmp_path, default=default).folder == default
    assert artifacts_of("großer Ordner", root=tmp_path, default=default).folder == tmp_path / "großer Ordner"
    monkeypatch.setattr("wildetect.server.store.stores.importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="needs the package boto3"):
        artifacts_of("s3://bucket/prefix", root=tmp_path, default=default)


@pytest.mark.parametrize("scheme", [*DATABASE_SERVERS, *OBJECT_STORES])
def test_the_hint_on_a_missing_package_installs_it(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra was named for packages, too, that it does not hold."""
    monkeypatch.setattr("wildetect.server.store.stores.importlib.util.find_spec", lambda _: None)
    place: Callable[..., object] = artifacts_of if scheme in OBJECT_STORES else store_of
    with pytest.raises(ConfigurationError, match="needs the package ") as raised:
        place(f"{scheme}://me@there.example/wild", root=tmp_path, default=tmp_path)
    package = raised.value.message.rpartition(" ")[2]
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    extra = " ".join(document["project"]["optional-dependencies"]["server"])
    alone = f"uv pip install {package}" in raised.value.hint.replace('"', "")
    assert alone or ("--extra server" in raised.value.hint and package in extra), raised.value.hint


def test_a_file_store_is_told_from_our_own_folder(tmp_path: Path) -> None:
    assert not holds_file_store(tmp_path / "missing")
    (tmp_path / "artifacts" / "1").mkdir(parents=True)
    assert not holds_file_store(tmp_path)
    (tmp_path / "models" / "zebra").mkdir(parents=True)
    assert not holds_file_store(tmp_path)
    (tmp_path / "models" / "zebra" / "meta.yaml").touch()
    assert holds_file_store(tmp_path)


def accepted(host: str, header: str, port: int = 5000) -> bool:
    """As MLflow compares a Host header."""
    patterns = sharing.allowed_hosts(host, port).split(",")
    return any(fnmatch.fnmatch(header, p) if "*" in p else header == p for p in patterns)


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Camp-PC")
    for header in ("localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "localhost:8080"):
        assert accepted("127.0.0.1", header), header
    for host in ("127.0.0.1", "192.168.7.7"):
        for header in ("evil.example", "10.evil.example", "localhost.evil.example", "10.0.0.1", "1:5000", ""):
            assert not accepted(host, header), header
    assert not accepted("127.0.0.1", "camp-pc:5000")
    for header in ("192.168.7.7:5000", "camp-pc:5000", "Camp-PC:5000", "camp-pc.local:5000"):
        assert accepted("192.168.7.7", header), header
    assert not accepted("192.168.7.7", "192.168.7.8:5000")
    assert accepted("192.168.7.7", "192.168.7.7", port=80)
    assert sharing.allowed_origins("127.0.0.1", 5000) == ""
    origins = sharing.allowed_origins("192.168.7.7", 5000).split(",")
    assert origins == sharing.shared_urls("192.168.7.7", 5000)
    assert origins[0] == "http://192.168.7.7:5000"
    assert sharing.allowed_origins("192.168.7.7", 80).startswith("http://192.168.7.7,")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b"A=1\nB=2\n" if sys.platform != "win32" else b"A=1\r\nB=2\r\n"),
        (b"X=0", b"X=0\nA=1\nB=2\n"),
        (b"X=0\n", b"X=0\nA=1\nB=2\n"),
        (b"\xef\xbb\xbfX=\xc3\xa9\r\n# end", b"\xef\xbb\xbfX=\xc3\xa9\r\n# end\r\nA=1\r\nB=2\r\n"),
    ],
)
def test_dotenv_is_only_added_to(tmp_path: Path, before: bytes | None, after: bytes) -> None:
    dotenv = tmp_path / ".env"
    if before is not None:
        dotenv.write_bytes(before)
    append_secrets(dotenv, {"A": "1", "B": "2"})
    assert dotenv.read_bytes() == after
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
    if sys.platform != "win32":
        assert stat.S_IMODE(dotenv.stat().st_mode) == 0o600


def test_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert credentials_of(Project(tmp_path)) is None
    project = Project(
        tmp_path, Variables({"MLFLOW_TRACKING_USERNAME": "a", "MLFLOW_TRACKING_PASSWORD": "hidden"})
    )
    credentials = credentials_of(project)
    assert credentials == Credentials("a", "hidden")
    assert "hidden" not in repr(credentials)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "from outside")
    assert credentials_of(project) == Credentials("from outside", "hidden")
