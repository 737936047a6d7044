"""Kill tasks at random moments, as a power cut or an impatient user does: nothing may be lost or stay behind.

uv run python -m benchmarks.kills [--kills 1000] [--seed 0] [--minutes 60] [--only serve --only register]

A task is started and killed (kill -9) at a moment of its usual duration: its own process alone, or with it
all others of the project, the server included. Then the same task is given again and has to succeed; the
databases have to be sound, all documents to be readable, each registered version to have its files, and no
process, port or half-written file may be left. Printed is a table; the exit code is 1 where one was lost.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import psutil
from benchmarks.material import make_photograph
from benchmarks.networks import make_network, plain
from tests.workspaces import Workspace, free_port

__all__ = ["Action", "Yard"]

ROOT = Path(__file__).resolve().parents[1]
OLD_STORES = ROOT / "tests" / "old_stores"
SIDE = 64
PATIENCE = 300.0  # s for a task that nobody kills
HALF = ("*.tmp", "*.part", ".fetching-*", ".backup-*", "exchange.json")


@dataclass
class Yard:
    """A project with a server, a detector, photographs, results of a run, and a backup.

    Attributes:
        workspace: Its folder and environment.
        trial: Number of the present kill: what tasks write gets it as a name.
    """

    workspace: Workspace
    trial: int = 0

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.workspace.root

    @property
    def store(self) -> Path:
        """The server's folder."""
        return self.root / "runs" / "mlflow"

    @property
    def port(self) -> int:
        """The server's port."""
        return int(self.workspace.variables["MLFLOW_TRACKING_URI"].rpartition(":")[2])

    def make(self) -> None:
        """Make all that the tasks work on."""
        make_network(self.root / "herd.onnx", plain(16, 2), side=SIDE, share=0.05)
        (self.root / "photographs").mkdir()
        for number in range(12):
            make_photograph(self.root / "photographs" / f"{number}.jpg", 320, 256, number)
        self.serve()
        self.done("model.register", "--weights", "herd.onnx", "--name", "herd", "--alias", "production")
        self.done("model.register", "--weights", self.variant(), "--name", "herd", "--alias", "candidate")
        demo = ("--source", str(ROOT / "demo" / "pictures"), "--model", str(ROOT / "demo" / "detector.onnx"))
        self.done("detect.run", *demo, "--limit", "6", "--output", "results/base")
        self.done("model.export", "herd@production", "--output", "herd.zip")
        self.done("mlflow.backup", "--output", "base.zip")

    def variant(self) -> str:
        """The detector's file with other bytes, so that it is another version."""
        model = onnx.load(self.root / "herd.onnx")
        model.doc_string = f"trial {self.trial} {time.time_ns()}"
        name = f"variant{self.trial}.onnx"
        onnx.save(model, self.root / name)
        return name

    def detect(self, output: Path) -> tuple[str, ...]:
        """The words of a detection run."""
        words = ("--source", "photographs", "--model", "herd@production", "--tile-size", str(SIDE))
        return ("detect.run", *words, "--confidence", "0.5", "--output", str(output))

    def done(self, *words: str) -> float:
        """Give a task that has to succeed; how long it took, in s."""
        begun = time.monotonic()
        ended = self.workspace.invoke(*words, timeout=PATIENCE)
        if ended.returncode != 0:
            raise Lost(f"{words[0]} ended with {ended.returncode}: {_reason(ended.stderr)}")
        return time.monotonic() - begun

    def serve(self) -> float:
        """Start the server, unless it runs."""
        return self.done("mlflow.serve", "--detach")

    def stop(self) -> float:
        """End it, if it runs."""
        return self.done("mlflow.stop")

    def processes(self) -> list[psutil.Process]:
        """All processes that work in this project, ours apart."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                ours = process.environ().get("KILLS_OF") == str(self.root)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def kill(self, words: tuple[str, ...], moment: float, *, whole: bool) -> bool:
        """Start a task and kill it.

        Args:
            words: The task.
            moment: When, in s from its start.
            whole: Whether all other processes of the project go with it.

        Returns:
            Whether it had not ended by itself.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", "invoke", *words],
            cwd=self.root,
            env=self.workspace.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            hit = True
        else:
            hit = False
        for one in self.processes() if whole else ():
            with contextlib.suppress(psutil.Error):
                one.kill()
        process.kill()
        process.wait()
        return hit


class Lost(Exception):  # noqa: N818 - what the benchmark counts
    """Something that may not be lost, or may not stay behind."""


