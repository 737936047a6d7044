"""run.json: what ran on what, with which model and settings, and what came out."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from wildetect import __version__
from wildetect.errors import InputError
from wildetect.registry.cache import FetchedModel
from wildetect.results.dataset import PictureSet
from wildetect.results.files import write_text
from wildetect.results.records import RunSummary

__all__ = [
    "RunFacts",
    "State",
    "mark_running",
    "package_versions",
    "read_run_file",
    "run_document",
    "write_run_file",
]

State = Literal["running", "finished", "stopped", "interrupted"]
_SCALING = (  # module imagery.photograph says why
    "8-bit values as they are; 16-bit ones as value * 255 / 65535, rounded, but those of photographs "
    "with 16 bits a colour (PNG, TIFF) as value / 256, rounded down"
)
PACKAGES = ("onnxruntime", "numpy", "pillow", "rasterio", "mlflow")


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a run knows besides its results.

    Attributes:
        model: The detector.
        settings: The settings that shape the result, by name.
        device: Where inference ran.
        state: "finished", "stopped" (too many failures) or "interrupted" (Ctrl+C); "running" while it goes
            on, and for good where it was killed.
        started: When.
        seconds: How long it took, all starts of an interrupted run together; of the images that count.
        dataset: The pictures.
        resumed: Images whose results come from an earlier start.
        left_out: Images that were done and are not there any more, and their detections.
    """

    model: FetchedModel
    settings: Mapping[str, object]
    device: str
    state: State
    started: datetime
    seconds: float
    dataset: PictureSet
    resumed: int = 0
    left_out: tuple[int, int] = (0, 0)


def run_document(facts: RunFacts, summary: RunSummary) -> dict[str, Any]:
    """The content of run.json; times are in seconds or UTC."""
    manifest = facts.model.manifest
    return {
        "state": facts.state,
        "model": {
            "name": facts.model.name,
            "version": facts.model.version,
            "file": manifest.source.file,
            "sha256": manifest.sha256,
            "family": manifest.family,
            "class_names": list(manifest.class_names),
        },
        "settings": dict(facts.settings),
        "device": facts.device,
        "images": {
            "found": summary.expected,
            "done": summary.done,
            "failed": summary.failed,
            "left": summary.left,
            "with_detections": summary.with_detections,
        },
        "detections": summary.detections,
        "counts": summary.per_class(manifest.class_names),
        "tiles": summary.tiles,
        "tiles_empty": summary.tiles_empty,
        "tiles_failed": [
            {"file": name, "tiles": list(tiles)} for name, tiles in summary.tiles_failed.items()
        ],
        "dark_images": sorted(summary.dark),
        "resumed_images": facts.resumed,
        "left_out": dict(zip(("images", "detections"), facts.left_out, strict=True)),
        "dataset": facts.dataset.document(),
        "pixel_scaling": _SCALING,
        "failures": [{"file": name, "reason": reason} for name, reason in summary.failures.items()],
        "times": {
            "started": facts.started.astimezone(UTC).isoformat(timespec="seconds"),
            "seconds": round(facts.seconds, 3),
            "tiles_per_second": round(summary.tiles / facts.seconds, 3) if facts.seconds else 0.0,
        },
        "versions": package_versions(PACKAGES),
        "mlflow": None,  # the server's address and the run's id, once it is logged
    }


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of this program, of Python, and of those packages that are installed."""
    found = {"wildetect": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def write_run_file(folder: Path, document: Mapping[str, Any]) -> None:
    """Write run.json, whole or not at all."""
    write_text(folder / "run.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def mark_running(folder: Path) -> dict[str, Any] | None:
    """Have the run.json in a folder say that its run goes on: what it counts is no longer true.

    Returns:
        What it held; None where there is no readable one.
    """
    try:
        document = read_run_file(folder)
    except InputError:
        return None
    write_run_file(folder, {**document, "state": "running"})
    return document


def read_run_file(folder: Path) -> dict[str, Any]:
    """The content of the run.json in a folder.

    Raises:
        InputError: There is none, or it is damaged.
    """
    try:
        document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        document["model"]["class_names"], document["times"]["started"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{folder} holds no run.json of a run",
            hint="Name the output folder of a run; give the command of a run that was killed again.",
        ) from error
    return dict(document)
