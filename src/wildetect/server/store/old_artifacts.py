"""The files of runs and models that an old store names."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from wildetect.server.process.plan import Plan

__all__ = ["copy_old_artifacts", "missing_artifacts"]

logger = logging.getLogger(__name__)
PROXIED = "mlflow-artifacts:"
"""How an artifact is named that the old server itself kept, in `mlartifacts` of its current folder."""


def copy_old_artifacts(plan: Plan, fresh: Path, old: Path) -> int:
    """Copy what the old server kept itself; its clients know those files by the server's name only."""
    if not any(uri.startswith(PROXIED) for uri in _artifact_uris(fresh)) or not old.is_dir():
        return 0
    if plan.artifacts.folder is None:
        logger.warning("copy the contents of %s to %s yourself", old, plan.artifacts.shown)
        return 0
    copied = 0
    for path in sorted(old.rglob("*")):
        target = plan.artifacts.folder / path.relative_to(old)
        if not path.is_file() or (target.exists() and target.stat().st_size == path.stat().st_size):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        shutil.copy2(path, part)
        part.replace(target)
        copied += 1
    return copied


def _artifact_uris(database: Path) -> list[str]:
    query = "SELECT artifact_uri FROM runs UNION SELECT source FROM model_versions"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [uri for (uri,) in connection.execute(query) if uri]


def missing_artifacts(database: Path) -> int:
    """How many folders the store names that are not there, such as after the project was moved."""
    local = (urlsplit(uri) for uri in _artifact_uris(database) if uri.startswith("file:"))
    return sum(not Path(url2pathname(parts.path)).exists() for parts in local)
