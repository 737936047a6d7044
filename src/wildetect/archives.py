"""Zip archives that are checked as a whole before anything they hold counts.

Each member is listed in a document with its size and SHA-256. What is read stops at the size that is
stated: some bytes may unpack to a full disk.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

__all__ = [
    "BROKEN",
    "CHUNK",
    "add_file",
    "check_seal",
    "read_document",
    "safe_parts",
    "seal",
    "sealed_comment",
    "unpack",
]

CHUNK = 1 << 20
LONGEST_DOCUMENT = 64_000_000  # bytes; a store of a million files
# RuntimeError: an encrypted member; NotImplementedError: a way of packing that Python does not know
BROKEN = (
    zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError,
    OverflowError, RecursionError, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What reading a damaged or hostile archive can raise."""
SEAL = b"sha256:"
DIGITS = 64
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
"""Devices, which Windows has in every folder. Source: Microsoft, Naming Files, Paths, and Namespaces."""
LONGEST_PART = 200


def add_file(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, object]:
    """Add a file; size and checksum are those of the bytes that went in, even if it grows meanwhile."""
    digest, size = hashlib.sha256(), 0
    information = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    # Weights and pictures hardly get smaller, whatever time is spent on them.
    information.compress_type = zipfile.ZIP_DEFLATED if path.suffix == ".db" else zipfile.ZIP_STORED
    with path.open("rb") as source, archive.open(information, "w", force_zip64=True) as target:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


def read_document(archive: zipfile.ZipFile, name: str) -> Any:
    """Read a member as JSON.

    Raises:
        ValueError: It is larger than any such document.
        Exception: One of `BROKEN`.
    """
    with archive.open(name) as stream:
        content = stream.read(LONGEST_DOCUMENT + 1)
    if len(content) > LONGEST_DOCUMENT:
        raise ValueError(f"{name} is too large")
    return json.loads(content)


def unpack(archive: zipfile.ZipFile, name: str, entry: Mapping[str, Any], target: Path) -> None:
    """Unpack a member that the document lists, and compare it with what is stated.

    Raises:
        ValueError: It differs.
        Exception: One of `BROKEN`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as stream, target.open("xb") as copy:
        while size <= int(entry["size"]) and (chunk := stream.read(CHUNK)):
            digest.update(chunk)
            size += len(chunk)
            copy.write(chunk)
    if size != entry["size"] or digest.hexdigest() != entry["sha256"]:
        raise ValueError(f"{name} differs from its checksum")


def safe_parts(name: str) -> tuple[str, ...]:
    """The parts of a member's name, where it can be a file below a folder on every system.

    Raises:
        ValueError: It leads elsewhere, or Windows takes it for something else.
    """
    parts = PurePosixPath(name).parts
    if not parts or name != "/".join(parts) or any(_odd(part) for part in parts):
        raise ValueError(f"a file named {name!r}")
    return parts


def _odd(part: str) -> bool:
    return (
        part in ("/", ".", "..")
        or len(part) > LONGEST_PART
        or part.endswith((".", " "))
        or part.partition(".")[0].lower() in RESERVED
        or any(sign in '<>:"/\\|?*' or not sign.isprintable() for sign in part)
    )


def sealed_comment() -> bytes:
    """The comment to give a zip archive that is to be sealed once it is closed."""
    return SEAL + b"0" * DIGITS


def seal(path: Path) -> None:
    """Write the SHA-256 of all bytes before it over the last 64 of an archive with a `sealed_comment`."""
    digest = _digest_before_seal(path).encode()
    with path.open("r+b") as stream:
        stream.seek(-DIGITS, 2)
        stream.write(digest)


def check_seal(path: Path) -> None:
    """Make sure that no byte of a sealed archive has changed, its directory included.

    Raises:
        ValueError: One has, or it was never sealed.
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        if size < len(SEAL) + DIGITS:
            raise ValueError("it is cut short")
        stream.seek(-len(SEAL) - DIGITS, 2)
        end = stream.read()
    if end != SEAL + _digest_before_seal(path).encode():
        raise ValueError("its checksum differs, or it is cut short")


def _digest_before_seal(path: Path) -> str:
    digest, left = hashlib.sha256(), path.stat().st_size - DIGITS
    with path.open("rb") as stream:
        while left > 0 and (chunk := stream.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()
