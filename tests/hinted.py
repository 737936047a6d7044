"""The commands in what a person is told, where the code hands them out, and how they are followed."""

from __future__ import annotations

import ast
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml
from tests.workspaces import REPOSITORY, Workspace

from wildetect.settings.keys import key_names
from wildetect.settings.sections import sections

CALL = re.compile(r"(?<!Usage: )uv run invoke ((?:(?!uv run invoke )[^;`\n])*)")
SENTENCE_GOES_ON = ("lists", "shows", "takes", "writes", "makes", "on", "to", "then", "and", "says")
IN_PLACE = re.compile(r"\b[A-Z]{4,}\b")
"""A word in capitals stands for a name that the reader has."""


def commands_in(text: str) -> list[list[str]]:
    """The words of each command in a text, up to where its sentence goes on."""
    found = []
    for call in CALL.findall(text):
        words: list[str] = []
        for word in _split(call):
            if word.startswith("(") or word in SENTENCE_GOES_ON:
                break
            words.append(word if word == "..." else word.rstrip(",.:)"))
            if word != "..." and word[-1] in ",.:)":
                break
        if words and re.fullmatch(r"[a-zA-Z][\w.]*", words[0]):
            found.append(words)
    return found


def can_be_pasted(words: list[str]) -> bool:
    """Whether a command is whole: nothing in it stands for a name that only the reader knows."""
    return not any(IN_PLACE.search(word) for word in words)


def _split(call: str) -> list[str]:
    try:
        return shlex.split(call)
    except ValueError:  # an apostrophe of the sentence
        return call.split()


FILLED = "FILLER"
"""What stands for a value that is known only when the program runs."""
SOURCE = REPOSITORY / "src/wildetect"


