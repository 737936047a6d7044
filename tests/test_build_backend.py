"""The package as it is installed in its own folder: built without a network, found wherever that lies."""

from __future__ import annotations

import base64
import csv
import hashlib
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from tests.workspaces import REPOSITORY

BUILD = """
import sys, build_backend
print(build_backend.get_requires_for_build_editable(), build_backend.build_editable(sys.argv[1]))
"""


@pytest.fixture(params=["plain", "größe Ж"])
def unpacked(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project in a folder of that name, its editable form unpacked into site-packages."""
    project = tmp_path / request.param
    (project / "src/wildetect").mkdir(parents=True)
    (project / "src/wildetect/__init__.py").write_text("", encoding="utf-8")
    (project / "pyproject.toml").write_bytes((REPOSITORY / "pyproject.toml").read_bytes())
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)],
        cwd=project,
        env={"PYTHONPATH": str(REPOSITORY / "tools"), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert built[0] == "[]"  # it takes nothing that a network would have to bring
    packages = tmp_path / "site-packages"
    with zipfile.ZipFile(tmp_path / built[1]) as wheel:
        wheel.extractall(packages)
    return packages


def test_python_finds_the_sources_in_any_encoding(unpacked: Path) -> None:
    (line,) = unpacked.glob("*.pth")
    assert line.read_bytes().isascii()  # which is alike in every encoding that Python may read it in
    look = f"import site; site.addsitedir({str(unpacked)!r}); import wildetect; print(wildetect.__file__)"
    found = subprocess.run(
        [sys.executable, "-S", "-c", look],
        env={"PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "src" in Path(found.stdout).parts


def test_what_is_installed_says_what_it_needs_and_is_sound(unpacked: Path) -> None:
    (info,) = unpacked.glob("*.dist-info")
    metadata = Parser().parsestr((info / "METADATA").read_text(encoding="utf-8"))
    wanted = {str(Requirement(one)) for one in metadata.get_all("Requires-Dist", [])}
    assert wanted == {str(Requirement(one)) for one in requires("wildetect") or []}
    assert "Programming Language :: Python :: 3.14" in metadata.get_all("Classifier", [])
    assert any("extra" in one for one in wanted)
    assert "wildetect = wildetect.__main__:main" in (info / "entry_points.txt").read_text("utf-8")
    for name, digest, _ in csv.reader((info / "RECORD").read_text("utf-8").splitlines()):
        if digest:
            sha256 = hashlib.sha256((unpacked / name).read_bytes()).digest()
            assert digest == f"sha256={base64.urlsafe_b64encode(sha256).decode().rstrip('=')}"


def test_any_python_of_the_bound_serves_and_no_other() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [one.rpartition(" ")[2] for one in settings["classifiers"] if ":: Python :: 3." in one]
    bound = SpecifierSet(settings["requires-python"])
    assert [f"3.{minor}" for minor in range(40) if f"3.{minor}.1" in bound] == named
    # it would have uv pass over the Python of a machine, and fetch one from where an office may not reach
    assert not (REPOSITORY / ".python-version").exists()
