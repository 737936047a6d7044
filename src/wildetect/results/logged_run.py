"""What MLflow keeps of a detection run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from wildetect.registry.names import name_for_mlflow
from wildetect.registry.runs import DatasetRecord, RunRecord
from wildetect.results.blurring import BLURRED, Grid
from wildetect.results.journal.reading import JOURNAL
from wildetect.results.run import DetectionRun
from wildetect.settings.detection import KeptFiles
from wildetect.wording import listed, number_of

__all__ = ["left_out", "run_record"]

_MOST_NAMED = 20  # failures and sources in a tag, which takes 8000 signs; run.json has them all


_RECORD = "run.json"


def left_out(run: DetectionRun, keep: KeptFiles) -> list[str]:
    """The files of a run that MLflow does not keep.

    Args:
        run: The content of run.json.
        keep: How much is to be kept.
    """
    if keep == "record":
        return [JOURNAL, *run.files]
    if run.blurred is None and keep == "all":
        return []
    drawn = [] if keep == "all" else [name for name in run.files if name.startswith("overlays/")]
    return [JOURNAL, *drawn]  # the journal holds exact places


def run_record(run: DetectionRun, folder: Path, keep: KeptFiles = "results") -> RunRecord:
    """What MLflow keeps of a run: parameters to compare by, counts, and the results themselves.

    Args:
        run: The content of run.json.
        folder: The results.
        keep: Which of the results.
    """
    without, coarse = left_out(run, keep), run.blurred
    if coarse is not None:  # others get to see what is in MLflow
        folder, run = folder / BLURRED, replace(run, files=coarse.files)
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
        tags={"state": run.state, **_tags(run, keep), **({"places": str(Grid(coarse.km))} if coarse else {})},
        folder=folder,
        files=[_RECORD, *(name for name in (JOURNAL, *run.files) if name not in without)],
        model=run.model.registered,
        dataset=DatasetRecord(
            name=run.dataset.name,
            digest=run.dataset.digest,
            source={"sources": list(run.dataset.sources[:_MOST_NAMED])},
            size=run.images.found,
        ),
        failed=run.state != "finished",
    )


def _tags(run: DetectionRun, keep: KeptFiles) -> dict[str, str]:
    named: dict[str, Sequence[str]] = {
        "sources": run.dataset.sources,
        "failures": [str(failure) for failure in run.failures],
        "dark_images": run.dark_images,
        "doubts": [f"{one.what}: {listed(one.files, most=_MOST_NAMED)}" for one in run.doubts],
        "full_images": [image.file for image in run.full_images],
    }
    return {
        "mlflow.note.content": _note(run, keep),
        "kept_files": keep,
        **{
            name: "\n".join([*lines[:_MOST_NAMED], *(["..."] if len(lines) > _MOST_NAMED else [])])
            for name, lines in named.items()
            if lines
        },
    }


def _note(run: DetectionRun, keep: KeptFiles) -> str:
    """What MLflow shows as description of the run, in Markdown: its page does not link the version."""
    called = f"`{run.model.file}`"
    if run.model.registered:
        name, version = run.model.registered
        called = f"[{name} version {version}](#/models/{quote(name, safe='')}/versions/{version})"
    number = run.images.failed
    failed = f", {number} failed (see the tag `failures`, or run.json)" if number else ""
    files = {
        "all": "The report is `report.html` among the artifacts.",
        "results": "The report is `report.html` among the artifacts; the pictures with boxes and the "
        "journal stayed in the output folder.",
        "record": "Its files stayed in the output folder, but for `run.json`.",
    }
    coarse = f" In them {Grid(run.blurred.km)}." if run.blurred else ""
    return (
        f"{number_of(run.detections, 'detection')} with {called} in {run.images.read} of "
        f"{number_of(run.images.found, 'image')}{failed}. {files[keep]}{coarse}"
    )
