"""How fast a detector is on this machine's processor, with each build of onnxruntime that can run it there.

Two builds in one environment overwrite each other's files, so each is measured in a process of its own:
OpenVINO's in an environment that uv makes for it and throws away.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from wildetect.detection.network.detector import Detector
from wildetect.detection.network.session import available_providers
from wildetect.errors import ConfigurationError
from wildetect.registry.cache import FetchedModel
from wildetect.registry.manifest import Manifest
from wildetect.settings.words import Device

__all__ = ["INSTALL", "Speeds", "measured_speeds"]

INSTALL = "uv pip install onnxruntime-openvino"
_ROUNDS = 3
_SECONDS = 2.0
_PATIENCE = 600  # s; a first download and the largest detectors


@dataclass(frozen=True, slots=True)
class Speeds:
    """Speed of a detector on the processor.

    Attributes:
        model: Which one.
        cpu: Tiles a second with onnxruntime's own code.
        openvino: Tiles a second with OpenVINO's; None where it could not be tried.
        why_not: Why.
        installed: Whether the installed onnxruntime has OpenVINO.
    """

    model: str
    cpu: float
    openvino: float | None
    why_not: str = ""
    installed: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times as fast as the CPU's build OpenVINO's is."""
        return None if self.openvino is None else self.openvino / self.cpu


def measured_speeds(model: FetchedModel) -> Speeds:
    """Run a detector on the processor, with both builds in turn: the speed of a machine drifts.

    Raises:
        ConfigurationError: It cannot be measured.
    """
    installed = "OpenVINOExecutionProvider" in available_providers()
    programs = {"cpu": [sys.executable], "openvino": _with_openvino(installed=installed)}
    found: dict[str, list[float]] = {"cpu": [], "openvino": []}
    why_not = "" if programs["openvino"] else "uv is not on the PATH"
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.json"
        manifest = model.manifest.model_copy(update={"classifier": None})
        document = {"weights": str(model.weights), "manifest": manifest.model_dump_json()}
        task.write_text(json.dumps(document), encoding="utf-8")
        for _ in range(_ROUNDS):
            for device, program in programs.items():
                if not program or (device == "openvino" and why_not):
                    continue
                speed = _measured([*program, "-m", __name__, str(task), device])
                if isinstance(speed, float):
                    found[device].append(speed)
                elif device == "cpu":
                    raise ConfigurationError(
                        f"{model} cannot be measured: {speed}",
                        hint="Detection would fail likewise. Name another detector with --model (uv run "
                        "invoke model.list shows those there are); close other programs if memory ran out.",
                    )
                else:
                    why_not = speed
    openvino = statistics.median(found["openvino"]) if found["openvino"] else None
    return Speeds(str(model), statistics.median(found["cpu"]), openvino, why_not, installed)


def _with_openvino(*, installed: bool) -> list[str]:
    if installed:
        return [sys.executable]
    uv = shutil.which("uv") or os.environ.get("UV")
    return [uv, "run", "--quiet", "--no-sync", "--with", "onnxruntime-openvino", "python"] if uv else []


def _measured(command: Sequence[str]) -> float | str:
    """Tiles a second as a process of its own measures them; text says why there are none."""
    try:
        ended = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=_PATIENCE, check=False)  # noqa: S603 - a list of our own making, no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if ended.returncode:
        said = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
        return said[-1] if said else f"exit code {ended.returncode}"
    return float(ended.stdout.split()[-1])


def _tiles_a_second(detector: Detector) -> float:
    """Tiles a second that all threads of a device take together; the first passes warm up."""
    feeding = detector.manifest.feeding
    shape = (feeding.height, feeding.width, 3)
    tiles = [np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)] * detector.tiles_per_pass
    detector.forward(tiles)
    done = [0] * detector.workers
    until = time.perf_counter() + _SECONDS

    def work(number: int) -> None:
        while time.perf_counter() < until:
            detector.forward(tiles)
            done[number] += len(tiles)

    begun = time.perf_counter()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(detector.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - begun)


def _main() -> None:
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    manifest = Manifest.model_validate_json(task["manifest"])
    detector = Detector(Path(task["weights"]), manifest, cast("Device", sys.argv[2]))
    sys.stdout.write(f"{_tiles_a_second(detector)}\n")


if __name__ == "__main__":
    _main()
