"""Kill a detection run at random moments, start it again, compare with a run that nobody disturbed.

uv run python -m benchmarks.kill_and_resume [--kills 50] [--seed 0] [--raster]
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.material import make_photograph, make_raster
from benchmarks.networks import make_network, plain

__all__ = ["Trial", "differences"]

ROOT = Path(__file__).resolve().parents[1]
COMPARED = ("detections.json", "detections.csv")
SIDE = 64
RASTER = 6144


@dataclass(frozen=True)
class Trial:
    """A workspace with a small detector and photographs.

    Attributes:
        root: The workspace.
        images: Number of photographs.
        raster: Side of an orthomosaic beside them in px; 0: none.
    """

    root: Path
    images: int = 60
    raster: int = 0

    def make(self) -> None:
        """Make the workspace."""
        self.root.mkdir(parents=True)
        shutil.copy(ROOT / "tasks.py", self.root)
        shutil.copytree(ROOT / "configs", self.root / "configs")
        make_network(self.root / "tiny.onnx", plain(16, 2), side=SIDE, share=0.05)
        (self.root / "photographs").mkdir()
        for number in range(self.images):
            make_photograph(self.root / "photographs" / f"{number}.jpg", 320, 256, number)
        if self.raster:
            make_raster(self.root / "photographs" / "mosaic.tif", self.raster)
        (self.root / "photographs" / "broken.jpg").write_bytes(b"no photograph")

    def start(self, output: str, *more: str) -> subprocess.Popen[bytes]:
        """Start detect.run, with more words for it."""
        words = ("--source", "photographs", "--model", "tiny.onnx", "--tile-size", str(SIDE))
        variables = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        # no server: nothing listens on the port "discard"
        variables |= {"CI": "true", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "invoke",
                "detect.run",
                *words,
                "--confidence",
                "0.5",
                "--output",
                output,
                *more,
            ],
            cwd=self.root,
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def undisturbed(self) -> float:
        """Run to the end; seconds from the first line of the journal to the end."""
        process = self.start("undisturbed")
        begun = self._begun(process, "undisturbed")
        if process.wait() != 5:  # noqa: PLR2004 - the broken photograph
            raise RuntimeError(f"the undisturbed run ended with {process.returncode}")
        return time.monotonic() - begun

    def killed(self, moments: Sequence[float]) -> int:
        """Kill a run after each of some times in s from its first line, then let it end.

        Returns:
            How many of the kills came before the run's own end.
        """
        shutil.rmtree(self.root / "killed", ignore_errors=True)
        hits = 0
        for moment in moments:
            process = self.start("killed")
            begun = self._begun(process, "killed")
            time.sleep(max(begun + moment - time.monotonic(), 0))
            hits += process.poll() is None
            process.kill()
            process.wait()
        process = self.start("killed")
        if process.wait() != 5:  # noqa: PLR2004
            raise RuntimeError(f"the resumed run ended with {process.returncode}")
        return hits

    def _begun(self, process: subprocess.Popen[bytes], output: str) -> float:
        """Wait for the run to hold its folder."""
        journal = self.root / output / "journal.jsonl"
        size = journal.stat().st_size if journal.exists() else 0
        while process.poll() is None:
            if journal.exists() and journal.stat().st_size != size:
                break
            time.sleep(0.005)
        return time.monotonic()


def differences(root: Path) -> list[str]:
    """What differs between the run that was killed and the one that was not; best nothing."""
    killed, undisturbed = root / "killed", root / "undisturbed"
    found = [
        f"{name} differs"
        for name in COMPARED
        if (killed / name).read_bytes() != (undisturbed / name).read_bytes()
    ]
    runs = [json.loads((run / "run.json").read_text(encoding="utf-8")) for run in (killed, undisturbed)]
    found += [
        f"{key} of run.json: {runs[0].get(key)}, undisturbed {runs[1].get(key)}"
        for key in ("state", "images", "counts", "tiles", "failures", "files")
        if runs[0].get(key) != runs[1].get(key)
    ]
    drafts = [path.name for path in killed.rglob("*.tmp")]
    if drafts:
        found.append(f"half-written files are left: {', '.join(drafts)}")
    images = json.loads((killed / "detections.json").read_text(encoding="utf-8"))["images"]
    names = [image["file"] for image in images]
    if len(set(names)) != len(names):
        found.append("an image is there twice")
    return found


def main() -> int:
    """Kill as often as asked for, in groups: a run is killed several times before it may end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--in-a-row", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--raster", action="store_true", help="an orthomosaic, whose tiles are kept every 5 s"
    )
    options = parser.parse_args()
    moments = random.Random(options.seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as folder:
        raster = RASTER if options.raster else 0
        trial = Trial(Path(folder) / "trial", images=2 if raster else 60, raster=raster)
        trial.make()
        longest = trial.undisturbed()
        wrong = hits = kills = 0
        while kills < options.kills:
            row = min(options.in_a_row, options.kills - kills)
            hits += trial.killed([moments.uniform(0, longest / row) for _ in range(row)])
            kills += row
            found = differences(trial.root)
            wrong += bool(found)
            print(f"{kills:>4} kills: {'; '.join(found) or 'the same results'}", flush=True)
    print(f"{kills} kills, {hits} of them before the end, seed {options.seed}: {wrong} runs differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
