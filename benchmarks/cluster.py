"""Runs on workers of Dask against the plain run, through detect.run, in turn on this machine.

    uv run --extra cluster python -m benchmarks.cluster speed|raster|memory|kills [--rounds 3] [--kills 20]

speed     photographs: two workers of one core each against the plain run, and against one worker on one core,
          with a detector of YOLOv8n's layers. Last measured on two cores: 0.99 and 1.92, with 144
          photographs (0.97 and 1.88 with 48, of which one at the end has a worker wait for the other).
raster    an orthomosaic on two workers against the plain run; how often its tiles were run
memory    peak memory of the parent with 100 and with 10,000 small images
kills     workers killed with -9 at random moments, others started, the parent killed: the same results
Each kind fails where the results differ from those of the plain run by a byte.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil
from benchmarks.kill_and_resume import ROOT, Trial, differences
from benchmarks.material import make_photograph, make_raster
from benchmarks.networks import Layers, make_network, plain, yolov8

SIDE = 320
SPEED_SIDE = 640
BROKEN_IMAGE = 5
ONE_CORE = (
    "import os, sys; os.sched_setaffinity(0, {0}); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


class Bench:
    """A workspace with a detector, and runs in it.

    Args:
        root: The workspace, made here.
        side: Side of the detector's input in px.
        layers: Layers of the detector; by default so few that a run is soon done.
    """

    def __init__(self, root: Path, side: int = SIDE, layers: Layers | None = None) -> None:
        self.root = root
        self.side = side
        (root / "pictures").mkdir(parents=True)
        shutil.copy(ROOT / "tasks.py", root)
        shutil.copytree(ROOT / "configs", root / "configs")
        make_network(root / "network.onnx", layers or plain(16, 2), side=side, share=0.01)

    def run(self, output: str, *words: str, one_core: bool = False) -> tuple[float, float]:
        """Run to the end; seconds that the run worked, and the peak memory of its own process in MB."""
        shutil.rmtree(self.root / output, ignore_errors=True)
        variables = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        variables |= {"CI": "true", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
        run = ("-m", "invoke", "detect.run", "--source", "pictures", "--model", "network.onnx")
        sizes = ("--tile-size", str(self.side), "--confidence", "0.5", "--overlays", "none")
        before = ("-c", ONE_CORE) if one_core else ()
        process = subprocess.Popen(
            [sys.executable, *before, *run, *sizes, "--output", output, *words],
            cwd=self.root,
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        peak = _peak_while(process)
        said = process.stderr.read().decode() if process.stderr else ""
        if process.returncode:
            raise RuntimeError(f"detect.run ended with {process.returncode}: {said}")
        return float(self.told(output)["times"]["seconds"]), peak

    def told(self, output: str) -> dict[str, Any]:
        """The content of run.json."""
        document: dict[str, Any] = json.loads((self.root / output / "run.json").read_text(encoding="utf-8"))
        return document

    def same(self, *outputs: str) -> None:
        """Fail unless these runs found the same."""
        for name in ("detections.json", "detections.csv"):
            contents = {(self.root / output / name).read_bytes() for output in outputs}
            if len(contents) > 1:
                raise RuntimeError(f"{name} differs among {', '.join(outputs)}")


def _peak_while(process: subprocess.Popen[bytes]) -> float:
    """The most memory that a process held, in MB, once it has ended."""
    peak = 0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.05)
    process.wait()
    return peak / 1e6


def speed(bench: Bench, rounds: int) -> None:
    """Photographs on two workers, one, and none."""
    for number in range(144):
        make_photograph(bench.root / "pictures" / f"{number}.jpg", 3000, 2000, number)
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        "plain": lambda: bench.run("plain"),
        "two": lambda: bench.run("two", "--cluster", "local:2"),
        "one": lambda: bench.run("one", "--cluster", "local:1", one_core=True),
    }
    best = _best(ways, rounds)
    bench.same(*ways)
    print(f"two workers: {best['plain'] / best['two']:.2f} of the plain run's speed (at least 0.95)")
    print(f"two workers: {best['one'] / best['two']:.2f} times the speed of one (at least 1.9)")


def raster(bench: Bench, rounds: int) -> None:
    """An orthomosaic on two workers and on none."""
    make_raster(bench.root / "pictures" / "mosaic.tif", 12000)
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        "plain": lambda: bench.run("plain"),
        "two": lambda: bench.run("two", "--cluster", "local:2"),
    }
    best = _best(ways, rounds)
    bench.same(*ways)
    lines = [json.loads(line) for line in (bench.root / "two" / "journal.jsonl").open(encoding="utf-8")]
    run = [tuple(window) for line in lines if "part_of" in line for window in line["windows"]]
    print(
        f"tiles run: {len(run) / len(set(run)):.2f} times those of the raster (at most 1.1), {len(run)} tiles"
    )
    print(f"two workers: {best['plain'] / best['two']:.2f} of the plain run's speed")


def _best(ways: dict[str, Callable[[], tuple[float, float]]], rounds: int) -> dict[str, float]:
    """The least seconds of each way, taken in turn."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            best[name] = min(best[name], way()[0])
    print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in best.items()))
    return best


