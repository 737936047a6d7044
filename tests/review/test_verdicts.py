import errno
import os
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from wildetect.errors import ConfigurationError, InputError
from wildetect.results.ids import detection_id, ids_of_boxes
from wildetect.review.ids import find_again
from wildetect.review.plan import Plan, PlanStratum, Unit, read_plan, write_plan
from wildetect.review.verdict_file import VERDICTS, read_verdicts, writing_verdicts
from wildetect.review.verdicts import Marked, Verdict, standing

BOX = Marked((1.0, 2.0, 30.0, 40.5), "zebra")
OTHER = Marked((1.0, 2.0, 30.0, 40.5), "eland")


def of_detection(kind: str, **more: object) -> Verdict:
    values = {"image": "a/b.jpg", "reviewer": "Ann", "detection": "d1", "before": BOX} | more
    return Verdict(kind=kind, **values)  # type: ignore[arg-type]


def test_verdicts_come_back_as_they_were_given(tmp_path: Path) -> None:
    given = [
        of_detection("right"),
        of_detection("class", after=OTHER),
        of_detection("moved", after=Marked((2.0, 2.0, 9.0, 9.0), "zebra")),
        of_detection("added", before=None, after=BOX),
        Verdict(kind="nothing-here", image="a/\udcff.jpg", reviewer="Żaneta"),
    ]
    given.append(Verdict(kind="undo", image="a/b.jpg", reviewer="Ann", undoes=given[0].id))
    with writing_verdicts(tmp_path) as file:
        for one in given:
            file.append(one)

    read = read_verdicts(tmp_path)

    assert [one.document() for one in read.verdicts] == [one.document() for one in given]
    assert read.problems == ()


def test_a_torn_last_line_is_dropped_and_the_next_verdict_begins_a_line_of_its_own(tmp_path: Path) -> None:
    with writing_verdicts(tmp_path) as file:
        file.append(of_detection("right"), of_detection("wrong"))
    path = tmp_path / "review" / VERDICTS
    path.write_bytes(path.read_bytes()[:-20])

    assert [one.kind for one in read_verdicts(tmp_path).verdicts] == ["right"]
    with writing_verdicts(tmp_path) as file:
        file.append(of_detection("unsure"))
    assert [one.kind for one in read_verdicts(tmp_path).verdicts] == ["right", "unsure"]


def test_a_drive_that_goes_in_the_middle_of_a_line_costs_that_verdict_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        """A file whose drive goes after some bytes, and comes back."""

        def __init__(self, file: FileIO) -> None:
            self.file, self.gone = file, False

        def write(self, content: bytes) -> int:
            if self.gone:
                self.file.write(content[:20])
                raise OSError(errno.EIO, "Input/output error")
            return self.file.write(content)

        def truncate(self, size: int) -> int:
            if self.gone:
                raise OSError(errno.EIO, "Input/output error")
            return self.file.truncate(size)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    with writing_verdicts(tmp_path) as file:
        failing = Failing(file._file)
        monkeypatch.setattr(file, "_file", failing)
        file.append(of_detection("right"))
        failing.gone = True
        for _ in range(2):
            with pytest.raises(InputError, match="Input/output error") as caught:
                file.append(of_detection("wrong"))
        assert caught.value.hint is not None
        assert "give the verdict again" in caught.value.hint
        failing.gone = False
        file.append(of_detection("unsure"))
    read = read_verdicts(tmp_path)
    assert ([one.kind for one in read.verdicts], read.problems) == (["right", "unsure"], ())


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes and replaces no open file")
@pytest.mark.parametrize("replaced", [False, True])
def test_no_verdict_goes_into_a_file_that_was_deleted_or_replaced(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "review" / VERDICTS
    with writing_verdicts(tmp_path) as file:
        file.append(of_detection("right"))
        copy = path.read_bytes()
        path.unlink()
        if replaced:
            path.write_bytes(copy)
        with pytest.raises(InputError, match="deleted or replaced while it was open"):
            file.append(of_detection("wrong"))


def test_a_damaged_line_is_named_and_costs_only_itself(tmp_path: Path) -> None:
    with writing_verdicts(tmp_path) as file:
        file.append(of_detection("right"), of_detection("wrong"), of_detection("unsure"))
    path = tmp_path / "review" / VERDICTS
    lines = path.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b'"verdict":"wrong"', b'"verdict":"maybe"')
    path.write_bytes(b"\n".join(lines))

    read = read_verdicts(tmp_path)

    assert [one.kind for one in read.verdicts] == ["right", "unsure"]
    assert read.problems == ("line 2 (of a/b.jpg): its checksum does not fit what it says",)
    assert read.reason is not None
    assert "line 2 (of a/b.jpg)" in read.reason


