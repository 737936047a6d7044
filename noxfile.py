"""All checks, one session each: `uv run nox` runs them, `uv run nox -s tests -- -k name` a part of one."""

from __future__ import annotations

import os

import nox

nox.needs_version = ">=2026.1"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "typecheck", "shims", "tests"]


def install(session: nox.Session, *groups: str) -> None:
    """Make the session's environment the project's own, at the pinned versions, plus dependency groups."""
    chosen = [word for group in groups for word in ("--group", group)]
    session.run_install(
        "uv",
        "sync",
        "--no-default-groups",
        *chosen,
        env={"UV_PROJECT_ENVIRONMENT": str(session.virtualenv.location)},
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting and the direction of imports."""
    install(session, "lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Types, strictly."""
    install(session, "typecheck")
    session.run("mypy", *session.posargs)


@nox.session
def shims(session: nox.Session) -> None:
    """The .bat files are what the tasks say."""
    install(session)
    session.run("invoke", "shims.write", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """Unit tests and the real program end to end."""
    install(session, "tests")
    session.run("pytest", *session.posargs, env={"CI": os.environ.get("CI", "true")})


@nox.session(default=False)
def benchmark(session: nox.Session) -> None:
    """Speed and memory, each as a ratio to its limit."""
    install(session, "tests")
    for script in session.posargs or ["benchmarks/start_up.py", "benchmarks/mlflow_server.py"]:
        session.run("python", script)
