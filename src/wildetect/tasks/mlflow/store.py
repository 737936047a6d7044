"""The tasks of the MLflow store: migrate, backup, restore, clean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.asking import confirmed
from wildetect.tasks.mlflow.start import CONFIG_OPTION, planned, positive
from wildetect.tasks.support import say, say_hint, verb
from wildetect.wording import first_lines, form, in_bytes, number_of, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.server.process.plan import Plan
    from wildetect.server.upkeep.cleaning import Cleaning
    from wildetect.server.upkeep.migration import Migrated
    from wildetect.settings import Project

__all__ = ["backup", "clean", "migrate", "restore"]

MOST_SHOWN = 5
"""Number of addresses that were not found, as shown."""


@verb(
    help={
        "source": "the old store: a folder, or an SQLite file; without it runs/mlflow",
        "artifacts": "where the old server's files lie; without it mlartifacts in the project",
        "dry_run": "of a database: say what would be copied and changed, do nothing",
        "config": CONFIG_OPTION,
    },
    paths="source",
)
def migrate(
    context: Context,
    source: str | None = None,
    artifacts: str | None = None,
    dry_run: bool = False,
    config: str | None = None,
) -> None:
    """Bring an old store into the database of the server.

    The old files are only read. Artifacts are copied, so that the new store is whole wherever it is moved.
    A database that names files by their place on a disk, perhaps of another machine, gets them named by the
    server; the database as it was is kept.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.server.process.interrupts import Cancelled, stop_signals
    from wildetect.server.upkeep.bringing import database_to_bring
    from wildetect.server.upkeep.migration import migrate as migrate_store
    from wildetect.settings.project import given_path

    with stop_signals() as wished:
        plan = planned(None, None, True, config)
        given = given_path(source)
        old = given_path(artifacts)
        database = database_to_bring(plan, given)
        if database is not None:
            _bring(plan, database, old, dry_run=dry_run)
            return
        if dry_run:
            raise ConfigurationError(
                "--dry-run is for a database; a file store is only read in any case",
                hint="Leave out --dry-run: uv run invoke mlflow.migrate",
            )
        folder = given or plan.folder
        say(f"migrating {folder} ...")
        try:
            migrated = migrate_store(plan, folder, artifacts=old, cancelled=wished.is_set)
        except Cancelled:
            raise KeyboardInterrupt from None
    _say_migrated(plan, migrated)


def _say_migrated(plan: Plan, migrated: Migrated) -> None:
    print(f"migrated into {plan.project.shown(migrated.database)}: {migrated.counts}")
    if migrated.artifacts_copied:
        say(f"copied {number_of(migrated.artifacts_copied, 'artifact file')} to {plan.artifacts.shown}")
    if migrated.artifacts_missing:
        say(
            f"warning: {number_of(migrated.artifacts_missing, 'artifact folder')} named in the store "
            f"{form(migrated.artifacts_missing, 'is', 'are')} not there"
        )
    if migrated.repeats:
        say(
            f"{number_of(migrated.repeats, 'metric point')} that stood in the files twice "
            f"{form(migrated.repeats, 'is', 'are')} there once now"
        )
    if migrated.outside:
        say("The old files stay as they are; artifacts that lie among them are still used.")
    else:
        say("The old files stay as they are; the new store does not need them.")


def _bring(plan: Plan, database: Path, artifacts: Path | None, *, dry_run: bool) -> None:
    from wildetect.server.upkeep import bringing

    shown = plan.project.shown
    with bringing.examined(plan, database, artifacts, dry_run=dry_run) as found:
        print(
            f"{shown(database)} names {number_of(len(found.named), 'folder')} by the place on a disk: "
            f"{found.found:,} found, {len(found.missing):,} not"
        )
        for line in first_lines(found.missing, MOST_SHOWN):
            say(f"warning: not found, and stays named as it is: {line}")
        if found.missing:
            say("A run that logged no files has no folder.")
            them = form(len(found.missing), "it", "them")
            say_hint(f"Name the folder that holds {them} now: --artifacts DIR")
        size = f"{number_of(len(found.copied), 'file')} ({in_bytes(found.size)})"
        if dry_run:
            print(f"would copy {size} to {plan.artifacts.shown}; nothing was changed")
            return
        done = bringing.bring(found)
    print(
        f"copied {number_of(done.copied, 'file')} to {plan.artifacts.shown}; "
        f"{number_of(found.found, 'folder')} {form(found.found, 'is', 'are')} named by the server now"
    )
    if done.left:
        say(f"warning: {number_of(done.left, 'address', 'addresses')} of the store still name a disk")
    if done.kept is not None:
        say(f"The database as it was lies in {shown(done.kept)}.")


