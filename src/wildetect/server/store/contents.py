"""What an SQLite store holds that nothing cites any more, and where its files lie.

MLflow marks what is deleted and keeps it: runs and experiments in `lifecycle_stage`, versions in
`current_stage`. A deleted version leaves its logged model untouched, with all its files.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from wildetect.server.store.database import opened

__all__ = ["Removable", "orphans", "removable"]

PROXIED = "mlflow-artifacts:"
ROUTE = "/mlflow-artifacts/artifacts/"
GONE = "Deleted_Internal"
REGISTRATION = "registration"
DETECTION = "detection"
RUN = re.compile(r"[0-9a-f]{32}")
MODEL = re.compile(r"m-[0-9a-f]{32}")


@dataclass(frozen=True)
class Removable:
    """What may be deleted for ever, by id, each with the address of its files.

    Attributes:
        models: Logged models of versions that were deleted, or whose registration was cut off.
        runs: Deleted runs, and the runs that registered those models.
        experiments: Deleted experiments that hold nothing else.
        kept: Deleted runs and models that something cites.
        elsewhere: Addresses of files outside the server's own folder, which stay.
        named: All addresses in the store that stay.
    """

    models: dict[str, str] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    experiments: dict[str, str] = field(default_factory=dict)
    kept: int = 0
    elsewhere: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether nothing may be deleted."""
        return not (self.models or self.runs or self.experiments)


def removable(database: Path, artifacts: Path, before: int) -> Removable:
    """Find what nothing cites.

    Args:
        database: Database at the schema of the installed MLflow.
        artifacts: The server's folder.
        before: Only what was deleted before this time, in ms since 1970 UTC.

    Raises:
        sqlite3.Error: The file is not a database of MLflow.
    """
    with opened(database) as connection:
        return _Reading(connection, artifacts, before).found()


class _Reading:
    """One look at a database."""

    def __init__(self, connection: sqlite3.Connection, artifacts: Path, before: int) -> None:
        self.ask = connection.execute
        self.artifacts, self.before = artifacts, before
        live = list(
            self.ask(
                "SELECT source, storage_location, run_id, name, version FROM model_versions "
                "WHERE current_stage IS NOT ?",
                (GONE,),
            )
        )
        self.cited = {place for row in live for place in row[:2] if place}
        self.holding = _with_parents(artifacts, self.cited)
        self.cited_runs = {row[2] for row in live if row[2]} | self._evaluations({row[3:] for row in live})

    def _evaluations(self, live: set[tuple[str, int]]) -> set[str]:
        """The runs that the tags of living versions name as their evaluations."""
        found = set()
        tags = "SELECT name, version, value FROM model_version_tags WHERE key LIKE 'eval.%'"
        for name, version, value in self.ask(tags):
            try:
                if (name, version) in live:
                    found.add(str(json.loads(value)["run_id"]))
            except (ValueError, KeyError, TypeError):  # a tag that somebody made by hand
                continue
        return found

    def _holds_cited(self, place: str | None) -> bool:
        """Whether the files of a version lie at or below a place, whatever run or model it names."""
        return bool(place) and folder_of(self.artifacts, str(place)) in self.holding

    def found(self) -> Removable:
        models, kept_models = self._models()
        runs, kept_runs = self._runs(set(models))
        experiments = self._experiments(set(models), set(runs))
        gone = {*models.values(), *runs.values(), *experiments.values()}
        addresses = {
            place
            for query in (
                "SELECT artifact_uri FROM runs",
                "SELECT artifact_location FROM logged_models",
                "SELECT storage_location FROM model_versions WHERE current_stage IS NOT 'Deleted_Internal'",
                "SELECT source FROM model_versions WHERE current_stage IS NOT 'Deleted_Internal'",
            )
            for (place,) in self.ask(query)
            if place
        }
        outside = tuple(sorted(place for place in gone if not place.startswith(PROXIED)))
        return Removable(
            models, runs, experiments, kept_models + kept_runs, outside, frozenset(addresses - gone)
        )

    def _models(self) -> tuple[dict[str, str], int]:
        """Logged models that were a version once, or were to become one, and that nothing cites."""
        used = {
            row[0]
            for row in self.ask(
                "SELECT inputs.destination_id FROM inputs JOIN runs ON runs.run_uuid = inputs.source_id "
                "JOIN experiments ON experiments.experiment_id = runs.experiment_id "
                "WHERE inputs.source_type = 'RUN_INPUT' AND runs.lifecycle_stage = 'active' "
                "AND experiments.name IS NOT ?",
                (DETECTION,),
            )
        }
        deleted_at = dict(
            self.ask(
                "SELECT storage_location, MAX(last_updated_time) FROM model_versions "
                "WHERE current_stage = ? GROUP BY storage_location",
                (GONE,),
            )
        )
        found, kept = {}, 0
        for model, place, stage, updated, experiment, was_version in self.ask(
            "SELECT model_id, logged_models.artifact_location, logged_models.lifecycle_stage, "
            "last_updated_timestamp_ms, experiments.name, EXISTS (SELECT 1 FROM logged_model_tags "
            "WHERE logged_model_tags.model_id = logged_models.model_id "
            "AND tag_key = 'mlflow.modelVersions') FROM logged_models "
            "JOIN experiments ON experiments.experiment_id = logged_models.experiment_id"
        ):
            cited = self._holds_cited(place) or f"models:/{model}" in self.cited or model in used
            cited |= place in self.cited
            if cited:
                kept += stage == "deleted"
            elif (stage == "deleted" or was_version or experiment == REGISTRATION) and (
                max(updated or 0, deleted_at.get(place) or 0) <= self.before
            ):
                found[model] = place
        return found, kept

    def _runs(self, models: set[str]) -> tuple[dict[str, str], int]:
        """Deleted runs, and those that made nothing but the models that go."""
        found, kept = {}, 0
        for run, place, stage, deleted, experiment in self.ask(
            "SELECT run_uuid, artifact_uri, runs.lifecycle_stage, deleted_time, experiments.name FROM runs "
            "JOIN experiments ON experiments.experiment_id = runs.experiment_id"
        ):
            if stage == "deleted":
                if run in self.cited_runs or self._holds_cited(place):
                    kept += 1
                elif (deleted or 0) <= self.before:
                    found[run] = place or ""
            elif experiment == REGISTRATION and run not in self.cited_runs:
                made = self._made(run)
                if made and made <= models:
                    found[run] = place or ""
        return found, kept

    def _made(self, run: str) -> set[str]:
        query = "SELECT model_id FROM logged_models WHERE source_run_id = ?"
        return {model for (model,) in self.ask(query, (run,))}

    def _experiments(self, models: set[str], runs: set[str]) -> dict[str, str]:
        found = {}
        query = (
            "SELECT experiment_id, artifact_location FROM experiments "
            "WHERE lifecycle_stage = 'deleted' AND COALESCE(last_update_time, 0) <= ?"
        )
        for experiment, place in list(self.ask(query, (self.before,))):
            held = {
                row[0]
                for table in ("SELECT run_uuid FROM runs", "SELECT model_id FROM logged_models")
                for row in self.ask(f"{table} WHERE experiment_id = ?", (experiment,))
            }
            if held <= models | runs and not self._holds_cited(place):
                found[str(experiment)] = place or ""
        return found


