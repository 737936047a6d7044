"""A folder in which the first command of the README has been given, with its server, for all pages."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from filelock import FileLock
from tests.docs.reading import said
from tests.workspaces import REPOSITORY, Workspace, free_port

DEMO = "uv run invoke demo"
CARRIED = (".env.example", "README.md", "demo", "docs", "scripts")


class Given(NamedTuple):
    """A command that was given, to its end.

    Attributes:
        code: Its exit code.
        output: All that it wrote.
        seconds: How long it took.
    """

    code: int
    output: str
    seconds: float


def fresh_project(root: Path, **variables: str) -> Workspace:
    """A project as one has it after the download."""
    workspace = Workspace.make(root, **{**variables, "PYTHONUNBUFFERED": "1"})
    for name in CARRIED:
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)
    return workspace


def run(workspace: Workspace, command: str) -> Given:
    """Give a command as a user pastes it.

    `uv run invoke` is run in this environment, so that nothing is downloaded.
    """
    words = shlex.split(command)
    assert words[:3] == ["uv", "run", "invoke"], f"the test cannot run {command}; see LEFT_OUT"
    return _ended(workspace, [sys.executable, "-m", "invoke", *words[3:]], workspace.environment)


def _ended(workspace: Workspace, words: list[str], environment: dict[str, str]) -> Given:
    begun = time.monotonic()
    ended = subprocess.run(
        words,
        cwd=workspace.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=280,
        check=False,
    )
    return Given(ended.returncode, said(ended.stdout, workspace.root), time.monotonic() - begun)


class Tour:
    """The folder of the tour, shared by all workers of a test session; the last to leave stops the server.

    What changes nothing but the registry on that server is done once, however many pages need it first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = FileLock(folder.with_suffix(".lock"))
        self.notes = folder.with_suffix(".json")
        self.root = folder / "project"

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root, {"PYTHONUNBUFFERED": "1", "MLFLOW_TRACKING_URI": self._read()["uri"]})

    def enter(self) -> None:
        with self.lock:
            notes = self._read()
            if not notes:
                uri = f"http://127.0.0.1:{free_port()}"
                fresh_project(self.root, MLFLOW_TRACKING_URI=uri)
                notes = {"uri": uri, "visitors": 0, "done": {}}
            elif not notes["visitors"]:  # a worker has come and gone
                self.workspace.succeed("mlflow.serve", "--detach")
            notes["visitors"] += 1
            self._write(notes)

    def leave(self) -> None:
        with self.lock:
            notes = self._read()
            notes["visitors"] -= 1
            self._write(notes)
            if not notes["visitors"]:
                self.workspace.succeed("mlflow.stop")

    def once(self, command: str, workspace: Workspace) -> Given:
        """Give a command the first time, in a workspace; later give what came then."""
        with self.lock:
            notes = self._read()
            if command not in notes["done"]:
                notes["done"][command] = run(workspace, command)
                self._write(notes)
            return Given(*notes["done"][command])

    def copy(self, root: Path) -> Workspace:
        """A project in which the demo was run, and which talks to its server."""
        self.once(DEMO, self.workspace)
        workspace = fresh_project(root, **self.workspace.variables)
        shutil.copytree(self.root / "results", root / "results", ignore=shutil.ignore_patterns("overlays"))
        return workspace

    def _read(self) -> dict[str, Any]:
        if not self.notes.exists():
            return {}
        notes: dict[str, Any] = json.loads(self.notes.read_text(encoding="utf-8"))
        return notes

    def _write(self, notes: dict[str, Any]) -> None:
        # at once: `workspace` reads without the lock
        draft = self.notes.with_suffix(".tmp")
        draft.write_text(json.dumps(notes), encoding="utf-8")
        draft.replace(self.notes)


def run_in_bash(workspace: Workspace, command: str) -> Given:
    """Give a line that is meant for the shell, with `invoke` as an entered environment has it."""
    environment = workspace.environment
    path = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    return _ended(workspace, ["bash", "-c", command], {**environment, "PATH": path})


def make_old_store(folder: Path) -> None:
    """What an MLflow before 3.13 left behind: one experiment with one run, as files."""
    run_id = "5f3c0de1a7b94d0f8a2b6c4d9e8f7a61"
    experiment = {
        "artifact_location": (folder / "0").as_uri(),
        "creation_time": 1700000000000,
        "experiment_id": "0",
        "last_update_time": 1700000000000,
        "lifecycle_stage": "active",
        "name": "Default",
    }
    made = {
        "artifact_uri": (folder / "0" / run_id / "artifacts").as_uri(),
        "end_time": 1700000060000,
        "entry_point_name": "",
        "experiment_id": "0",
        "lifecycle_stage": "active",
        "run_id": run_id,
        "run_name": "survey",
        "run_uuid": run_id,
        "source_name": "",
        "source_type": 4,
        "source_version": "",
        "start_time": 1700000000000,
        "status": 3,
        "tags": [],
        "user_id": "ann",
    }
    for name in ("artifacts", "metrics", "params", "tags"):
        (folder / "0" / run_id / name).mkdir(parents=True)
    (folder / "0" / "meta.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")
    (folder / "0" / run_id / "meta.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
    (folder / "0" / run_id / "params" / "camera").write_text("P1", encoding="utf-8")
    (folder / "0" / run_id / "metrics" / "animals").write_text("1700000000000 355 0\n", encoding="utf-8")
