"""An old file store, counted: what must be in the database after a migration.

Layout: <experiment>/meta.yaml and <experiment>/<run>/{meta.yaml, metrics/, params/, tags/}, deleted
experiments in .trash, registered models in models/<name>/{meta.yaml, version-<n>/, aliases/}.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from wildetect.wording import listed, number_of

__all__ = ["Counts", "copy_without_repeats", "count_database", "count_files", "file_store_root", "repeats"]

NO_RUNS = {"tags", "datasets", "traces", "models", ".trash"}
"""Folders in an experiment's that hold no run."""


@dataclass(frozen=True)
class Counts:
    """How much a store holds, deleted things included."""

    experiments: int
    runs: int
    params: int
    metrics: int
    tags: int
    models: int
    versions: int
    aliases: int

    def differences(self, other: Counts) -> list[str]:
        """Where the two differ, a line each: "runs: 12, not 13"."""
        mine, theirs = asdict(self), asdict(other)
        return [f"{name}: {theirs[name]}, not {mine[name]}" for name in mine if mine[name] != theirs[name]]

    def __str__(self) -> str:
        one = {"aliases": "alias"}
        return listed(
            number_of(count, one.get(name, name.removesuffix("s")), name)
            for name, count in asdict(self).items()
        )


def file_store_root(folder: Path) -> Path:
    """The store itself: the folder, or `mlruns` in it, which MLflow prefers."""
    inner = folder / "mlruns"
    return inner if inner.is_dir() else folder


def count_files(folder: Path) -> Counts:
    """Count what a file store holds.

    Args:
        folder: The store's own folder, see `file_store_root`.

    Raises:
        OSError: Where a file cannot be read.
    """
    found: Counter[str] = Counter()
    for experiment in _experiments(folder):
        found["experiments"] += (experiment / "meta.yaml").is_file()
        for run in experiment.iterdir():
            if run.name in NO_RUNS or not (run / "meta.yaml").is_file():
                continue
            found["runs"] += 1
            found["params"] += len(_files(run / "params"))
            found["tags"] += len(_files(run / "tags"))
            for history in _files(run / "metrics"):
                found["metrics"] += len(history.read_text(encoding="utf-8").splitlines())
    for model in folder.glob("models/*"):
        if not (model / "meta.yaml").is_file():
            continue
        found["models"] += 1
        found["versions"] += sum((entry / "meta.yaml").is_file() for entry in model.glob("version-*"))
        found["aliases"] += len(_files(model / "aliases"))
    return Counts(**{name: found[name] for name in Counts.__dataclass_fields__})


def count_database(database: Path) -> Counts:
    """Count what a database of MLflow holds.

    Raises:
        sqlite3.Error: Where it is none.
    """
    tables = {
        "experiments": "experiments",
        "runs": "runs",
        "params": "params",
        "metrics": "metrics",
        "tags": "tags",
        "models": "registered_models",
        "versions": "model_versions",
        "aliases": "registered_model_aliases",
    }
    with contextlib.closing(sqlite3.connect(database)) as connection:
        counted = {
            name: int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608 - ours
            for name, table in tables.items()
        }
    return Counts(**counted)


def repeats(folder: Path) -> int:
    """How many metric points are written down twice, which a file allows and a database refuses."""
    count = 0
    for history in _histories(folder):
        lines = history.read_text(encoding="utf-8").splitlines()
        count += len(lines) - len(set(lines))
    return count


def copy_without_repeats(folder: Path, target: Path) -> None:
    """Copy a file store without artifacts, each metric point once.

    Raises:
        OSError: Where a file cannot be read or written.
    """

    def artifacts(parent: str, names: list[str]) -> list[str]:
        return ["artifacts"] if "artifacts" in names and "meta.yaml" in names and parent else []

    for entry in folder.iterdir():
        if entry.is_dir() and (entry.name.isdigit() or entry.name in (".trash", "models")):
            shutil.copytree(entry, target / entry.name, ignore=artifacts)
    for history in _histories(target):
        lines = history.read_text(encoding="utf-8").splitlines()
        history.write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)), encoding="utf-8")


def _histories(folder: Path) -> Iterator[Path]:
    for experiment in _experiments(folder):
        for run in experiment.iterdir():
            yield from _files(run / "metrics")


def _experiments(folder: Path) -> Iterator[Path]:
    for place in (folder, folder / ".trash"):
        if place.is_dir():
            yield from (entry for entry in place.iterdir() if entry.is_dir() and entry.name.isdigit())


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
