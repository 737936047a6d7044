"""What a person with an account may do on a shared server: run by the server for every request.

MLflow lets every account make experiments and models, whatever its rights. Here a reader reads: of all
requests that are not plain questions only the listed ones pass, so that a route that a new MLflow brings
is closed until somebody lists it. MLflow lets every editor say where on the server's disk an experiment
keeps its files, too: here no request may name a place but the server's own store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["EDITOR", "allowed", "authorize", "foreign_place"]

EDITOR = "wildetect-editor"
"""The role of those who may register, promote and log runs."""
ASKING = {"GET", "HEAD", "OPTIONS"}
# searches, which MLflow's clients send as POST, and the change of one's own password
QUESTIONS = re.compile(
    r"/(?:ajax-)?api/\d\.\d/mlflow/"
    r"(?:experiments/search|runs/search|logged-models/search|experiments/search-datasets"
    r"|users/update-password)"
    r"|/graphql"
)


def allowed(method: str, path: str, editor: Callable[[], bool]) -> bool:
    """Whether a request passes.

    Args:
        method: Method of HTTP.
        path: Without the query.
        editor: Says whether the person may write; asked only where it matters.
    """
    return method in ASKING or QUESTIONS.fullmatch(path.rstrip("/")) is not None or editor()


# keys of places, in the spelling of neither protobuf's JSON nor its fields: both are read
_PLACES = {
    "artifactlocation",
    "artifacturi",
    "artifactroot",
    "defaultartifactroot",
    "storagelocation",
    "tracearchivallocation",
    "mlflow.artifactlocation",
}
_OWN_SCHEMES = {"mlflow-artifacts"}
_SOURCE_SCHEMES = _OWN_SCHEMES | {"models", "runs"}
_SOURCE_OF_A_VERSION = re.compile(r"/(?:ajax-)?api/\d\.\d/mlflow/model-versions/create/?")
_FILES = re.compile(r"/(?:ajax-)?api/\d\.\d/mlflow-artifacts/")
_MOST_LAYERS = 5


def foreign_place(path: str, body: bytes) -> str | None:
    """Find a place in a request that is not in the server's own store of files.

    Args:
        path: Path of the request, without the query.
        body: Body of the request.

    Returns:
        The place; None where the request names none.
    """
    try:
        document: Any = json.loads(body)
        for _ in range(_MOST_LAYERS):  # MLflow takes JSON in a JSON text, too
            if isinstance(document, str):
                document = json.loads(document)
    except (ValueError, RecursionError):
        return None  # MLflow cannot read it either
    for key, value in _pairs(document):
        if key in _PLACES and not _is_ours(value, _OWN_SCHEMES):
            return value
        if key == "source" and _SOURCE_OF_A_VERSION.fullmatch(path) and not _is_ours(value, _SOURCE_SCHEMES):
            return value
    return None


def _pairs(document: Any) -> Iterator[tuple[str, str]]:
    """The texts of a document, each with its key; a tag with its own."""
    pending = [document]
    while pending:
        current = pending.pop()
        if isinstance(current, list):
            pending += current
        elif isinstance(current, dict):
            pending += current.values()
            if isinstance(current.get("key"), str) and isinstance(current.get("value"), str):
                yield current["key"].replace("_", "").lower(), current["value"]
            for key, value in current.items():
                if isinstance(value, str):
                    yield key.replace("_", "").lower(), value


def _is_ours(place: str, schemes: set[str]) -> bool:
    """Whether a place lies in the server's own store: no other host, no way up out of it."""
    try:
        parts = urlsplit(place.strip())
    except ValueError:
        return False
    if not place.strip():
        return True  # MLflow chooses one
    steps = re.split(r"[/\\]", unquote(unquote(parts.path)))
    return parts.scheme in schemes and not parts.netloc and ".." not in steps


def authorize() -> Any:
    """Authenticate a request as MLflow does, then refuse a reader what changes anything.

    Nobody, the administrator included, may name a place for files that is not in the server's own store.
    Named in auth.ini as `authorization_function`; MLflow's own checks come after it.

    Returns:
        The authorization, or the response that refuses.
    """
    from flask import Response, request
    from mlflow.server import auth

    found = auth.authenticate_request_basic_auth()
    if isinstance(found, Response):
        return found
    asks = request.method in ASKING or _FILES.match(request.path) is not None  # an upload is only bytes
    place = None if asks else foreign_place(request.path, request.get_data())
    if place is not None:
        return _refusal(
            400, "INVALID_PARAMETER_VALUE", f"{place[:100]!r} is not in this server's store: leave it out"
        )

    def editor() -> bool:
        user = auth.store.get_user(found.username)
        return user.is_admin or any(role.name == EDITOR for role in auth.store.list_user_roles(user.id))

    if allowed(request.method, request.path, editor):
        return found
    return _refusal(403, "PERMISSION_DENIED", f"{found.username} is a reader and may only read")


def _refusal(status: int, code: str, message: str) -> Any:
    from flask import jsonify

    refusal = jsonify(error_code=code, message=message)
    refusal.status_code = status
    return refusal
