from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from wildetect.errors import InputError
from wildetect.results.files import replacing, write_text


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "Make room on its drive, then give the same command again"),
        (errno.EDQUOT, "Make room on its drive, then give the same command again"),
        (errno.EACCES, "Close the file in other programs, or give another folder with --output."),
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


def test_a_folder_that_was_removed(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        write_text(tmp_path / "gone" / "run.json", "{}")
    assert "Bring back the folder" in raised.value.hint
