"""What a person with an account may do on a shared server: run by the server for every request.

MLflow lets every account make experiments and models, whatever its rights. Here a reader reads: of all
requests that are not plain questions only the listed ones pass, so that a route that a new MLflow brings
is closed until somebody lists it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["EDITOR", "allowed", "authorize"]

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
        method: Of HTTP.
        path: Without the query.
        editor: Says whether the person may write; asked only where it matters.
    """
    return method in ASKING or QUESTIONS.fullmatch(path.rstrip("/")) is not None or editor()


def authorize() -> Any:
    """Authenticate a request as MLflow does, then refuse a reader what changes anything.

    Named in auth.ini as `authorization_function`; MLflow's own checks come after it.

    Returns:
        The authorization, or the response that refuses.
    """
    from flask import Response, jsonify, request
    from mlflow.server import auth

    found = auth.authenticate_request_basic_auth()
    if isinstance(found, Response):
        return found

    def editor() -> bool:
        user = auth.store.get_user(found.username)
        return user.is_admin or any(role.name == EDITOR for role in auth.store.list_user_roles(user.id))

    if allowed(request.method, request.path, editor):
        return found
    refusal = jsonify(
        error_code="PERMISSION_DENIED", message=f"{found.username} is a reader and may only read"
    )
    refusal.status_code = 403
    return refusal
