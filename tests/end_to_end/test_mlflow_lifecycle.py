"""A real server: started once, known for sure, ended with all its processes."""

from __future__ import annotations

import json
import os
import shlex
import signal
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
    ended_after,
    folder_of,
    make_workspace,
    port_of,
    processes_of,
    uri_of,
    wait_for,
)
from tests.workspaces import Workspace

STATUS_KEYS = {
    "healthy",
    "state",
    "url",
    "pid",
    "uptime_s",
    "version",
    "installed_version",
    "sign_in",
    "store",
    "database_bytes",
    "artifacts",
    "artifacts_bytes",
    "free_bytes",
    "tracking_uri_matches",
    "problem",
    "models",
}
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")


@pytest.fixture
def workspace(served: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    with ended_after(make_workspace(tmp_path / "project", served)) as made:
        yield made


def nothing_is_left(workspace: Workspace) -> bool:
    left = [process for process in processes_of(workspace) if process.is_running()]
    return not left and not answers(uri_of(workspace)) and not (folder_of(workspace) / "server.json").exists()


def test_two_starts_at_once_give_one_server_and_one_stop_ends_it(workspace: Workspace) -> None:
    windows = [Window(workspace, "mlflow.serve") for _ in range(2)]
    for window in windows:
        window.wait_for_server()
    windows.sort(key=lambda window: window.stdout)
    foreground, second = windows
    uri = uri_of(workspace)
    assert foreground.stdout.startswith(f"MLflow server at {uri} (pid ")
    assert second.stdout.startswith(f"MLflow server is already running at {uri} (pid ")
    assert second.ended(timeout=5) == 0
    assert len(processes_of(workspace)) == 2

    begun = time.monotonic()
    assert workspace.succeed("mlflow.serve").startswith("MLflow server is already running")
    assert time.monotonic() - begun < 5
    document = workspace.document("mlflow.status")
    assert set(document) == STATUS_KEYS
    assert document["healthy"]
    assert document["url"] == uri
    assert document["tracking_uri_matches"]
    assert document["pid"] == processes_of(workspace)[0].pid

    workspace.succeed("mlflow.restart")
    assert foreground.ended(timeout=5) == 0  # ended from another window, which is not an accident
    assert "error" not in foreground.stderr
    assert workspace.document("mlflow.status")["pid"] != document["pid"]

    begun = time.monotonic()
    assert workspace.succeed("mlflow.stop").startswith(f"stopped {uri}: 2 processes in ")
    assert time.monotonic() - begun < 5
    assert nothing_is_left(workspace)
    assert workspace.succeed("mlflow.stop") == "no MLflow server of this project is running\n"
    ended = workspace.invoke("mlflow.status")
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (3, "MLflow server: not running")
    assert ended.stderr == "hint: Start it: uv run invoke mlflow.serve\n"


def test_foreground_opens_the_browser_shows_the_log_and_ends_with_ctrl_c(workspace: Workspace) -> None:
    opened = workspace.root / "opened.txt"
    recorder = workspace.root / "browser.py"
    recorder.write_text(f"import sys; open({str(opened)!r}, 'w').write(sys.argv[1])", encoding="utf-8")
    browser = f"{shlex.quote(sys.executable)} {shlex.quote(str(recorder))} %s"
    workspace.variables |= {"BROWSER": browser, "DISPLAY": ":99", "CI": ""}
    window = Window(workspace, "mlflow.serve")
    window.wait_for_server()
    wait_for(lambda: "Uvicorn running" in window.stderr, timeout=10)
    code, seconds = window.interrupt()
    assert code == 0, window.stderr
    assert window.stderr.splitlines()[-1] == "stopped"
    assert seconds < 5
    assert "Traceback" not in window.stderr
    assert len(window.stdout.splitlines()) == 1
    assert opened.read_text(encoding="utf-8") == f"{uri_of(workspace)}/#/models?workflowType=machine_learning"
    assert nothing_is_left(workspace)


@posix_only
@pytest.mark.parametrize("delay", [0.1, 1.0, 5.0])
def test_ctrl_c_during_the_start(workspace: Workspace, delay: float) -> None:
    window = Window(workspace, "mlflow.serve")
    wait_for(lambda: "starting" in window.stderr)
    time.sleep(delay)
    code, seconds = window.interrupt()
    assert code == 0, window.stderr
    assert window.stderr.splitlines()[-1] == "stopped"
    assert seconds < 5
    assert "Traceback" not in window.stderr
    assert nothing_is_left(workspace)


@posix_only
def test_ctrl_c_while_the_program_itself_loads_leaves_nothing(workspace: Workspace) -> None:
    window = Window(workspace, "mlflow.serve")
    time.sleep(0.1)
    code, seconds = window.interrupt()
    assert seconds < 5
    # Python's and invoke's own answers to it; our code has not been reached yet.
    assert code in (0, 1, 130, -signal.SIGINT)
    assert nothing_is_left(workspace)


@posix_only
def test_an_interrupted_detach_does_not_let_a_script_go_on(workspace: Workspace) -> None:
    window = Window(workspace, "mlflow.serve", "--detach")
    wait_for(lambda: processes_of(workspace))
    assert window.interrupt()[0] == 130
    assert window.stderr.endswith("interrupted\n")
    assert nothing_is_left(workspace)


def test_the_window_tells_when_the_server_dies(workspace: Workspace) -> None:
    window = Window(workspace, "mlflow.serve")
    window.wait_for_server()
    processes_of(workspace)[-1].kill()  # the worker; MLflow's parent then ends, with exit code 0
    assert window.ended(timeout=5) == 3
    assert "error: the server has ended by itself" in window.stderr
    assert nothing_is_left(workspace)
    follow(workspace, window.stderr, "server/process/foreground.py: Start it again", "--detach")
    workspace.succeed("mlflow.stop")


@posix_only
def test_a_server_that_hangs_is_named_and_its_hints_start_it_again(workspace: Workspace) -> None:
    workspace.succeed("mlflow.serve", "--detach")
    before = processes_of(workspace)
    for process in before:
        process.suspend()
    status = workspace.invoke("mlflow.status")
    assert (status.returncode, "not answering" in status.stdout) == (3, True)
    again = commands_told(status.stderr, "server/process/status.py: End it and start again")
    error, hint = workspace.fail(3, "mlflow.serve", "--detach")
    assert "runs but does not answer" in error
    where = "server/process/server.py: End it and start again"
    assert commands_told(hint, where) == again
    follow(workspace, hint, where, "--no-browser")
    assert not {process.pid for process in before} & {process.pid for process in processes_of(workspace)}
    workspace.succeed("model.list")
    workspace.succeed("mlflow.stop")


@posix_only
def test_a_server_whose_folder_was_moved_is_named_and_started_again(workspace: Workspace) -> None:
    """It goes on without its files: a second one would be started beside it, and none would end it."""
    workspace.succeed("mlflow.serve", "--detach")
    moved = Workspace(workspace.root.rename(workspace.root.with_name("moved é")), workspace.variables)
    with ended_after(moved):
        for words in (("mlflow.status",), ("doctor",), ("model.list",), ("mlflow.users",)):
            said = moved.invoke(*words)
            assert (said.returncode, "moved or renamed" in said.stdout + said.stderr) == (3, True), words
            assert "tasks     use" not in said.stdout  # another server
        follow(moved, said.stderr, "server/process/status.py: Clear what is left of it", "--no-browser")
        assert not processes_of(workspace)
        moved.succeed("model.list")
        moved.succeed("mlflow.stop")
        assert nothing_is_left(moved)
        assert not workspace.root.exists()


@posix_only
def test_sigterm_is_as_ctrl_c(workspace: Workspace) -> None:
    window = Window(workspace, "mlflow.serve")
    wait_for(lambda: processes_of(workspace))
    assert window.interrupt(signal.SIGTERM)[0] == 0
    assert nothing_is_left(workspace)


def test_what_killed_windows_and_servers_leave_is_cleared_up(workspace: Workspace) -> None:
    window = Window(workspace, "mlflow.serve")
    wait_for((folder_of(workspace) / "server.json").exists)
    window.process.kill()
    window.ended()
    (left,) = processes_of(workspace)[:1]

    window = Window(workspace, "mlflow.serve")
    window.wait_for_server()
    assert "that an earlier server left behind" in window.stderr
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
    window.process.kill()
    window.ended()
    assert answers(uri_of(workspace))  # the server does not hang on its window
    assert workspace.succeed("mlflow.serve").startswith("MLflow server is already running")

    parent, worker = processes_of(workspace)
    parent.kill()
    wait_for(lambda: len(processes_of(workspace)) == 1)
    ended = workspace.invoke("mlflow.status", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["state"]) == (3, "broken")
    said = workspace.invoke("mlflow.status").stderr
    follow(workspace, said, "server/process/status.py: Clear what is left of it", "--no-browser")
    parent, worker = processes_of(workspace)
    parent.kill()
    wait_for(lambda: len(processes_of(workspace)) == 1)
    (folder_of(workspace) / "server.json").write_text("{half", encoding="utf-8")
    assert workspace.succeed("mlflow.stop").startswith("stopped the MLflow server: 1 process in ")
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    assert nothing_is_left(workspace)


@posix_only
def test_a_suspended_start_is_named_and_its_hint_ends_it(workspace: Workspace) -> None:
    window = Window(workspace, "mlflow.serve", "--detach")
    wait_for((folder_of(workspace) / "server.json").exists)
    window.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    error, hint = workspace.fail(3, "mlflow.serve", "--detach")
    assert time.monotonic() - begun < 30  # it waited for 120 s
    assert error == f"error: a start of the server in another window (pid {window.process.pid}) is suspended"
    error, _ = workspace.fail(3, "mlflow.clean", "--yes")
    assert "is suspended" in error or "has been under way" in error
    follow(workspace, hint, "server/process/turns.py: uv run invoke mlflow.stop")
    window.ended(timeout=10)
    assert nothing_is_left(workspace)
    workspace.succeed("mlflow.serve", "--detach")
    workspace.succeed("mlflow.stop")


def test_a_reused_pid_is_left_alone(workspace: Workspace) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        state = {
            "pid": stranger.pid,
            "create_time": psutil.Process(stranger.pid).create_time() - 3600,
            "phase": "running",
            "url": uri_of(workspace),
            "host": "127.0.0.1",
            "port": port_of(workspace),
            "store": "",
            "artifacts": "",
            "processes": [[os.getpid(), 1.0]],
        }
        file = folder_of(workspace) / "server.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        assert workspace.invoke("mlflow.status").returncode == 3
        assert workspace.succeed("mlflow.stop") == "no MLflow server of this project is running\n"
        assert stranger.poll() is None
        assert not file.exists()
    finally:
        stranger.kill()
        stranger.wait()


def test_status_does_not_import_mlflow(served: Workspace) -> None:
    code = (
        "import sys; sys.argv = ['invoke', 'mlflow.status']\n"
        "from invoke.main import program\n"
        "program.run(exit=False)\n"
        "assert 'mlflow' not in sys.modules, 'imported'"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=served.root,
        env=served.environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert "MLflow server: running" in ended.stdout


def test_logs(served: Workspace) -> None:
    assert "Uvicorn running" in served.succeed("mlflow.logs", "--lines", "20")
    assert '"GET /health HTTP/1.1" 200' in served.succeed("mlflow.logs", "--requests")
    window = Window(served, "mlflow.logs", "--follow", "--requests")
    wait_for(lambda: "/health" in window.stdout)
    before = window.stdout.count("/health")
    answers(uri_of(served))
    wait_for(lambda: window.stdout.count("/health") > before, timeout=5)
    assert window.interrupt()[0] == 0
    assert "Traceback" not in window.stderr
