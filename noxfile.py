"""All checks, one session each.

`uv run nox` runs the quick ones: style, types, generated files, unit tests. `uv run nox -t ci` runs all
that must pass, as .ci/run and the workflow do; `uv run nox -s tests -- -k name` a part of one.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from zipfile import ZipFile

import nox

nox.needs_version = ">=2026.1"
nox.options.sessions = ["lint", "typecheck", "shims", "unit"]

# uv names itself to what it runs; elsewhere it is found by its name.
UV = os.environ.get("UV", "uv")
# What the session "torch" adds to its environment with pip.
PYTORCH = "torch==2.13.0"
ULTRALYTICS = ("torchvision==0.28.0", "ultralytics==8.4.190", "ultralytics-thop==2.2.3")


# These folders have sessions of their own.
ELSEWHERE = tuple(f"--ignore=tests/{folder}" for folder in ("browser", "docs", "torch", "windows"))
# Tests run on all cores; each worker has a server of its own. A file stays on one worker, so that what its
# tests share is made once; the pages of the documentation share nothing, and go to whoever is free.
ON_ALL_CORES = ("--numprocesses", "auto", "--dist")
PARALLEL = (*ON_ALL_CORES, "loadfile")
PAGES = (*ON_ALL_CORES, "worksteal")


def run(session: nox.Session, *command: str, groups: tuple[str, ...] = ()) -> None:
    """Run in the project's own environment, one for all sessions, with dependency groups added."""
    chosen = [word for group in groups for word in ("--group", group)]
    session.run(UV, "run", *chosen, *command, external=True, env={"CI": os.environ.get("CI", "true")})


@nox.session(venv_backend="none", tags=["ci"])
def lint(session: nox.Session) -> None:
    """Style, formatting, the direction of imports, and the rules of the house (docs/developers.md)."""
    run(session, "ruff", "check", *session.posargs, groups=("lint",))
    run(session, "ruff", "format", "--check", groups=("lint",))
    run(session, "lint-imports", groups=("lint",))
    run(session, "python", "tools/check_house.py", groups=("lint",))
    workflow = ("--builtin-schema", "vendor.github-workflows", ".github/workflows/ci.yml")
    run(session, "check-jsonschema", *workflow, groups=("lint",))


@nox.session(venv_backend="none", tags=["ci"])
def typecheck(session: nox.Session) -> None:
    """Types, strictly."""
    run(session, "mypy", *session.posargs, groups=("typecheck",))


@nox.session(venv_backend="none", tags=["ci"])
def shims(session: nox.Session) -> None:
    """The .bat files are what the tasks say, the schemas of the YAML files what the settings say."""
    run(session, "invoke", "shims.write", "--check")
    run(session, "invoke", "config.schema", "--check")


@nox.session(venv_backend="none", tags=["ci"])
def docs(session: nox.Session) -> None:
    """The pages say what the tasks and settings say, and every command in them does what the page says."""
    run(session, "invoke", "docs.write", "--check")
    run(session, "pytest", *PAGES, "tests/docs", *session.posargs, groups=("tests",))


@nox.session(venv_backend="none")
def unit(session: nox.Session) -> None:
    """Tests of the library, without the real program: a minute or two."""
    ignored = (*ELSEWHERE, "--ignore=tests/end_to_end")
    run(session, "pytest", *PARALLEL, *ignored, *session.posargs, groups=("tests",))


@nox.session(venv_backend="none", tags=["ci"])
def tests(session: nox.Session) -> None:
    """Unit tests and the real program end to end."""
    run(session, "pytest", *PARALLEL, *ELSEWHERE, *session.posargs, groups=("tests",))


@nox.session(venv_backend="none", tags=["ci"])
def windows(session: nox.Session) -> None:
    """The .bat files, run by cmd.exe: that of Windows, elsewhere that of Wine."""
    if sys.platform != "win32" and not shutil.which("wine"):
        session.skip("there is no Wine on this machine (Debian: apt-get install wine wine64)")
    run(session, "pytest", "tests/windows", *session.posargs, groups=("tests",))


