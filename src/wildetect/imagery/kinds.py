"""Which files are pictures: those that are read, with what, and those that only look like some."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["EXTENSIONS", "GDAL", "HEIF", "RAW", "extensions", "looks_like_a_picture", "why_not_read"]

EXTENSIONS: Final = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".tif", ".tiff", ".webp", ".avif"),
    *(".bmp", ".dib", ".gif", ".jp2", ".j2k"),
)
"""Files that every installation reads."""
GDAL: Final = (".jp2", ".j2k")
HEIF: Final = (".heic", ".heif", ".hif")
RAW: Final = (
    *(".dng", ".arw", ".nef", ".nrw", ".cr2", ".cr3", ".raf", ".rw2", ".orf", ".pef", ".srw", ".3fr"),
    *(".iiq", ".fff", ".raw", ".rwl", ".kdc", ".sr2", ".x3f", ".gpr"),
)
_WITH_EXTRA: Final = {**dict.fromkeys(HEIF, "pillow_heif"), **dict.fromkeys(RAW, "rawpy")}
_OTHERS: Final = frozenset(
    (
        *(".jxl", ".jxr", ".wdp", ".psd", ".psb", ".tga", ".ppm", ".pgm", ".pnm", ".exr", ".hdr", ".qoi"),
        *(".insp", ".ecw", ".sid", ".img", ".vrt", ".jpx", ".jpf", ".j2c", ".jpc", ".seq", ".cog"),
    )
)


@lru_cache(1)
def extensions() -> tuple[str, ...]:
    """Suffixes of the files that this installation reads, in lower case."""
    there = {module for module in set(_WITH_EXTRA.values()) if find_spec(module) is not None}
    return (*EXTENSIONS, *(suffix for suffix, module in _WITH_EXTRA.items() if module in there))


def looks_like_a_picture(name: str) -> bool:
    """Whether a file's name says that it is a picture, of a kind that is read or not."""
    suffix = Path(name).suffix.lower()
    return suffix in EXTENSIONS or suffix in _WITH_EXTRA or suffix in _OTHERS


def why_not_read(suffix: str) -> str:
    """What to do about files of a kind that is not read."""
    lower = suffix.lower()
    if lower in _WITH_EXTRA:
        return (
            f"{lower} files are not read without an extra: uv sync --extra raw, or save them as JPEG or TIFF"
        )
    return f"{lower} files are not read: save them as JPEG, PNG or TIFF"
