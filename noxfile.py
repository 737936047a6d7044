"""All checks, one session each: `uv run nox` runs them, `uv run nox -s tests -- -k name` a part of one."""

from __future__ import annotations

import os
import shutil

import nox

nox.needs_version = ">=2026.1"
nox.options.sessions = ["lint", "typecheck", "shims", "tests", "browser"]

# uv names itself to what it runs; elsewhere it is found by its name.
UV = os.environ.get("UV", "uv")
# What the session "torch" adds to its environment with pip.
PYTORCH = "torch==2.13.0"
ULTRALYTICS = ("torchvision==0.28.0", "ultralytics==8.4.190", "ultralytics-thop==2.2.3")


def run(session: nox.Session, *command: str, groups: tuple[str, ...] = ()) -> None:
    """Run in the project's own environment, one for all sessions, with dependency groups added."""
    chosen = [word for group in groups for word in ("--group", group)]
    session.run(UV, "run", *chosen, *command, external=True, env={"CI": os.environ.get("CI", "true")})


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Style, formatting and the direction of imports."""
    run(session, "ruff", "check", *session.posargs, groups=("lint",))
    run(session, "ruff", "format", "--check", groups=("lint",))
    run(session, "lint-imports", groups=("lint",))


@nox.session(venv_backend="none")
def typecheck(session: nox.Session) -> None:
    """Types, strictly."""
    run(session, "mypy", *session.posargs, groups=("typecheck",))


@nox.session(venv_backend="none")
def shims(session: nox.Session) -> None:
    """The .bat files are what the tasks say."""
    run(session, "invoke", "shims.write", "--check")


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Unit tests and the real program end to end."""
    ignored = ("--ignore=tests/browser", "--ignore=tests/torch")
    run(session, "pytest", *ignored, *session.posargs, groups=("tests",))


@nox.session(venv_backend="none")
def browser(session: nox.Session) -> None:
    """The pages that users look at, in a real browser."""
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        session.skip(
            "there is no Chromium on this machine (Debian: apt-get install chromium chromium-driver)"
        )
    run(session, "pytest", "tests/browser", *session.posargs, groups=("tests", "browser"))


@nox.session(default=False, venv_backend="uv", reuse_venv=True)
def torch(session: nox.Session) -> None:
    """Weights of PyTorch: a small network is trained, registered, and compared with Ultralytics' own boxes.

    pip, not uv, installs PyTorch: its `find-links` and indexes may name a build for the CPU, where uv would
    fetch the one with CUDA. torchvision comes without its dependencies: on a CPU build of PyTorch it cannot
    be loaded, but Ultralytics wants to read its version (see tests/torch/torchvision_stand_in.py).
    """
    environment = str(session.virtualenv.location)
    groups = ("--no-default-groups", "--group", "tests", "--group", "torch", "--inexact")
    session.run_install(UV, "sync", *groups, external=True, env={"UV_PROJECT_ENVIRONMENT": environment})
    pip = ("pip", "--python", environment, "install", "--quiet")
    session.run_install(*pip, PYTORCH, external=True)
    session.run_install(*pip, "--no-deps", *ULTRALYTICS, external=True)
    session.run("pytest", "tests/torch", *session.posargs, env={"CI": os.environ.get("CI", "true")})


@nox.session(default=False, venv_backend="none")
def benchmark(session: nox.Session) -> None:
    """Speed and memory, each as a ratio to its limit; best on a machine with nothing else to do."""
    scripts = session.posargs or ["start_up", "mlflow_server", "registry", "detection"]
    for script in scripts:
        run(session, "python", "-m", f"benchmarks.{script}", groups=("tests",))
