"""What failed in a run, as the error that its exit code comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wildetect.errors import InputError

__all__ = ["raise_if_images_failed"]

MOST_FAILURES_SHOWN = 5


def raise_if_images_failed(document: Mapping[str, Any]) -> None:
    """Turn failed images into the exit code that a scheduled task sees.

    Args:
        document: The content of run.json.

    Raises:
        InputError: Naming the first failures, and whether the run was stopped by them.
    """
    failures, images = document["failures"], document["images"]
    if not failures:
        _raise_if_tiles_failed(document)
        return
    details = [f"{failure['file']}: {failure['reason']}" for failure in failures[:MOST_FAILURES_SHOWN]]
    if len(failures) > len(details):
        details.append(f"and {len(failures) - len(details)} more, named in run.json")
    if document["tiles_failed"]:
        details.append(f"besides, {_unread(document)} of images that are done could not be read")
    stopped = f"; the run stopped there, {images['left']} images are left" if images["left"] else ""
    hint = (
        "Allow more with processing.max_errors, or mend the files, and run again."
        if images["left"]
        else "The others are done and written; mend or remove these files and run again."
    )
    raise InputError(
        f"{len(failures)} of {images['found']} images failed{stopped}", hint=hint, details=details
    )


def _raise_if_tiles_failed(document: Mapping[str, Any]) -> None:
    images = document["tiles_failed"]
    if not images:
        return
    raise InputError(
        f"{_unread(document)} could not be read; animals there are missing from the results",
        hint="They are listed in run.json. Copy the file again from where it was made, and run again.",
        details=[f"{image['file']}: {image['tiles'][0]}" for image in images[:MOST_FAILURES_SHOWN]],
    )


def _unread(document: Mapping[str, Any]) -> str:
    tiles = sum(len(image["tiles"]) for image in document["tiles_failed"])
    return "1 tile" if tiles == 1 else f"{tiles} tiles"
