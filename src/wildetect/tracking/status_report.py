"""The server's status, for people and for programs."""

from __future__ import annotations

import time
from typing import Any

from wildetect.tracking.plan import TRACKING_URI
from wildetect.tracking.status import ServerStatus

__all__ = ["as_document", "as_lines"]


def as_document(status: ServerStatus) -> dict[str, Any]:
    """The status for `--json`; tests hold its keys."""
    state = status.state if status.condition != "stopped" else None
    return {
        "healthy": status.healthy,
        "state": status.condition,
        "url": state.url if state else None,
        "pid": state.pid if state else None,
        "uptime_s": round(time.time() - state.create_time, 1) if state and state.alive() else None,
        "version": state.version if state else None,
        "installed_version": status.installed,
        "sign_in": state.sign_in if state else None,
        "store": state.store if state else None,
        "database_bytes": status.database_bytes,
        "artifacts": state.artifacts if state else None,
        "artifacts_bytes": status.artifacts_bytes,
        "free_bytes": status.free_bytes,
        "tracking_uri_matches": status.tracking_uri_matches if state else None,
        "problem": status.problem,
        "models": None
        if status.models is None
        else [{"name": m.name, "versions": list(m.versions), "aliases": m.aliases} for m in status.models],
    }


def as_lines(status: ServerStatus) -> list[str]:
    """The status for people."""
    state = status.state
    if state is None or status.condition == "stopped":
        return ["MLflow server: not running", _space(status)]
    up = time.time() - state.create_time
    lines = [f"MLflow server: {status.condition} at {state.url} (pid {state.pid}, up {_duration(up)})"]
    lines.append(
        f"  version   MLflow {state.version or 'unknown'}{', with sign-in' if state.sign_in else ''}"
    )
    lines.append(f"  database  {state.store}{_bytes(status.database_bytes)}")
    lines.append(f"  artifacts {state.artifacts}{_bytes(status.artifacts_bytes)}")
    lines.append(_space(status))
    if not status.tracking_uri_matches:
        lines.append(f"  tasks     look elsewhere: set {TRACKING_URI}={state.url} in .env")
    if status.problem:
        lines.append(f"  models    unknown: {status.problem}")
    for model in status.models or ():
        aliases = "".join(f", {alias} -> {version}" for alias, version in model.aliases.items())
        versions = ", ".join(str(version) for version in model.versions) or "none"
        lines.append(f"  model     {model.name}: versions {versions}{aliases}")
    if status.models == ():
        lines.append("  model     none is registered")
    return lines


def _space(status: ServerStatus) -> str:
    free = "unknown" if status.free_bytes is None else f"{status.free_bytes / 1e9:.1f} GB"
    return f"  free      {free}"


def _bytes(count: int | None) -> str:
    return "" if count is None else f" ({count / 1e6:.1f} MB)"


def _duration(seconds: float) -> str:
    minutes = int(seconds) // 60
    if minutes < 1:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
