"""Quick questions to an MLflow server: is it up, which version, what does it hold.

Only urllib is used: `import mlflow` takes seconds and its client goes on trying for minutes.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from wildetect.errors import ServerError

__all__ = ["Credentials", "Probe", "is_loopback"]

SERVE_COMMAND = "uv run invoke mlflow.serve"
HTTP_UNAUTHORIZED = 401
LONGEST_ANSWER = 64_000_000


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


@dataclass(frozen=True)
class Probe:
    """A server to be asked.

    Attributes:
        url: Its address, such as http://127.0.0.1:5000.
        credentials: Needed where the server asks for a sign-in.
        timeout: Seconds for each connection and each read.
    """

    url: str
    credentials: Credentials | None = None
    timeout: float = 2.0

    def within(self, timeout: float) -> Probe:
        """The same server, with another timeout in seconds."""
        return replace(self, timeout=timeout)

    def healthy(self) -> bool:
        """Whether the server answers `/health` with 200; needs no sign-in and never raises."""
        try:
            self._read("/health")
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

    def text(self, path: str) -> str:
        """What the server gives for a path.

        Raises:
            ServerError: As `get`.
        """
        return self._asked(path).decode("utf-8", errors="replace")

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """The JSON document that the server gives for a path.

        Args:
            path: Such as "/api/2.0/mlflow/registered-models/search".
            query: What follows the question mark.

        Raises:
            ServerError: Where the server does not answer or answers with an error. MLflow's own
                message, where there is one, is part of it.
        """
        full = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        try:
            return json.loads(self._asked(full))
        except ValueError as error:
            raise ServerError(
                f"{self.url}{path} answered with something that is not JSON",
                hint=f"Check that MLFLOW_TRACKING_URI names an MLflow server, or start one: {SERVE_COMMAND}",
            ) from error

    def _asked(self, path: str) -> bytes:
        try:
            return self._read(path)
        except urllib.error.HTTPError as error:
            raise self._refused(error, path) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ServerError(
                f"no MLflow server answers at {self.url} ({' '.join(str(reason).split())})",
                hint=f"Start it: {SERVE_COMMAND}",
            ) from error

    def _refused(self, error: urllib.error.HTTPError, path: str) -> ServerError:
        if error.code == HTTP_UNAUTHORIZED:
            return ServerError(
                f"the server at {self.url} wants a sign-in"
                + (f", and refuses that of {self.credentials.username}" if self.credentials else ""),
                hint="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in .env.",
            )
        said = error.read(2000).decode("utf-8", errors="replace")
        try:
            document = json.loads(said)
            said = f"{document['error_code']}: {document['message']}"
        except (ValueError, KeyError, TypeError):
            said = f"{error.code} {error.reason}"
        return ServerError(
            f"{self.url}{path.partition('?')[0]} answered {' '.join(said.split())}",
            hint="The server's log says more: uv run invoke mlflow.logs",
        )

    def _read(self, path: str) -> bytes:
        request = urllib.request.Request(self.url.rstrip("/") + path)  # noqa: S310 - checked below
        if request.type not in ("http", "https"):
            raise ValueError(f"{self.url} is not an http address")
        if self.credentials is not None:
            pair = f"{self.credentials.username}:{self.credentials.password}".encode()
            request.add_header("Authorization", "Basic " + base64.b64encode(pair).decode("ascii"))
        with self._opener().open(request, timeout=self.timeout) as response:
            content: bytes = response.read(LONGEST_ANSWER)
            return content

    def _opener(self) -> urllib.request.OpenerDirector:
        """A proxy that an office's environment names must not be asked for this very machine."""
        host = urllib.parse.urlsplit(self.url).hostname or ""
        proxies: dict[str, str] | None = {} if is_loopback(host) else None
        return urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
