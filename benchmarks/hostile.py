"""Give broken and hostile files to every reader: nothing but a named error, no hang, little memory.

uv run python -m benchmarks.hostile [--inputs 5000] [--seed 0]

Good files are made, and cut, flipped, emptied, filled with other bytes, joined or swapped, the same ones
for the same seed. A reader may read what it is given, or raise an error with a hint; anything else is a
fault. Printed is a table; the exit code is 1 where there is a fault.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from benchmarks.hostile_archives import FORGERIES, backup, read_backup, read_version_file, version_file
from benchmarks.material import make_photograph, make_raster
from benchmarks.networks import make_network, plain

from wildetect.census.design.vector_files import read_areas, read_lines
from wildetect.detection.checks.inspection import inspect
from wildetect.detections import Detections
from wildetect.errors import WildDetectError
from wildetect.geometry import Window
from wildetect.imagery.opening import look_at, open_image
from wildetect.imagery.positions.table import read_position_table
from wildetect.results.journal.journal import Journal
from wildetect.results.journal.reading import JOURNAL, read_results
from wildetect.results.journal.record import Record
from wildetect.results.pictures.stamps import stamp_of
from wildetect.results.records import ImageResult
from wildetect.review.verdict_file import VERDICTS, read_verdicts, writing_verdicts
from wildetect.review.verdicts import Marked, Verdict
from wildetect.server.process.state import read_state
from wildetect.settings.detection import PositionTable
from wildetect.settings.project import Variables
from wildetect.settings.yaml_files.reading import read_yaml

__all__ = ["KINDS", "READERS"]

LONGEST = 10.0  # s for one input
MOST_MB = 1500
SQUARE = [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]
YAML = "detection:\n  tile_size: 800\n  confidence: 0.25\n  classes: [zebra, gnu]\n"
POSITIONS = "image,latitude,longitude,altitude\n" + "".join(f"{n}.jpg,-2.{n},34.{n},120\n" for n in range(20))
LISTED = "photograph,transect\n" + "".join(f"{n}.jpg,T{n % 3}\n" for n in range(20))
DOTENV = "MLFLOW_TRACKING_URI=http://127.0.0.1:5000\nWILDETECT_DETECTION__TILE_SIZE='640'\n# a comment\n"
STATE = {
    "host": "127.0.0.1",
    "port": 5000,
    "pid": 7,
    "create_time": 1.0,
    "url": "http://127.0.0.1:5000",
    "version": "3.17",
    "store": "runs/mlflow/mlflow.db",
    "artifacts": "runs/mlflow/artifacts",
    "processes": [[7, 1.0]],
}


def _cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def _flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 4, 40))):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _holed(data: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(data))
    return data[:start] + bytes(min(500, len(data) - start)) + data[start + 500 :]


def _doubled(data: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(data))
    return data[:start] + data


def _replaced(data: bytes, dice: random.Random) -> bytes:
    """A number or a text of it becomes another."""
    found = dice.choice((b"0", b"1", b"2", b"5", b'"', b",", b":", b"[", b"{", b"\n", b"."))
    other = dice.choice(
        (b"", b"-1", b"1e999", b"NaN", b"null", b"[]", b"{}", b'"', b"\0", b"\xff\xfe", b"9" * 400)
    )
    places = [place for place in range(len(data)) if data.startswith(found, place)]
    if not places:
        return data + other
    place = dice.choice(places)
    return data[:place] + other + data[place + len(found) :]


def _other(data: bytes, dice: random.Random) -> bytes:
    hostile = (
        b"",
        b"\0" * 4096,
        b"[" * 200_000,
        b"{" * 200_000,
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><OGRVRTDataSource></OGRVRTDataSource>",
        b"a: &a [x]\n" + b"".join(b"b%d: &b%d [*a, *a]\n" % (n, n) for n in range(99)),
        b"\xff\xfe" + "tile_size: 1\n".encode("utf-16-le"),
        bytes(dice.randrange(256) for _ in range(2000)),
        b"PK\x03\x04" + data,
        b'"' * 5000,
    )
    return dice.choice(hostile)


KINDS: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "cut": _cut,
    "flipped": _flipped,
    "hole": _holed,
    "doubled": _doubled,
    "replaced": _replaced,
    "other": _other,
}


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads one kind of file.

    Attributes:
        name: For the table.
        file: Where in a folder the file lies.
        make: Makes a good one there.
        read: Reads it, to its last byte.
        kinds: What is done to the good one.
    """

    name: str
    file: str
    make: Callable[[Path], object]
    read: Callable[[Path], object]
    kinds: Mapping[str, Callable[[bytes, random.Random], bytes]] = field(default_factory=lambda: KINDS)


def _whole_image(path: Path) -> None:
    look_at(path)
    with closing(open_image(path)) as image:
        image.read(Window(0, 0, min(image.width, 2048), min(image.height, 2048)))


