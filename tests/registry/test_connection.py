from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException

from wildetect.errors import ServerError
from wildetect.registry.connection import errors_of_mlflow

REFUSED = "HTTPConnectionPool(host='127.0.0.1', port=5000): Max retries exceeded with url: /api/2.0/mlflow"


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        (f"API request to http://127.0.0.1:5000/api failed with exception {REFUSED}", True),
        (f"API request to http://127.0.0.1:5000/api failed with timeout exception {REFUSED}.", True),
        (f"upload:\n{{'a.csv': \"MlflowException('API request failed with exception {REFUSED}')\"}}", True),
        (f"API request failed with exception {REFUSED} (too many 503 error responses)", False),
        ("no such table: runs", False),
    ],
)
def test_a_server_that_is_gone_is_told_from_one_that_fails(said: str, gone: bool) -> None:
    with pytest.raises(ServerError) as raised, errors_of_mlflow("run 7"):
        raise MlflowException(said)
    message, hint = raised.value.message, raised.value.hint
    assert (message == "the MLflow server does not answer any more (run 7)") == gone
    assert ("mlflow.serve" in hint) == gone
    assert ("Max retries" in message) == (not gone and "Max retries" in said)
