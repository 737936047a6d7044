"""A training set that `dataset.build` made, read back and checked before anything learns from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import InputError
from wildetect.training.manifest import MANIFEST, DataSetRecord, read_manifest, to_build_again
from wildetect.training.splitting import PARTS, Part
from wildetect.training.writing import set_digest, tile_line

__all__ = ["BuiltSet", "frozen_name", "frozen_pictures", "read_built_set"]

_LEARNT_FROM = ("train", "val")
_OF_SYSTEMS = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltSet:
    """What a training needs to know of its set.

    Attributes:
        folder: Absolute.
        record: What dataset.json holds.
    """

    folder: Path
    record: DataSetRecord


def read_built_set(folder: Path) -> BuiltSet:
    """Read a set, and check that it holds what it held when it was built.

    Raises:
        ConfigurationError: There is no set.
        InputError: It is damaged or was changed, or there is nothing to learn from or to watch by.
    """
    folder = folder.resolve()
    record = read_manifest(folder)
    found = BuiltSet(folder=folder, record=record)
    labels = {
        part: sum(counts.labels.values()) for part, counts in record.parts.items() if part in _LEARNT_FROM
    }
    for part, number in labels.items():
        if not number:
            purpose = "learn from" if part == "train" else "watch the training by"
            raise InputError(
                f"the part {part} of {folder} holds no animal: there is nothing to {purpose}",
                hint="Review photographs of other places (review.plan --for training) and build it again.",
            )
    if _digest_now(folder, record.class_names) != record.digest:
        raise InputError(
            f"{folder} does not hold what it held when it was built: tiles or labels were changed, added or "
            "lost",
            hint=f"Bring it back from a copy, or {to_build_again(folder)}",
        )
    return found


def _digest_now(folder: Path, class_names: tuple[str, ...], parts: Sequence[Part] = PARTS) -> str:
    """The digest of what lies in the folder; a picture without labels counts as changed."""
    lines = []
    for part in parts:
        pictures = {path.stem: path for path in (folder / "images" / part).glob("*") if _counts(path)}
        labels = {path.stem: path for path in (folder / "labels" / part).glob("*.txt")}
        for name in sorted(pictures.keys() | labels.keys()):
            if name not in pictures or name not in labels:
                return ""
            try:
                text = labels[name].read_bytes().decode("ascii")
                lines.append(tile_line(part, name, pictures[name].read_bytes(), text))
            except (OSError, UnicodeDecodeError):
                return ""
    return set_digest(class_names, lines)


def _counts(path: Path) -> bool:
    """Whether a file is the set's, not one that a system puts into each folder that is looked at."""
    return path.is_file() and not path.name.startswith(".") and path.name.lower() not in _OF_SYSTEMS


def frozen_name(labels: Path) -> str | None:
    """Find what the labelled pictures of a set's part are called, and check that nobody changed them.

    Args:
        labels: A COCO file.

    Returns:
        Such as "training-set test"; null where the file is not one that `dataset.build` wrote.

    Raises:
        InputError: Labels or pictures of the part are not those that the set was built with.
    """
    folder, part = labels.resolve().parent, next((one for one in PARTS if labels.name == f"{one}.json"), None)
    if part is None or not (folder / MANIFEST).is_file():
        return None
    record = read_manifest(folder)
    counts = record.parts[part]
    if counts.digest and (
        hashlib.sha256(labels.read_bytes()).hexdigest() != counts.coco_sha256
        or _digest_now(folder, record.class_names, (part,)) != counts.digest
    ):
        raise InputError(
            f"the part {part} of {folder} is not what it was when the set was built: numbers on it would be "
            "those of other pictures",
            hint=f"Bring it back from a copy, or {to_build_again(folder)}",
        )
    return f"{record.name} {part}"


def frozen_pictures(folders: Iterable[Path]) -> dict[Part, frozenset[str]]:
    """Find which photographs earlier sets have in which part, by the digests of their pixels.

    Raises:
        ConfigurationError: A folder holds no set.
        InputError: Its dataset.json is damaged.
    """
    found: dict[Part, set[str]] = {part: set() for part in PARTS}
    for folder in folders:
        for one in read_manifest(folder).photographs:
            found[one.part].add(one.sha256)
    return {part: frozenset(digests) for part, digests in found.items()}
