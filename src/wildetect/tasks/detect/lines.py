"""What a run came to, and what it would meet, in lines on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.detection.run.dry_run import DryRun
    from wildetect.results.run import DetectionRun

__all__ = ["show_preflight", "show_summary"]

MOST_SHOWN = 5


def show_preflight(run: DryRun) -> None:
    """The preflight as lines on stdout."""
    from wildetect.workflows.detection import overlap_text

    version = f" version {run.model.version}" if run.model.version else ""
    done = f", {run.done} of them done already" if run.done else ""
    unreadable = run.survey.unreadable
    print(f"images   {run.found} found{done}")
    print(f"         {len(unreadable)} cannot be read, {run.survey.without_position} without position")
    for name, reason in list(unreadable.items())[:MOST_SHOWN]:
        print(f"           {name}: {reason}")
    if len(unreadable) > MOST_SHOWN:
        print(f"           and {len(unreadable) - MOST_SHOWN} more")
    print(f"model    {run.model.name}{version} on {run.device}")
    print(f"tiles    {run.tiles}{_time(run)}")
    if run.overlap is not None and run.overlap.images:
        print(f"overlap  {overlap_text(run.overlap)}")
    print(f"disk     about {run.space.needed / 1e6:,.0f} MB needed, {run.space.free / 1e6:,.0f} MB free")
    print(f"output   {run.output}")


def _time(run: DryRun) -> str:
    if run.seconds is None:
        return ""
    minutes, seconds = divmod(round(run.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f", about {hours}:{minutes:02}:{seconds:02} at {run.tiles_per_second:.1f} tiles/s"


def show_summary(run: DetectionRun, output: Path) -> None:
    """The counts of a run, and where its results are."""
    images = run.images
    failed = f" ({images.failed} more failed)" if images.failed else ""
    for name, count in run.counts.items():
        if count:
            print(f"{name:<20} {count:>7}")
    print(
        f"{run.detections} detections in {images.with_detections} of {images.read} images{failed}, "
        f"{run.tiles} tiles in {run.times.seconds:.1f} s"
    )
    print(f"results: {output}")
    print(f"report:  {output / 'report.html'}   (open it in a browser; it needs no network)")
