"""The task that writes the .bat files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.support import Verb, all_tasks, say, verb
from wildetect.wording import number_of

if TYPE_CHECKING:
    from wildetect.shims import Shim

__all__ = ["declared_shims", "write"]


@verb(help={"check": "change nothing; exit 2 if a file is missing, out of date, or of no task"})
def write(context: Context, check: bool = False) -> None:
    """Write the .bat files in scripts/ from the tasks.

    Windows users double-click them. Each task that has one declares it; the file calls it through uv.
    """
    del context
    from wildetect.settings import Project
    from wildetect.shims import check_shims, write_shims

    shims = declared_shims()
    folder = Project.find().root / "scripts"
    if check:
        check_shims(folder, shims)
        say(f"up to date: {number_of(len(shims), 'file')} in {folder.name}/")
    else:
        for path in write_shims(folder, shims):
            print(path.relative_to(folder.parent).as_posix())


def declared_shims() -> list[Shim]:
    """The .bat file of each task that declares one, and setup.bat, by name."""
    from wildetect.shims import SETUP, Shim

    collection = all_tasks()
    tasks = {name: collection[name] for name in collection.task_names}
    shims = [Shim(task.shim, name) for name, task in tasks.items() if isinstance(task, Verb) and task.shim]
    shims.append(Shim(SETUP, "demo"))
    return sorted(shims, key=lambda shim: shim.name)
