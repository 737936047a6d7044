"""Quick questions to an MLflow server: is it up, which version, what does it hold.

Only urllib is used: `import mlflow` takes seconds and its client goes on trying for minutes. What answers
may be anything, so no answer is trusted: each has a time by which it must be whole, however slowly its
bytes come, a largest size and a shape, and its words are made harmless before they are printed.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import ipaddress
import json
import os
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from wildetect.errors import ServerError
from wildetect.settings.address import TRACKING_URI

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = [
    "A_PAGE",
    "PATIENCE",
    "SENT_ON",
    "SERVE_COMMAND",
    "TOO_LONG",
    "TOO_SLOW",
    "WHOLE_ANSWER",
    "Credentials",
    "Probe",
    "TimedReader",
    "harmless",
    "has_port_or_none",
    "how_to_start",
    "is_loopback",
    "known_as_own",
    "where_it_says_why",
]

_SCHEMES = ("http", "https")
SERVE_COMMAND = "uv run invoke mlflow.serve"
HTTP_UNAUTHORIZED = 401
HTTP_FORBIDDEN = 403
LONGEST_ANSWER = 64_000_000  # bytes that are read whole into memory
LONGEST_REASON = 300  # letters
WHOLE_ANSWER = 8.0  # s
PATIENCE = 60.0  # s; of MLflow's client, for a whole answer
# what is wrong with an answer, in words that stay the same in whatever error carries them
TOO_SLOW = "the answer is not whole in time"
TOO_LONG = "the answer does not end"
A_PAGE = "the answer is a page for people"
SENT_ON = "the answer sends on to"


class Credentials(NamedTuple):
    """Who signs in. The password is kept out of `repr`, so that no log shows it."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, password=...)"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine and nothing but it."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def has_port_or_none(uri: str) -> bool:
    """Whether the port of an address, if one stands there, is one that there can be."""
    try:
        return urllib.parse.urlsplit(uri).port != 0
    except ValueError:
        return False


def how_to_start(uri: str) -> str:
    """What to do where no server answers: mlflow.serve makes those of this machine, without https or path.

    Args:
        uri: The address that did not answer.
    """
    parts = urllib.parse.urlsplit(uri)
    if not is_loopback(parts.hostname or ""):
        return (
            "Check the network and MLFLOW_TRACKING_URI in .env. On that machine it is started with: "
            f"{SERVE_COMMAND} --host 0.0.0.0"
        )
    if parts.scheme != "http" or parts.path.strip("/"):
        plain = f"http://{parts.netloc}"
        return f"If it is this project's own, set MLFLOW_TRACKING_URI={plain} in .env; then: {SERVE_COMMAND}"
    return f"Start it with: {SERVE_COMMAND} (or fix MLFLOW_TRACKING_URI in .env)"


_own: set[str] = set()


def known_as_own(uri: str) -> None:
    """Keep that an address is that of this project's own server, whose log lies here.

    Args:
        uri: The address, as the tasks use it.
    """
    _own.add(uri)


def where_it_says_why(uri: str | None = None) -> str:
    """Where a server that answered, but failed, says why: the log of the project's own is no other's.

    Args:
        uri: The address, as the tasks use it; None: that which MLflow's client has been given.
    """
    uri = uri or os.environ.get(TRACKING_URI, "")
    if uri in _own:
        return "See why in its log: uv run invoke mlflow.logs"
    return (
        f"See why in the log of that server ({uri}), which is not this project's own; who names it says: "
        "uv run invoke mlflow.status"
    )


