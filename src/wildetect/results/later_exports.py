"""Exports of a run that is done, made from what it left in its folder."""

from __future__ import annotations

import logging
from pathlib import Path

from wildetect.errors import InputError
from wildetect.imagery.discovery import natural_order
from wildetect.results.folder import Wanted, write_exports
from wildetect.results.journal_reading import read_results
from wildetect.results.lock import sole_writer
from wildetect.results.run_file import read_run_file, write_run_file

__all__ = ["export_again"]

logger = logging.getLogger(__name__)


def export_again(folder: Path, wanted: Wanted) -> list[str]:
    """Write exports of a run that is done, from its journal and run.json, which then names them.

    The files are those that the run itself would have written, byte by byte.

    Args:
        folder: The run's output folder.
        wanted: Which files.

    Returns:
        The names of the files written, relative to the folder.

    Raises:
        ConfigurationError: The run is still going on.
        InputError: There is no run in the folder, or a file cannot be written.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {folder}", hint="Name the output folder of a run: --run results"
        )
    document = read_run_file(folder)
    with sole_writer(folder):
        # images that were done again after a failure come last in a journal
        results = sorted(read_results(folder), key=lambda result: natural_order(result.name))
        if len(results) != document["images"]["done"]:
            logger.warning(
                "the journal holds %d images, run.json counts %d: images came or went between two starts",
                len(results),
                document["images"]["done"],
            )
        written = write_exports(folder, document, results, wanted)
        document["files"] = list(dict.fromkeys([*document.get("files", []), *written]))
        write_run_file(folder, document)
    return written
