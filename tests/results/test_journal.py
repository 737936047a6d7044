from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wildetect.detections import Detections
from wildetect.errors import ConfigurationError, InputError
from wildetect.imagery.discovery import ImageFile
from wildetect.results.exports.formats.csv_file import write_csv
from wildetect.results.exports.formats.megadetector import write_megadetector
from wildetect.results.journal.journal import Journal
from wildetect.results.journal.lines import document_of, result_from
from wildetect.results.journal.reading import JOURNAL, read_results
from wildetect.results.journal.record import Record
from wildetect.results.leftovers import remove_drafts, remove_overlays, remove_run
from wildetect.results.lock import sole_writer
from wildetect.results.pictures.stamps import Stamp
from wildetect.results.records import ImageResult, RunSummary
from wildetect.results.sealed import Seals, sealed

SHAPE = {"model sha256": "1" * 64, "tile_size": 800, "source": ["/survey"]}
STAMP = Stamp(10, 20)


def result(name: str, count: int = 2) -> ImageResult:
    random = np.random.default_rng(len(name) + count)
    corner = random.random((count, 2)) * 100
    found = Detections(np.hstack([corner, corner + 7.1]), random.random(count), np.arange(count) % 3)
    return ImageResult(
        name=name, path=Path("/survey") / name, detections=found, width=200, height=100, tiles=4, stamp=STAMP
    )


def image(name: str) -> ImageFile:
    return ImageFile(Path("/survey") / name, name)


def write(folder: Path, *results: ImageResult) -> Path:
    with Journal(folder, SHAPE, "herd version 3") as journal:
        for number, one in enumerate(results):
            journal.add(one, STAMP, float(number))
    return folder / JOURNAL


def same(first: ImageResult, second: ImageResult) -> bool:
    arrays_of = [
        [
            np.zeros(0) if r.detections is None else r.detections.xyxy,
            r.positions if r.positions is not None else 0,
        ]
        for r in (first, second)
    ]
    alike = all(np.array_equal(a, b) for a, b in zip(*arrays_of, strict=True))
    plain = [replace(r, detections=Detections.empty(), failure=None, positions=None) for r in (first, second)]
    return alike and [str(plain[0])] == [str(plain[1])] and first.failure == second.failure


floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(arrays(np.float32, (3, 4), elements=floats), arrays(np.float64, (3, 2), elements=st.floats(-180, 180)))
def test_a_line_brings_every_digit_back(xyxy: np.ndarray, positions: np.ndarray) -> None:
    one = ImageResult(
        name="a/\udce9.jpg",
        path=Path("/survey/a.jpg"),
        detections=Detections(xyxy, xyxy[:, 0], [0, 1, 2]),
        positions=positions,
        width=3,
        height=4,
        seconds=0.1,
        longitude=1 / 3,
        tiles_failed=("800 x 800 px at 0, 0: damaged",),
        dark=True,
        stamp=STAMP,
    )
    document = Seals().parsed(sealed(document_of(one, STAMP)))
    again = result_from(document)
    assert same(one, again)
    assert again.detections is not None
    assert again.detections.confidence.tobytes() == xyxy[:, 0].tobytes()
    assert again.positions is not None
    assert again.positions.tobytes() == positions.tobytes()


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    failed = ImageResult(name="c.jpg", path=Path("/survey/c.jpg"), failure="cut short", stamp=STAMP)
    torn = replace(result("d.tif"), tiles_failed=("800 x 800 px at 0, 0 cannot be read",))
    wanted = [result("a.jpg"), result("b.jpg", 0), torn, failed]
    write(tmp_path, *wanted)
    with Journal(tmp_path, SHAPE) as journal:
        assert journal.record.seconds == 3
        assert [
            journal.record.holds(name, STAMP) for name in ("a.jpg", "b.jpg", "c.jpg", "d.tif", "e.jpg")
        ] == [
            True,
            True,
            False,  # a failed image is tried again
            False,  # so is one with failed tiles
            False,
        ]
        images = [image(one.name) for one in wanted]
        read = journal.record.results([image("unknown.jpg"), *images])
        assert len(read) == 4
        assert all(same(one, other) for one, other in zip(wanted, read, strict=True))
        assert same(read[-1], failed)
        assert [one.name for one in read[1:]] == ["b.jpg", "d.tif", "c.jpg"]
        summary = RunSummary()
        journal.record.count(images, summary)
        assert summary == RunSummary.of(wanted, expected=0)
    assert [one.name for one in read_results(tmp_path)] == ["a.jpg", "b.jpg", "d.tif", "c.jpg"]


