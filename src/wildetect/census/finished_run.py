"""A finished detection run, as the census takes it up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildetect.errors import InputError
from wildetect.imagery.discovery import natural_order
from wildetect.results.journal_reading import JOURNAL, read_results
from wildetect.results.records import ImageResult
from wildetect.results.run_file import read_run_file

__all__ = ["FinishedRun", "read_finished_run"]


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a detection run left.

    Attributes:
        folder: Its output folder.
        document: The content of run.json.
        results: One for each image, in the order of their names; failed ones among them.
    """

    folder: Path
    document: Mapping[str, Any]
    results: Sequence[ImageResult]

    @property
    def class_names(self) -> list[str]:
        """Of the model, by class id."""
        return list(self.document["model"]["class_names"])


def read_finished_run(folder: Path) -> FinishedRun:
    """Read what `detect.run` wrote.

    Args:
        folder: Its output folder.

    Raises:
        InputError: There is no run in it, or the run is not finished, as its numbers would be too low.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {folder}",
            hint="Name the output folder of a finished detect.run: --detections results",
        )
    if (folder / JOURNAL).is_file() and not (folder / "run.json").is_file():
        raise _unfinished(folder, "it was killed or is still going on")
    document = read_run_file(folder)
    if document.get("state") != "finished":
        left = document.get("images", {}).get("left", 0)
        raise _unfinished(folder, f"it was {document.get('state')}, and {left:,} images are left")
    results = sorted(read_results(folder), key=lambda result: natural_order(result.name))
    if len(results) != document["images"]["done"]:
        # images came or went between two starts: the run's own files know which of them count
        named = _named(folder)
        results = [result for result in results if result.name in named]
    return FinishedRun(folder, document, results)


def _unfinished(folder: Path, why: str) -> InputError:
    return InputError(
        f"the detection run in {folder} is not finished: {why}",
        hint="Give the detect.run command of that run again, which goes on where it stopped: "
        "uv run invoke detect.run --output " + str(folder),
    )


def _named(folder: Path) -> set[str]:
    try:
        document = json.loads((folder / "detections.json").read_text(encoding="utf-8"))
        return {str(image["file"]) for image in document["images"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"the journal in {folder} holds other images than run.json counts",
            hint="Give the detect.run command of that run again: it writes both anew.",
        ) from error
