"""What the system refuses where no place of the program expected it is no bug of the program."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from invoke.exceptions import Exit
from tests.workspaces import REPOSITORY

from wildetect.tasks.support import errors_told


def told(error: Exception, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
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
        (OSError(errno.EFBIG, "File too large", "runs/x"), "File too large", "with FAT32 4 GB"),
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


def test_a_package_that_was_lost_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """As an installation that was interrupted leaves it, or a program that looks for viruses."""
    code, lines = told(ModuleNotFoundError("No module named 'yaml'", name="yaml"), capsys)
    assert code == 2
    assert lines[0] == "error: the package yaml is not installed, or not whole"
    assert "uv sync --reinstall" in lines[1]
    code, lines = told(ModuleNotFoundError("No module named 'x'", name="wildetect.x"), capsys)
    assert code == 1


def test_an_invoke_without_the_packages_says_what_to_type(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "tasks.py", tmp_path)
    site = Path(sysconfig.get_path("purelib"))
    (tmp_path / "alone").mkdir()
    for folder in (site / "invoke", *site.glob("invoke-*.dist-info")):
        shutil.copytree(folder, tmp_path / "alone" / folder.name)
    words = [sys.executable, "-S", "-m", "invoke", "detect.run", "camp 23"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "alone")}
    ended = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("error: the packages of this project are not installed for ")
    camp = '"camp 23"' if os.name == "nt" else "'camp 23'"
    assert f"hint: uv run invoke detect.run {camp} (" in ended.stderr
