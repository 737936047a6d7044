"""What failed in a run, as the error that its exit code comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from wildetect.errors import InputError
from wildetect.remote.address import is_address
from wildetect.results.run import DetectionRun
from wildetect.wording import first_lines, form, number_of, the_others

__all__ = ["raise_if_images_failed", "use_of_damaged"]

MOST_FAILURES_SHOWN = 5
_DAMAGED = re.compile("the file is (damaged|cut short)")
_BY_DETECTOR = re.compile(
    r" failed to run: |^the model reports |^outputs of shape |values that are not numbers"
)


def raise_if_images_failed(run: DetectionRun) -> None:
    """Turn failed images into the exit code that a scheduled task sees.

    Args:
        run: What run.json holds.

    Raises:
        InputError: Naming the first failures, and whether the run was stopped by them.
    """
    failures, images = run.failures, run.images
    if not failures:
        _raise_if_tiles_failed(run)
        return
    details = first_lines(failures, MOST_FAILURES_SHOWN, more=", named in run.json")
    if run.tiles_failed:
        details.append(f"besides, {_lost(run)} of images that are done failed")
    stopped = (
        f"; the run stopped there, {number_of(images.left, 'image')} {form(images.left, 'is', 'are')} left"
        if images.left
        else ""
    )
    raise InputError(
        f"{len(failures):,} of {number_of(images.found, 'image')} failed{stopped}",
        hint=_what_to_do(run),
        details=details,
    )


def _what_to_do(run: DetectionRun) -> str:
    failures, images = run.failures, run.images
    if all(_BY_DETECTOR.search(one.reason) for one in failures):
        what = form(len(failures), "photograph", "photographs")
        return (
            f"It is the detector that failed, not the {what}: name another with --model, or register it "
            "again as it was trained."
        )
    files = form(len(failures), "this file", "these files")
    if images.left:
        return (
            f"Connect the disk or network, fix {files}, or allow more with processing.max_errors; "
            "then run again."
        )
    kept = the_others(images.read, "is done and written; fix", "are done and written; fix") or "Fix"
    reasons = (one.reason for one in failures)
    return (
        f"{kept} or remove {files} and run again.{_at_addresses(run)}{use_of_damaged(reasons, run.settings)}"
    )


def _raise_if_tiles_failed(run: DetectionRun) -> None:
    if not run.tiles_failed:
        return
    raise InputError(
        f"{_lost(run)} failed; animals there are missing from the results",
        hint="run.json lists them with what is wrong. Copy a damaged file again from where it was made, and "
        f"run again.{_at_addresses(run)}",
        details=[f"{image.file}: {image.tiles[0]}" for image in run.tiles_failed[:MOST_FAILURES_SHOWN]],
    )


def use_of_damaged(reasons: Iterable[str], settings: Mapping[str, object]) -> str:
    """What to set where a part of what failed can be read; empty where nothing is to be gained.

    Args:
        reasons: Why images failed.
        settings: Those of the run.
    """
    damaged = any(_DAMAGED.search(reason) for reason in reasons)
    if not damaged or settings.get("on_damage") == "use":
        return ""
    return " processing.on_damage: use takes what there is of damaged ones."


def _at_addresses(run: DetectionRun) -> str:
    if not any(is_address(source) for source in run.dataset.sources):
        return ""
    return " Where a signature in the address has expired, give the address with a new one."


def _lost(run: DetectionRun) -> str:
    tiles = sum(len(image.tiles) for image in run.tiles_failed)
    return number_of(tiles, "tile")
