"""Damaged files of all kinds among good photographs: nothing crashes, and each is accounted for."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.detection.networks import save_network
from tests.detection.test_decoders import yolov8
from tests.workspaces import Workspace

VARIANTS = 500
LARGEST = 400_000  # bytes of a file that is varied: what breaks in a large one breaks in these
MOST_MB = 1500
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr)
"""


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice([1, 4, 40])):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def with_a_hole(data: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(data))
    return data[:start] + bytes(min(1000, len(data) - start)) + data[start + 1000 :]


def emptied(data: bytes, dice: random.Random) -> bytes:
    del data, dice
    return b""


KINDS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut": cut,
    "flipped": flipped,
    "hole": with_a_hole,
    "empty": emptied,
}


def fill(folder: Path, shared_data: Path) -> list[str]:
    """Good, naughty and varied files; the names of the good ones."""
    good = []
    for path in sorted((shared_data / "images").iterdir())[:4]:
        shutil.copy(path, folder / f"good {path.name}")
        good.append(f"good {path.name}")
    sources = [
        path
        for kind in ("naughty", "geo")
        for path in sorted((shared_data / kind).iterdir())
        if path.suffix != ".onnx"
    ]
    for path in sources:
        shutil.copy(path, folder)
    dice = random.Random(7)
    small = [path for path in sources if path.stat().st_size <= LARGEST]
    for number in range(VARIANTS):
        kind = dice.choices(list(KINDS), [10, 10, 8, 1])[0]
        path = dice.choice(small)
        name = f"{number} {kind} {path.name}"
        (folder / name).write_bytes(KINDS[kind](path.read_bytes(), dice))
    return good


def detected(workspace: Workspace, source: Path, output: Path) -> tuple[int, int, dict[str, Any], str]:
    """Exit code, peak memory in MB, run.json and stderr of a run over a folder."""
    words = ["--source", source, "--output", output, "--model", workspace.root / "network.onnx", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, sys.executable, "-m", "invoke", "detect.run", *map(str, words)],
        cwd=workspace.root,
        env=workspace.environment | {"WILDETECT_DETECTION__PROCESSING__MAX_ERRORS": "1000"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=240,
    )
    code, peak = done.stderr.splitlines()[-1].split()
    return int(code), int(peak), json.loads(done.stdout), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is taken as POSIX gives it")
def test_every_file_is_detected_in_or_listed_with_its_reason(tmp_path: Path, shared_data: Path) -> None:
    workspace = Workspace.make(tmp_path / "project")
    rows, _ = yolov8()
    save_network(
        workspace.root / "network.onnx",
        rows,
        metadata={"names": str({0: "a", 1: "b", 2: "c"}), "task": "detect", "args": "{'nms': False}"},
    )
    folder, alone = tmp_path / "survey", tmp_path / "alone"
    folder.mkdir()
    alone.mkdir()
    good = fill(folder, shared_data)
    for name in good:
        shutil.copy(folder / name, alone)
    code, peak, document, told = detected(workspace, folder, tmp_path / "all")
    assert code == 5
    assert peak < MOST_MB
    assert "Traceback" not in told
    images, failures = document["images"], document["failures"]
    found = len(list(folder.iterdir()))
    assert images["found"] == images["done"] == found > VARIANTS
    assert images["failed"] == len(failures) > VARIANTS // 4
    for failure in failures:
        assert failure["reason"]
        assert "unexpected" not in failure["reason"], failure
        assert "Errno" not in failure["reason"], failure
    assert not {failure["file"] for failure in failures} & set(good)
    # each file that did not fail is in the results, and the good ones as if they had been alone
    boxes = json.loads((tmp_path / "all/detections.json").read_text(encoding="utf-8"))["images"]
    assert len({entry["file"] for entry in boxes}) == found
    *_, reference, _ = detected(workspace, alone, tmp_path / "reference")
    assert reference["images"]["failed"] == 0
    expected = json.loads((tmp_path / "reference/detections.json").read_text(encoding="utf-8"))["images"]
    by_name = {entry["file"]: entry for entry in boxes}
    assert [by_name[entry["file"]] for entry in expected] == expected
