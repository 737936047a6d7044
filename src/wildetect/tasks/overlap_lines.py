"""What `overlap_ratio: auto` comes to, said where a run is planned and where it starts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from wildetect.tasks.support import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wildetect.detection.run.options import PipelineOptions
    from wildetect.detection.tiles.overlap import OverlapSummary

__all__ = ["overlap_document", "overlap_text", "warn_of_small_tiles"]

DIGITS = 3
_ROUND = 100  # px: a side of tiles that people would choose


def overlap_document(overlap: OverlapSummary) -> dict[str, Any]:
    """A summary as JSON: overlaps as parts of a tile, the rest numbers of images."""
    return {
        "images": overlap.images,
        "least": round(overlap.least, DIGITS) if overlap.images else None,
        "most": round(overlap.most, DIGITS) if overlap.images else None,
        "assumed": overlap.assumed,
        "unknown": overlap.unknown,
        "capped": overlap.capped,
    }


def overlap_text(overlap: Mapping[str, Any], *, looked_at: bool = False) -> str:
    """One line for a person.

    Args:
        overlap: As `overlap_document` has it, of one image at least.
        looked_at: Whether it is about some of the images only.
    """
    least, most = (f"{overlap[key]:.2f}" for key in ("least", "most"))
    images = f"{overlap['images']} images" + " looked at" * looked_at
    parts = [f"{least if least == most else f'{least} to {most}'} of a tile (auto)"]
    if overlap["assumed"]:
        parts.append(f"height or lens assumed from flight_specs for {overlap['assumed']} of {images}")
    if overlap["unknown"]:
        parts.append(f"ground resolution unknown for {overlap['unknown']} of {images}")
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
