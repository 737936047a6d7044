"""What MLflow keeps of a detection run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from wildetect.registry.names import name_for_mlflow
from wildetect.registry.runs import DatasetRecord, RunRecord
from wildetect.results.journal.reading import JOURNAL
from wildetect.results.run import DetectionRun

__all__ = ["run_record"]

_MOST_NAMED = 20  # failures and sources in a tag, which takes 8000 signs; run.json has them all


def run_record(run: DetectionRun, folder: Path) -> RunRecord:
    """What MLflow keeps of a run: parameters to compare by, counts, and the results themselves.

    Args:
        run: The content of run.json.
        folder: The results.
    """
    counts = {f"count_{name_for_mlflow(name)}": count for name, count in run.counts.items() if count}
    return RunRecord(
        parameters={**run.settings, **run.model.parameters, "device": run.device},
        metrics={
            **counts,
            "detections": run.detections,
            "images": run.images.done,
            "images_failed": run.images.failed,
            "tiles": run.tiles,
            "tiles_per_second": run.times.tiles_per_second,
            "seconds": run.times.seconds,
        },
        tags={"state": run.state, **_tags(run)},
        folder=folder,
        files=["run.json", JOURNAL, *run.files],
        model=run.model.registered,
        dataset=DatasetRecord(
            name=run.dataset.name,
            digest=run.dataset.digest,
            source={"sources": list(run.dataset.sources[:_MOST_NAMED])},
            size=run.images.found,
        ),
        failed=run.state != "finished",
    )


def _tags(run: DetectionRun) -> dict[str, str]:
    named: dict[str, Sequence[str]] = {
        "sources": run.dataset.sources,
        "failures": [str(failure) for failure in run.failures],
        "dark_images": run.dark_images,
    }
    return {
        "mlflow.note.content": _note(run),
        **{
            name: "\n".join([*lines[:_MOST_NAMED], *(["..."] if len(lines) > _MOST_NAMED else [])])
            for name, lines in named.items()
            if lines
        },
    }


def _note(run: DetectionRun) -> str:
    """What MLflow shows as description of the run, in Markdown: its page does not link the version."""
    called = f"`{run.model.file}`"
    if run.model.registered:
        name, version = run.model.registered
        called = f"[{name} version {version}](#/models/{quote(name, safe='')}/versions/{version})"
    number = run.images.failed
    failed = f", {number} failed (see the tag `failures`, or run.json)" if number else ""
    return (
        f"{run.detections} detections with {called} in {run.images.read} of {run.images.found} "
        f"images{failed}. The report is `report.html` among the artifacts."
    )
