"""What a weights file turns out to be before anything tries to load it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from wildetect.errors import ModelError

__all__ = [
    "check_file",
    "check_is_there",
    "sha256_of",
]


def sha256_of(path: Path) -> str:
    """The sha256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_POINTER = b"version https://git-lfs.github.com/spec/"

# ONNX itself has no mark; a file of its own begins with the number of its IR version
_OTHERS = (
    (b"PK\x03\x04", "a zip archive or weights of PyTorch"),
    (b"\x80\x02", "weights of PyTorch"),
    (b"\x89HDF", "weights of Keras (HDF5)"),
    (b"<", "a page of the web"),
    (b"\x1f\x8b", "a packed archive"),
    (b"Rar!", "a packed archive"),
    (b"7z\xbc\xaf", "a packed archive"),
)
_SMALLEST = 64  # bytes; no network fits in less


def check_is_there(path: Path, fix: str) -> None:
    """Name a weights file that is not there.

    Args:
        path: The file.
        fix: What fixes it, as a hint.

    Raises:
        ModelError: There is no such file.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelError(f"the weights file {path} {what}", hint=fix)


def check_file(weights: Path) -> None:
    """Say of files that cannot hold weights what they are.

    Raises:
        ModelError: The file is missing, cannot be read, is empty, a Git LFS pointer, or something else than
            its name says.
    """
    try:
        size = weights.stat().st_size
        with weights.open("rb") as file:
            beginning = file.read(len(_POINTER))
    except FileNotFoundError:
        raise ModelError(
            f"weights not found: {weights}", hint="Check the path; on the command line it is relative to here"
        ) from None
    except OSError as error:
        raise ModelError(
            f"cannot read weights {weights}: {error.strerror}", hint="Name a readable weights file"
        ) from error
    if beginning == _POINTER:
        raise ModelError(
            f"{weights.name} is a Git LFS pointer, not the weights themselves",
            hint="Run `git lfs pull` where the file came from, and copy the real file (some MB)",
        )
    other = next((what for mark, what in _OTHERS if beginning.lstrip().startswith(mark)), None)
    if other is not None and weights.suffix.lower() == ".onnx":
        raise ModelError(
            f"{weights.name} is {other}, not an ONNX file, whatever its name says",
            hint="Download or export the file again; a file inside of an archive has to be unpacked first",
        )
    if size < _SMALLEST:
        raise ModelError(
            f"{weights.name} is {'empty' if size == 0 else f'only {size} bytes long'}: no weights in it",
            hint="Download or export the file again",
        )
