"""The machine, Python, the packages and what may stand before them: what the program itself runs on."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from wildetect import __version__
from wildetect.checkup.bytecode import stays_uncompiled
from wildetect.checkup.finding import Finding, fine, problem, warning
from wildetect.checkup.subject import Subject
from wildetect.wording import commas, in_bytes, listed, number_of

__all__ = [
    "check_clock",
    "check_packages",
    "check_python",
    "check_shadowing",
    "check_system",
    "check_uv",
    "check_versions",
]

SUFFIXES = (".py", ".pyc", ".so", ".pyd")
MOST_NAMED = 5
_SLACK = timedelta(days=1)  # between clocks of a machine and of the drive's server
_LONG = timedelta(days=10 * 365)


def check_shadowing(subject: Subject) -> list[Finding]:
    """Whether PYTHONPATH or the project's root hides a package."""
    root = subject.project.root
    installed = _installed(root)
    findings = []
    for folder, where in _looked_at_first(root):
        hidden = sorted(name for name in _modules(folder) if name in installed and installed[name] != folder)
        if hidden:
            names = listed(hidden, most=MOST_NAMED)
            findings.append(
                problem("shadowing", f"{folder}{where} hides {names}", fix=_fix(folder, hidden, where))
            )
    return findings or [fine("shadowing", "no file hides an installed package")]


def _looked_at_first(root: Path) -> Iterator[tuple[Path, str]]:
    """The folders that come before the installed packages, and why."""
    seen = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib")}
    entries = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    named = [(Path(entry), " (PYTHONPATH)") for entry in entries]
    here = [(Path.cwd(), "")] if sys.path and sys.path[0] in ("", str(Path.cwd())) else []
    for folder, where in [*named, (root, ""), *here]:
        resolved = folder.resolve()
        if resolved not in seen and resolved.is_dir():
            seen.add(resolved)
            yield resolved, where


def _installed(root: Path) -> dict[str, Path]:
    """The folder of each top-level name: installed packages, Python's own modules, and this project."""
    found = dict.fromkeys(sys.stdlib_module_names, Path(sysconfig.get_path("stdlib")).resolve())
    for kind in ("purelib", "platlib"):
        folder = Path(sysconfig.get_path(kind)).resolve()
        found |= dict.fromkeys(_modules(folder), folder)
    own = root / "src"
    if (own / "wildetect" / "__init__.py").is_file():
        found["wildetect"] = own.resolve()
    return found


def _modules(folder: Path) -> Iterator[str]:
    """What can be imported from a folder; one without __init__.py hides nothing."""
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.suffix in SUFFIXES or (entry / "__init__.py").is_file():
            name = entry.name.partition(".")[0]
            if name.isidentifier():
                yield name


def _fix(folder: Path, hidden: list[str], where: str) -> str:
    if where:
        clear = "set PYTHONPATH=" if os.name == "nt" else "unset PYTHONPATH"
        return f"Take {folder} out of the variable PYTHONPATH: {clear}"
    return f"Rename or move {folder / hidden[0]} (a file or folder of that name)"


NAME = "wildetect"
SHOWN = ("mlflow", "onnxruntime", "invoke")
ONNXRUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
SYNC = "uv sync"
INSTALL_UV = {
    "win32": "Double-click scripts\\setup.bat, or: winget install astral-sh.uv, then open a new window",
    "darwin": "brew install uv",
}.get(sys.platform, "pipx install uv; or: python3 -m venv ~/uv, then ~/uv/bin/pip install uv")
UPDATE_UV = (
    "Update it as it was installed: uv self update; winget upgrade astral-sh.uv; brew upgrade uv; "
    "pipx upgrade uv; or pip install -U uv. Then: uv sync"
)
UNREAD = "Failed to parse `pyproject.toml`"
"""Says a uv that is older than one of the settings there: it then reads none of them, and goes on."""
UV_TIMEOUT = 5.0  # s
_LEAST_MEMORY = 0.8e9  # bytes free; a run at work takes about so many, or a quarter of the machine's


def check_system(subject: Subject) -> list[Finding]:
    """Operating system, processor cores, memory."""
    del subject
    says = f"{platform.platform(terse=True)}, {number_of(os.cpu_count() or 1, 'core')}"
    with contextlib.suppress(ImportError):  # the packages are looked at by a check of their own
        import psutil

        memory = psutil.virtual_memory()
        says += f", {in_bytes(memory.total)} memory"
        if min(memory.total / 4, memory.available) < _LEAST_MEMORY:
            says += f", of which {in_bytes(memory.available)} are free: large pictures may not fit"
            fix = "Close other programs; in configs/detection.yaml set processing.batch_size: 1 and "
            return [warning("system", says, fix=f"{fix}processing.num_data_workers: 1")]
    return [fine("system", says)]


