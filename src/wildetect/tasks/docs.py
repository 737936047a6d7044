"""The task that writes the pages in docs/ where they repeat the code."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.parser.argument import Argument
from invoke.tasks import Task

from wildetect.tasks.support import Verb, all_tasks, say, verb
from wildetect.wording import number_of

if TYPE_CHECKING:
    from wildetect.docs.task_tables import TaskOption, TaskText

__all__ = ["described_tasks", "write"]


@verb(help={"check": "change nothing; exit 2 if a page is missing, out of date, or of no task"})
def write(context: Context, check: bool = False) -> None:
    """Write the tables of options and keys in docs/.

    They stand between markers in pages whose other text is written by hand. A task or settings file without
    a page gets one, with what its own help says.
    """
    del context
    from wildetect.docs.pages import Pages
    from wildetect.settings import Project

    project = Project.find()
    pages = Pages(project.root / "docs", tuple(described_tasks()))
    if check:
        say(f"up to date: {number_of(pages.check(), 'page')} in docs/")
    else:
        for path in pages.write():
            print(project.shown(path))


def described_tasks() -> list[TaskText]:
    """What the code says of each task that users see, by name."""
    tasks = all_tasks()
    names = [name for name in tasks.task_names if not any(part.startswith("_") for part in name.split("."))]
    return [_described(name, tasks[name]) for name in sorted(names, key=lambda name: ("." in name, name))]


def _described(name: str, task: Task) -> TaskText:  # type: ignore[type-arg]
    from wildetect.docs.task_tables import TaskText

    summary, _, explanation = (inspect.getdoc(task) or "").partition("\n")
    shim, takes_paths = (task.shim, bool(task.paths)) if isinstance(task, Verb) else (None, False)
    options = tuple(map(_option, task.get_arguments()))
    return TaskText(name, summary, explanation.strip(), shim, takes_paths, options)


def _option(argument: Argument) -> TaskOption:
    from wildetect.docs.task_tables import TaskOption

    flag = f"--{argument.name}".replace("_", "-")
    if not argument.takes_value:
        flag = f"--no-{flag[2:]}" if argument.default is True else flag
    default = "" if argument.default in (None, []) or not argument.takes_value else str(argument.default)
    meaning = (argument.help or "").removesuffix(f" ({default})")  # said in a column of its own
    return TaskOption(flag, meaning, default, is_switch=not argument.takes_value)
