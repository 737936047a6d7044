"""What a run would do and what it would meet, found out without writing anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from wildetect.detection.run.continuation import Continuation, shape_of
from wildetect.detection.run.copies import doubled
from wildetect.detection.run.failures import MOST_FAILURES_SHOWN, use_of_damaged
from wildetect.detection.run.options import PipelineOptions, most_failures
from wildetect.detection.run.preflight import (
    Space,
    Survey,
    glance,
    sample,
    seconds_per_tile,
    space_for,
    survey,
)
from wildetect.detection.run.run import RunPlan, settings_of
from wildetect.detection.tiles.overlap import FALLBACK, OverlapSummary
from wildetect.errors import InputError
from wildetect.registry.cache import FetchedModel
from wildetect.results.journal.record import Record
from wildetect.results.run_parts import remarks_of
from wildetect.wording import first_lines, form, number_of, the_others

__all__ = ["DryRun", "dry_run", "raise_if_unreadable"]

_OVERLAP_DIGITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a run would do.

    Attributes:
        model: The detector.
        device: Where inference would run.
        settings: The settings that shape the result, by name.
        output: Folder of the results.
        found: Number of images.
        done: Images that an earlier start has done.
        left: Images to do.
        survey: What the headers of the images say.
        tiles: Tiles to run through the model.
        seconds_each: Time for each of them in s; None where no image could be read.
        by_overlap: Tiles with an overlap of 0.2 and with automatic overlap, as settings name them; nothing
            where all are read whole.
        space: Space on the drive of the output folder.
        not_read: Names of the files that look like pictures and are not read, for each reason.
        failed_before: Names of the images that failed at an earlier start, which do not stop a run again.
    """

    model: FetchedModel
    device: str
    settings: Mapping[str, Any]
    output: Path
    found: int
    done: int
    left: int
    survey: Survey
    tiles: int
    seconds_each: float | None
    space: Space
    not_read: Mapping[str, Sequence[str]] = field(default_factory=dict)
    failed_before: frozenset[str] = frozenset()
    by_overlap: Mapping[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """Time that the run would take in s."""
        return self.seconds_for(self.tiles)

    def seconds_for(self, tiles: int) -> float | None:
        """Time that so many tiles would take in s."""
        return None if self.seconds_each is None else round(tiles * self.seconds_each, 1)

    @property
    def tiles_per_second(self) -> float | None:
        """Tiles run through the model in a second."""
        return round(1 / self.seconds_each, 3) if self.seconds_each else None

    @property
    def overlap(self) -> OverlapSummary | None:
        """What automatic overlap comes to; None where the overlap is given."""
        return self.survey.overlap

    def document(self) -> dict[str, Any]:
        """What `--json` prints."""
        model, space = self.model, self.space
        return {
            "state": "dry run",
            "model": {"name": model.name, "version": model.version, "sha256": model.manifest.sha256},
            "device": self.device,
            "settings": dict(self.settings),
            "output": str(self.output),
            "images": {
                "found": self.found,
                "done": self.done,
                "left": self.left,
                "unreadable": len(self.survey.unreadable),
                "without_position": self.survey.without_position,
                "pixels_looked_at": self.survey.glanced_at,
            },
            "tiles": self.tiles,
            "overlaps": [
                {"overlap_ratio": ratio, "tiles": tiles, "seconds": self.seconds_for(tiles)}
                for ratio, tiles in self.by_overlap.items()
            ],
            "overlap": None if self.overlap is None else _overlap_document(self.overlap),
            "scale": None if self.survey.scale is None else asdict(self.survey.scale),
            "seconds": self.seconds,
            "tiles_per_second": self.tiles_per_second,
            "disk": {"needed": space.needed, "free": space.free, "pictures": space.pictures},
            "tiles_failed": [
                {"file": name, "tiles": tiles} for name, tiles in self.survey.tiles_failed.items()
            ],
            "dark_images": sorted(self.survey.dark),
            "doubts": [asdict(one) for one in remarks_of(self.survey.doubts)],
            "read_as": [asdict(one) for one in remarks_of(self.survey.read_as)],
            "not_read": [asdict(one) for one in remarks_of(self.not_read)],
            "failures": [{"file": name, "reason": reason} for name, reason in self.survey.unreadable.items()],
        }


def _overlap_document(overlap: OverlapSummary) -> dict[str, Any]:
    """A summary as JSON: overlaps as parts of a tile, the rest numbers of images."""
    return {
        "images": overlap.images,
        "least": round(overlap.least, _OVERLAP_DIGITS) if overlap.images else None,
        "most": round(overlap.most, _OVERLAP_DIGITS) if overlap.images else None,
        "assumed": overlap.assumed,
        "unknown": overlap.unknown,
        "capped": overlap.capped,
    }


def dry_run(plan: RunPlan) -> DryRun:
    """Look at all images, time some tiles, compare with what is done already.

    Args:
        plan: The run.

    Raises:
        ConfigurationError: The output folder holds another run.
        InputError: The drive of the output folder cannot be used.
    """
    settings = settings_of(plan.detector, plan.options)
    record = Record(plan.output) if plan.restart else Record.read(plan.output)
    plan = replace(plan, images=record.named_as_before(plan.images))
    record.refuse_another(
        shape_of(plan.detector, settings, plan.sources), plan.model.on_command_line, plan.images
    )
    record.warn_of_damage()
    work = Continuation.of(plan.images, record)
    work.warn_of_left_out()
    found = survey(plan.images, plan.options, _overlaps(plan))
    # of addresses headers alone are read: photographs would come whole over the network
    here = [one for one in plan.images if one.name in found.tiles and isinstance(one.path, Path)]
    found.add(glance(sample(here), plan.options), plan.images)
    found.doubts |= doubled(plan.images, found.tiles)
    readable = [image for image in work.left if image.name in found.tiles]
    each = seconds_per_tile(readable, plan.detector, plan.options)
    overlays = plan.wanted.overlays
    return DryRun(
        model=plan.model,
        device=plan.detector.device,
        settings=settings,
        output=plan.output,
        found=len(plan.images),
        done=len(work.done),
        left=len(work.left),
        survey=found,
        tiles=sum(found.tiles[image.name] for image in readable),
        seconds_each=each,
        space=space_for(plan.output, len(plan.images), overlays=overlays, pixels_each=found.pixels_each),
        not_read=plan.not_read,
        failed_before=work.failed_before,
        by_overlap={
            ratio: sum(tiles[image.name] for image in readable) for ratio, tiles in found.otherwise.items()
        },
    )


def _overlaps(plan: RunPlan) -> dict[str, PipelineOptions]:
    """The usual overlap and the automatic one, to be compared; nothing where images are not cut."""
    options, auto = plan.options, plan.auto_overlap
    if auto is None or not (options.tile_size or (options.scale is not None and options.scale.cut)):
        return {}
    return {
        str(FALLBACK): replace(options, auto_overlap=None, overlap_ratio=FALLBACK),
        "auto": replace(options, auto_overlap=auto),
    }


def raise_if_unreadable(run: DryRun) -> None:
    """End with the exit code of a run that would meet broken images, or a full disk.

    Raises:
        InputError: Naming what is wrong.
    """
    if run.space.free < run.space.needed:
        raise InputError(
            f"the drive of {run.output} has too little space for the results", hint=run.space.fix
        )
    broken, limit = len(run.survey.unreadable), run.settings["max_errors"]
    most = math.inf if limit is None else most_failures(limit, run.found - len(run.failed_before))
    files = form(broken, "this file", "these files")
    new = len(run.failed_before.symmetric_difference(run.survey.unreadable) & {*run.survey.unreadable})
    if new > most:
        raise InputError(
            f"{broken:,} of {number_of(run.found, 'image')} cannot be read; the run would stop after "
            f"{int(most) + 1}",
            hint=f"Fix or remove {files}, or set processing.max_errors to {new} or more.",
        )
    if broken:
        kept = the_others(run.found - broken, "would be done; fix", "would be done; fix") or "Fix"
        raise InputError(
            f"{broken:,} of {number_of(run.found, 'image')} cannot be read",
            hint=f"{kept} or remove {files} before the run."
            f"{use_of_damaged(run.survey.unreadable.values(), run.settings)}",
        )
    lost = run.survey.tiles_failed
    if lost:
        raise InputError(
            f"{number_of(sum(map(len, lost.values())), 'tile')} of those looked at cannot be read; animals "
            "there would be missing",
            hint="Copy a damaged file again from where it was made."
            f"{use_of_damaged((tile for tiles in lost.values() for tile in tiles), run.settings)}",
            details=first_lines((f"{name}: {tiles[0]}" for name, tiles in lost.items()), MOST_FAILURES_SHOWN),
        )