class Told(NamedTuple):
    """A text of the code that hands a command to a person."""

    module: str
    line: int
    text: str
    words: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """What matches the text as it is told: with values, and with the options that were typed."""
        text = re.sub(r"uv run invoke [a-z]+(?:[.][a-z]+)?", lambda call: call[0] + FILLED, self.text.strip())
        return re.escape(re.sub("%[ds]", FILLED, text)).replace(FILLED, "(?:.*)")


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """The strings of a module, f-strings whole, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in parts | said:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            pieces = [part.value if isinstance(part, ast.Constant) else FILLED for part in node.values]
            yield node.lineno, "".join(map(str, pieces))


@cache
def told_in_code() -> tuple[Told, ...]:
    """Every text of the code that hands a command, in order."""
    return tuple(
        Told(path.relative_to(SOURCE).as_posix(), line, text, tuple(words))
        for path in sorted(SOURCE.rglob("*.py"))
        for line, text in texts_of(path)
        for words in commands_in(text)
        if words[0] != "TASK"
    )


CORRECTIONS = f"survey.corrections.{FILLED}"  # whichever the overlaps tell
_KEYS = sorted(
    (*(key for model in sections() for key in key_names(model)), CORRECTIONS), key=len, reverse=True
)
_WORDS = rf"null|auto|native|use|cpu|fraction|in(?= {FILLED}| the settings)"
SETTING = re.compile(
    rf"(?<![\w.-])({'|'.join(map(re.escape, _KEYS))})(?:: | to (?:about )?)"
    rf"(\[[^]]*\]|{{.*?}}|{FILLED}(?!\w)|\d+\b|[A-Z]:/\w+|{_WORDS})"
)
"""A line of settings in a text of the code; "in FILE" where only the reader knows its value."""


@cache
def lines_in_code() -> tuple[Told, ...]:
    """Every text of the code that hands lines of settings, in order."""
    return tuple(
        Told(path.relative_to(SOURCE).as_posix(), line, text, ())
        for path in sorted(SOURCE.rglob("*.py"))
        for line, text in texts_of(path)
        if " " in text and SETTING.search(text)
    )


def told_at(where: str) -> list[Told]:
    """The hint that `module.py: part of its text` means, which a module may give in several places.

    A part that is the whole of a text means that one.
    """
    module, _, part = where.partition(": ")
    every = (*told_in_code(), *lines_in_code())
    found = [told for told in every if told.module == module and part in told.text]
    found = [told for told in found if told.text == part] or found
    assert len({told.text for told in found}) == 1, (where, found)
    return found


def commands_told(said: str, where: str, **known: str | Path) -> list[list[str]]:
    """The commands of a hint, out of what the program said, as a person would type them.

    Args:
        said: What the program said; the hint of the code must be in it.
        where: The place in the code, as `told_at` takes it.
        known: What only the reader knows, for the words in capitals.
    """
    told = told_at(where)[0]
    match = re.search(told.pattern, said)
    assert match is not None, f"{said}\ndoes not say: {told.text}"
    line = said[match.start() :].split("\n", maxsplit=1)[0]
    names = [one.words[0] for one in told_in_code() if one[:3] == told[:3]]
    given = [words for words in commands_in(line) if words[0] in names or FILLED in names][: len(names)]
    assert len(given) == len(names), said
    for words in given:
        for word, value in known.items():
            words[:] = [one.replace(word, str(value)) for one in words]
        assert can_be_pasted(words), f"{said}\nneeds more than {known}"
    return given


def follow(
    workspace: Workspace, said: str, where: str, *further: str, code: int = 0, **known: str | Path
) -> subprocess.CompletedProcess[str]:
    """Type the commands of a hint after the mistake that it belongs to; it must do what it should.

    Args:
        workspace: Where the mistake was made.
        said: What the program said to it.
        where: The place in the code, as `told_at` takes it.
        further: Options that only a test needs, such as --no-browser.
        code: How it ends.
        known: What only the reader knows, for the words in capitals.
    """
    for words in commands_told(said, where, **known):
        ended = workspace.invoke(*words, *further)
        assert ended.returncode == code, f"{words}\n{ended.stdout}{ended.stderr}"
    return ended


def follow_until(workspace: Workspace, said: str, where: str, shown: str, **known: str | Path) -> None:
    """Type the command of a hint, which shows a page until Ctrl+C, and wait for what it says at its start."""
    (words,) = commands_told(said, where, **known)
    opened = workspace.start("-m", "invoke", *words, "--no-browser", stderr=subprocess.STDOUT)
    until = time.monotonic() + 60
    lines: list[str] = []
    assert opened.stdout is not None
    for line in opened.stdout:
        lines.append(line)
        if shown in line or time.monotonic() > until:
            break
    while opened.poll() is None:  # Python loses a Ctrl+C that comes while it puts weak references away
        opened.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            opened.communicate(timeout=20)
    assert any(shown in line for line in lines), "".join(lines)


LINE = re.compile(r"\b(MLFLOW_\w+)=(\S*[^\s.,;:)])")


def write_line_for_env(workspace: Workspace, said: str, meant: str) -> None:
    """Write the line of a hint into .env, with what only the reader knows in the place of "value"."""
    (line,) = {f"{name}={value.replace('value', meant)}" for name, value in LINE.findall(said)}
    (workspace.root / ".env").write_text(f"{line}\n", encoding="utf-8")


GIVEN = re.compile(
    rf"(?<![\w.-])({'|'.join(map(re.escape, _KEYS))})(?:: | to (?:about )?)"
    r"(\[.*?\]|{.*?}|[A-Z]:/\w+|in (?:the settings|[\w./ -]*\.yaml)|(?!and\b)[\w./-]*\w)"
)


def write_setting(file: Path, said: str, where: str, **known: object) -> None:
    """Write the lines of a hint, as "processing.on_damage: use", into a settings file.

    Args:
        file: The settings file.
        said: What the program said to the mistake.
        where: The place in the code, as `told_at` takes it.
        known: What only the reader knows, by the last word of its key; it comes before what the hint gives.
    """
    told = told_at(where)[0]
    match = re.search(told.pattern, said)
    assert match is not None, f"{said}\ndoes not say: {told.text}"
    given = {line[1]: line[2] for line in GIVEN.finditer(said[match.start() :].split("\n", maxsplit=1)[0])}
    assert given, said
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document = document if isinstance(document, dict) else {}
    for key, text in given.items():
        *blocks, last = key.split(".")
        value = known.get(last, yaml.safe_load(text))
        assert not str(value).startswith("in "), f"{said}\nneeds more than {known}"
        block = document
        for name in blocks:
            block = block.setdefault(name, {})
        block[last] = value
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
