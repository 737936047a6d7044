"""Versions fetched from the registry, kept on this machine: a second run, or one offline, needs no download.

<cache>/<name>/<version>/     the files of a version, as MLflow stores them
<cache>/<name>/<version>.json what the registry knew of it when it was last asked
<cache>/<name>/aliases.json   which version each alias meant when the registry was last asked, and when
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import yaml
from filelock import FileLock, Timeout
from pydantic import ValidationError

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow, mlflow_module
from wildetect.registry.manifest import Manifest
from wildetect.registry.reference import LATEST, ModelReference
from wildetect.registry.stored_files import DESCRIPTION
from wildetect.registry.versions import Version, resolve
from wildetect.registry.weights.weights_file import sha256_of
from wildetect.wording import quoted

__all__ = [
    "FetchedModel",
    "abandoned_downloads",
    "fetch",
    "fetched_before",
    "forget",
    "known_details",
    "meant_before",
    "read_version",
    "stored_manifest",
]

logger = logging.getLogger(__name__)

FETCHING = ".fetching-"
LOCK = "lock"
JUST_BEGUN = 60.0  # s; a download holds its lock by then


@dataclass(frozen=True)
class FetchedModel:
    """A detector that is ready to run: its files on this machine and how it is fed and read.

    `classifier` is the file of the second stage, where the manifest has one; `as_of` says where it is what an
    alias meant at an earlier time, as the registry could not be asked now.
    """

    name: str
    version: str | None
    weights: Path
    manifest: Manifest
    classifier: Path | None = None
    as_of: str | None = None

    def __str__(self) -> str:
        return f"{self.name} version {self.version}" if self.version else self.weights.name

    @property
    def on_command_line(self) -> str:
        """As --model names it: name/version, or the file's path."""
        return f"{self.name}/{self.version}" if self.version else str(self.weights)


def fetch(connection: Connection, reference: ModelReference, cache: Path) -> FetchedModel:
    """The files of the version that a reference means now, fetched where the cache does not hold them.

    Args:
        connection: The server.
        reference: The model.
        cache: The folder of fetched versions.

    Raises:
        ModelError: Where the registry does not hold the version, it is not a detector of ours, or its file
            is not what was registered.
        ServerError: Where the server fails.
    """
    version = resolve(connection, reference)
    folder = _folder(cache, version.name, version.version)
    cached = _usable(folder, version)
    if cached is None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        cached = _download(connection, version, folder)
    _remember(folder.parent, reference, version.version)
    _remember_details(folder, version, connection.uri)
    with contextlib.suppress(OSError):  # mlflow.clean asks when a version was last used
        os.utime(folder)
    return cached


def fetched_before(reference: ModelReference, cache: Path) -> FetchedModel | None:
    """The version that a reference meant when the registry was last asked, if its files are here and whole.

    Args:
        reference: The model.
        cache: The folder of fetched versions.
    """
    which = reference.alias or str(reference.version)
    number, as_of = which, None
    if not which.isdigit():
        number, asked = meant_before(_folder(cache, reference.name)).get(which, ("", None))
        as_of = f"when the registry was last asked{f' ({asked})' if asked else ''}"
    if not number.isdigit():
        return None
    try:
        model = _read(_folder(cache, reference.name, number), Version(reference.name, number))
    except ModelError:
        return None
    return replace(model, as_of=as_of)


