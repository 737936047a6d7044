"""What a run would meet, in lines: `detect.run --dry-run`, and the quick look at the start of each run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from wildetect.tasks.support import say

if TYPE_CHECKING:
    from wildetect.detection.run.dry_run import DryRun
    from wildetect.detection.run.options import PipelineOptions
    from wildetect.detection.run.run import RunPlan
    from wildetect.detection.tiles.overlap import OverlapSummary

__all__ = ["look_ahead", "show_preflight", "warn_of_small_tiles"]

MOST_SHOWN = 5
_ROUND = 100  # px: a side of tiles that people would choose


def look_ahead(plan: RunPlan) -> None:
    """Look at a sample of the images before a run: is there room, and what does automatic overlap come to?

    Raises:
        InputError: The results would find no room.
    """
    from wildetect.detection.run.preflight import check_space, sample, survey

    some = sample(plan.images)
    found = survey(some, plan.options)
    check_space(plan.output, len(plan.images), found, plan.wanted.overlays)
    if found.overlap is not None and found.overlap.images:
        text = overlap_text(found.overlap, looked_at=len(some) < len(plan.images))
        say(f"tiles overlap by {text}")
        warn_of_small_tiles(found.overlap, plan.options)


def show_preflight(run: DryRun) -> None:
    """The preflight as lines on stdout."""
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


def overlap_text(overlap: OverlapSummary, *, looked_at: bool = False) -> str:
    """Say what `overlap_ratio: auto` comes to, in one line.

    Args:
        overlap: A summary of one image at least.
        looked_at: Whether it is about some of the images only.
    """
    least, most = f"{overlap.least:.2f}", f"{overlap.most:.2f}"
    images = f"{overlap.images} images" + " looked at" * looked_at
    parts = [f"{least if least == most else f'{least} to {most}'} of a tile (auto)"]
    if overlap.assumed:
        parts.append(f"height or lens assumed from flight_specs for {overlap.assumed} of {images}")
    if overlap.unknown:
        parts.append(f"ground resolution unknown for {overlap.unknown} of {images}")
    return "; ".join([*parts, images] if looked_at and len(parts) == 1 else parts)


def warn_of_small_tiles(overlap: OverlapSummary, options: PipelineOptions) -> None:
    """Say so where tiles cannot overlap by as much as the largest animal takes up, and what to do."""
    auto = options.auto_overlap
    if auto is None or not overlap.capped:
        return
    enough = math.ceil(overlap.tile_size / _ROUND) * _ROUND
    gsd = ", or mend flight_specs.gsd, which is in cm/px" if auto.flight.gsd is not None else ""
    say(
        f"warning: for an animal of {auto.largest_animal:g} m tiles should overlap by up to "
        f"{overlap.needed:,} px, but those of {options.tile_size:,} px overlap by half at most: it may be "
        f"cut at their edges in {overlap.capped} of {overlap.images} images. Set processing.tile_size to "
        f"{enough} or more, or processing.largest_animal to less{gsd}."
    )