def memory(bench: Bench, rounds: int) -> None:
    """The parent's memory with few and with many images."""
    del rounds
    make_photograph(bench.root / "one.jpg", 96, 96, 0)
    peaks = []
    for images in (100, 10_000):
        for number in range(images):
            shutil.copy(bench.root / "one.jpg", bench.root / "pictures" / f"{number}.jpg")
        peaks.append(bench.run(f"of{images}", "--cluster", "local:2")[1])
        print(f"{images} images: the parent's peak is {peaks[-1]:.0f} MB")
    print(f"growth: {peaks[1] / peaks[0]:.2f}, {(peaks[1] - peaks[0]) * 1e6 / 9900:.0f} bytes an image")


def kills(folder: Path, times: int) -> None:
    """Kill workers, start others, kill the parent; compare with a run that nobody disturbed."""
    trial = Trial(folder / "trial", images=150, raster=2048)
    trial.make()
    trial.undisturbed()
    with Camp(trial, folder / "camp") as camp:
        moments = random.Random(21)  # noqa: S311 - no secret
        killed = parents = 0
        run = camp.start_run()
        while killed < times:
            time.sleep(moments.uniform(0.2, 2.0))
            if run.poll() is not None:
                if (trial.root / "killed" / "run.json").exists() and differences(trial.root):
                    raise RuntimeError(f"after {killed} kills: {differences(trial.root)}")
                shutil.rmtree(trial.root / "killed", ignore_errors=True)
                run = camp.start_run()
            camp.replace_a_worker(moments)
            killed += 1
            if moments.random() < 0.2:  # noqa: PLR2004 - one in five
                run.kill()
                run.wait()
                parents += 1
                run = camp.start_run()
        if run.wait() != BROKEN_IMAGE:
            raise RuntimeError(f"the last run ended with {run.returncode}")
    found = differences(trial.root)
    print(f"{killed} workers and {parents} parents killed: {'; '.join(found) or 'the same results'}")
    if found:
        raise SystemExit(1)


class Camp:
    """A scheduler and workers, each a process, ended with the block.

    Args:
        trial: What the runs are about.
        folder: For the workers' files.
    """

    def __init__(self, trial: Trial, folder: Path) -> None:
        self._trial = trial
        self._folder = folder
        self._workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        from distributed import Client
        from tests.workspaces import free_port

        self.address = f"tcp://127.0.0.1:{free_port()}"
        # kills are many: none of them is a photograph's fault
        variables = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1000"}
        words = ("scheduler", "--host", "127.0.0.1", "--port", self.address.rpartition(":")[2])
        self._scheduler = self._dask(*words, variables=variables)
        for _ in range(2):
            self._workers.append(self._worker())
        with Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self._workers, self._scheduler):
            process.kill()
            process.wait()

    def start_run(self) -> subprocess.Popen[bytes]:
        """Start, or go on with, the run on this cluster."""
        return self._trial.start("killed", "--cluster", self.address)

    def replace_a_worker(self, moments: random.Random) -> None:
        """Start a worker, and kill one of those that were there."""
        chosen = self._workers.pop(moments.randrange(len(self._workers)))
        self._workers.append(self._worker())
        chosen.kill()
        chosen.wait()

    def _worker(self) -> subprocess.Popen[bytes]:
        words = ("--nthreads", "1", "--no-nanny", "--local-directory", str(self._folder))
        return self._dask("worker", self.address, *words)

    def _dask(self, *words: str, variables: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words, "--no-dashboard"],
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def main() -> None:
    """Measure one kind, or all."""
    kinds = {"speed": speed, "raster": raster, "memory": memory}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=[*kinds, "kills"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.kind == "kills":
            kills(Path(folder), options.kills)
        else:
            side = {"memory": 64, "speed": SPEED_SIDE}.get(options.kind, SIDE)
            bench = Bench(Path(folder) / "bench", side, yolov8 if options.kind == "speed" else None)
            kinds[options.kind](bench, options.rounds)


if __name__ == "__main__":
    main()
