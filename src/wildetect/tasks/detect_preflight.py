"""What a run would meet: `detect.run --dry-run`, and the quick look at the start of each run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wildetect.tasks.overlap_lines import overlap_document, overlap_text, warn_of_small_tiles
from wildetect.tasks.support import say

if TYPE_CHECKING:
    from wildetect.detection.run.preflight import Space, Survey
    from wildetect.detection.run.run import RunPlan

__all__ = ["look_ahead", "preflight", "raise_if_unreadable", "show_preflight"]

MOST_SHOWN = 5


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
        text = overlap_text(overlap_document(found.overlap), looked_at=len(some) < len(plan.images))
        say(f"tiles overlap by {text}")
        warn_of_small_tiles(found.overlap, plan.options)


def preflight(plan: RunPlan) -> dict[str, Any]:
    """Look at all images, time some tiles, compare with what is done already.

    Args:
        plan: The run.

    Returns:
        What would be done; `seconds` is null where no image could be read.

    Raises:
        ConfigurationError: The output folder holds another run.
        InputError: The drive of the output folder cannot be used.
    """
    from wildetect.detection.run.continuation import Continuation, shape_of
    from wildetect.detection.run.preflight import seconds_per_tile, space_for, survey
    from wildetect.detection.run.run import settings_of
    from wildetect.results.journal.record import Record

    settings = settings_of(plan.detector, plan.options)
    record = Record(plan.output) if plan.restart else Record.read(plan.output)
    record.refuse_another(shape_of(plan.detector, settings, plan.sources), str(plan.model))
    work = Continuation.of(plan.images, record)
    work.warn_of_left_out()
    found = survey(plan.images, plan.options)
    readable = [image for image in work.left if image.name in found.tiles]
    each = seconds_per_tile(readable, plan.detector, plan.options)
    overlays = plan.wanted.overlays
    space = space_for(plan.output, len(plan.images), overlays=overlays, pixels_each=found.pixels_each)
    tiles = sum(found.tiles[image.name] for image in readable)
    if found.overlap is not None:
        warn_of_small_tiles(found.overlap, plan.options)
    return {
        **_facts(plan, settings),
        "images": {
            "found": len(plan.images),
            "done": len(work.done),
            "left": len(work.left),
            "unreadable": len(found.unreadable),
            "without_position": found.without_position,
        },
        "tiles": tiles,
        "overlap": None if found.overlap is None else overlap_document(found.overlap),
        **_costs(tiles, each, space),
        "failures": _failures(found),
    }


def _facts(plan: RunPlan, settings: dict[str, object]) -> dict[str, Any]:
    model = plan.model
    return {
        "state": "dry run",
        "model": {"name": model.name, "version": model.version, "sha256": model.manifest.sha256},
        "device": plan.detector.device,
        "settings": settings,
        "output": str(plan.output),
    }


def _costs(tiles: int, each: float | None, space: Space) -> dict[str, Any]:
    return {
        "seconds": None if each is None else round(tiles * each, 1),
        "tiles_per_second": None if not each else round(1 / each, 3),
        "disk": asdict(space),
    }


def _failures(found: Survey) -> list[dict[str, str]]:
    return [{"file": name, "reason": reason} for name, reason in found.unreadable.items()]


def show_preflight(document: dict[str, Any]) -> None:
    """The preflight as lines on stdout."""
    model, images, disk = document["model"], document["images"], document["disk"]
    version = f" version {model['version']}" if model["version"] else ""
    done = f", {images['done']} of them done already" if images["done"] else ""
    print(f"images   {images['found']} found{done}")
    print(f"         {images['unreadable']} cannot be read, {images['without_position']} without position")
    for failure in document["failures"][:MOST_SHOWN]:
        print(f"           {failure['file']}: {failure['reason']}")
    if len(document["failures"]) > MOST_SHOWN:
        print(f"           and {len(document['failures']) - MOST_SHOWN} more")
    print(f"model    {model['name']}{version} on {document['device']}")
    print(f"tiles    {document['tiles']}{_time(document)}")
    if document["overlap"] and document["overlap"]["images"]:
        print(f"overlap  {overlap_text(document['overlap'])}")
    print(f"disk     about {disk['needed'] / 1e6:,.0f} MB needed, {disk['free'] / 1e6:,.0f} MB free")
    print(f"output   {document['output']}")


def _time(document: dict[str, Any]) -> str:
    if document["seconds"] is None:
        return ""
    minutes, seconds = divmod(round(document["seconds"]), 60)
    hours, minutes = divmod(minutes, 60)
    return f", about {hours}:{minutes:02}:{seconds:02} at {document['tiles_per_second']:.1f} tiles/s"


def raise_if_unreadable(document: dict[str, Any]) -> None:
    """A run that would meet broken images, or a full disk, ends with the exit code that it would have.

    Raises:
        InputError: Naming what is wrong.
    """
    from wildetect.detection.run.preflight import Space
    from wildetect.errors import InputError

    space, images = Space(**document["disk"]), document["images"]
    if space.free < space.needed:
        raise InputError(
            f"the drive of {document['output']} has too little space for the results", hint=space.mend
        )
    broken, most = images["unreadable"], document["settings"]["max_errors"]
    if broken > most:
        raise InputError(
            f"{broken} of {images['found']} images cannot be read; the run would stop after {most + 1}",
            hint=f"Mend or remove these files, or set processing.max_errors to {broken} or more.",
        )
    if broken:
        raise InputError(
            f"{broken} of {images['found']} images cannot be read",
            hint="The others would be done; mend or remove these files before the run.",
        )
