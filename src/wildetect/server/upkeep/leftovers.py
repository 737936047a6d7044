"""Old backups, logs, fetched versions and the remains of work that was cut off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wildetect.registry.cache import abandoned_downloads, meant_before
from wildetect.server.process.plan import Plan

__all__ = ["Item", "files_of", "leftovers", "size_of"]

BACKUPS = "mlflow-????????-??????.zip"
ASIDE = ("before-restore-*", "before-migration*", "backups/*.db")
CUT_OFF = ("restoring", "migrating", "examining-*", "upgrading", ".cleaning-*", "removing-*")
LOGS = ("mlflow/server.log.*", "mlflow/requests.log.*", "mlflow/migration.log", "wildetect.log.*")


@dataclass(frozen=True)
class Item:
    """Something to be deleted: what kind it is of, a file or folder, its size in bytes."""

    kind: str
    path: Path
    size: int


def files_of(path: Path) -> Iterator[Path]:
    """The files at or below a path; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        yield from (inner for inner in path.rglob("*") if inner.is_file() and not inner.is_symlink())
    elif path.is_file():
        yield path


def size_of(paths: Iterable[Path]) -> int:
    """The bytes of all files at or below some paths, each file once."""
    return sum(file.stat().st_size for file in {file for path in paths for file in files_of(path)})


def leftovers(plan: Plan, before: float, *, at_rest: bool) -> list[Item]:
    """Find what lies beside the store and is not needed any more.

    The newest backup stays, however old, and so do the versions that an alias meant when it was last
    asked: a laptop without the server runs on them.

    Args:
        plan: Names the folders.
        before: Only what was last written before this time, in s since 1970 UTC.
        at_rest: Whether no server runs and no other work on the store is under way.
    """
    runs, folder = plan.project.runs, plan.folder
    backups = sorted((runs / "backups").glob(BACKUPS), key=lambda path: path.name)[:-1]
    kinds: dict[str, Iterable[Path]] = {
        "old backups": backups,
        "stores moved aside": (path for pattern in ASIDE for path in folder.glob(pattern)),
        "old logs": (path for pattern in LOGS for path in runs.glob(pattern)),
        "fetched versions": _fetched(runs / "models"),
    }
    found = [
        Item(kind, path, size_of([path]))
        for kind, paths in kinds.items()
        for path in sorted(paths)
        if _written(path) < before
    ]
    dead = list(abandoned_downloads(runs / "models"))
    if at_rest:
        dead += [path for pattern in CUT_OFF for path in sorted(folder.glob(pattern))]
    return found + [Item("unfinished work", path, size_of([path])) for path in dead]


def _written(path: Path) -> float:
    """When a file, or the newest of a folder, was last written."""
    return max((file.stat().st_mtime for file in files_of(path)), default=path.stat().st_mtime)


def _fetched(cache: Path) -> Iterator[Path]:
    for model in sorted(cache.glob("*")):
        kept = {version for version, _ in meant_before(model).values()}
        yield from (
            (entry for entry in model.iterdir() if entry.name.isdigit() and entry.name not in kept)
            if model.is_dir()
            else ()
        )
