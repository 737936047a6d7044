"""Our server beside plain `mlflow server` with its defaults: start, processes, memory, stop.

Both run in this environment, on copies of one existing store, taken in turn; the medians are compared.
Run it with `python benchmarks/mlflow_server.py [TURNS]`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.servers import answers, wait_for  # noqa: E402
from tests.workspaces import Workspace, free_port  # noqa: E402

TURNS = 3
SETTLING = 6.0  # s; MLflow's job processes come after its first answer
LONGEST_STOP = 30.0  # s


@dataclass
class Run:
    """One server from start to end: seconds, number, bytes (resident, summed), seconds, number."""

    start: float
    processes: int
    memory: int
    stop: float
    left: int


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def memory(processes: list[psutil.Process]) -> int:
    """Resident bytes of all, summed."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@contextlib.contextmanager
def ended(processes: list[psutil.Process]) -> Iterator[None]:
    """Nothing that a measurement started outlives it."""
    try:
        yield
    finally:
        for process in alive(processes):
            with contextlib.suppress(psutil.Error):
                process.kill()


def plain(database: Path, folder: Path) -> Run:
    """`mlflow server` as its manual says, and SIGTERM to it."""
    store = folder / "plain.db"
    shutil.copy(database, store)
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", f"--backend-store-uri=sqlite:///{store}"]
    begun = time.perf_counter()
    child = subprocess.Popen(
        [*command, f"--port={port}"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: answers(f"http://127.0.0.1:{port}"), timeout=200)
    start = time.perf_counter() - begun
    time.sleep(SETTLING)
    processes = family(child.pid)
    with ended(processes):
        taken = memory(processes)
        begun = time.perf_counter()
        child.send_signal(signal.SIGTERM)
        while alive(processes) and time.perf_counter() - begun < LONGEST_STOP:
            child.poll()
            time.sleep(0.02)
        run = Run(start, len(processes), taken, time.perf_counter() - begun, len(alive(processes)))
    child.wait()
    return run


def ours(database: Path, folder: Path) -> Run:
    """`mlflow.serve --detach` and `mlflow.stop`, with all that invoke and Python add."""
    port = free_port()
    workspace = Workspace.make(folder / f"ours-{port}", MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}")
    store = workspace.root / "runs" / "mlflow" / "mlflow.db"
    store.parent.mkdir(parents=True)
    shutil.copy(database, store)
    begun = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "invoke", "mlflow.serve", "--detach"],
        cwd=workspace.root,
        env=workspace.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: answers(f"http://127.0.0.1:{port}"), timeout=200)
    start = time.perf_counter() - begun
    if child.wait() != 0:
        raise RuntimeError("mlflow.serve failed")
    time.sleep(SETTLING)
    processes = family(workspace.document("mlflow.status")["pid"])
    with ended(processes):
        taken = memory(processes)
        begun = time.perf_counter()
        workspace.succeed("mlflow.stop")
        return Run(start, len(processes), taken, time.perf_counter() - begun, len(alive(processes)))


def existing_store(folder: Path) -> Path:
    """A database as a first start leaves it."""
    workspace = Workspace.make(folder / "first", MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}")
    workspace.succeed("mlflow.serve", "--detach", timeout=300)
    workspace.succeed("mlflow.stop")
    return workspace.root / "runs" / "mlflow" / "mlflow.db"


def status_seconds(folder: Path) -> float:
    """What `mlflow.status` takes beyond starting invoke."""
    workspace = Workspace(folder / "first")
    rounds = []
    for _ in range(5):
        begun = time.perf_counter()
        workspace.invoke("mlflow.status")
        middle = time.perf_counter()
        workspace.invoke("--version")
        rounds.append((middle - begun) - (time.perf_counter() - middle))
    return statistics.median(rounds)


def report(name: str, measured: float, limit: float, unit: str = "") -> bool:
    """Print a figure with its limit; whether it holds."""
    good = measured <= limit
    print(f"{name:<52} {measured:6.2f}{unit:<3} (limit {limit:g}) {'ok' if good else 'MISSED'}")
    return good


def main() -> int:
    """Measure in turn and hold each figure against its limit."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else TURNS
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        database = existing_store(folder)
        pairs = [(ours(database, folder), plain(database, folder)) for _ in range(turns)]
        status = status_seconds(folder)

    def median(index: int, name: str) -> float:
        return float(statistics.median(getattr(pair[index], name) for pair in pairs))

    print(f"{'':<24}{'ours':>10}{'mlflow server':>16}   medians of {turns}")
    for name, unit, scale in (
        ("start", "s", 1),
        ("processes", "", 1),
        ("memory", "MB", 1e6),
        ("stop", "s", 1),
        ("left", "", 1),
    ):
        print(f"{name:<24}{median(0, name) / scale:>10.2f}{median(1, name) / scale:>16.2f} {unit}")
    results = [
        report("start, ratio", median(0, "start") / median(1, "start"), 0.45),
        report("processes", max(run.processes for run, _ in pairs), 2),
        report("memory, ratio", median(0, "memory") / median(1, "memory"), 0.35),
        report("stop", median(0, "stop"), 2.0, " s"),
        report("processes left", max(run.left for run, _ in pairs), 0),
        report("mlflow.status beyond invoke's own start", status, 0.5, " s"),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
