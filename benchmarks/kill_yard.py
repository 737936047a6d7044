"""The project in which tasks are killed, and what may not be lost or left in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import psutil
from benchmarks.forked import Ended, Kill, fork, waited
from benchmarks.material import make_photograph
from benchmarks.networks import make_network, plain
from tests.workspaces import Workspace

__all__ = ["HALF", "Lost", "Yard", "losses"]

ROOT = Path(__file__).resolve().parents[1]
SIDE = 64
PATIENCE = 300.0  # s for a task that nobody kills
DYING = 10.0  # s in which what a killed task started has to end
HALF = ("*.tmp", "*.part", ".fetching-*", ".backup-*", ".cleaning-*", "exchange.json")


class Lost(Exception):  # noqa: N818 - what the benchmark counts
    """Something that may not be lost, or may not stay behind."""


@dataclass
class Yard:
    """A project with a detector, photographs, results of a run, a backup, and a store to begin with.

    Attributes:
        workspace: Its folder and environment.
        trial: Number of the present kill: what tasks write gets it as a name.
        sessions: Sessions of the tasks of the present trial.
    """

    workspace: Workspace
    trial: int = 0
    sessions: set[int] = field(default_factory=set)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.workspace.root

    @property
    def store(self) -> Path:
        """The server's folder."""
        return self.root / "runs" / "mlflow"

    @property
    def prepared(self) -> Path:
        """The store that trials begin with."""
        return self.root.parent / "prepared"

    @property
    def run(self) -> Path:
        """The finished run of detection."""
        return self.root / "results" / "base"

    @property
    def port(self) -> int:
        """The server's port."""
        return int(self.workspace.variables["MLFLOW_TRACKING_URI"].rpartition(":")[2])

    def make(self) -> None:
        """Make all that the tasks work on."""
        make_network(self.root / "herd.onnx", plain(16, 2), side=SIDE, share=0.05)
        (self.root / "photographs").mkdir()
        for number in range(6):
            make_photograph(self.root / "photographs" / f"{number}.jpg", 320, 256, number)
        self.done("mlflow.serve", "--detach")
        self.done("model.register", "--weights", "herd.onnx", "--name", "herd", "--alias", "production")
        self.done("model.register", "--weights", self.variant(), "--name", "herd", "--alias", "candidate")
        demo = ("--source", str(ROOT / "demo" / "pictures"), "--model", str(ROOT / "demo" / "detector.onnx"))
        self.done("detect.run", *demo, "--limit", "6", "--output", str(self.run))
        self.done(*self.census())
        self.done(*self.detect("reference"))
        self.done("model.export", "herd@production", "--output", "herd.zip")
        self.done("mlflow.backup", "--output", "base.zip")
        self.done("mlflow.stop")
        shutil.copytree(self.store, self.prepared)

    def variant(self) -> str:
        """The detector's file with other bytes, so that it is another version."""
        model = onnx.load(self.root / "herd.onnx")
        model.doc_string = f"trial {self.trial} {time.time_ns()}"
        name = f"variant{self.trial}.onnx"
        onnx.save(model, self.root / name)
        return name

    def detect(self, output: str) -> tuple[str, ...]:
        """The words of a detection run."""
        words = ("--source", "photographs", "--model", "herd@production", "--tile-size", str(SIDE))
        return ("detect.run", *words, "--confidence", "0.5", "--output", f"results/{output}")

    def census(self) -> tuple[str, ...]:
        """The words of a census."""
        return ("census.run", str(self.run), "--output", "results/census")

    def begin_again(self) -> None:
        """Put the prepared store into place; no server may run."""
        shutil.rmtree(self.store, ignore_errors=True)
        shutil.copytree(self.prepared, self.store)

    def give(self, *words: str, kill: Kill | None = None) -> Ended:
        """Give a task, and wait for its end."""
        ended = waited(fork(words, self.root, self.workspace.environment, kill=kill, patience=PATIENCE))
        self.sessions.add(ended.pid)
        return ended

    def done(self, *words: str) -> Ended:
        """Give a task that has to succeed."""
        ended = self.give(*words)
        if ended.code == -signal.SIGALRM:
            raise Lost(f"{words[0]} did not end within {PATIENCE:.0f} s")
        if ended.code != 0:
            raise Lost(f"{words[0]} ended with {ended.code}: {_reason(ended.said)}")
        return ended

    def processes(self) -> list[psutil.Process]:
        """All processes that work in this project, ours apart."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                ours = (
                    process.environ().get("KILLS_OF") == str(self.root)
                    or os.getsid(process.pid) in self.sessions
                )
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def kill_all(self) -> None:
        """Kill whatever is at work in the project."""
        killed = self.processes()
        for process in killed:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(killed, timeout=1)

    def strangers(self) -> list[psutil.Process]:
        """Processes that are neither the server nor of it; those that are about to end are waited for."""
        until = time.monotonic() + DYING
        while True:
            server = self.of_the_server()
            found = [process for process in self.processes() if process.pid not in server]
            if not found or time.monotonic() > until:
                return found
            time.sleep(0.1)

    def of_the_server(self) -> set[int]:
        """The processes of the server that server.json names."""
        try:
            pid = int(json.loads((self.store / "server.json").read_text(encoding="utf-8"))["pid"])
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:  # killed, and nobody has asked for its exit code
                return set()
            return {pid, *(child.pid for child in process.children(recursive=True))}
        except (OSError, ValueError, LookupError, psutil.Error):
            return set()

    def healthy(self) -> bool:
        """Whether a server of the project runs."""
        return bool(self.of_the_server())

    def serve(self) -> None:
        """Start the server, unless it runs."""
        if not self.healthy():
            self.done("mlflow.serve", "--detach")


def _reason(said: str) -> str:
    """What a task said of why it failed, on one line."""
    lines = [line for line in said.splitlines() if line.startswith(("error:", "hint:"))] or said.splitlines()
    return " / ".join(lines[-3:])[:300]


def losses(yard: Yard) -> Iterator[str]:
    """What is lost or left behind, a line each; best nothing."""
    for database in (*yard.store.glob("*.db"), *(yard.root / "results").rglob("*.gpkg")):
        with contextlib.closing(sqlite3.connect(database, timeout=20)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                yield f"{database.name} is corrupt"
    for path in (*yard.store.glob("*.json"), *(yard.root / "results").rglob("*.json")):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            yield f"{path.relative_to(yard.root)}: {error}"
    for path in yard.root.glob("*.zip"):
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.testzip():
                    yield f"{path.name} is damaged"
        except zipfile.BadZipFile:
            yield f"{path.name} is no archive"
    yield from versions_without_files(yard)
    for process in yard.strangers():
        with contextlib.suppress(psutil.Error):
            yield f"a process is left: {' '.join(process.cmdline())[:120]}"


def versions_without_files(yard: Yard) -> Iterator[str]:
    """Versions of the registry whose weights are not those that were registered."""
    database = yard.store / "mlflow.db"
    if not database.exists():
        return
    query = (
        "SELECT model_versions.name, model_versions.version, storage_location, value FROM model_versions "
        "JOIN model_version_tags AS tags ON tags.name = model_versions.name "
        "AND tags.version = model_versions.version WHERE key = 'sha256' "
        "AND current_stage IS NOT 'Deleted_Internal'"
    )
    with contextlib.closing(sqlite3.connect(database, timeout=20)) as connection:
        found = connection.execute(query).fetchall()
    if not found:
        yield "the registry holds no version"
    for name, version, place, sha256 in found:
        weights = yard.store / "artifacts" / str(place).removeprefix("mlflow-artifacts:/") / "model.onnx"
        if not weights.is_file() or hashlib.sha256(weights.read_bytes()).hexdigest() != sha256:
            yield f"{name}/{version} has lost its files"