def test_verdicts_without_checksums_are_read_and_looked_at(tmp_path: Path) -> None:
    with writing_verdicts(tmp_path) as file:
        file.append(*(of_detection("right") for _ in range(3)))
    path = tmp_path / "review" / VERDICTS
    plain = [line[: line.rindex(b',"check":')] + b"}" for line in path.read_bytes().splitlines()]
    plain[1] = plain[1].replace(b'"verdict":"right"', b'"verdict":"maybe"')
    path.write_bytes(b"\n".join(plain) + b"\n")

    read = read_verdicts(tmp_path)

    assert len(read.verdicts) == 2
    assert read.problems == ("line 2 (of a/b.jpg): 'maybe' is not a verdict",)


def test_no_changed_bit_loses_or_changes_a_verdict_without_a_word(tmp_path: Path) -> None:
    with writing_verdicts(tmp_path) as file:
        file.append(of_detection("right"), of_detection("class", after=OTHER))
    path = tmp_path / "review" / VERDICTS
    whole = path.read_bytes()
    given = [one.document() for one in read_verdicts(tmp_path).verdicts]
    for place in range(0, len(whole) * 8, 5):  # 5 and 8 have no common factor: each of the eight bits
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        read = read_verdicts(tmp_path)
        found = [one.document() for one in read.verdicts]
        assert all(one in given for one in found), place
        # only a last line whose very end is not readable passes for one that a kill cut off
        assert found == given or read.problems or place // 8 >= len(whole) - 21, place


def test_there_is_one_writer_at_a_time(tmp_path: Path) -> None:
    with (
        writing_verdicts(tmp_path),
        pytest.raises(ConfigurationError, match="another program is writing verdicts"),
        writing_verdicts(tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "right", "image": "a.jpg"},
        {"kind": "class", "image": "a.jpg", "detection": "d", "before": BOX},
        {"kind": "added", "image": "a.jpg", "detection": "d", "before": BOX, "after": BOX},
        {"kind": "undo", "image": "a.jpg"},
        {"kind": "nothing-here", "image": ""},
    ],
)
def test_a_verdict_that_says_too_little_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"verdict|say|name"):
        Verdict(reviewer="Ann", **values)  # type: ignore[arg-type]


def test_an_undo_can_be_undone() -> None:
    first = of_detection("right")
    undo = Verdict(kind="undo", image="a/b.jpg", reviewer="Ann", undoes=first.id)
    again = Verdict(kind="undo", image="a/b.jpg", reviewer="Ann", undoes=undo.id)

    assert standing([first, undo]) == []
    assert standing([first, undo, again]) == [first]


def test_an_id_depends_on_image_and_box_alone_and_two_alike_boxes_differ() -> None:
    one, other = ids_of_boxes("a.jpg", [(1, 2, 3, 4), (1.004, 2, 3, 4)])

    assert one == detection_id("a.jpg", (1.0, 2.0, 3.0, 4.0))
    assert one != other
    assert detection_id("b.jpg", (1, 2, 3, 4)) != one
    assert detection_id("a.jpg", (-0.001, 2, 3, 4)) == detection_id("a.jpg", (0, 2, 3, 4))


def test_a_box_finds_its_place_in_another_run_and_each_place_is_given_once() -> None:
    boxes = [(0.0, 0.0, 10.0, 10.0), (1.0, 0.0, 11.0, 10.0), (50.0, 50.0, 60.0, 60.0)]

    assert find_again(boxes, [(1.0, 0.0, 11.0, 10.5), (90.0, 90.0, 99.0, 99.0)]) == [None, 0, None]
    assert find_again([], boxes) == []


def test_a_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    plan = Plan(
        seed=7,
        purpose="estimate",
        created="2026-05-01T10:00:00+00:00",
        run_digest="abc",
        strata=(PlanStratum(name="0", least=0, most=0, units=3, drawn=1),),
        units=(
            Unit(image="a.jpg", stratum="0", detected=0),
            Unit(
                image="b.jpg", stratum="0", detected=0, place=1, outline=((0.0, 0.0), (5.0, 0.0), (5.0, 9.0))
            ),
        ),
    )
    write_plan(tmp_path, plan)

    assert read_plan(tmp_path) == plan
    assert [unit.image for unit in plan.to_review] == ["b.jpg"]
    assert "1,b.jpg,0,0,0.333333,own ground" in (tmp_path / "review" / "plan.csv").read_text(encoding="utf-8")
    assert read_plan(tmp_path / "elsewhere") is None