@nox.session(venv_backend="none", tags=["ci"])
def browser(session: nox.Session) -> None:
    """The pages that users look at, in a real browser."""
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        session.skip(
            "there is no Chromium on this machine (Debian: apt-get install chromium chromium-driver)"
        )
    run(session, "pytest", "tests/browser", *session.posargs, groups=("tests", "browser"))


@nox.session(default=False, venv_backend="uv", tags=["ci"])
def package(session: nox.Session) -> None:
    """Build the wheel, look into it, and use it from another project in an empty environment."""
    built = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(built, ignore_errors=True)
    session.run_install(UV, "build", "--quiet", "--out-dir", str(built), external=True)
    (wheel,) = built.glob("*.whl")
    with ZipFile(wheel) as archive:
        strangers = [
            name
            for name in archive.namelist()
            if not name.startswith(("wildetect/", "wildetect-")) or name.endswith((".onnx", ".jpg"))
        ]
    if strangers:
        session.error(f"the wheel holds what is no part of the library: {', '.join(strangers)}")
    session.install(str(wheel))
    project = built / "another project"
    project.mkdir()
    (project / "tasks.py").write_text("from wildetect.tasks import ns\n", encoding="utf-8")
    with session.chdir(project):
        listed = session.run("invoke", "--list", silent=True)
        for task in ("detect.run", "mlflow.serve", "census.run"):
            if task not in str(listed):
                session.error(f"{task} is not among the tasks of another project")
        session.run("invoke", "census.selftest")
    # the console script has the same tasks from a folder without a tasks.py
    anywhere = built / "anywhere"
    anywhere.mkdir()
    with session.chdir(anywhere):
        listed = session.run("wildetect", silent=True)
        if "detect.run" not in str(listed):
            session.error("the console script does not list the tasks")
        session.run("wildetect", "census.selftest")
        said = session.run("wildetect", "model.show", silent=True, success_codes=[2])
        if "wildetect model.list" not in str(said):
            session.error("a hint of the console script does not name it")


@nox.session(default=False, venv_backend="uv", reuse_venv=True)
def torch(session: nox.Session) -> None:
    """Weights of PyTorch: a small network is trained, registered, and compared with Ultralytics' own boxes.

    pip, not uv, installs PyTorch: its `find-links` and indexes may name a build for the CPU, where uv would
    fetch the one with CUDA. torchvision comes without its dependencies: on a CPU build of PyTorch it cannot
    be loaded, but Ultralytics wants to read its version (see tests/torch/torchvision_stand_in.py).
    """
    _with_pytorch(session)
    session.run("pytest", "tests/torch", *session.posargs, env={"CI": os.environ.get("CI", "true")})


@nox.session(default=False, venv_backend="uv", reuse_venv=True)
def learning_loop(session: nox.Session) -> None:
    """From corrections to a better detector, by the documented commands, against a limit of 20 minutes."""
    _with_pytorch(session)
    session.run("python", "-m", "benchmarks.learning_loop", *session.posargs)


def _with_pytorch(session: nox.Session) -> None:
    """Install what trains a detector on a processor."""
    environment = str(session.virtualenv.location)
    groups = ("--no-default-groups", "--group", "tests", "--group", "torch", "--inexact")
    session.run_install(UV, "sync", *groups, external=True, env={"UV_PROJECT_ENVIRONMENT": environment})
    pip = ("pip", "--python", environment, "install", "--quiet")
    session.run_install(*pip, PYTORCH, external=True)
    session.run_install(*pip, "--no-deps", *ULTRALYTICS, external=True)


@nox.session(default=False, venv_backend="none")
def benchmark(session: nox.Session) -> None:
    """Speed, memory and coverage, each against its limit; best on a machine with nothing else to do."""
    usual = ["start_up", "mlflow_server", "registry", "detection", "census"]
    usual += ["census_coverage", "census_merging", "census_layouts"]
    scripts = session.posargs or usual
    for script in scripts:
        run(session, "python", "-m", f"benchmarks.{script}", groups=("tests",))