@verb(
    help={
        "output": "the archive; without it one in runs/backups, named by date and time",
        "config": CONFIG_OPTION,
    },
    words=["output"],
)
def backup(context: Context, output: str | None = None, config: str | None = None) -> None:
    """Copy the store into one archive with checksums.

    The server may run meanwhile.
    """
    del context
    from wildetect.server.process.interrupts import Cancelled, stop_signals
    from wildetect.server.upkeep.backup import back_up
    from wildetect.settings.project import given_path

    with stop_signals() as wished:
        plan = planned(None, None, True, config)
        try:
            archive = back_up(plan, given_path(output), cancelled=wished.is_set)
        except Cancelled:
            raise KeyboardInterrupt from None
    print(f"{archive.path} ({number_of(archive.files, 'file')}, {in_bytes(archive.size)})")


def _to_restore(project: Project) -> str:
    """The newest backup of the project, or how one is made."""
    backups = sorted((project.runs / "backups").glob("*.zip"), key=lambda path: path.stat().st_mtime)
    if not backups:
        return "Name the file with --source; uv run invoke mlflow.backup writes one."
    return f"The newest one: uv run invoke mlflow.restore --source {quoted(project.shown(backups[-1]))}"


@verb(
    help={"source": "the archive that mlflow.backup wrote", "config": CONFIG_OPTION},
    paths="source",
)
def restore(context: Context, source: str | None = None, config: str | None = None) -> None:
    """Bring a backup back, after checking it.

    The present store is moved aside, not deleted.

    The server must not run.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.server.process.interrupts import Cancelled, stop_signals
    from wildetect.server.upkeep.restore import restore as restore_store
    from wildetect.settings import Project
    from wildetect.settings.project import from_caller

    if source is None:
        raise ConfigurationError("no backup is named", hint=_to_restore(Project.find()))
    with stop_signals() as wished:
        plan = planned(None, None, True, config)
        try:
            restored = restore_store(plan, from_caller(source), cancelled=wished.is_set)
        except Cancelled:
            raise KeyboardInterrupt from None
    print(
        f"restored {number_of(restored.files, 'file')} of {restored.created} into "
        f"{plan.project.shown(plan.folder)}"
    )
    if restored.moved_aside:
        say(f"the store of before is in {plan.project.shown(restored.moved_aside)}")


@verb(
    help={
        "older-than": "only what was deleted, or last written, more than so many days ago; without it all "
        "that was deleted, and backups, logs and fetched versions older than 30 days",
        "dry-run": "say what would go, delete nothing",
        "yes": "do not ask",
        "config": CONFIG_OPTION,
    }
)
def clean(
    context: Context,
    older_than: str | None = None,
    dry_run: bool = False,
    yes: bool = False,
    config: str | None = None,
) -> None:
    """Free the disk of what was deleted and of old files.

    Deleted versions and runs, folders that nothing names, old backups, logs and fetched versions go for
    ever. What an alias, a census, an evaluation or a training run cites stays, and so does the newest backup.

    The server must not run, except with --dry-run.
    """
    del context
    from wildetect.server.upkeep import cleaning

    days = 0.0 if older_than == "0" else positive("--older-than", older_than) if older_than else None
    plan = planned(None, None, True, config)
    with cleaning.prepared(plan, days, dry_run=dry_run) as found:
        _print_cleaning(found)
        size = f"{found.freed:,} bytes ({in_bytes(found.freed)})"
        if dry_run or not (found.items or found.fresh):
            after = found.before - found.freed
            outcome = f"would free {size}; nothing was deleted" if dry_run else f"freed {size}"
            print(f"before {found.before:,} bytes, after {after:,}: {outcome}")
            return
        options = "" if older_than is None else f" --older-than {older_than}"
        if not confirmed(f"Free {size} for ever", yes=yes, command=f"mlflow.clean{options}"):
            return
        done = cleaning.clean(found)
    freed = done.before - done.after
    print(
        f"before {done.before:,} bytes ({in_bytes(done.before)}), after {done.after:,} "
        f"({in_bytes(done.after)}): freed {freed:,} bytes ({in_bytes(freed)})"
    )
    for line in done.failed:
        say(f"warning: could not be deleted: {line}")


def _print_cleaning(found: Cleaning) -> None:
    for kind, (number, size) in found.by_kind().items():
        print(f"{kind:<20} {number:>6}  {size:>16,} bytes")
    if found.fresh:
        print(f"{'database':<20} {'':>6}  {found.database:>16,} bytes")
    if found.kept:
        say(f"{found.kept} deleted runs or models stay: versions, censuses or evaluations cite them")
    if found.elsewhere:
        say(
            f"the files of {found.elsewhere} deleted runs or models lie outside the server's folder, and stay"
        )
