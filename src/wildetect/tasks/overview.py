"""What `invoke` alone prints: the tasks in groups, those of every day first."""

from __future__ import annotations

from collections.abc import Iterator

from invoke.collection import Collection

__all__ = ["overview"]

_EVERY_DAY = (
    "demo",
    "doctor",
    "mlflow.serve",
    "mlflow.stop",
    "mlflow.status",
    "model.register",
    "model.list",
    "model.show",
    "model.promote",
    "detect.run",
    "review.plan",
    "review.open",
    "census.run",
)
_UPKEEP = ("mlflow", "config", "shims", "docs")


def overview(tasks: Collection) -> str:
    """Lay out the tasks: every day, more on models, runs and censuses, maintenance.

    Args:
        tasks: All of them; one that no list here names stands with those of its kind.
    """
    rest = [name for name in sorted(tasks.task_names) if name not in _EVERY_DAY and not name.startswith("_")]
    groups = {
        "Every day": [name for name in _EVERY_DAY if name in tasks.task_names],
        "More": [name for name in rest if name.partition(".")[0] not in _UPKEEP],
        "Maintenance": [name for name in rest if name.partition(".")[0] in _UPKEEP],
    }
    width = max(map(len, tasks.task_names))
    lines = (line for title, names in groups.items() for line in _group(tasks, title, names, width))
    return "\n".join([*lines, "", "uv run invoke TASK --help shows what a task takes."])


def _group(tasks: Collection, title: str, names: list[str], width: int) -> Iterator[str]:
    yield from ("", title)
    for name in names:
        summary = (tasks[name].__doc__ or "").strip().partition("\n")[0]
        yield f"  {name:<{width}}  {summary}"
