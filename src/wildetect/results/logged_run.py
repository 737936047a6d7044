"""What MLflow keeps of a detection run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wildetect.registry.runs import DatasetRecord, RunRecord
from wildetect.results.journal.reading import JOURNAL

__all__ = ["metric_name", "run_record"]

_MOST_NAMED = 20  # failures and sources in a tag, which takes 8000 signs; run.json has them all


def run_record(document: Mapping[str, Any], folder: Path) -> RunRecord:
    """What MLflow keeps of a run: parameters to compare by, counts, and the results themselves.

    Args:
        document: The content of run.json.
        folder: The results.
    """
    model, images, times = document["model"], document["images"], document["times"]
    named = {f"model_{key}": model[key] for key in ("name", "version", "sha256", "family") if model[key]}
    counts = {f"count_{metric_name(name)}": count for name, count in document["counts"].items() if count}
    return RunRecord(
        parameters={**document["settings"], **named, "device": document["device"]},
        metrics={
            **counts,
            "detections": document["detections"],
            "images": images["done"],
            "images_failed": images["failed"],
            "tiles": document["tiles"],
            "tiles_per_second": times["tiles_per_second"],
            "seconds": times["seconds"],
        },
        tags={"state": document["state"], **_tags(document)},
        folder=folder,
        files=["run.json", JOURNAL, *document["files"]],
        model=(model["name"], model["version"]) if model["version"] else None,
        dataset=DatasetRecord(
            name=document["dataset"]["name"],
            digest=document["dataset"]["digest"],
            source={"sources": document["dataset"]["sources"][:_MOST_NAMED]},
            size=images["found"],
        ),
        failed=document["state"] != "finished",
    )


def _tags(document: Mapping[str, Any]) -> dict[str, str]:
    failures = [f"{failure['file']}: {failure['reason']}" for failure in document["failures"]]
    named = {
        "sources": document["dataset"]["sources"],
        "failures": failures,
        "dark_images": document["dark_images"],
    }
    return {
        "mlflow.note.content": _note(document),
        **{
            name: "\n".join([*lines[:_MOST_NAMED], *(["..."] if len(lines) > _MOST_NAMED else [])])
            for name, lines in named.items()
            if lines
        },
    }


def _note(document: Mapping[str, Any]) -> str:
    """What MLflow shows as description of the run, in Markdown: its page does not link the version."""
    model, images = document["model"], document["images"]
    called = f"`{model['file']}`"
    if model["version"]:
        place = f"#/models/{quote(model['name'], safe='')}/versions/{model['version']}"
        called = f"[{model['name']} version {model['version']}]({place})"
    failed = f", {images['failed']} failed (see the tag `failures`, or run.json)" if images["failed"] else ""
    read = images["done"] - images["failed"]
    return (
        f"{document['detections']} detections with {called} in {read} of {images['found']} images{failed}. "
        "The report is `report.html` among the artifacts."
    )


def metric_name(class_name: str) -> str:
    """A class name with the signs that MLflow's metric names may hold."""
    return re.sub(r"[^\w\-. /]", "_", class_name)
