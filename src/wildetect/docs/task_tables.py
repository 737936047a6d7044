"""What the pages say of tasks: their options, their .bat files, a list of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wildetect.docs.markdown import cell, code, table

__all__ = ["TaskOption", "TaskText", "options_block", "tasks_block"]

SHIMS = "scripts\\"


@dataclass(frozen=True, slots=True)
class TaskOption:
    """An option of a task.

    Attributes:
        flag: Flag as users type it: "--tile-size", or "--no-browser" of a switch that is on.
        meaning: What it does.
        default: What counts without it; empty where the settings say it, and for a switch.
        is_switch: Whether it takes no value.
    """

    flag: str
    meaning: str
    default: str = ""
    is_switch: bool = False


@dataclass(frozen=True, slots=True)
class TaskText:
    """What the code says of a task.

    Attributes:
        name: Name as users type it: "detect.run".
        summary: Its first line of help.
        explanation: The paragraphs after it.
        shim: The .bat file that calls it, if there is one.
        takes_paths: Whether paths may be given without their option.
        options: Options in the order of its signature.
    """

    name: str
    summary: str
    explanation: str = ""
    shim: str | None = None
    takes_paths: bool = False
    options: tuple[TaskOption, ...] = ()

    @property
    def page(self) -> str:
        """Its page, below docs/."""
        return f"tasks/{self.name}.md"


def options_block(task: TaskText) -> str:
    """The options of a task, and the .bat file that calls it."""
    parts = []
    if task.shim:
        paths = " Files and folders dropped on it are its paths." if task.takes_paths else ""
        parts.append(f"On Windows {code(SHIMS + task.shim)} calls it.{paths}")
    parts.append(_options_table(task.options) if task.options else "It has no options.")
    return "\n\n".join(parts)


def _options_table(options: Sequence[TaskOption]) -> str:
    """With a column of defaults where there is one."""
    head, rows = ["option", "what it does"], [[code(_typed(one)), cell(one.meaning)] for one in options]
    if any(one.default for one in options):
        head.append("default")
        for row, one in zip(rows, options, strict=True):
            row.append(code(one.default))
    return table(head, rows)


def _typed(option: TaskOption) -> str:
    return option.flag if option.is_switch else f"{option.flag} ..."


def tasks_block(tasks: Sequence[TaskText]) -> str:
    """All tasks, each with a link to its page."""
    rows = [
        [f"[{code(task.name)}]({task.page})", cell(task.summary), code(task.shim or "")] for task in tasks
    ]
    return table(["task", "what it does", ".bat file"], rows)