def known_details(cache: Path, name: str, number: str) -> Version | None:
    """What was known of a fetched version when the registry was last asked; its tag `registry` says which.

    Returns:
        None where nothing was written down, as before this was.
    """
    try:
        known = json.loads(_details(_folder(cache, name, number)).read_text(encoding="utf-8"))
        return Version(
            name,
            number,
            tuple(map(str, known["aliases"])),
            {str(tag): str(value) for tag, value in known["tags"].items()},
            None if known["description"] is None else str(known["description"]),
            None if known["created"] is None else int(known["created"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def forget(cache: Path, version: Version) -> None:
    """Delete this machine's copy of a version that the registry does not hold any more."""
    folder = _folder(cache, version.name, version.version)
    shutil.rmtree(folder, ignore_errors=True)
    _details(folder).unlink(missing_ok=True)


def abandoned_downloads(cache: Path) -> Iterator[Path]:
    """The folders of downloads that were killed: nobody holds their locks."""
    for folder in sorted(cache.glob(f"*/{FETCHING}*")):
        lock = folder / LOCK
        with contextlib.suppress(OSError, Timeout):
            if not lock.exists() and time.time() - folder.stat().st_mtime < JUST_BEGUN:
                continue
            with FileLock(lock, timeout=0):
                pass
            yield folder


def stored_manifest(connection: Connection, version: Version) -> Manifest:
    """How a version is fed and read, without fetching its weights.

    Raises:
        ModelError: Where it was not registered by this project.
        ServerError: Where the server fails.
    """
    # MLflow's own `get_model_info` leaves a folder in the system's temporary one at each call
    with (
        errors_of_mlflow(f"description of {version}"),
        tempfile.TemporaryDirectory(prefix="wildetect-manifest-", ignore_cleanup_errors=True) as temporary,
    ):
        mlflow_module().artifacts.download_artifacts(
            artifact_uri=f"models:/{version.name}/{version.version}/{DESCRIPTION}",
            dst_path=temporary,
            tracking_uri=connection.uri,
        )
        return _described(Path(temporary), version)[0]


def _not_ours(version: Version) -> ModelError:
    return ModelError(
        f"{version} was not registered by this project: it does not say how it is fed and read",
        hint="Register its ONNX file with: uv run invoke model.register --weights FILE "
        f"--name {quoted(version.name)}",
    )


def _folder(cache: Path, name: str, version: str | None = None) -> Path:
    """A name may hold signs that a folder's may not."""
    folder = cache / quote(name, safe=" ")
    return folder / version if version else folder


def _usable(folder: Path, version: Version) -> FetchedModel | None:
    """A cached version, if it is whole and what this registry means: another may use the same number."""
    if not folder.is_dir():
        return None
    try:
        cached = _read(folder, version)
    except ModelError as error:
        logger.info("the cached copy of %s is fetched again: %s", version, error.message)
        return None
    return cached if cached.manifest.fingerprint == version.tags.get("manifest_sha256") else None


def _download(connection: Connection, version: Version, folder: Path) -> FetchedModel:
    for abandoned in abandoned_downloads(folder.parents[1]):
        shutil.rmtree(abandoned, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(
            prefix=FETCHING, dir=folder.parent, ignore_cleanup_errors=True
        ) as temporary,
        FileLock(Path(temporary) / LOCK),
    ):
        with errors_of_mlflow(f"files of {version}"):
            fetched = Path(
                mlflow_module().artifacts.download_artifacts(
                    artifact_uri=f"models:/{version.name}/{version.version}",
                    dst_path=str(Path(temporary) / "model"),
                    tracking_uri=connection.uri,
                )
            )
        _read(fetched, version)
        if folder.exists():
            shutil.rmtree(folder)
        # Another run may have fetched it meanwhile; what is read then is checked all the same.
        with contextlib.suppress(OSError):
            fetched.replace(folder)
    return _read(folder, version)


def read_version(folder: Path, version: Version) -> FetchedModel:
    """Read a version's files, wherever they lie, and check them against the manifest stored with them.

    Raises:
        ModelError: They are not a detector of ours, or not the ones that were registered.
    """
    return _read(folder, version)


def _read(folder: Path, version: Version) -> FetchedModel:
    """A version's files, checked against the manifest stored with them."""
    manifest, weights = _described(folder, version)
    _check_same(weights, manifest.sha256, "file", version)
    classifier = None
    if manifest.classifier is not None:
        classifier = folder / manifest.classifier.file
        _check_same(classifier, manifest.classifier.sha256, "classifier", version)
    return FetchedModel(version.name, version.version, weights, manifest, classifier)


def _described(folder: Path, version: Version) -> tuple[Manifest, Path]:
    """The manifest that is stored with a version, and where its weights are, beside or to come."""
    try:
        stored = yaml.safe_load((folder / DESCRIPTION).read_text(encoding="utf-8"))
        manifest = Manifest.model_validate(stored["metadata"]["wildetect"])
        return manifest, folder / stored["flavors"]["onnx"]["data"]
    except (OSError, KeyError, TypeError, yaml.YAMLError, ValidationError) as error:
        raise _not_ours(version) from error


def _check_same(file: Path, sha256: str, what: str, version: Version) -> None:
    if not file.is_file() or sha256_of(file) != sha256:
        raise ModelError(
            f"the {what} of {version} is not the one that was registered (its sha256 differs)",
            hint="Register the weights again with: uv run invoke model.register --weights FILE --force "
            f"--name {quoted(version.name)}",
        )


def meant_before(folder: Path) -> dict[str, tuple[str, str | None]]:
    """Give the version that each alias meant when the registry was last asked, and when that was, if known.

    Args:
        folder: The folder of a model in the cache.
    """
    try:
        known = json.loads((folder / "aliases.json").read_text(encoding="utf-8"))
        entries = [(alias, e if isinstance(e, dict) else {"version": e}) for alias, e in known.items()]
        return {alias: (str(e["version"]), e.get("asked")) for alias, e in entries}
    except (OSError, ValueError, KeyError, AttributeError):
        return {}


def _remember(folder: Path, reference: ModelReference, version: str) -> None:
    which = reference.alias or (LATEST if reference.version == LATEST else None)
    if which is None:
        return
    path = folder / "aliases.json"
    draft = path.with_suffix(".tmp")
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    known = {**meant_before(folder), which: (version, now)}
    document = {alias: {"version": number, "asked": asked} for alias, (number, asked) in known.items()}
    with contextlib.suppress(OSError):  # only an offline run would miss it
        draft.write_text(json.dumps(document, indent=2), encoding="utf-8")
        draft.replace(path)


def _details(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _remember_details(folder: Path, version: Version, registry: str) -> None:
    document = {
        "aliases": list(version.aliases),
        "tags": {**version.tags, "registry": registry},
        "description": version.description,
        "created": version.created,
    }
    path = _details(folder)
    draft = path.with_suffix(".tmp")
    with contextlib.suppress(OSError):  # only an export without the server would miss it
        draft.write_text(json.dumps(document, indent=2), encoding="utf-8")
        draft.replace(path)
