"""The .bat files: their bytes, and that they are held to the tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from wildetect.errors import ConfigurationError
from wildetect.shims import check_shims, render, write_shims

TASKS = {"launch_mlflow.bat": "mlflow.serve", "stop_mlflow.bat": "mlflow.stop"}


def test_bytes_that_every_cmd_reads() -> None:
    content = render("mlflow.serve")
    assert content.isascii()
    assert not content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert content.endswith(b"\r\n")


def test_arguments_pass_verbatim_outside_every_block() -> None:
    lines = render("mlflow.serve").decode().splitlines()
    (call,) = [line for line in lines if "%*" in line]
    assert call.startswith('"%UV_EXE%" run invoke mlflow.serve %* &')


def test_no_label_is_missing() -> None:
    lines = render("mlflow.serve").decode().splitlines()
    labels = {line for line in lines if line.startswith(":")}
    called = {word for line in lines if "goto" in line for word in line.split() if word.startswith(":")}
    assert called == labels


def test_written_files_are_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    assert [path.name for path in write_shims(folder, TASKS)] == sorted(TASKS)
    check_shims(folder, TASKS)
    assert sorted(path.name for path in folder.iterdir()) == sorted(TASKS)


def test_what_differs_is_named(tmp_path: Path) -> None:
    write_shims(tmp_path, {**TASKS, "old.bat": "gone.task"})
    (tmp_path / "stop_mlflow.bat").unlink()
    launch = tmp_path / "launch_mlflow.bat"
    launch.write_bytes(launch.read_bytes().replace(b"\r\n", b"\n"))
    with pytest.raises(ConfigurationError) as caught:
        check_shims(tmp_path, TASKS)
    details = "\n".join(caught.value.details)
    assert "launch_mlflow.bat is out of date or was edited" in details
    assert "stop_mlflow.bat is missing" in details
    assert "old.bat belongs to no task" in details
    assert caught.value.hint == "uv run invoke shims.write"


def test_the_tasks_have_the_documented_shims() -> None:
    from wildetect.tasks import ns
    from wildetect.tasks.support import Verb

    shims = {ns[name].shim: name for name in ns.task_names if isinstance(ns[name], Verb)}
    assert {
        "launch_mlflow.bat": "mlflow.serve",
        "stop_mlflow.bat": "mlflow.stop",
        "register_model.bat": "model.register",
        "run_detection.bat": "detect.run",
    }.items() <= shims.items()
