from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from wildetect.errors import InputError
from wildetect.results.files import lasting, replacing, unwritable, write_text
from wildetect.results.leftovers import remove_run


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "Make room on its drive, then give the same command again"),
        (errno.EFBIG, "Write to another drive: this one takes no file so large"),
        (errno.EROFS, "See that its drive is not write-protected"),
        (errno.EIO, "See that its drive is there and in order"),
        (errno.EDQUOT, "Make room on its drive, then give the same command again"),
        (
            errno.EACCES,
            "Close the file in other programs, and see that neither it nor its folder is write-protected.",
        ),
    ],
)
def test_what_mends_a_file_that_cannot_be_written(tmp_path: Path, number: int, fix: str) -> None:
    path = tmp_path / "detections.csv"
    write_text(path, "as it was")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise OSError(number, os.strerror(number))

    with pytest.raises(InputError, match="cannot write") as raised:
        fail()
    assert fix in raised.value.hint
    assert path.read_text(encoding="utf-8") == "as it was"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("draft", "lasting_one"),
    [
        ("out/.new/blurred/animals.csv", "out/blurred/animals.csv"),
        ("out/.run.json.4711.tmp", "out/run.json"),
        (".set.12.tmp/images/train/a.jpg", "set/images/train/a.jpg"),
        ("a.new/b.tmp/c.12.tmp", "a.new/b.tmp/c.12.tmp"),
    ],
)
def test_an_error_names_the_file_that_a_person_knows(draft: str, lasting_one: str) -> None:
    assert lasting(Path(draft)) == Path(lasting_one)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(Path(lasting_one)) in unwritable(Path(draft), full, "").message.split()[2]


def test_results_of_which_one_is_open_in_another_program_are_not_removed_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is to begin again begins once all can go, not after its journal is gone."""
    for name in ("journal.jsonl", "run.json", "detections.csv"):
        write_text(tmp_path / name, name)
    rename = Path.replace

    def as_windows(path: Path, target: Path) -> Path:
        if path.name == "detections.csv":
            raise PermissionError(errno.EACCES, "The file is being used by another process", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", as_windows)
    with pytest.raises(InputError, match=r"cannot remove .*detections\.csv: The file is being used"):
        remove_run(tmp_path)
    assert len([*tmp_path.iterdir()]) == 3
    monkeypatch.undo()
    remove_run(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_was_removed(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        write_text(tmp_path / "gone" / "run.json", "{}")
    assert "Bring back the folder" in raised.value.hint
