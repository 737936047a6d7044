"""How tasks are called where the program runs now: what hints say works there when it is pasted.

Texts name tasks as they are called in the project's folder, `uv run invoke ...`. Where a person stands
elsewhere, has no uv, or has the program without a project, another command does the same.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from wildetect.wording import quoted, quoted_program

__all__ = ["as_called", "called_as", "called_from"]

_CALL = re.compile(
    r"\buv (?P<verb>run|sync)(?: --inexact)?(?: --extra (?P<extra>[\w-]+))?"
    r"(?: python -m)?(?P<task> invoke\b)?"
)


@dataclass(frozen=True, slots=True)
class _Calling:
    """What a call of uv is where this runs.

    Attributes:
        invoke: What stands for `uv run invoke`.
        install: The command that installs an extra.
    """

    invoke: str
    install: Callable[[str], str]

    def __call__(self, call: re.Match[str]) -> str:
        if call["extra"]:
            installs = self.install(call["extra"])
            return f"{installs}, then {self.invoke}" if call["task"] else installs
        return self.invoke if call["task"] else call[0]


_calling: list[Callable[[re.Match[str]], str]] = []


def as_called(text: str) -> str:
    """A text whose commands are those that work here."""
    return _CALL.sub(_calling[0], text) if _calling else text


def called_as(command: str) -> None:
    """Have texts name the tasks as those of an installed program."""
    _calling[:] = [_Calling(command, _tool)]


def called_from(folder: Path, root: Path) -> None:
    """Have texts name the tasks as they are called from a folder, on the project that has them.

    Args:
        folder: Where the person is; below the project's root uv and invoke find it by themselves.
        root: Root of the project.
    """
    here = quoted(str(root))
    is_outside = not folder.resolve().is_relative_to(root.resolve())
    uv = "uv" if shutil.which("uv") else os.environ.get("UV")  # it tells what it runs where it lies
    if uv is None:
        invoke = "invoke" if shutil.which("invoke") else f"{_python(folder)} -m invoke"
        called = f"{invoke} -r {here}" if is_outside else invoke
        _calling[:] = [_Calling(called, lambda extra: _with_pip(root, extra))]
    elif is_outside or uv != "uv":
        option, root_option = (f" --project {here}", f" -r {here}") if is_outside else ("", "")

        def by_path(call: re.Match[str]) -> str:
            called = call[0].replace(f"uv {call['verb']}", f"{quoted_program(uv)} {call['verb']}{option}", 1)
            return f"{called}{root_option}" if call["task"] else called

        _calling[:] = [by_path]
    else:
        _calling.clear()


def _python(folder: Path) -> str:
    """The interpreter as a person calls it: PowerShell runs no path in quotes, so from where they are."""
    here = Path(sys.executable)
    if sys.platform == "win32" and here.is_relative_to(folder):
        here = here.relative_to(folder)
    return quoted(str(here))


def _with_pip(root: Path, extra: str) -> str:
    return f'{quoted(sys.executable)} -m pip install -e "{root}[{extra}]"'


def _tool(extra: str) -> str:
    """What installs an extra where the program is no project's."""
    name = "wildetect"
    try:  # a wheel that lies somewhere is in no index
        where = json.loads(distribution(name).read_text("direct_url.json") or "{}").get("url")
    except (PackageNotFoundError, ValueError):
        where = None
    package = f"{name}[{extra}]" + (f" @ {where}" if where else "")
    return f'uv tool install "{package}"'
