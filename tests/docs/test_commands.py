"""Every command of the README and the pages, as a reader pastes it, and what the page shows of its output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.docs.reading import Step, comes_as_shown, pages, steps_of
from tests.docs.timed import TIMED
from tests.docs.tour import DEMO, Given, Tour, fresh_project, make_old_store, run, run_in_bash
from tests.workspaces import REPOSITORY, Workspace, free_port

INSTALLS = "downloads and installs packages"
OTHER_SHELL = "tests/end_to_end/test_config.py runs it where that shell is installed"
SERVES = "takes several machines; tests/end_to_end/test_cluster.py does it with several processes"
REMOTE = "takes a server; tests/end_to_end/test_remote_sources.py does it with servers on this machine"
LEFT_OUT = {
    "uv sync --inexact --extra server": INSTALLS,
    "uv sync --inexact --extra cluster": INSTALLS,
    "uv run --extra remote invoke detect.run s3://camp-bucket/camp23/": REMOTE,
    "uv run invoke detect.run https://server.example/camp23/": REMOTE,
    "uv run --extra cluster dask scheduler": SERVES,
    "uv run --extra cluster dask worker tcp://192.168.1.10:8786 --nthreads 1": SERVES,
    "uv run --extra cluster invoke detect.run D:/survey/camp23 --cluster tcp://192.168.1.10:8786 "
    "--path-map D:/survey=//camp/survey --path-map D:/survey=/mnt/survey": SERVES,
    "uv run --extra cluster --with dask-jobqueue python workers.py": SERVES,
    "uv run --extra cluster invoke detect.run /project/survey/camp23 --cluster tcp://10.1.2.3:40711": SERVES,
    "uv run invoke doctor demo@production": INSTALLS,
    "uv pip install onnxruntime-gpu": INSTALLS,
    "uv pip install onnxruntime-directml": INSTALLS,
    "uv pip install onnxruntime-openvino": INSTALLS,
    "uv run --extra ultralytics invoke model.register --weights best.pt": INSTALLS,
    "uv run nox -t ci": "runs all tests, this one among them",
    "source <(invoke --print-completion-script zsh)": OTHER_SHELL,
    "invoke --print-completion-script fish | source": OTHER_SHELL,
}
"""The commands of the pages that are not run here, and why."""

ONCE = (DEMO, "uv run invoke model.register", "uv run invoke model.evaluate")
"""Commands that pages of the tour share: nobody waits for them twice."""
IN_PLACE = tuple(
    f"docs/tasks/{task}.md" for task in ("doctor", "mlflow.backup", "mlflow.logs", "mlflow.status")
)
"""Pages of the tour that look at the project in which the server was started, and change nothing in it."""
MIGRATED = "docs/tasks/mlflow.migrate.md"
FIRST_SURVEY = "docs/first-survey.md"
FOR_BASH = "docs/editors.md"
READ_BY_A_SHELL = re.compile(r"&&|['&|;$`(){}^%!#*?\\\\]|^\\w+=|(?<=\\s)[@~]|,")
"""What cmd.exe, PowerShell or bash read in their own ways outside of double quotes."""


def joins_tour(page: str) -> bool:
    return any(DEMO in step.single for step in steps_of(page))


def with_commands() -> list[str]:
    """The pages of the tour come first: a second worker begins at the other end, and need not wait for it."""
    return sorted((page for page in pages() if steps_of(page)), key=joins_tour, reverse=True)


@pytest.fixture(scope="session")
def tour(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Tour]:
    base = tmp_path_factory.getbasetemp()
    tour = Tour((base if worker_id == "master" else base.parent) / "tour")
    tour.enter()
    try:
        yield tour
    finally:
        tour.leave()


@pytest.fixture
def workspace(request: pytest.FixtureRequest, page: str, tmp_path: Path) -> Iterator[Workspace]:
    """The project that a reader of the page has before him, with what the page itself says he needs."""
    if joins_tour(page):
        tour: Tour = request.getfixturevalue("tour")
        tour.once(DEMO, tour.workspace)
        yield tour.workspace if page in IN_PLACE else tour.copy(tmp_path / "project")
        return
    uri = f"http://127.0.0.1:{free_port()}"
    workspace = fresh_project(tmp_path / "project", MLFLOW_TRACKING_URI=uri)
    if page == MIGRATED:
        make_old_store(workspace.root / "runs" / "mlflow")
    try:
        yield workspace
    finally:
        if (workspace.root / "runs" / "mlflow" / "server.json").exists():
            workspace.succeed("mlflow.stop")


@pytest.mark.parametrize("page", with_commands())
def test_commands(
    request: pytest.FixtureRequest,
    workspace: Workspace,
    page: str,
    record_property: Callable[[str, object], None],
) -> None:
    for step in steps_of(page):
        outputs = []
        for command in parts_of(step):
            code, output, seconds = given(request, workspace, command)
            if page == FIRST_SURVEY:
                record_property(TIMED, (seconds, command))
            expected = step.exit_code if command == parts_of(step)[-1] else 0
            assert code == expected, f"{step}: {command}\nended with {code}, not {expected}\n{output}"
            outputs.append(output)
        came = "\n".join(filter(None, outputs))
        if step.shown is not None:
            assert comes_as_shown(came, step.shown), f"{step} shows\n{step.shown}\nbut this came\n{came}"


def parts_of(step: Step) -> list[str]:
    """The single commands of a block, less those that are left out."""
    return [part for part in step.single if part not in LEFT_OUT]


def given(request: pytest.FixtureRequest, workspace: Workspace, command: str) -> Given:
    if command.startswith("source "):
        if os.name == "nt" or shutil.which("bash") is None:
            pytest.skip("this machine has no bash, or another system's")
        return run_in_bash(workspace, command)
    if command.startswith(ONCE):
        tour: Tour = request.getfixturevalue("tour")
        return tour.once(command, tour.workspace if command == DEMO else workspace)
    return run(workspace, command)


def test_a_clone_gets_its_packages(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """The first steps of a person's path, with packages that uv has fetched before."""
    if shutil.which("uv") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("there is no uv on this machine, or no clone to take another one of")
    place = tmp_path / "wildetect"
    keep = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for line in (f"git clone --quiet {REPOSITORY} {place}", "uv sync --offline --quiet"):
        begun = time.monotonic()
        words = line.split()
        folder = place if place.exists() else tmp_path
        ended = subprocess.run(words, cwd=folder, env=keep, capture_output=True, text=True, check=False)
        if words[0] == "uv" and "network" in ended.stderr:
            pytest.skip("uv's cache does not hold all packages")
        assert ended.returncode == 0, ended.stderr
        record_property(TIMED, (time.monotonic() - begun, " ".join(words[:2])))


def test_commands_are_read_alike_by_cmd_powershell_and_bash() -> None:
    commands = {
        one for page in pages() if page != FOR_BASH for step in steps_of(page) for one in step.commands
    }
    for command in commands:
        assert not READ_BY_A_SHELL.search(re.sub(r'"[^"$`%!\\]*"', "x", command)), command


def test_nothing_is_left_out_that_is_not_there() -> None:
    said = {part for page in pages() for step in steps_of(page) for part in step.single}
    assert set(LEFT_OUT) <= said
