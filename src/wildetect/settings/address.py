"""The address of a server as people write it: pasted from a browser, with a sign-in, without http."""

from __future__ import annotations

import re
import urllib.parse
from typing import NamedTuple

__all__ = ["OF_THE_SERVER", "PASSWORD", "TRACKING_URI", "USERNAME", "ServerAddress", "server_address"]

TRACKING_URI = "MLFLOW_TRACKING_URI"
USERNAME = "MLFLOW_TRACKING_USERNAME"
PASSWORD = "MLFLOW_TRACKING_PASSWORD"  # noqa: S105 - the variable's name
OF_THE_SERVER = (TRACKING_URI, USERNAME, PASSWORD)
"""The variables that say where the server is and who signs in, for MLflow's own programs too."""

_NO_SCHEME = re.compile(r"([\w.-]+|\[[0-9a-f:]+\]):\d{1,5}(/|#|$)", re.IGNORECASE)
_SLIPS = re.compile(r"^(https?)(?::[/\\]+|[/\\]{2,})(?=[\w\[])", re.IGNORECASE)
"""http:/host, http//host and http:\\\\host; a sign-in begins with a letter, too."""
# a server listens there on every address of its machine; a client needs one of them
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - nothing is bound


class ServerAddress(NamedTuple):
    """Where a server is, and who signs in there. The password is kept out of `repr`.

    Attributes:
        url: Without sign-in, path of a page and trailing slash, such as http://127.0.0.1:5000.
        username: Null where the text holds no sign-in.
        password: Null where the text holds no sign-in.
    """

    url: str
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"ServerAddress({self.url!r})"


def server_address(text: str) -> ServerAddress:
    """Understand an address.

    Args:
        text: Such as http://user:password@host:5000, localhost:5000, or what a browser shows on a page:
            http://127.0.0.1:5000/#/models. What is not an http address is left as it is.
    """
    url = text.strip().strip("\"'\u201c\u201d\u2018\u2019")
    url = _SLIPS.sub(r"\1://", url)
    scheme, separator, rest = url.partition("://")
    if not separator and (_NO_SCHEME.match(url) or _NO_SCHEME.match(url.rpartition("@")[2])):
        scheme, rest = "http", url
    scheme = scheme.lower()
    if scheme not in ("http", "https"):
        return ServerAddress(url)
    # not urlsplit: a password may hold / and #
    sign_in, at, place = rest.rpartition("@")
    host, slash, path = place.partition("#")[0].partition("?")[0].partition("/")
    name, colon, port = _host_and_port(host.lower())
    path = f"{slash}{path}".rstrip("/")
    clean = f"{scheme}://{_EVERYWHERE.get(name, name)}{colon}{port}{path}"
    if not at:
        return ServerAddress(clean)
    username, colon, password = map(urllib.parse.unquote, sign_in.partition(":"))
    return ServerAddress(clean, username or None, password or None)


def _host_and_port(host: str) -> tuple[str, str, str]:
    if host.startswith("["):
        name, bracket, port = host.partition("]")
        return f"{name}{bracket}", *port.rpartition(":")[1:]
    return host.partition(":")
