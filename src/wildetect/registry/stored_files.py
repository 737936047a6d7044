"""Whether the registry still holds the files of a version, asked without fetching them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import yaml

from wildetect.errors import ServerError
from wildetect.registry.probe import Probe

__all__ = ["missing_files"]

PROXIED = "mlflow-artifacts:/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
DESCRIPTION = "MLmodel"


def missing_files(probe: Probe, name: str, version: int) -> list[str] | None:
    """The files of a version that it names and the server does not hold.

    Args:
        probe: The server.
        name: Name of the registered model.
        version: Its number.

    Returns:
        The missing files; None where they lie outside the server, which then cannot be asked.

    Raises:
        ServerError: Where the server does not answer.
    """
    query: dict[str, str | int] = {"name": name, "version": version}
    place = str(probe.get("/api/2.0/mlflow/model-versions/get-download-uri", query).get("artifact_uri", ""))
    if not place.startswith(PROXIED):
        return None
    folder = place.removeprefix(PROXIED).strip("/")
    held = _sizes(probe, folder)
    if not held.get(DESCRIPTION):
        return [DESCRIPTION]
    needed = _named_in(probe.text(f"{ARTIFACTS}/{quote(folder)}/{DESCRIPTION}"))
    return [file for file in needed if not _holds(probe, folder, file, held)]


def _sizes(probe: Probe, folder: str) -> dict[str, int]:
    """The files right in a folder, with their sizes in bytes; none where there is no such folder."""
    try:
        listed = probe.get(ARTIFACTS, {"path": folder}).get("files", [])
    except ServerError as error:
        if "DOES_NOT_EXIST" in error.message or "404" in error.message:
            return {}
        raise
    with probe.taking_apart(ARTIFACTS):
        return {
            str(file["path"]).rpartition("/")[2]: int(file.get("file_size") or 0)
            for file in listed
            if not file.get("is_dir")
        }


def _named_in(description: str) -> list[str]:
    """The weights that an MLmodel file names: the detector's, and the second stage's where it has one."""
    try:
        stored: Any = yaml.safe_load(description)
        files = [str(stored["flavors"]["onnx"]["data"])]
        classifier = stored["metadata"]["wildetect"].get("classifier")
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return []
    return [*files, str(classifier["file"])] if classifier else files


def _holds(probe: Probe, folder: str, file: str, held: dict[str, int]) -> bool:
    inner, _, name = file.rpartition("/")
    return bool((_sizes(probe, f"{folder}/{inner}") if inner else held).get(name))
