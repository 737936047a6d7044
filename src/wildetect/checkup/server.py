"""The MLflow server that the tasks talk to, and the port that one of ours would take."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import urllib.parse

from wildetect.checkup.finding import Finding, fine, of_error, problem, warning
from wildetect.checkup.subject import Subject
from wildetect.errors import ServerError
from wildetect.settings.address import TRACKING_URI

__all__ = ["check_port", "check_server", "why_silent"]

DEFAULT = "http://127.0.0.1:5000"
SERVE = "uv run invoke mlflow.serve"
NAME_TIMEOUT = 3.0  # s; without a network some systems look for a name for half a minute
CONNECT_TIMEOUT = 1.0  # s


def check_server(subject: Subject) -> list[Finding]:
    """Who answers at the tracking URI: our own server, another MLflow, something else, nobody."""
    from wildetect.settings.problems import hidden

    shown = str(hidden((), subject.uri, []))
    address = _address(subject.uri)
    if address is None:
        says = f"{TRACKING_URI} is {shown}{_where(subject)}, which is not the address of a server"
        return [problem("server", says, fix=f"Write {TRACKING_URI}={DEFAULT} into .env", error=ServerError)]
    host, port = address
    if not _is_known(host, port):
        says = f"the name {host} of {TRACKING_URI}{_where(subject)} is not known here"
        return [problem("server", says, fix="Fix the name, or connect to its network", error=ServerError)]
    if subject.healthy:
        try:
            version = subject.probe.version()
        except ServerError as error:
            return of_error("server", error)
        return _whose(subject, f"MLflow {version} at {shown}")
    return _nobody(subject, shown, host, port)


def _address(uri: str) -> tuple[str, int] | None:
    try:
        parts = urllib.parse.urlsplit(uri)
        port = parts.port
    except ValueError:  # a port that is none, half an IPv6 address
        return None
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return (parts.hostname, port or usual) if parts.hostname and usual else None


def _where(subject: Subject) -> str:
    """The place that the tracking URI was given at."""
    place = subject.project.origin_of(TRACKING_URI)[1]
    return f" ({place})" if place else ""


def _is_known(host: str, port: int) -> bool:
    """Whether a name has an address; a lookup that takes long is not waited for."""
    found = []

    def look_up() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found.extend(socket.getaddrinfo(host, port))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(NAME_TIMEOUT)
    return bool(found)


def _whose(subject: Subject, says: str) -> list[Finding]:
    """An MLflow server answers: whose is it."""
    from wildetect.server.process.plan import points_at
    from wildetect.server.process.server import address_of_tasks

    own = subject.own_server
    if own is not None and own.alive():
        if points_at(subject.uri, own.host, own.port):
            minutes = (time.time() - own.create_time) / 60
            return [fine("server", f"{says}: this project's own (pid {own.pid}, for {minutes:.0f} min)")]
        return [
            warning(
                "server",
                f"{says}{_where(subject)}; this project's own runs at {own.url}, where no task looks",
                fix=f"Use it: {TRACKING_URI}={own.url} in .env; or end it: uv run invoke mlflow.stop",
            )
        ]
    if subject.project.variable(TRACKING_URI) is None:
        fix = address_of_tasks(subject.project).own_or_that
        return [warning("server", f"{says} is another project's", fix=fix)]
    return [fine("server", f"{says}{_where(subject)}, not of this project")]


def _nobody(subject: Subject, shown: str, host: str, port: int) -> list[Finding]:
    """No MLflow server answers: why, and who does."""
    from wildetect.registry.probe import is_loopback

    says = f"no MLflow server answers at {shown}{_where(subject)}"
    if (known := why_silent(subject, subject.uri)) is not None:
        return [known]
    if is_loopback(host):
        return [warning("server", f"{says}: none is running", fix=f"Start it: {SERVE}")]
    fix = f"Start it there; let the firewall pass port {port}; or fix {TRACKING_URI}"
    return [problem("server", says, fix=fix, error=ServerError)]


def why_silent(subject: Subject, uri: str) -> Finding | None:
    """Why no MLflow server answers at an address; None where nothing at all is there.

    Args:
        subject: The project, whose own server may run elsewhere, or not answer.
        uri: The address, without a sign-in.
    """
    from wildetect.registry.probe import Probe
    from wildetect.server.process.status import HINTS, condition_of, what_broke

    own = subject.own_server
    condition = condition_of(own)
    at = f"{uri}{_where(subject)}"
    if condition == "running" and own is not None:
        fix = f"Write {TRACKING_URI}={own.url} into .env"
        says = f"no MLflow server answers at {at}; this project's runs at {own.url}"
        return problem("server", says, fix=fix, error=ServerError)
    if condition == "starting":
        return warning("server", "this project's server is starting", fix=HINTS[condition])
    if own is not None and condition in ("not answering", "broken"):
        what = "runs, but does not answer" if condition == "not answering" else what_broke(own)
        return problem("server", f"this project's server {what}", fix=HINTS[condition], error=ServerError)
    host, port = _address(uri) or ("", 0)
    plain = uri.replace("https://", "http://", 1)
    if plain != uri and host and Probe(plain).healthy():
        says, fix = (
            f"the server at {at} answers by http, not https",
            f"Write {TRACKING_URI}={plain} into .env",
        )
        return problem("server", says, fix=fix, error=ServerError)
    if host and _listens(host, port):
        says = f"something that is not an MLflow server answers at {at}"
        return problem("server", says, fix=_beside(subject, host, port), error=ServerError)
    return None


def _beside(subject: Subject, host: str, port: int) -> str:
    """What to do where something else has the server's port."""
    from wildetect.registry.probe import is_loopback
    from wildetect.server.process.ports import next_free

    if not is_loopback(host):
        return f"Fix {TRACKING_URI}"
    free_port = next_free("127.0.0.1", port)
    if subject.project.variable(TRACKING_URI) is None:  # the tasks find their own, wherever it listens
        return (
            f"End it, or start this project's server beside it: uv run invoke mlflow.serve --port {free_port}"
        )
    return f"End it, or write another port into .env, such as {TRACKING_URI}=http://127.0.0.1:{free_port}"


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT):
            return True
    except OSError:
        return False


def check_port(subject: Subject) -> list[Finding]:
    """Whether a server of this project could take its port, or who holds it."""
    from wildetect.server.process.plan import points_at
    from wildetect.server.process.preflight import check_port as demand_port
    from wildetect.server.process.status import condition_of

    plan, own = subject.plan, subject.own_server
    if own is not None and condition_of(own) != "stopped":
        return [fine("port", f"{own.port} is held by this project's server")]
    try:
        demand_port(plan)
    except ServerError as error:
        if not subject.answers:
            return of_error("port", error)
        # the tasks have a server, so that no other is needed; one that nothing names they do not use
        if points_at(subject.uri, plan.host, plan.port) and subject.project.variable(TRACKING_URI):
            return [fine("port", f"{plan.port} is held by the MLflow server that the tasks use")]
        return [warning("port", error.message, fix=error.hint)]
    return [fine("port", f"{plan.port} is free")]
