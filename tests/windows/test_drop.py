"""Files dropped on a .bat file, and shortcuts with arguments: what Explorer starts, and what arrives.

Explorer puts quotes around names with spaces only. cmd.exe ends a command at `&` and takes `^` away, so
that the .bat file is given less than was dropped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.windows.command_prompt import WINDOWS, CommandPrompt
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.shims import COMMAND_LINE
from wildetect.tasks.command_line import words_of_explorer

FILE = "scripts/run_detection.bat"
NAMES = ["a b.jpg", "a&b.jpg", "c^d.jpg", "e,f;g=h.jpg", "100%.jpg", "(1).jpg", "größe Ж.jpg", "it's.jpg"]


def explorer_line(file: str, words: list[str]) -> str:
    quoted = [f'"{word}"' if " " in word else word for word in words]
    return rf'C:\WINDOWS\system32\cmd.exe /c ""{file}" {" ".join(quoted)}"'


@pytest.mark.skipif(WINDOWS, reason="who opened the window is asked of the real PowerShell")
@pytest.mark.parametrize(
    "options", [pytest.param([], id="drop"), pytest.param(["--limit", "3"], id="drop on a shortcut")]
)
def test_all_that_was_dropped_arrives(options: list[str], prompt: CommandPrompt, project: Path) -> None:
    file = prompt.path(project / FILE)
    words = [*options, *(rf"D:\survey\{name}" for name in NAMES)]
    line = explorer_line(file, words)
    # cmd.exe cuts the line at the first bare "&"
    ended = prompt.call(
        file,
        *options,
        "D:\\survey\\a b.jpg",
        "D:\\survey\\a",
        line=line,
        keys=b"\r\n",
        EXPLORER_CODE="0",
        RUN_CODE="5",
    )
    assert ended.asked
    assert ended.arguments == "run --no-sync python -m invoke detect.run"
    assert words_of_explorer(ended.variables[COMMAND_LINE]) == words
    assert (ended.code, ended.held) == (5, True)


@pytest.mark.skipif(WINDOWS, reason="who opened the window is asked of the real PowerShell")
def test_many_files(prompt: CommandPrompt, project: Path) -> None:
    file = prompt.path(project / FILE)
    words = [rf"D:\survey\camp 23\DJI_{number:04}.JPG" for number in range(150)]
    line = explorer_line(file, words)
    ended = prompt.call(file, *words[:2], line=line, keys=b"\r\n", EXPLORER_CODE="0")
    assert words_of_explorer(ended.variables[COMMAND_LINE]) == words


@pytest.mark.skipif(not WINDOWS, reason="only Windows has Explorer's question answered by PowerShell")
def test_who_opened_the_window(prompt: CommandPrompt, project: Path, tmp_path: Path) -> None:
    """A copy of cmd.exe under Explorer's name starts what Explorer would start."""
    explorer = tmp_path / "explorer.exe"
    shutil.copy(os.environ["COMSPEC"], explorer)
    file, words = prompt.path(project / FILE), [r"C:\survey\a&b.jpg", r"C:\survey\a b.jpg"]
    start = tmp_path / "start.bat"
    start.write_bytes(f"@echo off\r\n{explorer_line(file, words)}\r\n".encode("ascii"))
    ended = prompt.call(str(explorer), "/c", str(start), keys=b"\r\n", RUN_CODE="5")
    assert words_of_explorer(ended.variables[COMMAND_LINE]) == words
    assert ended.code == 5


@pytest.mark.skipif(not WINDOWS, reason="only Windows has uv.exe")
@pytest.mark.parametrize(
    ("name", "arguments", "code", "says"),
    [
        ("mlflow_status.bat", ["--json"], 3, '"state"'),
        ("run_detection.bat", ["gone.jpg"], 2, "no file or folder"),
        ("run_detection.bat", ["--sorce", "x"], 2, "Did you mean --source?"),
    ],
)
def test_the_real_program(name: str, arguments: list[str], code: int, says: str, tmp_path: Path) -> None:
    environment = Workspace(tmp_path, {"MLFLOW_TRACKING_URI": unused_uri()}).environment
    ended = subprocess.run(
        [str(REPOSITORY / "scripts" / name), *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert says in ended.stdout + ended.stderr
