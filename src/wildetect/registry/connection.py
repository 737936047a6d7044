"""The way to the MLflow server; the only module that imports mlflow."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wildetect.errors import ModelError, ServerError
from wildetect.registry.probe import (
    A_PAGE,
    PATIENCE,
    SENT_ON,
    TOO_LONG,
    TOO_SLOW,
    WHOLE_ANSWER,
    Credentials,
    Probe,
    harmless,
    has_port_or_none,
    how_to_start,
    where_it_says_why,
)
from wildetect.settings.address import PASSWORD, TRACKING_URI, USERNAME, server_address
from wildetect.settings.project import put_into_environment
from wildetect.wording import quoted

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = [
    "Connection",
    "connect",
    "errors_of_mlflow",
    "locked",
    "require_whole_answers",
    "tracking_uri",
    "unlike_mlflow",
]

# MLflow's words for a server that answers with errors until its client gives up, and for a request that got
# no answer, that of one file of an upload among them.
_GAVE_UP = re.compile(r"too many (?P<code>\d+) error responses")
_NO_ANSWER = re.compile(r"failed with (timeout )?exception")
_NOT_MLFLOW = re.compile(f"not in a valid JSON format|Expecting value: line|{A_PAGE}")
_UNFINISHED = re.compile(f"{TOO_SLOW}|{TOO_LONG}")
_ELSEWHERE = re.compile(f"{SENT_ON} (?P<address>[^\\s'\"]+)")

DEFAULT_URI = "http://127.0.0.1:5000"
ANSWER_TIMEOUT = 3.0
TURN = 3.0  # s; whoever only writes a few rows is done by then
LONGEST_TEXT = 500  # letters of what a server says
_UNLOCK = (
    "Close what has it open (a database viewer, a backup, another MLflow), then give the same command again."
)

_UNFINISHED_HINT = (
    "Check that MLFLOW_TRACKING_URI names an MLflow server; this project's own is ended and started with: "
    "uv run invoke mlflow.restart"
)

# MLflow's own defaults would wait minutes for a server that is off, print links into our stdout, draw
# progress bars, ask git, and report usage.
CLIENT_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": f"{PATIENCE:.0f}",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # a server could say: in a day
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
# Variables that MLflow's client would follow, set for another program.
INHERITED = ("MLFLOW_REGISTRY_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")
LOOPBACK = ("127.0.0.1", "localhost", "::1")

logger = logging.getLogger(__name__)


def tracking_uri(explicit: str | None, configured: str | None = None) -> str:
    """The server to talk to.

    Args:
        explicit: `MLFLOW_TRACKING_URI` of the environment or .env.
        configured: What a settings file says, used where the former says nothing.
    """
    return server_address(explicit or configured or DEFAULT_URI).url


@dataclass(frozen=True)
class Connection:
    """A server that answers.

    Attributes:
        uri: Its address.
        client: MLflow's client of it.
        database: The SQLite file behind it, where it lies on this machine; None where that is not known.
    """

    uri: str
    client: MlflowClient
    database: Path | None = None

    def wait_for_turn(self) -> None:
        """Make sure that no other program holds the database that is to be written.

        MLflow itself would wait for 20 s at each of several attempts, and then name the request alone.

        Raises:
            ServerError: Another program holds it.
        """
        if self.database is not None:
            demand_turn(self.database, to_write=True)


def demand_turn(database: Path, *, to_write: bool) -> None:
    """Make sure that no other program holds an SQLite file; one that is done soon is waited for.

    Args:
        database: The file.
        to_write: Whether something is to be written: a lock that lets others read does not matter else.

    Raises:
        ServerError: Another program holds it.
    """
    if locked(database, to_write=to_write):
        raise ServerError(f"the database {database} is locked by another program", hint=_UNLOCK)


def locked(database: Path, *, to_write: bool, patience: float = TURN) -> bool:
    """Whether another program holds an SQLite file.

    Args:
        database: The file; one that cannot be opened is not locked.
        to_write: Whether a lock matters that lets others read.
        patience: Seconds to wait for whoever holds it.
    """
    question = "BEGIN IMMEDIATE" if to_write else "SELECT COUNT(*) FROM sqlite_master"
    address = f"{database.resolve().as_uri()}?mode=rw"
    try:
        opened = sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None)
        with contextlib.closing(opened) as connection:
            connection.execute(question)
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:
        return False
    return False


def connect(uri: str, database: Path | None = None) -> Connection:
    """Reach the server, first with one quick question and then with MLflow's client.

    Args:
        uri: Its address.
        database: The SQLite file behind it, where it lies on this machine.

    Raises:
        ServerError: Where it does not answer within 3 s, is not an http address, or another program holds
            the database.
    """
    if not uri.startswith(("http://", "https://")):
        raise ServerError(
            f"MLFLOW_TRACKING_URI is {uri}, not the address of a server",
            hint=f"Set MLFLOW_TRACKING_URI={DEFAULT_URI} in .env.",
        )
    if not has_port_or_none(uri):
        raise ServerError(
            f"MLFLOW_TRACKING_URI is {uri}, whose port is not a number up to 65535",
            hint=f"Set MLFLOW_TRACKING_URI={DEFAULT_URI} in .env, or the port that the server has.",
        )
    if not Probe(uri, timeout=ANSWER_TIMEOUT).healthy():
        raise ServerError(
            f"no MLflow server answers at {uri}",
            hint=how_to_start(uri),
        )
    for name, value in CLIENT_ENVIRONMENT.items():
        given = os.environ.setdefault(name, value)
        if value.isdigit() and not given.strip().isdigit():  # MLflow's client would fail at each request
            logger.warning("the variable %s of the environment is not used: it is no whole number", name)
            os.environ[name] = value
    _leave_inherited_out(uri)
    _pass_by_proxies()
    if database is not None:  # before MLflow is loaded, which takes seconds
        demand_turn(database, to_write=False)
    import mlflow

    from wildetect.registry.patience import end_slow_answers

    end_slow_answers()

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    put_into_environment(TRACKING_URI, uri)
    mlflow.set_tracking_uri(uri)
    return Connection(uri, mlflow.MlflowClient(uri, uri), database)


def _leave_inherited_out(uri: str) -> None:
    """One server has runs and models; a run or experiment of another program is not ours to write into."""
    for name in INHERITED:
        value = os.environ.pop(name, None)
        if value and value.rstrip("/") != uri:
            logger.warning("the variable %s of the environment is not used: the server is %s", name, uri)


def _pass_by_proxies() -> None:
    """An office's proxy cannot reach a server on this very machine; MLflow's client would ask it."""
    if not urllib.request.getproxies_environment():
        return
    for name in ("no_proxy", "NO_PROXY"):
        held = [host for host in os.environ.get(name, "").split(",") if host.strip()]
        os.environ[name] = ",".join(dict.fromkeys([*held, *LOOPBACK]))


@contextlib.contextmanager
def errors_of_mlflow(subject: str) -> Iterator[None]:
    """Say in our words what MLflow says in its own.

    Args:
        subject: What was asked for, such as "the model detector@production".

    Raises:
        ModelError: Where the registry does not hold it.
        ServerError: Where the server refuses or fails.
    """
    from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    from wildetect.registry.patience import UselessAnswer

    try:
        yield
    except ParseError as error:
        raise unlike_mlflow(subject) from error
    except (MlflowException, RequestException, UselessAnswer) as error:
        raise _in_our_words(subject, error) from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if not _raised_by_mlflow(error):
            raise
        raise unlike_mlflow(subject) from error


def _raised_by_mlflow(error: Exception) -> bool:
    """Whether it was MLflow's client that could not read what came."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith("mlflow."):
            return True
        trace = trace.tb_next
    return False