def check_clock(subject: Subject) -> list[Finding]:
    """Whether this machine's clock can be right: not before the program came here, nor long after."""
    now = datetime.now().astimezone()
    files = [Path(__file__), *(subject.project.root / name for name in ("runs/mlflow/mlflow.db", "runs"))]
    written = [path.stat().st_mtime for path in files if path.exists()]
    newest = datetime.fromtimestamp(max(written)).astimezone()
    says = f"this machine's clock says {now:%Y-%m-%d %H:%M}"
    if newest - _SLACK <= now <= newest + _LONG:
        return [fine("clock", says)]
    when = "before" if now < newest else f"{(now - newest).days // 365} years after"
    return [
        warning(
            "clock",
            f"{says}, {when} files of this program were written ({newest:%Y-%m-%d}): dates of versions, runs "
            "and censuses would be wrong",
            fix="Set the clock; a laptop that loses it needs a new battery",
        )
    ]


def check_versions(subject: Subject) -> list[Finding]:
    """This program and the packages that decide most."""
    home = Path(__file__).parents[2]
    versions = commas(f"{name} {_version(name) or 'missing'}" for name in SHOWN)
    says = f"wildetect {__version__} in {home}; {versions}"
    own = subject.project.root / "src"
    if (own / NAME / "__init__.py").is_file() and own.resolve() != home.resolve():
        return [warning("versions", f"{says}: not the one of this project", fix="uv run invoke doctor")]
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
            warning("python", f"{says}: tested up to {newest} only", fix=f"uv venv --clear --python {newest}")
        ]
    if sys.maxsize <= 2**32:
        return [problem("python", f"{says} has 32 bits", fix="uv venv --clear --python cpython-3.12")]
    own = subject.project.root / ".venv"
    if own.is_dir() and own.resolve() != prefix.resolve():
        says += ", not the project's own environment .venv"
        return [warning("python", says, fix="Start it as: uv run invoke doctor")]
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
        return [warning("packages", "wildetect runs without being installed", fix=SYNC)]
    needed = [one for one in needed if "extra ==" not in one]
    wrong = [says for one in needed if (says := _lacking(one))]
    if wrong:
        return [problem("packages", says, fix=SYNC) for says in wrong]
    if folder := stays_uncompiled():
        says = f"they are not compiled, and {folder} cannot be written: each task begins some seconds later"
        fix = "Have someone who may write there run any task once"
        return [warning("packages", says, fix=fix)]
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
    found = on_path or at_home or shutil.which(os.environ.get("UV", ""))  # it names itself to what it runs
    if found is None:
        if (subject.project.root / "tasks.py").is_file():
            says = "uv was not found: commands and .bat files cannot start"
            return [problem("uv", says, fix=INSTALL_UV)]
        return [warning("uv", "uv was not found", fix=INSTALL_UV)]
    version = _uv_version(found)
    if version is None:
        return [problem("uv", f"{found} does not run", fix=INSTALL_UV)]
    if UNREAD in (_said(found, "cache", "dir", folder=subject.project.root) or ("", ""))[1]:
        says = (
            f"{version} ({found}) does not know all settings of pyproject.toml, and passes over all of them"
        )
        return [warning("uv", f"{says}: packages may be other versions than those tested", fix=UPDATE_UV)]
    if on_path is None:
        says = f"{version} is in {Path(found).parent}, which is not on PATH"
        fix = f"Put that folder on PATH: {found} tool update-shell"
        return [
            warning(
                "uv", says, fix=fix if at_home else f"Put that folder on PATH, or type {found} in place of uv"
            )
        ]
    return [fine("uv", f"{version} ({found})")]


def _uv_version(program: str) -> str | None:
    said = _said(program, "--version")
    return said and (said[0].partition("\n")[0].partition(" (")[0].strip() or None)


def _said(program: str, *words: str, folder: Path | None = None) -> tuple[str, str] | None:
    """What a program says on stdout and stderr; None where it does not run."""
    try:
        ended = subprocess.run(  # noqa: S603 - the program that users start, too
            [program, *words],
            cwd=folder,
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
    return (ended.stdout, ended.stderr) if ended.returncode == 0 else None
