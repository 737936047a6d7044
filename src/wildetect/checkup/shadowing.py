"""Files that hide an installed package, or a part of Python itself: `yaml.py` in the project's root.

Python looks into the folders of PYTHONPATH and into the project's root, which invoke puts first, before
it looks among the installed packages.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from wildetect.checkup.finding import Finding, fine, problem
from wildetect.checkup.subject import Subject

__all__ = ["check_shadowing"]

SUFFIXES = (".py", ".pyc", ".so", ".pyd")
MOST_NAMED = 5


def check_shadowing(subject: Subject) -> list[Finding]:
    """Whether PYTHONPATH or the project's root hides a package."""
    root = subject.project.root
    installed = _installed(root)
    findings = []
    for folder, where in _looked_at_first(root):
        hidden = sorted(name for name in _modules(folder) if name in installed and installed[name] != folder)
        if hidden:
            names = ", ".join(hidden[:MOST_NAMED]) + (", ..." if len(hidden) > MOST_NAMED else "")
            findings.append(
                problem("shadowing", f"{folder}{where} hides {names}", mend=_mend(folder, hidden, where))
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


def _mend(folder: Path, hidden: list[str], where: str) -> str:
    if where:
        clear = "set PYTHONPATH=" if os.name == "nt" else "unset PYTHONPATH"
        return f"Take {folder} out of the variable PYTHONPATH: {clear}"
    return f"Rename or move {folder / hidden[0]} (a file or folder of that name)"