@dataclass(frozen=True)
class Action:
    """A task to be killed.

    Attributes:
        name: For the table.
        served: Whether the server has to run; None where it is the task's own business.
        words: Gives the task; the same when it is given again.
        before: What is done before each kill.
        after: What is done after the task was given again.
        again: Gives the task that has to succeed after the kill, where it is another one.
    """

    name: str
    served: bool | None
    words: Callable[[Yard], tuple[str, ...]]
    before: Callable[[Yard], object] = lambda _: None
    after: Callable[[Yard], object] = lambda _: None
    again: Callable[[Yard], tuple[str, ...]] | None = None


def _delete_runs(yard: Yard) -> None:
    """Give mlflow.clean something to do: deleted runs, a folder that nothing names, files of an old log."""
    with contextlib.closing(sqlite3.connect(yard.store / "mlflow.db", timeout=20)) as connection, connection:
        connection.execute(
            "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = 1 WHERE experiment_id IN "
            "(SELECT experiment_id FROM experiments WHERE name = 'detection')"
        )
    orphan = yard.store / "artifacts" / "1" / f"{yard.trial:032x}"
    orphan.mkdir(parents=True, exist_ok=True)
    (orphan / "left.bin").write_bytes(bytes(200_000))


def _old_database(yard: Yard) -> None:
    shutil.rmtree(yard.store, ignore_errors=True)
    yard.store.mkdir(parents=True)
    with tarfile.open(OLD_STORES / "2.9.2.tar.xz") as archive:
        archive.extractall(yard.store, filter="data")


def _old_files(yard: Yard) -> None:
    shutil.rmtree(yard.store, ignore_errors=True)
    if not (yard.root / "old").exists():
        with tarfile.open(OLD_STORES / "2.9.2-files.tar.xz") as archive:
            archive.extractall(yard.root / "old", filter="data")


def _migration(yard: Yard) -> tuple[str, ...]:
    return (
        "mlflow.migrate",
        "--source",
        str(yard.root / "old/mlruns"),
        "--artifacts",
        str(yard.root / "old/artifacts"),
    )


def _migration_or_status(yard: Yard) -> tuple[str, ...]:
    """A migration that was whole before the kill is not made again."""
    return ("mlflow.clean", "--dry-run") if (yard.store / "mlflow.db").exists() else _migration(yard)


def _back(yard: Yard) -> None:
    """The store of the other tasks."""
    yard.stop()
    shutil.rmtree(yard.store, ignore_errors=True)
    yard.done("mlflow.restore", "--source", "base.zip")


ACTIONS = (
    Action("serve", False, lambda _: ("mlflow.serve", "--detach"), after=Yard.stop),
    Action("stop", True, lambda _: ("mlflow.stop",)),
    Action(
        "register", True,
        lambda yard: ("model.register", "--weights", f"variant{yard.trial}.onnx", "--name", "herd"),
        before=Yard.variant,
    ),
    Action(
        "promote", True, lambda yard: ("model.promote", f"herd/{1 + yard.trial % 2}", "production"),
    ),
    Action("detect.run", True, lambda yard: yard.detect(yard.root / "results" / f"run{yard.trial}")),
    Action("census.run", True, lambda _: ("census.run", "results/base")),
    Action("detect.export", None, lambda _: ("detect.export", "results/base", "--export", "gpkg")),
    Action(
        "backup", True, lambda yard: ("mlflow.backup", "--output", f"backup{yard.trial}.zip"),
        again=lambda yard: ("mlflow.backup", "--output", f"backup{yard.trial}again.zip"),
    ),
    Action(
        "export", None, lambda yard: ("model.export", "herd/1", "--output", f"version{yard.trial}.zip"),
        again=lambda yard: ("model.export", "herd/1", "--output", f"version{yard.trial}again.zip"),
    ),
    Action("import", True, lambda yard: ("model.import", "herd.zip", "--name", f"travelled{yard.trial}")),
    Action("clean", False, lambda _: ("mlflow.clean", "--older-than", "0", "--yes"), before=_delete_runs),
    Action("restore", False, lambda _: ("mlflow.restore", "--source", "base.zip")),
    Action("migrate", False, _migration, before=_old_files, again=_migration_or_status, after=_back),
    Action("upgrade", False, lambda _: ("mlflow.serve", "--detach"), before=_old_database, after=_back),
)  # fmt: skip


def _reason(stderr: str) -> str:
    lines = [
        line for line in stderr.splitlines() if line.startswith(("error:", "hint:"))
    ] or stderr.splitlines()
    return " / ".join(lines[-3:])[:300]


