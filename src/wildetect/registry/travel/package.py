"""The archive of one version: its files, and all that the registry knows of it.

A zip file: version.json, and the version's files below model/. version.json lists each file with its size
and SHA-256; the archive's comment holds the SHA-256 of all bytes before it, so that no byte can change
unnoticed. Made and checked without a server.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from wildetect.archives import (
    BROKEN,
    add_file,
    check_seal,
    read_document,
    safe_parts,
    seal,
    sealed_comment,
    unpack,
)
from wildetect.errors import ConfigurationError, InputError, ModelError
from wildetect.registry.cache import read_version
from wildetect.registry.evaluations import Evaluated
from wildetect.registry.manifest import Manifest
from wildetect.registry.reference import check_name
from wildetect.registry.stored_files import DESCRIPTION
from wildetect.registry.versions import Version
from wildetect.wording import in_bytes

__all__ = ["Package", "PackedEvaluation", "pack", "unpacked"]

DOCUMENT = "version.json"
FILES = "model/"
LOADER = "mlflow.onnx"
KEY = re.compile(r"[\w/.\- :]{1,250}")
"""Names of tags, metrics and parameters as MLflow takes them."""
LONGEST_TAG = 5000  # characters
OF_THE_CACHE = "registered_model_meta"
"""Written by MLflow's client as it fetches; it names the registry that was asked."""


class PackedEvaluation(BaseModel):
    """An evaluation: what the version's tag says, and all numbers and settings of its run."""

    model_config = ConfigDict(frozen=True)

    summary: Evaluated
    metrics: dict[str, float] = {}
    parameters: dict[str, str] = {}


class Package(BaseModel):
    """What version.json holds.

    Attributes:
        format: Format of the archive.
        name: Name of the registered model.
        version: Its number where it comes from.
        origin: Address of the registry it comes from; None where that is not known.
        aliases: Aliases that pointed at it there.
        description: Markdown.
        created: When it was registered, in ms since 1970 UTC.
        tags: Its labels: who registered it, when, where, from which commit.
        evaluations: What was measured.
        manifest: How it is fed and read.
        exported: When, in UTC.
        files: Size in bytes and SHA-256 of each file, by its place.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    kind: Literal["wildetect version"] = "wildetect version"
    name: str
    version: str
    origin: str | None = None
    aliases: tuple[str, ...] = ()
    description: str | None = None
    created: int | None = None
    tags: dict[str, str] = {}
    evaluations: tuple[PackedEvaluation, ...] = ()
    manifest: Manifest
    exported: datetime
    files: dict[str, dict[str, Any]] = {}

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


def pack(package: Package, folder: Path, target: Path) -> Package:
    """Write an archive, whole or not at all.

    Args:
        package: All but the files.
        folder: The version's files.
        target: The archive, which must not exist yet.

    Returns:
        The package with its files.

    Raises:
        ConfigurationError: The target exists.
        InputError: It cannot be written.
    """
    if target.exists():
        raise ConfigurationError(f"{target} exists already", hint="Give another name with --output FILE.")
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part, "w") as archive:
            archive.comment = sealed_comment()
            files = {
                FILES + path.relative_to(folder).as_posix(): path
                for path in sorted(folder.rglob("*"))
                if path.is_file() and path.name != OF_THE_CACHE
            }
            listed = {name: add_file(archive, name, path) for name, path in files.items()}
            whole = package.model_copy(update={"files": listed, "exported": datetime.now(UTC)})
            archive.writestr(DOCUMENT, whole.model_dump_json(indent=2))
        seal(part)
        part.replace(target)
    except OSError as error:
        raise InputError(
            f"the version could not be written to {target} ({error.strerror or error})",
            hint="Name another place with --output FILE.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return whole


def unpacked(source: Path, workplace: Path) -> tuple[Package, Path]:
    """Unpack an archive and check all of it.

    Args:
        source: The archive.
        workplace: An empty folder.

    Returns:
        What it says, and the folder of the version's files.

    Raises:
        InputError: The archive is missing, damaged, or not one of a version.
        ModelError: Its files do not belong together.
    """
    try:
        with source.open("rb"):
            pass
        check_seal(source)
        with zipfile.ZipFile(source) as archive:
            package = _document(archive)
            _check_names(archive, package)
            _check_space(workplace, sum(int(entry["size"]) for entry in package.files.values()))
            for name, entry in package.files.items():
                unpack(archive, name, entry, workplace.joinpath(*safe_parts(name)))
    except FileNotFoundError as error:
        raise InputError(
            f"there is no file {source}", hint="Give the file that model.export wrote."
        ) from error
    except OSError as error:
        raise InputError(
            f"{source.name} cannot be read or unpacked ({error.strerror or error})",
            hint="Check the disk that it lies on, and the space that is left.",
        ) from error
    except BROKEN as error:
        reason = (
            "its version.json is not one that this WildDetect knows"
            if isinstance(error, ValidationError)
            else error
        )
        raise InputError(
            f"{source.name} is damaged or not a version that model.export wrote ({reason})",
            hint="Export it again, and copy it again; nothing was changed.",
        ) from error
    folder = workplace / FILES.rstrip("/")
    _check_description(source, folder)
    fetched = read_version(folder, Version(package.name, package.version))
    if fetched.manifest != package.manifest:
        raise ModelError(
            f"{source.name} says of {package} what its files do not say",
            hint="Export it again; nothing was changed.",
        )
    check_name(package.name)
    return package, folder


def _check_description(source: Path, folder: Path) -> None:
    """Refuse an MLmodel that names code, or files elsewhere: other programs would run or read them."""
    try:
        stored = yaml.safe_load((folder / DESCRIPTION).read_text(encoding="utf-8"))
        flavors = stored["flavors"]
        named = [flavors["onnx"]["data"], flavors.get("python_function", {}).get("data", "model.onnx")]
        harmless = (
            set(flavors) <= {"onnx", "python_function"}
            and not any(flavor.get("code") for flavor in flavors.values())
            and flavors.get("python_function", {}).get("loader_module", LOADER) == LOADER
            and all(safe_parts(name) for name in named)
        )
    except (OSError, yaml.YAMLError, *BROKEN):
        harmless = False
    if not harmless:
        raise ModelError(
            f"the MLmodel of {source.name} is not one that model.register writes",
            hint="Take a file that model.export wrote; nothing was changed.",
        )


def _document(archive: zipfile.ZipFile) -> Package:
    content: Mapping[str, Any] = read_document(archive, DOCUMENT)
    return Package.model_validate_json(json.dumps(content))


def _check_names(archive: zipfile.ZipFile, package: Package) -> None:
    """Each member once, none that is not listed, none that leads elsewhere."""
    held = archive.namelist()
    if sorted(held) != sorted([*package.files, DOCUMENT]):
        raise ValueError("its files are not those that it lists")
    if len({name.lower() for name in held}) != len(held):
        raise ValueError("two of its files have one name")
    keys = [
        *package.tags,
        *(
            key
            for one in package.evaluations
            for key in (*one.metrics, *one.summary.metrics, *one.parameters)
        ),
    ]
    if not all(KEY.fullmatch(key) for key in keys):
        raise ValueError("a tag or metric with a name that MLflow does not take")
    if any(len(value) > LONGEST_TAG for value in (*package.tags.values(), package.description or "")):
        raise ValueError("a tag or description that is too long")
    for name in package.files:
        if not name.startswith(FILES):
            raise ValueError(f"a file named {name!r}")
        safe_parts(name)


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"the version needs {in_bytes(needed)}, and {in_bytes(free)} are free in {folder}",
            hint="Free some space.",
        )
