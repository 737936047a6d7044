"""Commands of hints pasted into cmd.exe: each word arrives as it was meant, and PowerShell reads it alike."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.hinted import FILLED
from tests.tasks.test_hints import TOLD
from tests.windows.command_prompt import CommandPrompt

from wildetect.tasks import calling
from wildetect.wording import quoted

PARTS = re.compile(r'\\*"|\s+|\\+|[^\s"\\]+')
IN_QUOTES = re.compile(r'"[^"]*"')
READ_BY_POWERSHELL = re.compile(r"[&|;,(){}<>`$']|(?<!\S)[@#]")
"""What PowerShell reads where it stands outside of quotes."""
VALUES = (
    r"D:\my survey\(north) & south",
    "elephants@production",
    "kob/3",
    "it's here",
    "a,b;c=d^e",
    "@all",
    "D:\\my survey\\",
    "#2!",
    r"\\server\d$\Größe",
    "Ñandú~1 [x] {y}",
    "<a|b>*?",
)
COMMANDS = [f"uv run invoke {told}" for told in sorted(TOLD)]


def words_of(line: str) -> list[str]:
    """The words that a program of Windows gets, as its C library parts them; no value here holds a quote."""
    words: list[str] = []
    word, is_inside = "", False
    for part in [*PARTS.findall(line), " "]:
        if part.endswith('"'):
            slashes = len(part) - 1
            word += "\\" * (slashes // 2) + '"' * (slashes % 2)
            is_inside ^= not slashes % 2
        elif is_inside or not part.isspace():
            word += part
        elif word:
            words.append(word)
            word = ""
    assert not is_inside
    return words


def filled(command: str, value: str) -> str:
    return command.replace(FILLED, quoted(value))


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")


@pytest.mark.parametrize("value", [*VALUES, "100% of it", "%50% off%"])
@pytest.mark.usefixtures("on_windows")
def test_powershell_reads_the_words_that_cmd_reads(value: str) -> None:
    for command in COMMANDS:
        line = filled(command, value)
        outside = IN_QUOTES.sub("x", line)
        assert "&&" not in line
        assert not READ_BY_POWERSHELL.search(outside), line
        assert not any(re.search(r"\$(?!\\)|`", part) for part in IN_QUOTES.findall(line)), line


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_a_command_arrives_in_cmd_as_it_was_meant(
    number: int, prompt: CommandPrompt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each value in its part of the commands that take one, so that all of them are typed."""
    value = VALUES[number]
    taking = [command for command in COMMANDS if FILLED in command]
    for command in taking[number :: len(VALUES)]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "platform", "win32")
            line = filled(command, value)
        ended = prompt.typed(line, tmp_path)
        assert ended.code == 0, ended.said
        meant = [value if word == FILLED else word for word in command.split()[1:]]
        assert words_of(ended.arguments) == meant


def test_a_uv_in_a_folder_with_spaces_is_called_alike_in_both(
    prompt: CommandPrompt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that begins with a quote is a text to PowerShell; the quote comes behind the drive."""
    place = tmp_path / "Program Files (x86)" / "uv"
    place.mkdir(parents=True)
    shutil.copy(prompt.folder / "bin/uv.exe", place)
    uv = prompt.path(place / "uv.exe")
    with monkeypatch.context() as patch:
        patch.setattr(calling, "_calling", [])
        patch.setattr(shutil, "which", lambda _: None)
        patch.setenv("UV", uv)
        patch.setattr(sys, "platform", "win32")
        calling.called_from(tmp_path, tmp_path)
        line = calling.as_called('uv run invoke model.show "my kob@production"')
    assert re.match(r'[A-Za-z]:\\"', line)
    ended = prompt.typed(line, tmp_path)
    assert ended.code == 0, ended.said
    # the stand-in takes the path's first word for all of it; uv itself, as all of Rust, goes by the quotes
    assert ended.variables["ARGUMENTS"].endswith('run invoke model.show "my kob@production"')
