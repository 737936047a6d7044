"""The command and the environment that the server is started with."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from wildetect.server.access.door import APP
from wildetect.server.access.sharing import allowed_hosts, allowed_origins
from wildetect.server.process import page
from wildetect.server.process.logs import write_request_logging
from wildetect.server.process.plan import Plan
from wildetect.server.process.processes import MARKER
from wildetect.settings import Project

__all__ = ["server_command", "server_environment"]

FASTER_START = Path(__file__).parents[1] / "server_site"
GRACE = 2
"""Seconds that the server gives open requests once it is told to stop."""


def server_command(plan: Plan) -> list[str]:
    """MLflow's own server, one worker; what may hold a secret goes by the environment instead."""
    options = [f"--timeout-graceful-shutdown={GRACE}"]
    if plan.workers == 1:  # several workers would rotate one another's file
        options.append(f"--log-config={write_request_logging(plan.folder)}")
    command = [sys.executable, "-m", "mlflow", "server", f"--host={plan.host}", f"--port={plan.port}"]
    command += [f"--workers={plan.workers}", f"--allowed-hosts={allowed_hosts(plan.host, plan.port)}"]
    origins = allowed_origins(plan.host, plan.port)
    command += [f"--cors-allowed-origins={origins}"] if origins else []
    if plan.sign_in:
        command += [f"--app-name={APP}"]
    elif page.is_installed():
        command += [f"--app-name={page.APP}"]
    # MLflow splits them as a Unix shell does, on Windows too: backslashes need quotes.
    return [*command, f"--uvicorn-opts={shlex.join(options)}"]


def server_environment(plan: Plan) -> dict[str, str]:
    """The environment of the server's processes, but for the secrets of a sign-in."""
    inherited = _inherited(plan.project)
    path = [str(FASTER_START), *filter(None, [inherited.get("PYTHONPATH")])]
    return inherited | {
        MARKER: str(plan.folder),
        "MLFLOW_BACKEND_STORE_URI": plan.store.uri,
        "MLFLOW_ARTIFACTS_DESTINATION": plan.artifacts.uri,
        "MLFLOW_SERVE_ARTIFACTS": "true",
        # Seven more processes, for jobs of language models only.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # Nothing leaves the machine, and nothing waits for a network that a field laptop lacks.
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        # Notes of libraries to one another are nothing for the log.
        "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", "ignore"),
    }


def _inherited(project: Project) -> dict[str, str]:
    """The environment for a server, without what was set for another MLflow.

    An MLFLOW_ variable for a client, or for some other server, would change this one unseen; those for
    object stores and database pools stay. The variables of .env count as set.
    """
    kept = ("MLFLOW_S3_", "MLFLOW_SQLALCHEMYSTORE_", "MLFLOW_MYSQL_", "MLFLOW_GCS_", "MLFLOW_MULTIPART_")
    from_dotenv = {k: v for k, v in project.dotenv.values.items() if k.startswith(("AWS_", *kept))}
    return {
        name: value
        for name, value in {**from_dotenv, **os.environ}.items()
        if name.startswith(kept)
        or not name.upper().startswith(("MLFLOW_", "_MLFLOW_", "UVICORN_", "WEB_CONCURRENCY", "WILDETECT_"))
    }
