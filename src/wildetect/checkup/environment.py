"""The machine, Python and the packages: what the program itself runs on."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from wildetect import __version__
from wildetect.checkup.finding import Finding, fine, problem, warning
from wildetect.checkup.subject import Subject

__all__ = ["check_packages", "check_python", "check_system", "check_uv", "check_versions"]

NAME = "wildetect"
SHOWN = ("mlflow", "onnxruntime", "invoke")
ONNXRUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
SYNC = "uv sync"
INSTALL_UV = "pip install uv, then open a new window"
UV_TIMEOUT = 5.0  # s


def check_system(subject: Subject) -> list[Finding]:
    """Operating system, processor cores, memory."""
    del subject
    memory = ""
    with contextlib.suppress(ImportError):  # the packages are looked at by a check of their own
        import psutil

        memory = f", {psutil.virtual_memory().total / 1e9:.0f} GB memory"
    return [fine("system", f"{platform.platform(terse=True)}, {os.cpu_count()} cores{memory}")]


def check_versions(subject: Subject) -> list[Finding]:
    """This program and the packages that decide most."""
    home = Path(__file__).parents[2]
    versions = ", ".join(f"{name} {_version(name) or 'missing'}" for name in SHOWN)
    says = f"wildetect {__version__} in {home}; {versions}"
    own = subject.project.root / "src"
    if (own / NAME / "__init__.py").is_file() and own.resolve() != home.resolve():
        return [warning("versions", f"{says}: not the one of this project", mend="uv run invoke doctor")]
    return [fine("versions", says)]


def _version(name: str) -> str | None:
    """The version of an installed package; any build of onnxruntime counts as it."""
    for one in ONNXRUNTIMES if name == "onnxruntime" else (name,):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(one) + ("" if one == name else f" ({one})")
    return None


def check_python(subject: Subject) -> list[Finding]:
    """Whether this Python is one that the program is tested with, and whose it is."""
    prefix = Path(sys.prefix)
    says = f"Python {platform.python_version()} of {subject.project.shown(prefix)}"
    tested = _tested_versions()
    found = sys.version_info[:2]
    if tested and found > max(tested):
        newest = ".".join(map(str, max(tested)))
        return [
            warning(
                "python", f"{says}: tested up to {newest} only", mend=f"uv venv --clear --python {newest}"
            )
        ]
    if sys.maxsize <= 2**32:
        return [problem("python", f"{says} has 32 bits", mend="uv venv --clear --python cpython-3.12")]
    own = subject.project.root / ".venv"
    if own.is_dir() and own.resolve() != prefix.resolve():
        says += ", not the project's own environment .venv"
        return [warning("python", says, mend="Start it as: uv run invoke doctor")]
    return [fine("python", says)]


def _tested_versions() -> list[tuple[int, ...]]:
    """The versions of Python that the package itself names."""
    try:
        names = importlib.metadata.metadata(NAME).get_all("Classifier") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    found = (re.fullmatch(r"Programming Language :: Python :: (\d+)\.(\d+)", name) for name in names)
    return [tuple(map(int, match.groups())) for match in found if match]


def check_packages(subject: Subject) -> list[Finding]:
    """Whether every package that this one needs is installed, in a version that it takes."""
    del subject
    try:
        needed = importlib.metadata.requires(NAME) or []
    except importlib.metadata.PackageNotFoundError:
        return [warning("packages", "wildetect runs without being installed", mend=SYNC)]
    needed = [one for one in needed if "extra ==" not in one]
    wrong = [says for one in needed if (says := _lacking(one))]
    if wrong:
        return [problem("packages", says, mend=SYNC) for says in wrong]
    return [fine("packages", f"all {len(needed)} that it needs are installed")]


def _lacking(requirement: str) -> str | None:
    """What is wrong with an installed package; None where nothing is."""
    match = re.match(r"[\w.-]+", requirement)
    name = match.group() if match else requirement
    version = _version(name)
    if version is None:
        return f"the package {name} is not installed"
    try:
        from packaging.requirements import Requirement
    except ImportError:  # it comes with MLflow
        return None
    wanted = Requirement(requirement)
    found = version.partition(" ")[0]
    if wanted.specifier.contains(found, prereleases=True) or (wanted.marker and not wanted.marker.evaluate()):
        return None
    return f"the package {name} is {found}, but {wanted.specifier} is needed"


def check_uv(subject: Subject) -> list[Finding]:
    """Whether uv is found as users and the .bat files look for it."""
    on_path = shutil.which("uv")
    at_home = shutil.which("uv", path=str(Path.home() / ".local" / "bin"))
    found = on_path or at_home
    if found is None:
        # "uv run" names itself to what it starts
        running = os.environ.get("UV")
        says = f"uv is not on PATH (it runs from {running})" if running else "uv was not found"
        if (subject.project.root / "tasks.py").is_file():
            return [problem("uv", f"{says}: commands and .bat files cannot start", mend=INSTALL_UV)]
        return [warning("uv", says, mend=INSTALL_UV)]
    version = _uv_version(found)
    if version is None:
        return [problem("uv", f"{found} does not run", mend=INSTALL_UV)]
    if on_path is None:
        says = f"{version} is in {Path(found).parent}, which is not on PATH"
        return [warning("uv", says, mend=f"Put that folder on PATH: {found} tool update-shell")]
    return [fine("uv", f"{version} ({found})")]


def _uv_version(program: str) -> str | None:
    try:
        ended = subprocess.run(  # noqa: S603 - the program that users start, too
            [program, "--version"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=UV_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = ended.stdout.split("\n")
    return lines[0].partition(" (")[0].strip() or None if ended.returncode == 0 else None
