"""The tasks that are killed, each with what it needs before and what has to hold afterwards."""

from __future__ import annotations

import contextlib
import csv
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import tarfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.forked import Ended, fork, waited
from benchmarks.kill_yard import PATIENCE, ROOT, Lost, Yard

__all__ = ["ACTIONS", "Action"]

OLD_STORES = ROOT / "tests" / "old_stores"
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)")


def _nothing(yard: Yard) -> None:
    del yard


@dataclass(frozen=True)
class Action:
    """A task to be killed.

    Attributes:
        name: For the table.
        served: Whether it is given while the server runs.
        weight: How often it comes in a round.
        words: Gives the task; the same when it is given again.
        before: What is done before each kill.
        after: What is looked at after the task was given again.
        again: Gives the task that has to succeed after the kill, where it is another one.
        fresh: Whether each trial begins with the prepared store.
        whole: How often all other processes of the project are killed with it, from 0 to 1.
        kill: Kills it, where that takes more than a task; gives how it ended.
    """

    name: str
    served: bool
    weight: int
    words: Callable[[Yard], tuple[str, ...]]
    before: Callable[[Yard], object] = _nothing
    after: Callable[[Yard], object] = _nothing
    again: Callable[[Yard], tuple[str, ...]] | None = None
    fresh: bool = False
    whole: float = 0.05
    kill: Callable[[Yard, float], Ended] | None = None


def _delete_runs(yard: Yard) -> None:
    """Give mlflow.clean something to do: deleted runs, a folder that nothing names."""
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
    old = yard.root / "old"
    return ("mlflow.migrate", "--source", str(old / "mlruns"), "--artifacts", str(old / "artifacts"))


def _migration_or_clean(yard: Yard) -> tuple[str, ...]:
    """A migration that was whole before the kill is not made again."""
    return ("mlflow.clean", "--dry-run") if (yard.store / "mlflow.db").exists() else _migration(yard)


def _stopped(yard: Yard) -> None:
    yard.done("mlflow.stop")


def _same_detections(yard: Yard) -> None:
    """The run that was killed and went on found what an undisturbed one did."""
    folder = yard.root / "results" / f"run{yard.trial}"
    wanted = (yard.root / "results" / "reference" / "detections.csv").read_bytes()
    if (folder / "detections.csv").read_bytes() != wanted:
        raise Lost("the detections are not those of an undisturbed run")
    shutil.rmtree(folder)


def _without(*patterns: str) -> Callable[[Yard], None]:
    """Remove what a trial wrote; a later one has another name."""

    def remove(yard: Yard) -> None:
        for path in [path for pattern in patterns for path in yard.root.glob(pattern)]:
            path.unlink()

    return remove


def _no_review(yard: Yard) -> None:
    shutil.rmtree(yard.run / "review", ignore_errors=True)


def _corrected(yard: Yard) -> None:
    """A table in which a person said something of every detection."""
    _no_review(yard)
    source, target = yard.run / "detections.csv", yard.root / "corrected.csv"
    if target.exists():
        return
    with source.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    said = itertools.cycle(("right", "wrong", "unsure"))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "verdict"])
        writer.writeheader()
        writer.writerows({**row, "verdict": next(said)} for row in rows)


def _all_taken_over(yard: Yard) -> None:
    """Each verdict of the table is there, and once."""
    from wildetect.results.finished_run import read_finished_run
    from wildetect.review.verdict_file import read_verdicts
    from wildetect.review.verdicts import standing

    read = read_verdicts(read_finished_run(yard.run).folder)
    if read.reason is not None:
        raise Lost(f"verdicts: {read.reason}")
    kept = list(standing(read.verdicts))
    with (yard.root / "corrected.csv").open(encoding="utf-8", newline="") as file:
        wanted = sum(1 for _ in csv.DictReader(file))
    if len({one.detection for one in kept}) != wanted:
        raise Lost(f"{len({one.detection for one in kept})} of {wanted} verdicts were taken over")


