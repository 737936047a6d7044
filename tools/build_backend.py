"""Builds the package without a network where it is used from its own folder (PEP 517 and PEP 660).

A project folder that was moved or renamed is built again by the next `uv run`, as its place is part of what
was installed. That must work in the field: the editable form is a few lines of text, and takes no other
package. A wheel and a source distribution are hatchling's, which is fetched for them alone.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from pathlib import Path
from typing import Any

try:
    import tomllib
except ImportError:  # pip builds first, and looks at what Python is wanted afterwards
    sys.exit(f"WildDetect needs Python 3.11 to 3.14; this is {sys.version.partition(' ')[0]}")

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

HATCHLING = "hatchling>=1.25"
WHEEL = "Wheel-Version: 1.0\nGenerator: wildetect\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
Settings = dict[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Name what a wheel takes."""
    del config_settings
    return [HATCHLING]


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    """Name what a source distribution takes."""
    del config_settings
    return [HATCHLING]


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Name what the editable form takes: nothing."""
    del config_settings
    return []


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel; returns the name of its file."""
    from hatchling.build import build_wheel as build

    return str(build(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Build a source distribution; returns the name of its file."""
    from hatchling.build import build_sdist as build

    return str(build(sdist_directory, config_settings))


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel that says where the sources lie; returns the name of its file.

    The format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    del config_settings, metadata_directory
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = f"{project['name']}-{project['version']}"
    info = f"{named}.dist-info"
    files = {
        f"_editable_{project['name']}.pth": _path_line(str(Path("src").resolve())),
        f"{info}/METADATA": _metadata(project),
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": _entry_points(project),
    }
    record = [f"{name},{_digest(text)},{len(text.encode())}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    wheel = f"{named}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def _path_line(folder: str) -> str:
    """The line of a .pth file for a folder.

    Python before 3.13 reads it in the machine's own encoding, cp1252 on most Windows machines: a name with
    other letters than ASCII's is written as code, which is the same in all of them.
    """
    return f"{folder}\n" if folder.isascii() else f"import sys; sys.path.append({folder!a})\n"


def _digest(text: str) -> str:
    sha256 = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(sha256).decode().rstrip('=')}"


def _metadata(project: dict[str, Any]) -> str:
    """The core metadata: https://packaging.python.org/en/latest/specifications/core-metadata/."""
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        *(f"Classifier: {one}" for one in project["classifiers"]),
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {package}" for package in project["dependencies"]),
    ]
    for extra, packages in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        for package in packages:
            wanted, _, marker = package.partition(";")
            condition = f"({marker.strip()}) and " if marker else ""
            lines.append(f"Requires-Dist: {wanted.strip()} ; {condition}extra == '{extra}'")
    return "\n".join([*lines, ""])


def _entry_points(project: dict[str, Any]) -> str:
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    return "\n".join(
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{name} = {target}" for name, target in points.items()), "")
    )
