"""Where labelled pictures lie."""

from __future__ import annotations

from pathlib import Path

from wildetect.errors import InputError
from wildetect.evaluation.annotations import Annotations
from wildetect.imagery.discovery import ImageFile

__all__ = ["labelled_files"]

MOST_SHOWN = 5
FOLDERS = (".", "images", "pictures", "../images")


def labelled_files(truth: Annotations, annotations: Path, folder: Path | None) -> list[ImageFile]:
    """Where the labelled pictures lie.

    Args:
        truth: Names them.
        annotations: The annotation file.
        folder: Where they lie; None: beside the annotation file, or in a folder images or pictures there.

    Raises:
        InputError: Some are not there; the first of them are listed.
    """
    candidates = [folder] if folder else [annotations.parent / name for name in FOLDERS]
    first = truth.images[0].name
    base = next((one for one in candidates if (one / first).is_file()), candidates[0])
    files = [ImageFile((base / image.name).resolve(), image.name) for image in truth.images]
    missing = [file.name for file in files if not file.path.is_file()]
    if not missing:
        return files
    more = [f"and {len(missing) - MOST_SHOWN} more"] if len(missing) > MOST_SHOWN else []
    raise InputError(
        f"{len(missing)} of the {len(files)} labelled pictures are not in {base.resolve()}",
        hint="Name their folder with --images.",
        details=[*missing[:MOST_SHOWN], *more],
    )