def _in_our_words(subject: str, error: Exception) -> ModelError | ServerError:
    """What to say of an error of MLflow's client, or of what it asks with."""
    text = harmless(str(error), LONGEST_TEXT)
    status = _status_of(error)
    code = getattr(error, "error_code", None)
    if code == "RESOURCE_DOES_NOT_EXIST" or (code is not None and " alias " in text):
        return ModelError(
            f"the registry holds no {subject}", hint="See what it holds with: uv run invoke model.list"
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or code in (
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
    ):
        return ServerError(f"the MLflow server refuses {subject}: {text}", hint=_who_may(status, text))
    return _no_use(subject, str(error)) or ServerError(
        f"the MLflow server failed on {subject}: {text}",
        hint=where_it_says_why(),
    )


def _status_of(error: Exception) -> int:
    """The status of HTTP behind an error; that of a bug in the server where none is known."""
    asked = getattr(error, "get_http_status_code", None)
    answered = getattr(getattr(error, "response", None), "status_code", None)
    return int(asked() if asked else answered or HTTPStatus.INTERNAL_SERVER_ERROR)


def _no_use(subject: str, text: str) -> ServerError | None:
    """What to say where no answer came that is of use; None where one did.

    Args:
        subject: What was asked for.
        text: MLflow's words, which may tell of several files.
    """
    if gave_up := _GAVE_UP.search(text):
        return _failed_again(subject, gave_up["code"])
    if elsewhere := _ELSEWHERE.search(text):
        address = harmless(elsewhere["address"]).partition("/api/")[0]
        return ServerError(
            f"the MLflow server does not answer {subject} but sends on to {address}",
            hint=f"Put the server's own address into .env; where that is it: MLFLOW_TRACKING_URI={address}",
        )
    if _UNFINISHED.search(text):
        return ServerError(
            f"the MLflow server does not finish its answers ({subject})", hint=_UNFINISHED_HINT
        )
    if _NOT_MLFLOW.search(text):
        return unlike_mlflow(subject)
    if _NO_ANSWER.search(text):
        start = how_to_start(os.environ.get(TRACKING_URI, DEFAULT_URI))
        says = f"the MLflow server does not answer any more ({subject})"
        return ServerError(says, hint=f"{start}; then give the same command again.")
    return None


def unlike_mlflow(subject: str) -> ServerError:
    """What to say of an answer of another shape than MLflow's.

    Args:
        subject: What was asked for.
    """
    return ServerError(
        f"what answers as the MLflow server gave {subject} in a shape that MLflow does not have",
        hint="Check that MLFLOW_TRACKING_URI names an MLflow server, and which: uv run invoke mlflow.status",
    )


def require_whole_answers(uri: str, total: float = WHOLE_ANSWER) -> None:
    """Make sure that a server's answers come to an end in time.

    MLflow's client gives each byte its whole patience: a port that drips them would hold a task for ever.

    Args:
        uri: The server.
        total: Seconds for a whole answer.

    Raises:
        ServerError: An answer was not whole by then.
    """
    name, password = os.environ.get(USERNAME), os.environ.get(PASSWORD)
    credentials = Credentials(name, password) if name and password else None
    probe = Probe(uri, credentials, ANSWER_TIMEOUT, total)
    try:
        probe.text("/api/2.0/mlflow/registered-models/search?max_results=1")
    except ServerError as error:
        if isinstance(error.__cause__, TimeoutError):
            says = f"the MLflow server at {uri} does not finish its answers"
            raise ServerError(says, hint=_UNFINISHED_HINT) from error


def _failed_again(subject: str, code: str) -> ServerError:
    """What a server means that answers each attempt with one status of HTTP."""
    if int(code) == HTTPStatus.TOO_MANY_REQUESTS:
        return ServerError(
            f"the MLflow server refuses {subject}: too many wrong passwords came from this machine",
            hint="Wait a minute; then check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in .env.",
        )
    return ServerError(
        f"the MLflow server failed on {subject} each time it was asked (status {code}): its database may be "
        "locked by another program, or its disk full",
        hint=f"{where_it_says_why()}; then give the same command again.",
    )


def _who_may(status: int, said: str) -> str:
    """What helps where a server refuses: another role for a reader who has signed in, else a sign-in."""
    name = os.environ.get(USERNAME)
    if status == HTTPStatus.FORBIDDEN and name:
        if "may only read" not in said:
            return f"{name} may not do this: ask the server's admin."
        return (
            "Ask its admin, who gives rights with: uv run invoke mlflow.users change "
            f"{quoted(name)} --role editor"
        )
    return "Put MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD into .env."


def mlflow_module() -> Any:
    """MLflow itself, for the calls that its client class does not have."""
    import mlflow
    import mlflow.onnx

    return mlflow


def artifact_repository(connection: Connection, place: str) -> Any:
    """The files behind an artifact address, to be listed, fetched or deleted through the server.

    Args:
        connection: The server.
        place: Such as mlflow-artifacts:/1/models/m-.../artifacts.
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(place, tracking_uri=connection.uri)