@dataclass(frozen=True)
class Probe:
    """A server to be asked.

    Attributes:
        url: Its address, such as http://127.0.0.1:5000.
        credentials: Needed where the server asks for a sign-in.
        timeout: Seconds for each connection and each read; `/health` is answered wholly within it.
        total: Seconds for a whole answer.
    """

    url: str
    credentials: Credentials | None = None
    timeout: float = 2.0
    total: float = WHOLE_ANSWER

    def within(self, timeout: float) -> Probe:
        """The same server, with another timeout in seconds."""
        return replace(self, timeout=timeout, total=max(self.total, timeout))

    def healthy(self) -> bool:
        """Whether the server answers `/health` with 200; needs no sign-in and never raises."""
        try:
            self._read("/health", self.timeout)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return True

    def version(self) -> str:
        """The version of MLflow that the server runs.

        Raises:
            ServerError: Where it does not answer, refuses the sign-in or is not an MLflow server.
        """
        text = self._asked("/version").decode("utf-8", errors="replace").strip()
        if not text[:1].isdigit() or len(text) > len("3.17.2.dev0+0123456789abcdef"):
            raise ServerError(
                f"what answers at {self.url} is not an MLflow server",
                hint="Check MLFLOW_TRACKING_URI in .env, or start a server on a free port with --port.",
            )
        return text

    def is_mlflow(self) -> bool:
        """Whether an MLflow server answers, be it that it wants a sign-in; never raises."""
        if not self.healthy():
            return False
        try:
            self.version()
        except ServerError as error:
            return "sign-in" in error.message
        return True

    def text(self, path: str) -> str:
        """What the server gives for a path.

        Raises:
            ServerError: As `get`.
        """
        return self._asked(path).decode("utf-8", errors="replace")

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """The JSON object that the server gives for a path.

        Args:
            path: Such as "/api/2.0/mlflow/registered-models/search".
            query: What follows the question mark.

        Raises:
            ServerError: Where the server does not answer or answers with an error. MLflow's own
                message, where there is one, is part of it.
        """
        full = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        return self._object(path, self._asked(full))

    def send(self, method: str, path: str, document: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Send a JSON object and give the one that comes back; {} where none does.

        Args:
            method: Method of HTTP.
            path: Such as "/api/2.0/mlflow/users/create".
            document: What is sent.

        Raises:
            ServerError: As `get`.
        """
        body = None if document is None else json.dumps(document).encode()
        return self._object(path, self._asked(path, method, body) or b"{}")

    def _object(self, path: str, content: bytes) -> dict[str, Any]:
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._unlike(path, "something that is not JSON") from error
        if not isinstance(document, dict):
            raise self._unlike(path, "JSON of another shape than an MLflow server's")
        return document

    @contextlib.contextmanager
    def taking_apart(self, path: str) -> Iterator[None]:
        """Name the server where what it gave for a path has another shape than MLflow's.

        Raises:
            ServerError: In place of what the body raises on a missing key or another type.
        """
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._unlike(path, "JSON of another shape than an MLflow server's") from error

    def _unlike(self, path: str, what: str) -> ServerError:
        return ServerError(
            f"{self.url}{path} answered with {what}",
            hint=f"Check that MLFLOW_TRACKING_URI names an MLflow server, or start one: {SERVE_COMMAND}",
        )

    def _asked(self, path: str, method: str = "GET", body: bytes | None = None) -> bytes:
        try:
            return self._read(path, self.total, method, body)
        except urllib.error.HTTPError as error:
            raise self._refused(error, path) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ServerError(
                f"no MLflow server answers at {self.url} ({harmless(str(reason))})",
                hint=how_to_start(self.url),
            ) from error

    def _refused(self, error: urllib.error.HTTPError, path: str) -> ServerError:
        if error.code == HTTP_FORBIDDEN and self.credentials:
            return ServerError(
                f"{self.credentials.username} may not do this on the server at {self.url}",
                hint="Ask its admin, who alone may look after accounts.",
            )
        if error.code == HTTP_UNAUTHORIZED:
            return ServerError(
                f"the server at {self.url} wants a sign-in"
                + (f", and refuses that of {self.credentials.username}" if self.credentials else ""),
                hint="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in .env.",
            )
        try:
            document = json.loads(error.read(2000))
            said = f"{document['error_code']}: {document['message']}"
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, RecursionError):
            said = f"{error.code} {error.reason}"
        return ServerError(
            f"{self.url}{path.partition('?')[0]} answered {harmless(said)}",
            hint=where_it_says_why(self.url),
        )

    def _read(self, path: str, seconds: float, method: str = "GET", body: bytes | None = None) -> bytes:
        address = self.url.rstrip("/") + path
        request = urllib.request.Request(address, data=body, method=method)  # noqa: S310 - checked below
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if request.type not in _SCHEMES:
            raise ValueError(f"{self.url} is not an http address")
        if self.credentials is not None:
            pair = f"{self.credentials.username}:{self.credentials.password}".encode()
            request.add_header("Authorization", "Basic " + base64.b64encode(pair).decode("ascii"))
        opener = self._opener(time.monotonic() + seconds)
        with opener.open(request, timeout=self.timeout) as response:
            content: bytes = response.read(LONGEST_ANSWER)
            return content

    def _opener(self, until: float) -> urllib.request.OpenerDirector:
        """A proxy that an office's environment names must not be asked for this very machine."""
        host = urllib.parse.urlsplit(self.url).hostname or ""
        proxies: dict[str, str] | None = {} if is_loopback(host) else None
        handlers = (_Http(until), _Https(until), _SameHost(), urllib.request.ProxyHandler(proxies))
        return urllib.request.build_opener(*handlers)


def harmless(text: str, longest: int = LONGEST_REASON) -> str:
    """Put a server's words onto one line, without what a terminal takes for a command.

    Args:
        text: The words.
        longest: How many letters are kept.
    """
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(plain.split())[:longest]


class TimedReader(io.RawIOBase):
    """The bytes of an answer, as long as there is time; a socket's own timeout begins again with each byte.

    Args:
        sock: The connection.
        left: Gives the seconds that are left, from the number of bytes that have arrived.
    """

    def __init__(self, sock: socket.socket, left: Callable[[int], float]) -> None:
        self._socket, self._left = sock, left
        self._longest = sock.gettimeout()
        self._raw = sock.makefile("rb", buffering=0)
        self.arrived = 0

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Read what has arrived.

        Raises:
            TimeoutError: Nothing came, or not all of it in time.
        """
        left = self._left(self.arrived)
        if left <= 0:
            raise TimeoutError(TOO_SLOW)
        self._socket.settimeout(left if self._longest is None else min(left, self._longest))
        count = self._raw.readinto(buffer)
        self.arrived += count or 0
        return count

    def close(self) -> None:
        """Close it, and leave the connection open."""
        self._raw.close()
        super().close()


class _TimedHandler(urllib.request.AbstractHTTPHandler):
    """Gives each answer the time by which it must be whole."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self._until = until

    def _connection(self, kind: type[http.client.HTTPConnection], host: str, **more: Any) -> Any:
        until = self._until

        class Response(http.client.HTTPResponse):
            def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
                super().__init__(sock, *arguments, **options)
                self.fp.close()
                self.fp = io.BufferedReader(TimedReader(sock, lambda _: until - time.monotonic()))

        connection = kind(host, **more)
        connection.response_class = Response
        return connection


class _Http(_TimedHandler, urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(self._connection, http.client.HTTPConnection), req)


class _Https(_TimedHandler, urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(self._connection, http.client.HTTPSConnection), req)


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows no way to another host: the password would go along."""

    def redirect_request(self, req: urllib.request.Request, *arguments: Any) -> urllib.request.Request | None:
        wanted = urllib.parse.urlsplit(arguments[-1])
        if wanted.hostname != urllib.parse.urlsplit(req.full_url).hostname or wanted.scheme not in _SCHEMES:
            raise OSError(f"it sends us on to {arguments[-1]}")
        return super().redirect_request(req, *arguments)