def test_exports_of_a_journal_are_the_same_bytes(tmp_path: Path) -> None:
    wanted = [result("a.jpg", 50), result("b.jpg", 20)]
    write(tmp_path, *wanted)
    names = ["zebra", "gnu", "lion"]
    for number, results in enumerate((wanted, read_results(tmp_path))):
        write_megadetector(tmp_path / f"{number}.json", results, names)
        write_csv(tmp_path / f"{number}.csv", results, names)
    assert (tmp_path / "0.json").read_bytes() == (tmp_path / "1.json").read_bytes()
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()


@pytest.mark.parametrize("changed", [Stamp(11, 20), Stamp(10, 21), None])
def test_a_changed_image_is_done_again_and_keeps_its_place(tmp_path: Path, changed: Stamp | None) -> None:
    write(tmp_path, result("a.jpg"), result("b.jpg"))
    with Journal(tmp_path, SHAPE) as journal:
        assert not journal.record.holds("a.jpg", changed)
        journal.add(result("a.jpg", 9), Stamp(11, 20), 9)
        assert journal.record.holds("a.jpg", Stamp(11, 20))
    (first, second) = read_results(tmp_path)
    assert first.detections is not None
    assert (first.name, len(first.detections), second.name) == ("a.jpg", 9, "b.jpg")


def test_cut_anywhere_it_goes_on(tmp_path: Path) -> None:
    path = write(tmp_path, result("a.jpg"), result("b.jpg"))
    whole = path.read_bytes()
    ends = [number for number, sign in enumerate(whole, start=1) if sign == ord("\n")]
    for cut in {*range(0, len(whole), 37), *ends, *(end - 1 for end in ends)}:
        path.write_bytes(whole[:cut])
        with Journal(tmp_path, SHAPE) as journal:
            held = [journal.record.holds(name, STAMP) for name in ("a.jpg", "b.jpg")]
            assert held == [cut >= ends[1], cut >= ends[2]]
            for name, there in zip(("a.jpg", "b.jpg"), held, strict=True):
                if not there:
                    journal.add(result(name), STAMP, 0)
        assert path.read_bytes().count(b"\n") == 3
        assert [one.name for one in read_results(tmp_path)] == ["a.jpg", "b.jpg"]


def test_a_damaged_line_costs_its_image_alone(tmp_path: Path) -> None:
    path = write(tmp_path, result("a.jpg"), result("b.jpg"))
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = b"\0" * (len(lines[1]) - 1) + b"\n"
    path.write_bytes(b"".join(lines))
    with Journal(tmp_path, SHAPE) as journal:
        assert not journal.record.holds("a.jpg", STAMP)
        assert journal.record.holds("b.jpg", STAMP)


def unsealed(line: bytes) -> bytes:
    """A line as the versions before there were checksums wrote it."""
    return line[: line.rindex(b',"check":')] + b"}\n"


