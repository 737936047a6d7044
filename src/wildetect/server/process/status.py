"""How the server is, asked without importing mlflow."""

from __future__ import annotations

import importlib.metadata
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wildetect.errors import ServerError
from wildetect.registry.connection import locked
from wildetect.registry.probe import Probe, how_to_start, where_it_says_why
from wildetect.server.access.signin import credentials_of
from wildetect.server.process.plan import points_at, server_folder
from wildetect.server.process.server import address_of_tasks
from wildetect.server.process.state import ServerState, read_state
from wildetect.settings import Project
from wildetect.settings.address import TRACKING_URI
from wildetect.settings.project import as_read
from wildetect.wording import commas, in_bytes

__all__ = [
    "HINTS",
    "Condition",
    "Model",
    "ServerStatus",
    "as_document",
    "as_lines",
    "condition_of",
    "held_models",
    "left_behind",
    "server_status",
    "what_broke",
]


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
        return ["MLflow server: not running", _space(status), *_elsewhere(status)]
    up = time.time() - state.create_time
    lines = [f"MLflow server: {status.condition} at {state.url} (pid {state.pid}, up {_duration(up)})"]
    lines.append(
        f"  version   MLflow {state.version or 'unknown'}{', with sign-in' if state.sign_in else ''}"
    )
    lines.append(f"  database  {state.store}{_bytes(status.database_bytes)}")
    lines.append(f"  artifacts {state.artifacts}{_bytes(status.artifacts_bytes)}")
    lines.append(_space(status))
    lines += _elsewhere(status)
    if status.problem:
        lines.append(f"  models    unknown: {status.problem}")
    for model in status.models or ():
        aliases = "".join(f", {alias} -> {version}" for alias, version in model.aliases.items())
        versions = commas((str(version) for version in model.versions), none="none")
        lines.append(f"  model     {model.name}: versions {versions}{aliases}")
    if status.models == ():
        lines.append("  model     none is registered")
    return lines


def _elsewhere(status: ServerStatus) -> list[str]:
    """The server that the tasks use in place of this project's own."""
    if status.used is None:
        return []
    what = "which answers" if status.used_answers else "where no MLflow server answers"
    lines = [f"  tasks     use {status.used} ({status.named_by}), {what}"]
    if status.state is not None and status.condition != "stopped":
        line = f"{TRACKING_URI}={status.state.url} in .env"
        lines.append(as_read(f"            to have them use this one: {line}"))
    return lines


def _space(status: ServerStatus) -> str:
    free = "unknown" if status.free_bytes is None else in_bytes(status.free_bytes)
    return f"  free      {free}"


def _bytes(count: int | None) -> str:
    return "" if count is None else f" ({in_bytes(count)})"


def _duration(seconds: float) -> str:
    minutes = int(seconds) // 60
    if minutes < 1:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


Condition = Literal["running", "starting", "not answering", "stopped", "broken"]


PAGES = 20
_VERSIONS = "/api/2.0/mlflow/model-versions/search"
_MODELS = "/api/2.0/mlflow/registered-models/search"


LONGEST_START = 300.0  # s
SIZE_BUDGET = 0.1  # s; counting a million files is not worth a wait


HINTS: dict[Condition, str] = {
    "running": "",
    "starting": "It should answer within seconds: uv run invoke mlflow.logs",
    "not answering": "End it and start again: uv run invoke mlflow.restart",
    "stopped": "Start it: uv run invoke mlflow.serve",
    "broken": "Clear what is left of it and start again: uv run invoke mlflow.restart",
}


@dataclass(frozen=True)
class Model:
    """A registered model: its versions, oldest first, and the aliases that point at them."""

    name: str
    versions: tuple[int, ...]
    aliases: dict[str, int]


@dataclass(frozen=True)
class ServerStatus:
    """The server and its store, as far as known.

    Attributes:
        condition: "running" is the only healthy one; "broken" means that processes are left of a server that
            died, or that was started before the folder was moved.
        state: What server.json says.
        models: What the registry holds; None where the server does not tell.
        problem: Why it does not tell.
        database_bytes: Size of the SQLite file; None where there is none.
        artifacts_bytes: Size of all artifacts; None where they lie elsewhere or are too many to count.
        free_bytes: Space left on the disk of the store.
        used: Another server than the project's own that is named for the tasks; None where they use its own.
        named_by: The line or variable that names it.
        used_answers: Whether that one answers as an MLflow server does.
        free_port: A port for the project's own, where another project's server has the usual one.
        tracking_uri_matches: Whether the tasks reach this server; None where none runs.
    """

    condition: Condition
    installed: str
    state: ServerState | None = None
    models: tuple[Model, ...] | None = None
    problem: str | None = None
    database_bytes: int | None = None
    artifacts_bytes: int | None = None
    free_bytes: int | None = None
    used: str | None = None
    named_by: str = ""
    used_answers: bool = False
    free_port: int | None = None
    tracking_uri_matches: bool | None = None

    @property
    def healthy(self) -> bool:
        """Whether the server runs and answers."""
        return self.condition == "running"

    @property
    def hint(self) -> str:
        """What to do about it; nothing where the tasks have another server."""
        if self.condition == "stopped" and self.used:
            return "" if self.used_answers else how_to_start(self.used)
        return HINTS[self.condition] + (f" --port {self.free_port}" if self.free_port else "")


