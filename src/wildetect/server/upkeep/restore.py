"""A backup brought back: checked in full before it replaces anything."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from wildetect.archives import BROKEN, read_document, unpack
from wildetect.errors import InputError, ServerError
from wildetect.server.access.signin import AUTH_DATABASE
from wildetect.server.process.interrupts import Cancelled
from wildetect.server.process.plan import Plan
from wildetect.server.process.preflight import check_folder
from wildetect.server.store.database import check_database
from wildetect.server.store.exchange import Move, emptied, exchange, free_name, with_side_files
from wildetect.server.store.schema import STORE_SCHEMA, check_schema, revision_of
from wildetect.server.upkeep.backup import ACCOUNTS, ARTIFACTS, DATABASE, FORMAT, MANIFEST, local_store
from wildetect.server.upkeep.upkeep import store_at_rest
from wildetect.wording import in_bytes

__all__ = ["Restored", "restore"]


ANOTHER = "Use another backup; this one cannot be trusted. Nothing was changed."


@dataclass(frozen=True)
class Restored:
    """What a restore did: how many files it brought, and where the store of before is, if there was one."""

    files: int
    created: str
    moved_aside: Path | None


def restore(plan: Plan, source: Path, *, cancelled: Callable[[], bool] = lambda: False) -> Restored:
    """Bring a backup back.

    Everything is unpacked beside the store and compared with its checksums first; then the present
    store is moved aside, never deleted, and the backup takes its place.

    Args:
        plan: The store to replace.
        source: The archive that `back_up` wrote.
        cancelled: Asked between two files; once true, the restore is called off.

    Raises:
        ConfigurationError: Where the store is not on this machine.
        InputError: Where the archive is missing, damaged or no backup.
        ServerError: Where the server runs, or the disk has no space. The store is as it was.
    """
    database, artifacts = local_store(plan)
    check_folder(plan.folder)
    with store_at_rest(plan, "a restore"), emptied(plan.folder / "restoring") as workplace:
        manifest = _unpacked(source, workplace, cancelled)
        check_database(workplace / DATABASE)
        check_schema(workplace / DATABASE, STORE_SCHEMA)
        if revision_of(workplace / DATABASE, STORE_SCHEMA) is None:
            raise InputError(f"the database in {source.name} is empty", hint=ANOTHER)
        (workplace / ARTIFACTS).mkdir(exist_ok=True)
        targets = {DATABASE: database, ARTIFACTS.rstrip("/"): artifacts}
        if (workplace / ACCOUNTS).exists():
            targets[ACCOUNTS] = plan.folder / AUTH_DATABASE
        aside = _exchanged(plan, workplace, targets)
    return Restored(len(manifest["files"]), str(manifest["created"]), aside)


def _unpacked(source: Path, workplace: Path, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Unpack an archive and compare each file with the manifest."""
    try:
        with zipfile.ZipFile(source) as archive:
            manifest: dict[str, Any] = read_document(archive, MANIFEST)
            files = manifest["files"]
            if manifest["format"] != FORMAT or DATABASE not in files:
                raise ValueError(f"format {manifest['format']}")
            datetime.fromisoformat(manifest["created"])
            _check_space(workplace, sum(int(entry["size"]) for entry in files.values()))
            for name, entry in files.items():
                if cancelled():
                    raise Cancelled
                _unpack(archive, name, entry, workplace)
    except FileNotFoundError as error:
        raise InputError(
            f"there is no backup {source}", hint="Backups made without --output lie in runs/backups."
        ) from error
    except OSError as error:  # a directory of the archive may name a place before its first byte, too
        raise InputError(
            f"{source.name} cannot be read or unpacked ({error.strerror or error})",
            hint="Check the disk that it lies on and the space that is left; else use another backup. "
            "Nothing was changed.",
        ) from error
    except BROKEN as error:
        raise InputError(f"{source.name} is damaged or no backup ({error})", hint=ANOTHER) from error
    return manifest


def _unpack(archive: zipfile.ZipFile, name: str, entry: dict[str, Any], workplace: Path) -> None:
    parts = PurePosixPath(name).parts
    inside = name in (DATABASE, ACCOUNTS) or name.startswith(ARTIFACTS)
    if not inside or ".." in parts or any(":" in part or "\\" in part for part in parts):
        raise ValueError(f"a file named {name}")
    unpack(archive, name, entry, workplace.joinpath(*parts))


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ServerError(
            f"the backup needs {in_bytes(needed)}, and {in_bytes(free)} are free in {folder}",
            hint="Free some space; the present store is kept beside the restored one.",
        )


def _exchanged(plan: Plan, workplace: Path, targets: dict[str, Path]) -> Path | None:
    """Move the present store aside and the new one into its place; all of it or nothing."""
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    aside = free_name(plan.folder / f"before-restore-{stamp}")
    moves: list[Move] = []
    for name, target in targets.items():
        moves += with_side_files(target, aside / name)
        moves.append((workplace / name, target))
    exchange(plan.folder, moves)
    return aside if aside.exists() else None