def test_a_line_with_any_bit_changed_is_known(tmp_path: Path) -> None:
    line = sealed(document_of(result("a.jpg", 1), STAMP))
    told = Seals().parsed(line)
    for place in range((len(line) - 1) * 8):
        damaged = bytearray(line)
        damaged[place // 8] ^= 1 << place % 8
        try:
            document = Seals().parsed(bytes(damaged))
        except ValueError:
            continue
        document.popitem()  # the key of the checksum is another word: what is before it stands
        assert document == told


def test_no_changed_bit_of_a_journal_is_taken_for_a_result(tmp_path: Path) -> None:
    path = write(tmp_path, result("a.jpg", 1), result("b.jpg", 0))
    whole, wanted = path.read_bytes(), {one.name: one for one in read_results(tmp_path)}
    accepted, costs = [], Counter[int]()
    for place in range(0, len(whole) * 8, 5):  # 5 and 8 have no common factor: each of the eight bits
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            record = Record.read(tmp_path)
        except ConfigurationError:
            assert place // 8 <= whole.index(b"\n")  # the first line, which says what run it is of
            continue
        results = list(record.results([image(name) for name in wanted]))
        accepted += [(place, one) for one in results if not same(one, wanted[one.name])]
        costs[len(wanted) - len(results)] += 1
        if len(results) < len(wanted):
            with pytest.raises(InputError):  # nothing is counted without what is missing
                read_results(tmp_path)
    assert accepted == []
    assert costs.keys() <= {0, 1, 2}  # two where the end of a line joins it with the next
    assert costs[2] <= 8
    assert costs[1] > 400


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"xyxy": [[1, 2, 3], [1, 2, 3, 4, 5]]}, "xyxy are not 4 for each of 2"),
        ({"xyxy": [[1, 2, 3, 4]]}, "xyxy are not 4 for each of 2"),
        ({"xyxy": [["1", "2", "3", "4"]] * 2}, "xyxy are not numbers"),
        ({"confidence": [0.5]}, "differ in length"),
        ({"class_id": [0.5, 1]}, "class_id are not numbers"),
        ({"class_id": [10**30, 1]}, "class_id are not numbers"),
        ({"class_id": [-1, 1]}, "class_id are not numbers"),
        ({"class_id": [True, 1]}, "class_id are not numbers"),
        ({"stamp": 7}, "not iterable"),
        ({"stamp": [1.5, 2]}, "stamp"),
        ({"image": ["a.jpg"]}, "names no image"),
        ({"path": 1}, "expected str"),
        ({"path": "ftp://camp/a.jpg"}, "not read"),
        ({"width": "200"}, "width"),
        ({"dark": 1}, "dark"),
        ({"failure": 1}, "failure"),
        ({"tiles_failed": [1]}, "tiles_failed"),
        ({"positions": [[1.0]]}, "positions are not 2 for each of 2"),
        ({"elapsed": None}, "elapsed"),
    ],
)
def test_a_line_of_another_shape_costs_its_image_alone(
    tmp_path: Path, change: dict[str, object], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, result("a.jpg"), result("b.jpg"))
    first, second, third = path.read_bytes().splitlines(keepends=True)
    changed = json.dumps({**json.loads(unsealed(second)), **change}).encode() + b"\n"
    path.write_bytes(unsealed(first) + changed + unsealed(third))
    with pytest.raises(InputError, match="is damaged") as raised:
        read_results(tmp_path)
    assert "line 2: " in raised.value.details[0]
    assert why in raised.value.details[0]
    with Journal(tmp_path, SHAPE) as journal:
        assert [journal.record.holds(name, STAMP) for name in ("a.jpg", "b.jpg")] == [False, True]
        journal.add(result("a.jpg"), STAMP, 2)
    assert "line 2: " in caplog.text
    caplog.clear()
    assert {one.name for one in read_results(tmp_path)} == {"a.jpg", "b.jpg"}
    with Journal(tmp_path, SHAPE) as journal:
        assert journal.record.holds("a.jpg", STAMP)
    assert not caplog.text  # said once


def test_a_journal_without_checksums_is_read_and_gone_on_with(tmp_path: Path) -> None:
    wanted = [result("a.jpg"), result("b.jpg", 0), result("c.jpg")]
    path = write(tmp_path, *wanted[:2])
    path.write_bytes(b"".join(map(unsealed, path.read_bytes().splitlines(keepends=True))))
    with Journal(tmp_path, SHAPE) as journal:
        assert journal.record.holds("a.jpg", STAMP)
        journal.add(wanted[2], STAMP, 3)
    assert all(same(one, other) for one, other in zip(wanted, read_results(tmp_path), strict=True))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, unsealed(lines[-1])]))
    with pytest.raises(InputError) as raised:
        read_results(tmp_path)
    assert raised.value.details == ("line 5: it has no checksum, as the lines before it have",)


def test_another_run_is_refused_and_named(tmp_path: Path) -> None:
    path = write(tmp_path, result("a.jpg"))
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="classifier and tile_size differ") as raised:
        Journal(tmp_path, {**SHAPE, "tile_size": 640, "classifier": "x"})
    assert raised.value.details == ("classifier: x, there None", "tile_size: 640, there 800")
    assert "--restart" in raised.value.hint
    assert path.read_bytes() == before
    with pytest.raises(ConfigurationError) as raised:
        Journal(tmp_path, {**SHAPE, "model sha256": "2" * 64}, "coco version 1")
    assert raised.value.details[0] == "model: coco version 1, there herd version 3"


OF_OTHERS = [
    (b"something else\n\n", "it is not whole"),
    (b'{"journal":99}\n{}\n', "not written by this version"),
    (b"[]\n[]\n", "not one JSON object"),
    (b"[" * 100_000 + b"\n{}\n", "it is not whole"),
    (b'{"journal":1,"started":"2026-01-01T00:00:00+00:00","model":null}\n{}\n', "which run it is of"),
    (b'{"journal":1,"started":5,"model":null,"shape":{}}\n{}\n', "when the run began"),
    (b'{"journal":1,"started":"2026-01-01","model":null,"shape":{}}\n{}\n', "no zone"),
    (b'{"journal":1,"started":"2026-01-01T00:00:00Z","model":[],"shape":{}}\n{}\n', "model is not a text"),
    (b"\xff\xfe{}\n{}\n", "it is not whole"),
]