def losses(yard: Yard, *, served: bool) -> Iterator[str]:
    """What is lost or left behind, a line each; best nothing."""
    for database in yard.store.glob("*.db"):
        with contextlib.closing(sqlite3.connect(database, timeout=20)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                yield f"{database.name} is corrupt"
    for path in (*yard.store.glob("*.json"), *(yard.root / "results").rglob("*.json")):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            yield f"{path.relative_to(yard.root)}: {error}"
    for path in yard.root.glob("*.zip"):
        with contextlib.suppress(FileNotFoundError):
            try:
                with zipfile.ZipFile(path) as archive:
                    if archive.testzip():
                        yield f"{path.name} is damaged"
            except zipfile.BadZipFile:
                yield f"{path.name} is no archive"
    yield from versions_without_files(yard)
    running = [] if served else yard.processes()
    if running:
        yield f"{len(running)} processes are left: {[' '.join(one.cmdline())[:80] for one in running]}"


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
    for name, version, place, sha256 in found:
        weights = yard.store / "artifacts" / str(place).removeprefix("mlflow-artifacts:/") / "model.onnx"
        if not weights.is_file() or hashlib.sha256(weights.read_bytes()).hexdigest() != sha256:
            yield f"{name}/{version} has lost its files"


@dataclass(slots=True)
class Count:
    """What came of the kills of one task."""

    kills: int = 0
    hits: int = 0
    longest: float = 0.0
    lost: list[str] = field(default_factory=list)


def trial(yard: Yard, action: Action, dice: random.Random, usual: dict[str, float], count: Count) -> None:
    """Kill a task once, give it again, look."""
    yard.trial += 1
    if action.served is not None:
        (yard.serve if action.served else yard.stop)()
    action.before(yard)
    words = action.words(yard)
    moment = dice.uniform(0, usual.get(action.name, 8.0))
    whole = dice.random() < 0.5  # noqa: PLR2004 - as often a closed window as a power cut
    count.kills += 1
    count.hits += yard.kill(words, moment, whole=whole)
    what = f"{action.name} killed at {moment:.2f} s{' with all' if whole else ''} (trial {yard.trial})"
    try:
        if action.served:
            yard.serve()
        taken = yard.done(*(action.again or action.words)(yard))
        usual[action.name] = taken if action.name not in usual else (usual[action.name] + taken) / 2
        count.longest = max(count.longest, taken)
        count.lost += [f"{what}: {one}" for one in losses(yard, served=True)]
        action.after(yard)
    except (Lost, OSError, sqlite3.Error, subprocess.TimeoutExpired) as error:
        count.lost.append(f"{what}: {error}")
        _back(yard)


def remains(yard: Yard) -> list[str]:
    """What is left when all is over: processes, the port, half-written files that nothing clears."""
    yard.serve()
    yard.stop()
    yard.done("mlflow.clean", "--older-than", "0", "--yes")
    found = list(losses(yard, served=False))
    found += [
        f"left: {path.relative_to(yard.root)}"
        for pattern in HALF
        for path in (yard.root / "runs").rglob(pattern)
    ]
    with contextlib.suppress(psutil.Error):
        listening = [
            one for one in psutil.net_connections("tcp") if one.laddr and one.laddr.port == yard.port
        ]
        found += ["the port is held"] if any(one.status == psutil.CONN_LISTEN for one in listening) else []
    return found


def main() -> int:
    """Kill as often as asked for, or as time allows, each task in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9, help="end after these, at the latest")
    parser.add_argument("--only", action="append", choices=[action.name for action in ACTIONS])
    asked = parser.parse_args()
    actions = [action for action in ACTIONS if not asked.only or action.name in asked.only]
    dice = random.Random(asked.seed)  # noqa: S311 - repeatable
    counts = {action.name: Count() for action in actions}
    usual: dict[str, float] = {}
    until = time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        root = Path(place) / "project"
        variables = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}", "KILLS_OF": str(root)}
        yard = Yard(Workspace.make(root, **variables))
        try:
            yard.make()
            for number in range(asked.kills):
                if time.monotonic() > until:
                    break
                action = actions[number % len(actions)]
                trial(yard, action, dice, usual, counts[action.name])
                print(
                    f"{number + 1} {action.name} {counts[action.name].lost[-1:]}", file=sys.stderr, flush=True
                )
            left = remains(yard)
        finally:
            for process in yard.processes():
                with contextlib.suppress(psutil.Error):
                    process.kill()
    report(counts, left, asked.seed)
    return 1 if left or any(one.lost for one in counts.values()) else 0


def report(counts: dict[str, Count], left: list[str], seed: int) -> None:
    """Print the table, and what was lost."""
    print("| task | kills | before its end | longest when given again, s | lost |")
    print("|---|---:|---:|---:|---:|")
    for name, one in counts.items():
        print(f"| {name} | {one.kills} | {one.hits} | {one.longest:.1f} | {len(one.lost)} |")
    lost = [text for one in counts.values() for text in one.lost] + left
    print(f"\n{sum(one.kills for one in counts.values())} kills, seed {seed}; lost or left: {len(lost)}")
    for text in lost:
        print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
