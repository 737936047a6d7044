"""What earlier runs left in an output folder, and which of it goes. Files of others stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wildetect.errors import InputError
from wildetect.imagery.discovery import DRAWN
from wildetect.results.blurring import BLURRED
from wildetect.results.exports.table import FORMATS
from wildetect.results.files import DRAFT, keep_edited
from wildetect.results.journal.reading import JOURNAL, journalled_names
from wildetect.results.report.overlay import overlay_name
from wildetect.results.run_file import run_before

__all__ = ["OVERLAYS", "PLACES", "remove_blurred", "remove_drafts", "remove_overlays", "remove_run"]

OVERLAYS = DRAWN
# the journal first: without it nothing else counts as done
_FILES = (
    JOURNAL,
    "run.json",
    *(name for one in FORMATS.values() for name in one.files),
    "report.html",
)
PLACES = "places.txt"
"""Says, beside files with coarsened places, that they are so."""


def remove_run(folder: Path) -> None:
    """Remove the results of the run in a folder: for a run that begins again.

    Raises:
        InputError: A file cannot be removed: on Windows another program has it open. Then all stay.
    """
    names = journalled_names(folder)
    earlier = run_before(folder)
    if earlier is not None:  # else nobody knows what was changed
        keep_edited(folder, earlier.digests)
    for name in _FILES:
        with _removal(folder / name) as path:
            if path.is_file():
                path.replace(path)  # Windows refuses to rename a file that another program has open
    remove_blurred(folder, names)
    remove_overlays(folder, names)
    for name in _FILES:
        _remove(folder / name)


def remove_blurred(folder: Path, names: Iterable[str]) -> None:
    """Remove the files with coarsened places.

    Args:
        folder: The output folder, which holds theirs.
        names: Names of the run's images.

    Raises:
        InputError: A file cannot be removed.
    """
    inner = folder / BLURRED
    if not inner.is_dir():
        return
    remove_overlays(inner, names)
    for name in (*_FILES, PLACES):
        _remove(inner / name)
    for empty in (inner / OVERLAYS, inner):
        with suppress(OSError):  # files of others keep it
            empty.rmdir()


def remove_overlays(folder: Path, names: Iterable[str]) -> None:
    """Remove the overlays of images: the run that begins draws its own.

    Args:
        folder: The output folder.
        names: Names of the images in the journal; pictures with other names are not ours.
    """
    drawn = [path for path in _files_in(folder / OVERLAYS) if path.suffix.lower() in {".jpg", ".jpeg"}]
    ours = {overlay_name(name) for name in names} if drawn else set()
    for path in drawn:
        if path.name in ours:
            _remove(path)


def remove_drafts(folder: Path) -> None:
    """Remove half-written files of a run that was killed."""
    for place in (folder, folder / OVERLAYS, folder / BLURRED, folder / BLURRED / OVERLAYS):
        for path in _files_in(place):
            if DRAFT.fullmatch(path.name):
                with suppress(OSError):
                    path.unlink()


def _files_in(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from [path for path in folder.iterdir() if path.is_file()]


def _remove(path: Path) -> None:
    with _removal(path):
        path.unlink(missing_ok=True)


@contextmanager
def _removal(path: Path) -> Iterator[Path]:
    try:
        yield path
    except OSError as error:
        raise InputError(
            f"cannot remove {path}: {error.strerror or error}",
            hint="Close it in other programs, or give another folder with --output.",
        ) from error
