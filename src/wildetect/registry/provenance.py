"""Who registered a version, when, from where."""

from __future__ import annotations

import getpass
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from wildetect import __version__

__all__ = ["provenance"]

GIT_TIMEOUT = 5.0  # s


def provenance(project_root: Path) -> dict[str, str]:
    """Tags that say who makes a version, when, with which program.

    Args:
        project_root: Its git commit is named, where it is in a git repository and git is there.
    """
    tags = {
        "registered_by": _user(),
        "registered_on": platform.node(),
        "registered_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "wildetect": __version__,
    }
    commit = _git_commit(project_root)
    return {**tags, "git_commit": commit} if commit else tags


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name in the environment, and none for the user id
        return "unknown"


def _git_commit(folder: Path) -> str | None:
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - git is where the user's PATH has it
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            timeout=GIT_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None