def _reviewing(yard: Yard, moment: float) -> Ended:
    """Kill the review page while a person says something of detection after detection.

    Raises:
        Lost: A verdict that the page had answered to is not there afterwards.
    """
    from wildetect.review.verdict_file import read_verdicts

    running = fork(("review.open", str(yard.run), "--no-browser"), yard.root, yard.workspace.environment)
    answered: list[tuple[str, str]] = []
    try:
        port, token = _address(running.log, time.monotonic() + PATIENCE)
        timer = threading.Timer(moment, os.kill, (running.pid, signal.SIGKILL))
        with contextlib.suppress(OSError, http.client.HTTPException):
            _say(port, token, answered, timer)
        timer.join()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGKILL)
        ended = waited(running)
        yard.sessions.add(ended.pid)
    there = [(one.detection, one.kind) for one in read_verdicts(yard.run).verdicts]
    lost = [one for one in answered if one not in there]
    if lost:
        raise Lost(f"{len(lost)} of {len(answered)} verdicts that the page had answered to are gone")
    return ended


def _address(log: Path, until: float) -> tuple[int, str]:
    found = None
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):
            found = ADDRESS.search(log.read_text(encoding="utf-8"))
        if found:
            return int(found[1]), found[2]
        time.sleep(0.05)
    raise Lost("the review page does not open")


def _say(port: int, token: str, answered: list[tuple[str, str]], timer: threading.Timer) -> None:
    """Say something of each detection until the page is killed."""
    headers = {
        "Cookie": f"review-{port}={token}",
        "Origin": f"http://127.0.0.1:{port}",
        "Content-Type": "application/json",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/api/state", headers=headers)
        cards = json.loads(connection.getresponse().read())["detections"]
        timer.start()
        said = itertools.cycle(("wrong", "right", "unsure"))
        for card, kind in ((card, kind) for kind in said for card in cards):
            body = json.dumps({"verdict": kind, "image": card["image"], "detection": card["id"]})
            connection.request("POST", "/api/verdict", body, headers)
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise Lost(f"the page answered {answer.status}: {answer.read()[:200]!r}")
            answer.read()
            answered.append((card["id"], kind))


ACTIONS = (
    Action("restore", False, 3, lambda _: ("mlflow.restore", "--source", "base.zip"), fresh=True, whole=0.5),
    Action(
        "clean", False, 3, lambda _: ("mlflow.clean", "--older-than", "0", "--yes"),
        before=_delete_runs, fresh=True,
    ),
    Action("migrate", False, 1, _migration, before=_old_files, again=_migration_or_clean, whole=0.5),
    Action(
        "upgrade", False, 1, lambda _: ("mlflow.serve", "--detach"),
        before=_old_database, after=_stopped, whole=0.5,
    ),
    Action("detect.export", False, 4, lambda yard: ("detect.export", str(yard.run), "--export", "gpkg")),
    Action(
        "census.export", False, 4,
        lambda _: ("census.export", "results/census", "--format", "xlsx", "--format", "aed"),
    ),
    Action(
        "review.plan", False, 4, lambda yard: ("review.plan", str(yard.run), "--photographs", "4"),
        before=_no_review,
    ),
    Action(
        "review.import", False, 4,
        lambda yard: ("review.import", "--run", str(yard.run), "--source", "corrected.csv"),
        before=_corrected, after=_all_taken_over,
    ),
    Action(
        "review page", False, 6, lambda yard: ("review.status", str(yard.run)),
        before=_no_review, kill=_reviewing,
    ),
    Action("serve", True, 1, lambda _: ("mlflow.serve", "--detach"), fresh=True, whole=0.5),
    Action(
        "register", True, 6,
        lambda yard: ("model.register", "--weights", f"variant{yard.trial}.onnx", "--name", "herd"),
        before=Yard.variant, after=_without("variant*.onnx"),
    ),
    Action(
        "promote", True, 6, lambda yard: ("model.promote", f"herd/{1 + yard.trial % 2}", "production"),
    ),
    Action("detect.run", True, 6, lambda yard: yard.detect(f"run{yard.trial}"), after=_same_detections),
    Action("census.run", True, 3, lambda yard: yard.census()),
    Action(
        "backup", True, 3, lambda yard: ("mlflow.backup", "--output", f"backup{yard.trial}.zip"),
        again=lambda yard: ("mlflow.backup", "--output", f"backup{yard.trial}again.zip"),
        after=_without("backup*.zip"),
    ),
    Action(
        "export", True, 4, lambda yard: ("model.export", "herd/1", "--output", f"version{yard.trial}.zip"),
        again=lambda yard: ("model.export", "herd/1", "--output", f"version{yard.trial}again.zip"),
        after=_without("version*.zip"),
    ),
    Action("import", True, 4, lambda yard: ("model.import", "herd.zip", "--name", f"travelled{yard.trial}")),
    Action("stop", True, 1, lambda _: ("mlflow.stop",), whole=0.5),
)  # fmt: skip
