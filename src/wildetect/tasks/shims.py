"""The task that writes the .bat files."""

from __future__ import annotations

from invoke.context import Context

from wildetect.tasks.support import say, verb

__all__ = ["write"]


@verb(help={"check": "change nothing; exit 2 if a file is missing, out of date or nobody's"})
def write(context: Context, check: bool = False) -> None:
    """Write the .bat files in scripts/ from the tasks.

    Windows users double-click them. Each task that has one declares it; the file calls it through uv.
    """
    del context
    from wildetect.settings import Project
    from wildetect.shims import check_shims, write_shims
    from wildetect.tasks import ns
    from wildetect.tasks.support import Verb

    tasks = {}
    for name in ns.task_names:
        task = ns[name]
        if isinstance(task, Verb) and task.shim:
            tasks[task.shim] = name
    folder = Project.find().root / "scripts"
    if check:
        check_shims(folder, tasks)
        say(f"{len(tasks)} files in {folder.name}/ are up to date")
    else:
        for path in write_shims(folder, tasks):
            print(path.relative_to(folder.parent).as_posix())
