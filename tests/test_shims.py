"""The .bat files: their bytes, and that they are held to the tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY

from wildetect.errors import ConfigurationError
from wildetect.shims import SETUP, Shim, check_shims, render, write_shims
from wildetect.tasks.shims import declared_shims

SHIMS = [Shim("launch_mlflow.bat", "mlflow.serve"), Shim("stop_mlflow.bat", "mlflow.stop")]
LINES = render(SHIMS[0]).decode().splitlines()


def test_bytes_that_every_cmd_reads() -> None:
    content = render(SHIMS[0])
    assert content.isascii()
    assert not content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert content.endswith(b"\r\n")


def test_git_keeps_the_bytes() -> None:
    attributes = (REPOSITORY / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "*.bat text eol=crlf" in attributes
    for path in (REPOSITORY / "scripts").iterdir():
        content = path.read_bytes()
        assert content.startswith(b"@echo off\r\n"), path.name
        assert content.count(b"\n") == content.count(b"\r\n"), path.name


def test_arguments_pass_verbatim_outside_every_block() -> None:
    (call,) = [line for line in LINES if "%*" in line]
    assert call.startswith('"%UV_EXE%"%UV_WORDS% run %SYNC% python -m invoke mlflow.serve %* &')


@pytest.mark.parametrize("shim", [SHIMS[0], Shim(SETUP, "demo")])
def test_no_label_is_missing(shim: Shim) -> None:
    lines = render(shim).decode().splitlines()
    labels = {line for line in lines if line.startswith(":")}
    called = {word for line in lines if "goto" in line for word in line.split() if word.startswith(":")}
    tried = {line.partition("=")[2].rstrip('"') for line in lines if line.startswith('set "TRIED=')}
    assert called - {":%TRIED%"} | {f":{name}" for name in tried if name} <= labels


def test_every_line_is_short_enough_for_cmd() -> None:
    assert max(map(len, LINES)) < 1000  # of 8191, less what variables make of it


def test_written_files_are_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    assert write_shims(folder, SHIMS) == [folder / shim.name for shim in SHIMS]
    check_shims(folder, SHIMS)
    assert sorted(path.name for path in folder.iterdir()) == [shim.name for shim in SHIMS]


def test_what_differs_is_named(tmp_path: Path) -> None:
    write_shims(tmp_path, [*SHIMS, Shim("old.bat", "gone.task")])
    (tmp_path / "stop_mlflow.bat").unlink()
    launch = tmp_path / "launch_mlflow.bat"
    launch.write_bytes(launch.read_bytes().replace(b"\r\n", b"\n"))
    with pytest.raises(ConfigurationError) as caught:
        check_shims(tmp_path, SHIMS)
    details = "\n".join(caught.value.details)
    assert "launch_mlflow.bat is out of date or was edited" in details
    assert "stop_mlflow.bat is missing" in details
    assert "old.bat belongs to no task" in details
    assert caught.value.hint == "uv run invoke shims.write"


def test_the_tasks_have_the_documented_shims() -> None:
    assert {
        "demo.bat": "demo",
        "launch_mlflow.bat": "mlflow.serve",
        "mlflow_status.bat": "mlflow.status",
        "register_model.bat": "model.register",
        "run_detection.bat": "detect.run",
        "stop_mlflow.bat": "mlflow.stop",
    }.items() <= {shim.name: shim.task for shim in declared_shims()}.items()