def _journal(path: Path) -> None:
    found = Detections(np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), [0.5, 0.25], [0, 1])
    with Journal(path.parent, {"tile_size": 800}, "herd") as journal:
        for number in range(6):
            result = ImageResult(
                name=f"{number}.jpg", path=path, detections=found, width=99, height=99, tiles=1
            )
            journal.add(result, stamp_of(path), float(number))


def _read_journal(path: Path) -> None:
    record = Record.read(path.parent)
    list(record.results([]))
    list(read_results(path.parent))


def _verdicts(path: Path) -> None:
    run = path.parent.parent
    box = Marked((1.0, 2.0, 3.0, 4.0), "zebra")
    with writing_verdicts(run) as file:
        for number in range(6):
            file.append(
                Verdict(kind="wrong", image=f"{number}.jpg", reviewer="Ann", detection="d", before=box)
            )


def _outline(path: Path) -> None:
    geometry = {"type": "Polygon", "coordinates": SQUARE}
    feature = {"type": "Feature", "properties": {"name": "north"}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")


def _text(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text, encoding="utf-8")


READERS = (
    Reader("picture", "a.jpg", lambda path: make_photograph(path, 640, 480, 0), _whole_image),
    Reader("raster", "a.tif", lambda path: make_raster(path, 512), _whole_image),
    Reader("network", "a.onnx", lambda path: make_network(path, plain(8, 4), side=64), inspect),
    Reader(
        "settings",
        "a.yaml",
        _text(YAML),
        lambda path: read_yaml(path, name=path.name, variable=lambda _: None),
    ),
    Reader(".env", ".env", _text(DOTENV), Variables.read),
    Reader("journal", JOURNAL, _journal, _read_journal),
    Reader(
        "verdicts", f"review/{VERDICTS}", _verdicts, lambda path: read_verdicts(path.parent.parent).reason
    ),
    Reader(
        "positions", "a.csv", _text(POSITIONS), lambda path: read_position_table(PositionTable(csv_path=path))
    ),
    Reader("transects", "b.csv", _text(LISTED), read_lines),
    Reader("strata", "c.geojson", _outline, read_areas),
    Reader("server.json", "server.json", _text(json.dumps(STATE)), lambda path: read_state(path.parent)),
    Reader("version archive", "a.zip", version_file, read_version_file, {**KINDS, **FORGERIES}),
    Reader("backup", "b.zip", backup, read_backup, {**KINDS, **FORGERIES}),
)


@dataclass(slots=True)
class Count:
    """What came of one reader's inputs."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0


def _try(reader: Reader, path: Path, what: str, count: Count) -> None:
    begun = time.perf_counter()
    count.inputs += 1
    faulthandler.dump_traceback_later(
        LONGEST * 6, exit=True
    )  # a hang in C ends the benchmark, with its place
    try:
        reader.read(path)
        count.read += 1
    except WildDetectError:
        count.refused += 1
    except Exception as error:  # noqa: BLE001 - that none comes is what is measured
        count.faults.append(f"{what}: {type(error).__name__}: {str(error)[:120]}")
    faulthandler.cancel_dump_traceback_later()
    seconds = time.perf_counter() - begun
    count.slowest = max(count.slowest, seconds)
    if seconds > LONGEST:
        count.faults.append(f"{what}: {seconds:.0f} s")


def _peak() -> int:
    """The most memory that this process had, in bytes."""
    if sys.platform != "win32":
        import resource

        kilobyte = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte
    return int(psutil.Process().memory_info().peak_wset)


def main() -> int:
    """Run all readers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    counts = {reader.name: Count() for reader in READERS}
    with tempfile.TemporaryDirectory() as place:
        for reader in READERS:
            path = Path(place, reader.name.replace(".", ""), reader.file)
            path.parent.mkdir(parents=True)
            reader.make(path)
            good = path.read_bytes()
            reader.read(path)
            for number in range(asked.inputs // len(READERS)):
                dice = random.Random(f"{asked.seed} {reader.name} {number}")  # noqa: S311 - repeatable
                kind = dice.choice(list(reader.kinds))
                path.write_bytes(reader.kinds[kind](good, dice))
                _try(reader, path, f"{reader.name} {number} ({kind})", counts[reader.name])
            shutil.rmtree(path.parent, ignore_errors=True)
    print("| reader | inputs | read | refused with a hint | faults | slowest, s |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, one in counts.items():
        numbers = f"{one.inputs} | {one.read} | {one.refused} | {len(one.faults)} | {one.slowest:.2f}"
        print(f"| {name} | {numbers} |")
    faults = [fault for one in counts.values() for fault in one.faults]
    most = _peak() / 1e6
    print(f"\nseed {asked.seed}; memory {most:.0f} MB of {MOST_MB}")
    for fault in faults[:40]:
        print(fault, file=sys.stderr)
    return 1 if faults or most > MOST_MB else 0


if __name__ == "__main__":
    sys.exit(main())