@pytest.mark.parametrize(("content", "why"), OF_OTHERS)
def test_a_file_of_others_is_left_alone(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / JOURNAL).write_bytes(content)
    with pytest.raises(InputError, match=why):
        read_results(tmp_path)
    with pytest.raises(ConfigurationError, match=why) as raised:
        Journal(tmp_path, SHAPE)
    assert "--restart" in raised.value.hint
    with pytest.raises(ConfigurationError, match=why):
        Journal(tmp_path, SHAPE)
    assert (tmp_path / JOURNAL).read_bytes() == content


def test_a_full_disk_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        """Takes half a line, then nothing."""

        def __init__(self, file: object) -> None:
            self.file = file
            self.left = 100

        def __getattr__(self, name: str) -> Callable[..., object]:
            attribute: Callable[..., object] = getattr(self.file, name)
            return attribute

        def write(self, data: memoryview) -> object:
            if self.left == 0:
                raise OSError(28, "No space left on device")
            self.left = 0
            return self.file.write(data[:100])  # type: ignore[attr-defined]

    path = write(tmp_path, result("a.jpg"))
    before = path.read_bytes()
    with Journal(tmp_path, SHAPE) as journal:
        monkeypatch.setattr(journal, "_file", Full(journal._file))
        with pytest.raises(InputError, match="No space left on device") as raised:
            journal.add(result("b.jpg"), STAMP, 0)
        assert "Make room" in raised.value.hint
        assert "goes on where it stopped" in raised.value.hint
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete open files")
def test_a_vanished_folder_is_noticed(tmp_path: Path) -> None:
    with Journal(tmp_path, SHAPE) as journal:
        (tmp_path / JOURNAL).unlink()
        with pytest.raises(InputError, match="No such file") as raised:
            journal.sync()
        assert "is kept" not in raised.value.hint
        assert "begins again" in raised.value.hint


def test_two_runs_into_one_folder(tmp_path: Path) -> None:
    with (
        sole_writer(tmp_path),
        pytest.raises(ConfigurationError, match="another run is writing"),
        sole_writer(tmp_path),
    ):
        pass
    with sole_writer(tmp_path):
        pass


def test_only_what_is_ours_is_removed(tmp_path: Path) -> None:
    write(tmp_path, result("a.jpg"), result("b/c.png"))
    overlays = tmp_path / "overlays"
    overlays.mkdir()
    drawn = ["a.jpg", "c-mine.jpg", "notes.txt", ".a.jpg.77.tmp"]
    for name in drawn:
        (overlays / name).touch()
    (tmp_path / "run.json").touch()
    (tmp_path / "mine.csv").touch()
    remove_drafts(tmp_path)
    remove_overlays(tmp_path, ["a.jpg"])
    assert {path.name for path in overlays.iterdir()} == {"c-mine.jpg", "notes.txt"}
    remove_run(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"overlays", "mine.csv"}


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished or interrupted run"):
        read_results(tmp_path)


def test_images_that_are_left_out_stay_in_the_journal(tmp_path: Path) -> None:
    write(tmp_path, result("a.jpg"), result("b.jpg"), result("c.jpg"))
    with Journal(tmp_path, SHAPE) as journal:
        size = journal.path.stat().st_size
        journal.leave_out(frozenset())
        assert journal.path.stat().st_size == size  # nothing new, no line
        assert journal.record.missing_from([image("b.jpg"), image("d.jpg")]) == {"a.jpg", "c.jpg"}
        journal.leave_out(frozenset({"a.jpg", "c.jpg"}))
    assert [one.name for one in read_results(tmp_path)] == ["b.jpg"]
    with Journal(tmp_path, SHAPE) as journal:
        assert journal.record.left_out == {"a.jpg", "c.jpg"}
        assert journal.record.holds("a.jpg", STAMP)
        journal.leave_out(frozenset())
    assert [one.name for one in read_results(tmp_path)] == ["a.jpg", "b.jpg", "c.jpg"]


def test_seconds_are_known_for_each_image(tmp_path: Path) -> None:
    with Journal(tmp_path, SHAPE) as journal:
        journal.add(result("a.jpg"), STAMP, 2)
        journal.add_tiles("b.tif", STAMP, [], 5)
        journal.add(result("c.jpg"), STAMP, 6)
        journal.add(result("b.tif"), STAMP, 6.5)
        journal.add(result("a.jpg"), STAMP, 7.5)  # done again: the earlier time went for nothing
        now = journal.record
        expected = [now.seconds_of([name]) for name in ("a.jpg", "b.tif", "c.jpg")]
    assert expected == [1, 3.5, 1]
    with Journal(tmp_path, SHAPE) as journal:
        assert [journal.record.seconds_of([name]) for name in ("a.jpg", "b.tif", "c.jpg")] == expected
        assert journal.record.seconds == 7.5