def _with_parents(artifacts: Path, addresses: Iterable[str]) -> set[Path]:
    """The folders behind some addresses, however these name them, and those above them."""
    folders = {folder for address in addresses if (folder := _inside(artifacts, address)) is not None}
    return folders | {parent for folder in folders for parent in folder.parents}


def _inside(artifacts: Path, address: str) -> Path | None:
    """The place in the server's folder that an address names, be it by its path or by the web."""
    if address.startswith(PROXIED):
        return folder_of(artifacts, address)
    path = unquote(urlsplit(address).path if "://" in address or address.startswith("file:") else address)
    if ROUTE in path:
        return folder_of(artifacts, f"{PROXIED}/{path.partition(ROUTE)[2]}")
    if path[:1] == "/" and path[2:3] == ":":  # file:///C:/project
        path = path[1:]
    found = Path(path)
    return found if found.is_absolute() and artifacts in found.parents else None


def folder_of(artifacts: Path, address: str) -> Path | None:
    """The folder behind an address that the server's own folder holds; None for any other."""
    if not address.startswith(PROXIED):
        return None
    parts = [part for part in unquote(urlsplit(address).path).split("/") if part]
    if not parts or any(part in (".", "..") or ":" in part or "\\" in part for part in parts):
        return None
    folder = artifacts.joinpath(*parts)
    # <experiment>/<run>/artifacts and <experiment>/models/<model>/artifacts: the folder above is theirs alone
    if parts[-1] == "artifacts" and (RUN.fullmatch(parts[-2]) or MODEL.fullmatch(parts[-2])):
        return folder.parent
    return folder


def orphans(artifacts: Path, database: Path, named: Iterable[str]) -> list[Path]:
    """Folders of the artifacts that look like a run's, a model's or an experiment's, and are of none.

    Args:
        artifacts: The server's folder.
        database: The store that names them.
        named: Further addresses that must stay.
    """
    with opened(database) as connection:
        known = {
            str(row[0])
            for query in (
                "SELECT experiment_id FROM experiments",
                "SELECT run_uuid FROM runs",
                "SELECT model_id FROM logged_models",
            )
            for row in connection.execute(query)
        }
    stay = _with_parents(artifacts, named)
    found = []
    for experiment in _folders(artifacts):
        if experiment.name.isdigit() and experiment.name not in known and experiment not in stay:
            found.append(experiment)
            continue
        inner = [*_folders(experiment), *_folders(experiment / "models")]
        found += [
            folder
            for folder in inner
            if (RUN.fullmatch(folder.name) or MODEL.fullmatch(folder.name))
            and folder.name not in known
            and folder not in stay
        ]
    return found


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
