"""What keeps a server from starting: the exit code, what is said, and that nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.hinted import commands_told, follow
from tests.servers import (
    Window,
    answers,
    database_of,
    empty_database_of,
    ended_after,
    folder_of,
    make_workspace,
    port_of,
    processes_of,
    small_disk,
    uri_of,
    wait_for,
)
from tests.workspaces import REPOSITORY, Workspace

from wildetect.server.store.exchange import PLAN

LONGEST = 15  # s
WEIGHTS = REPOSITORY / "demo" / "detector.onnx"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with ended_after(make_workspace(tmp_path / "project")) as made:
        yield made


@pytest.fixture
def with_store(served: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    with ended_after(make_workspace(tmp_path / "project", served)) as made:
        yield made


def refused(workspace: Workspace, *words: str, code: int = 3) -> tuple[str, str, str]:
    """Start a server that cannot start: its error, its hint and all of stderr."""
    begun = time.monotonic()
    ended = workspace.invoke("mlflow.serve", "--detach", *words)
    assert time.monotonic() - begun < LONGEST
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    lines = ended.stderr.splitlines()
    (error,) = [line for line in lines if line.startswith("error: ")]
    (hint,) = [line for line in lines if line.startswith("hint: ")]
    assert not processes_of(workspace)
    assert not (folder_of(workspace) / "server.json").exists()
    return error, hint, ended.stderr


def test_port_held_by_another_program(workspace: Workspace) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port_of(workspace)))
        other.listen()
        error, hint, _ = refused(workspace)
        own_name = psutil.Process().name()
        assert error == f"error: port {port_of(workspace)} is held by {own_name} (pid {os.getpid()})"
        assert f"mlflow.serve --detach --port {port_of(workspace) + 1}" in hint
        follow(
            workspace, hint, "server/process/preflight.py: End it, or take another port with", "--no-browser"
        )
        record = folder_of(workspace) / "server.json"
        known = json.loads(record.read_text(encoding="utf-8"))
        record.write_text(json.dumps({**known, "port": port_of(workspace)}), encoding="utf-8")
        error, hint = workspace.fail(3, "mlflow.stop")
        assert error.startswith(f"error: the server has ended, but port {port_of(workspace)} is held by ")
        (words,) = commands_told(hint, "server/process/server.py: or start the next one elsewhere")
        assert words == ["mlflow.serve", "--port", str(port_of(workspace) + 1)]


def test_port_held_by_another_mlflow_which_goes_on(served: Workspace, workspace: Workspace) -> None:
    error, hint, _ = refused(workspace, "--port", str(port_of(served)))
    assert error.endswith("an MLflow server of another project")
    assert "--port" in hint
    assert workspace.succeed("mlflow.stop") == "no MLflow server of this project is running\n"
    assert answers(uri_of(served))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems let anybody listen on any port")
def test_a_port_of_the_system_is_named_and_its_hint_takes_another(workspace: Workspace) -> None:
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii")) <= 443:
        pytest.skip("this machine lets anybody listen on any port")
    dropped = ("--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service")  # the superuser may
    as_anybody = ["setpriv", *dropped] if os.geteuid() == 0 else []
    ended = subprocess.run(
        [*as_anybody, sys.executable, "-m", "invoke", "mlflow.serve", "--detach", "--port", "443"],
        cwd=workspace.root,
        env=workspace.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3, ended.stderr
    assert "error: port 443 is reserved by the system" in ended.stderr
    follow(workspace, ended.stderr, "server/process/preflight.py: Take one above 1023", "--no-browser")
    workspace.succeed("mlflow.stop")


def test_an_address_of_another_machine(workspace: Workspace) -> None:
    error, hint, _ = refused(workspace, "--host", "203.0.113.7")
    assert error.startswith("error: 203.0.113.7 is not an address of this machine")
    assert "--host 127.0.0.1" in hint


def test_a_folder_that_cannot_be_made(workspace: Workspace) -> None:
    (workspace.root / "runs").write_text("in the way", encoding="utf-8")
    ended = workspace.invoke("mlflow.serve", "--detach")
    assert ended.returncode == 3
    assert f"error: the folder {folder_of(workspace)} cannot be written" in ended.stderr
    assert "hint: Give yourself the right to write it" in ended.stderr


def test_a_folder_that_cannot_be_written(with_store: Workspace) -> None:
    with small_disk(folder_of(with_store), "200m"):
        subprocess.run(["mount", "-o", "remount,ro", str(folder_of(with_store))], check=True)
        error, _, _ = refused(with_store)
    assert "cannot be written (Read-only file system)" in error


def test_a_full_disk(workspace: Workspace) -> None:
    with small_disk(workspace.root / "runs", "20m"):
        error, hint, _ = refused(workspace)
        assert error.endswith("is full (21.0 MB left, 100.0 MB needed)")
        assert "move the project there" in hint
        with contextlib.suppress(OSError), (workspace.root / "runs" / "filler").open("wb") as filler:
            while True:
                filler.write(bytes(1_000_000))
        error, _, _ = refused(workspace)
        assert error.endswith("is full (0.0 MB left, 100.0 MB needed)")


def test_a_full_disk_that_a_setting_names(workspace: Workspace, tmp_path: Path) -> None:
    config = workspace.root / "configs" / "mlflow.yaml"
    for setting, value in (("artifacts_destination", "small"), ("backend_store_uri", "sqlite:///small/a.db")):
        with small_disk(workspace.root / "small", "20m"):
            config.write_text(f"{setting}: {value}\n", encoding="utf-8")
            error, hint, _ = refused(workspace)
            assert error.endswith("/small is full (21.0 MB left, 100.0 MB needed)")
            assert f"name another place as {setting} in configs/mlflow.yaml" in hint
            another = value.replace("small", str(tmp_path / "another"))
            config.write_text(f"{setting}: {another}\n", encoding="utf-8")
            error, _, _ = refused(workspace, "--wait", "0.2")
            assert error.startswith("error: the server did not answer within ")  # it was on its way


@pytest.mark.parametrize("offset", [0, 40_000])
def test_a_damaged_database(served: Workspace, with_store: Workspace, tmp_path: Path, offset: int) -> None:
    with database_of(with_store).open("r+b") as stream:
        stream.seek(offset)
        stream.write(b"\x55" * 20_000)
    error, hint, _ = refused(with_store)
    assert "mlflow.db is damaged: " in error
    backup = tmp_path / "backup.zip"
    served.succeed("mlflow.backup", "--output", backup)
    follow(with_store, hint, "server/store/database.py: Bring back a backup", FILE=backup)
    assert "is damaged" not in with_store.invoke("doctor").stdout


def test_a_read_only_database(with_store: Workspace, tmp_path: Path) -> None:
    database = database_of(with_store)
    if os.name == "posix" and os.geteuid() == 0:
        if (
            not shutil.which("chattr")
            or subprocess.run(["chattr", "+i", database], check=False).returncode != 0
        ):
            pytest.skip("nothing is read-only for this machine's superuser")
    else:
        database.chmod(0o444)
    try:
        error, hint, _ = refused(with_store)
    finally:
        if os.name == "posix" and os.geteuid() == 0:
            subprocess.run(["chattr", "-i", database], check=True)
    assert "mlflow.db cannot be written (" in error
    assert "the right to write it" in hint


def test_a_locked_database(with_store: Workspace) -> None:
    with contextlib.closing(sqlite3.connect(database_of(with_store))) as other:
        other.execute("BEGIN EXCLUSIVE")
        error, _, _ = refused(with_store)
    assert error.endswith("is locked by another program")


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        ("IMMEDIATE", ("model.register", "--weights", WEIGHTS, "--name", "locked")),
        ("EXCLUSIVE", ("model.list",)),
        ("EXCLUSIVE", ("mlflow.backup",)),  # it waited for as long as the lock was held
    ],
)
def test_a_database_that_is_locked_while_the_server_runs(
    served: Workspace, lock: str, words: tuple[str | Path, ...]
) -> None:
    begun = time.monotonic()
    with contextlib.closing(sqlite3.connect(database_of(served), isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        error, hint = served.fail(3, *words)
    assert (
        time.monotonic() - begun < 3 * LONGEST
    )  # 8 s on a machine that does nothing else; MLflow's own: 70 s
    assert error == f"error: the database {database_of(served)} is locked by another program"
    assert "Close what has it open" in hint


def test_a_newer_schema_and_a_stranger_s_database(with_store: Workspace) -> None:
    with contextlib.closing(sqlite3.connect(database_of(with_store))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        connection.commit()
    before = database_of(with_store).read_bytes()
    error, hint, _ = refused(with_store)
    assert "was written by a newer MLflow than the " in error
    assert commands_told(hint, "server/store/schema.py: backup of this one", FILE="x.zip")
    assert error.endswith("installed here (schema ffffffffffff)")
    assert database_of(with_store).read_bytes() == before

    database_of(with_store).unlink()
    with contextlib.closing(sqlite3.connect(database_of(with_store))) as connection:
        connection.execute("CREATE TABLE sightings (species TEXT)")
        connection.commit()
    error, _, _ = refused(with_store)
    assert error.endswith("holds tables that are not MLflow's")


DOWNGRADE = """
import sys
from alembic import command
from mlflow.store.db.utils import _get_alembic_config
command.downgrade(_get_alembic_config(sys.argv[1]), "-1")
"""


@pytest.fixture
def with_older_store(with_store: Workspace) -> Workspace:
    uri = f"sqlite:///{database_of(with_store).as_posix()}"
    subprocess.run([sys.executable, "-W", "ignore", "-c", DOWNGRADE, uri], check=True, capture_output=True)
    return with_store


def test_an_older_schema_is_upgraded_on_a_copy(with_older_store: Workspace) -> None:
    workspace = with_older_store
    older = _revision(database_of(workspace))
    error, hint = workspace.fail(3, "mlflow.clean", "--yes")
    assert "is of an older MLflow" in error
    start, stop = commands_told(hint, "server/upkeep/cleaning.py: Start and end it once")
    ended = workspace.invoke(*start)
    assert ended.returncode == 0, ended.stderr
    workspace.succeed(*stop)
    (copy,) = (folder_of(workspace) / "backups").iterdir()
    assert f"as it was it lies in runs/mlflow/backups/{copy.name}" in ended.stderr
    assert _revision(copy) == older
    assert _revision(database_of(workspace)) != older
    workspace.succeed("mlflow.clean", "--yes")


def test_a_store_that_cannot_be_upgraded_is_as_it_was_and_a_backup_comes_back(
    served: Workspace, with_older_store: Workspace, tmp_path: Path
) -> None:
    workspace, database = with_older_store, database_of(with_older_store)
    older = _revision(database)
    shutil.copyfile(empty_database_of(served), database)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        # as an upgrade of MLflow itself leaves it that was killed in the middle
        connection.execute("UPDATE alembic_version SET version_num = ?", (older,))
    before = database.read_bytes()
    error, hint = workspace.fail(3, "mlflow.serve", "--detach")
    assert "could not upgrade the database mlflow.db" in error
    assert database.read_bytes() == before
    backup = tmp_path / "backup.zip"
    served.succeed("mlflow.backup", "--output", backup)
    follow(workspace, hint, "server/store/upgrading.py: Bring back a backup", FILE=backup)
    workspace.succeed("mlflow.serve", "--detach")
    workspace.succeed("model.list")
    workspace.succeed("mlflow.stop")


def test_an_exchange_that_a_kill_cut_off_is_finished_by_a_start(with_store: Workspace) -> None:
    database = database_of(with_store)
    fresh = folder_of(with_store) / "restoring" / database.name
    fresh.parent.mkdir()
    shutil.move(database, fresh)
    moves = [[str(fresh), str(database)]]
    (folder_of(with_store) / PLAN).write_text(json.dumps({"moves": moves}), encoding="utf-8")
    error, hint = with_store.fail(3, "mlflow.backup")
    assert "cut off" in error
    follow(with_store, hint, "server/upkeep/backup.py: Start the server, which finishes it", "--no-browser")
    with_store.succeed("mlflow.backup")
    with_store.succeed("mlflow.stop")


def _revision(database: Path) -> str:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        revision: str = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        return revision


def test_a_file_store_of_old(workspace: Workspace) -> None:
    experiment = folder_of(workspace) / "0"
    experiment.mkdir(parents=True)
    (experiment / "meta.yaml").write_text("experiment_id: '0'\nname: Default\n", encoding="utf-8")
    error, hint, _ = refused(workspace)
    assert error == "error: runs/mlflow holds a file store, which MLflow no longer reads"
    found = workspace.invoke("doctor").stdout
    assert commands_told(found, "checkup/store.py: uv run invoke mlflow.migrate") == [["mlflow.migrate"]]
    assert commands_told(hint, "server/process/preflight.py: Take it over") == [["mlflow.migrate"]]
    _, hint = workspace.fail(2, "mlflow.migrate", "--source", folder_of(workspace), "--dry-run")
    follow(workspace, hint, "tasks/mlflow/store.py: Leave out --dry-run")
    assert database_of(workspace).is_file()


def test_too_little_time(workspace: Workspace) -> None:
    port = str(port_of(workspace) + 1)
    error, hint, _ = refused(workspace, "--wait", "1.5", "--port", port)
    assert error.startswith("error: the server did not answer within ")
    words = commands_told(hint, "server/process/startup.py: Give it longer")[0]
    assert words == ["mlflow.serve", "--detach", "--port", port, "--wait", "240"]


@pytest.mark.parametrize(
    ("last_words", "code", "expected"),
    [
        (
            "ModuleNotFoundError: No module named 'flask'",
            7,
            "the server ended while it started (exit code 7)",
        ),
        # MLflow's own answer to a port that was taken a moment before: exit code 0.
        (
            "[Errno 98] error while attempting to bind: address already in use",
            0,
            "was taken by another program",
        ),
    ],
)
def test_a_server_that_dies(workspace: Workspace, last_words: str, code: int, expected: str) -> None:
    fake = workspace.root / "fake" / "mlflow"
    fake.mkdir(parents=True)
    (fake / "__init__.py").touch()
    (fake / "__main__.py").write_text(f"print({last_words!r})\nraise SystemExit({code})", encoding="utf-8")
    workspace.variables["PYTHONPATH"] = str(fake.parent)
    begun = time.monotonic()
    error, hint, said = refused(workspace)
    assert time.monotonic() - begun < 4
    if code:
        shown = follow(workspace, hint, "server/process/startup.py: The whole log").stdout
        assert last_words in shown
    assert expected in error
    assert f"  {last_words}" in said.splitlines()


def test_a_server_stopped_by_somebody_while_it_starts(workspace: Workspace) -> None:
    window = Window(workspace, "mlflow.serve", "--detach")
    wait_for((folder_of(workspace) / "server.json").exists)
    status = workspace.invoke("mlflow.status").stderr
    follow(workspace, status, "server/process/status.py: It should answer within seconds")
    workspace.succeed("mlflow.stop")
    assert window.ended(timeout=5) == 3
    assert "error: the server was stopped while it started" in window.stderr
    where = "server/process/startup.py: Start it again: uv run invoke mlflow.serve"
    assert commands_told(window.stderr, where) == [["mlflow.serve", "--detach"]]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--port", "abc"), "--port"),
        (("--port", "70000"), "--port"),
        (("--wait", "soon"), "--wait soon: not a number above 0"),
    ],
)
def test_bad_options(workspace: Workspace, words: tuple[str, ...], expected: str) -> None:
    error, _, _ = refused(workspace, *words, code=2)
    assert expected in error


def test_a_password_in_a_database_address_is_never_shown(workspace: Workspace) -> None:
    config = workspace.root / "configs" / "mlflow.yaml"
    config.write_text("backend_store_uri: postgresql://w:hunter2secret@127.0.0.1:1/w\n", encoding="utf-8")
    ended = workspace.invoke("mlflow.serve", "--detach")
    assert ended.returncode in (2, 3)
    assert "hunter2secret" not in ended.stdout + ended.stderr
    assert "hint: " in ended.stderr


def test_another_port_than_clients_look_at_gives_the_line_for_dotenv(workspace: Workspace) -> None:
    _, _, said = refused(workspace, "--port", str(port_of(workspace) + 1), "--wait", "0.2")
    line = f"put this line into .env: MLFLOW_TRACKING_URI=http://127.0.0.1:{port_of(workspace) + 1}"
    assert line in said
    assert "is set in the environment here, which comes before .env" in said
