"""The tasks of the MLflow store: migrate, backup, restore."""

from __future__ import annotations

from invoke.context import Context

from wildetect.tasks.mlflow.start import SERVER_OPTIONS, planned
from wildetect.tasks.support import say, verb

__all__ = ["backup", "migrate", "restore"]


@verb(
    help={
        "source": "the old file store; without it runs/mlflow",
        "artifacts": "the old server's artifact folder; without it mlartifacts in the project",
        "config": SERVER_OPTIONS["config"],
    },
    paths="source",
)
def migrate(
    context: Context, source: str | None = None, artifacts: str | None = None, config: str | None = None
) -> None:
    """Bring an old file store (a folder) into the database.

    The old files are only read, and must stay: artifacts that lie among them are used where they are.
    """
    del context
    from wildetect.server.process.interrupts import Cancelled, stop_signals
    from wildetect.server.upkeep.migration import migrate as migrate_store
    from wildetect.settings.project import from_caller

    with stop_signals() as wished:
        plan = planned(None, None, True, config)
        folder = from_caller(source) if source else plan.folder
        say(f"migrating {folder} ...")
        old = from_caller(artifacts) if artifacts else None
        try:
            migrated = migrate_store(plan, folder, artifacts=old, cancelled=wished.is_set)
        except Cancelled:
            raise KeyboardInterrupt from None
    print(f"migrated into {plan.project.shown(migrated.database)}: {migrated.counts}")
    if migrated.artifacts_copied:
        say(f"copied {migrated.artifacts_copied} artifact files to {plan.artifacts.shown}")
    if migrated.artifacts_missing:
        say(f"warning: {migrated.artifacts_missing} artifact folders named in the store are not there")
    if migrated.repeats:
        say(f"{migrated.repeats} metric points that stood in the files twice are there once now")
    say("The old files stay as they are; artifacts that lie among them are still used.")


@verb(
    help={
        "output": "the archive; without it one in runs/backups, named by date and time",
        "config": SERVER_OPTIONS["config"],
    }
)
def backup(context: Context, output: str | None = None, config: str | None = None) -> None:
    """Copy the store into one archive with checksums.

    The server may run meanwhile.
    """
    del context
    from wildetect.server.process.interrupts import Cancelled, stop_signals
    from wildetect.server.upkeep.backup import back_up
    from wildetect.settings.project import from_caller

    with stop_signals() as wished:
        plan = planned(None, None, True, config)
        try:
            archive = back_up(plan, from_caller(output) if output else None, cancelled=wished.is_set)
        except Cancelled:
            raise KeyboardInterrupt from None
    print(f"{archive.path} ({archive.files} files, {archive.size / 1e6:.1f} MB)")


@verb(
    help={"source": "the archive that mlflow.backup wrote", "config": SERVER_OPTIONS["config"]},
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
    from wildetect.settings.project import from_caller

    if source is None:
        raise ConfigurationError(
            "no backup is named", hint="uv run invoke mlflow.restore --source runs/backups/FILE.zip"
        )
    with stop_signals() as wished:
        plan = planned(None, None, True, config)
        try:
            restored = restore_store(plan, from_caller(source), cancelled=wished.is_set)
        except Cancelled:
            raise KeyboardInterrupt from None
    print(f"restored {restored.files} files of {restored.created} into {plan.project.shown(plan.folder)}")
    if restored.moved_aside:
        say(f"the store of before is in {plan.project.shown(restored.moved_aside)}")