def server_status(project: Project) -> ServerStatus:
    """Find out how the workspace's server is."""
    folder = server_folder(project)
    state = read_state(folder)
    condition = condition_of(state)
    address = address_of_tasks(project)
    place = project.origin_of(TRACKING_URI)[1] or ""
    answers = not address.own and Probe(address.uri, timeout=1.0).is_mlflow()
    # an address of this machine where nobody answers is that of the project's own, which is not running
    elsewhere = answers or not address.foreign or condition != "stopped"
    named = address.named and not address.own and elsewhere and not left_behind(state, address.uri)
    models, problem = _held_or_why_not(project, state, condition)
    database = Path(state.store) if state else folder / "mlflow.db"
    artifacts = Path(state.artifacts) if state else folder / "artifacts"
    return ServerStatus(
        condition=condition,
        installed=importlib.metadata.version("mlflow"),
        state=state,
        models=models,
        problem=problem,
        database_bytes=database.stat().st_size if database.is_file() else None,
        artifacts_bytes=_size(artifacts),
        free_bytes=shutil.disk_usage(folder if folder.is_dir() else project.root).free,
        used=address.uri if named else None,
        named_by=place.partition(" (")[0],
        used_answers=named and answers,
        free_port=address.free_port if condition == "stopped" and answers and not named else None,
        tracking_uri_matches=_matches(project, state),
    )


def _held_or_why_not(
    project: Project, state: ServerState | None, condition: Condition
) -> tuple[tuple[Model, ...] | None, str | None]:
    """What a server's registry holds, or why it does not tell."""
    if state is None or condition not in ("running", "broken"):
        return None, None
    if condition == "broken":
        return None, f"this server {what_broke(state)}"
    try:
        return tuple(held_models(Probe(state.url, credentials_of(project)))), None
    except ServerError as error:
        store = Path(state.store)
        held = store.is_file() and locked(store, to_write=False, patience=0.1)
        return None, f"another program has locked {store}" if held else error.message


def _matches(project: Project, state: ServerState | None) -> bool | None:
    return points_at(project.variable(TRACKING_URI), state.host, state.port) if state else None


def condition_of(state: ServerState | None) -> Condition:
    """How the server of a server.json is."""
    if state is None:
        return "stopped"
    if state.alive():
        if Probe(state.url).healthy():
            return "running"
        # its launcher may have been killed: nobody else would say then that it never answers
        starting = state.phase == "starting" and time.time() - state.create_time < LONGEST_START
        return "starting" if starting else "not answering"
    known = (state.identity, *state.processes)
    left = any(one.process(state.folder) or one.was_moved(state.folder) for one in known)
    return "broken" if left else "stopped"


def left_behind(state: ServerState | None, named: str | None) -> bool:
    """Whether the tasks would talk to what is left of this project's own server, which is "broken".

    One whose folder was moved still answers, and makes an empty database where the folder was.

    Args:
        state: What server.json says.
        named: The tracking URI that is named for the tasks.
    """
    meant = state is not None and points_at(named, state.host, state.port)
    return meant and condition_of(state) == "broken"


def what_broke(state: ServerState) -> str:
    """Why a server that is "broken" does not work, to follow "this project's server"."""
    if state.identity.was_moved(state.folder):
        return "was started before this folder was moved or renamed, and no longer finds its files"
    return "has died and left processes"


def held_models(probe: Probe) -> Iterator[Model]:
    """The registered models of a server.

    Raises:
        ServerError: Where it does not answer, or refuses.
    """
    versions: dict[str, list[int]] = {}
    with probe.taking_apart(_VERSIONS):
        for version in _pages(probe, _VERSIONS, "model_versions"):
            versions.setdefault(_name(version), []).append(int(version["version"]))
    with probe.taking_apart(_MODELS):
        models = [
            (
                _name(model),
                {_name(alias, "alias"): int(alias["version"]) for alias in model.get("aliases", [])},
            )
            for model in _pages(probe, _MODELS, "registered_models")
        ]
    for name, aliases in models:
        yield Model(name, tuple(sorted(versions.get(name, []))), aliases)


def _name(document: dict[str, Any], key: str = "name") -> str:
    """A name that a server gives, without what a terminal takes for a command."""
    name = document[key]
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is not a name")
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _pages(probe: Probe, endpoint: str, items: str) -> Iterator[dict[str, Any]]:
    token, until = "", time.monotonic() + probe.total
    for _ in range(PAGES):
        if time.monotonic() > until:
            raise ServerError(
                f"{probe.url} takes too long to say what it holds",
                hint=where_it_says_why(probe.url),
            )
        query: dict[str, str | int] = {"max_results": 1000} | ({"page_token": token} if token else {})
        page = probe.get(endpoint, query)
        yield from page.get(items, [])
        token = page.get("next_page_token") or ""
        if not token:
            return


def _size(folder: Path) -> int | None:
    """Size of all files in a folder, in bytes; None where there is none or counting takes too long."""
    if not folder.is_dir():
        return None
    until = time.monotonic() + SIZE_BUDGET
    total = 0
    for path in folder.rglob("*"):
        if time.monotonic() > until:
            return None
        total += path.stat().st_size if path.is_file() else 0
    return total
