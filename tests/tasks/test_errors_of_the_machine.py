"""What the system refuses where no place of the program expected it is no bug of the program."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from invoke.exceptions import Exit

from wildetect.tasks.support import errors_told


def told(error: OSError, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    with pytest.raises(Exit) as ended, errors_told():
        raise error
    return ended.value.code, capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("error", "says", "fix"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "a drive is full: No space", "Make room"),
        (
            PermissionError(errno.EACCES, "Permission denied", "runs/.aliases.json.12.tmp"),
            f"{Path('runs/aliases.json')} cannot be used: Permission denied",
            "Close it in other programs",
        ),
        (
            PermissionError(errno.EACCES, "It is in use", "runs/.a.12.tmp", None, "runs/model.onnx"),
            f"{Path('runs/model.onnx')} cannot be used: It is in use",
            "Close it in other programs",
        ),
        (OSError(errno.EROFS, "Read-only file system", "runs/x"), "Read-only file system", "may write to it"),
        (
            OSError(errno.EIO, "Input/output error", b"D:/DCIM/a.jpg"),
            "a.jpg cannot be used",
            "its drive is there",
        ),
    ],
)
def test_the_file_and_what_to_do_are_named(
    error: OSError, says: str, fix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = told(error, capsys)
    assert code == 5
    assert lines[0].startswith("error: ")
    assert says in lines[0]
    assert lines[1].startswith("hint: ")
    assert fix in lines[1]
    assert "bug" not in "".join(lines)


def test_what_may_be_ours_is_still_called_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = told(FileNotFoundError(errno.ENOENT, "No such file", "x"), capsys)
    assert code == 1
    assert "bug" in lines[1]
