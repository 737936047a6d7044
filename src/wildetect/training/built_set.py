"""A training set that `dataset.build` made, read back and checked before anything learns from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildetect.errors import ConfigurationError, InputError
from wildetect.training.manifest import FORMAT, MANIFEST
from wildetect.training.splitting import PARTS
from wildetect.training.writing import set_digest, tile_line

__all__ = ["BuiltSet", "read_built_set"]

_LEARNT_FROM = ("train", "val")
_OF_SYSTEMS = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltSet:
    """What a training needs to know of its set.

    Attributes:
        folder: Absolute.
        name: What it is called.
        digest: Of names, pixels and labels of all tiles.
        class_names: By class id.
        tile_size: Side of a tile in px; 0: whole photographs.
        photographs: Number of photographs in all parts.
        notes: What is doubtful, as it was said when the set was built.
    """

    folder: Path
    name: str
    digest: str
    class_names: tuple[str, ...]
    tile_size: int
    photographs: int
    notes: tuple[str, ...]


def read_built_set(folder: Path) -> BuiltSet:
    """Read a set, and check that it holds what it held when it was built.

    Raises:
        ConfigurationError: There is no set.
        InputError: It is damaged or was changed, or there is nothing to learn from or to watch by.
    """
    folder = folder.resolve()
    again = "Build it again: uv run invoke dataset.build --run results --output training-set"
    if not (folder / MANIFEST).is_file():
        raise ConfigurationError(
            f"{folder} is no training set: it holds no {MANIFEST}",
            hint="Build one: uv run invoke dataset.build --run results --output training-set",
        )
    try:
        said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        found = _read(folder, said)
        parts = {part: said["parts"][part] for part in _LEARNT_FROM}
        labels = {part: sum(counts["labels"].values()) for part, counts in parts.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder / MANIFEST} is damaged: {error}", hint=again) from error
    for part, number in labels.items():
        if not number:
            purpose = "learn from" if part == "train" else "watch the training by"
            raise InputError(
                f"the part {part} of {folder} holds no animal: there is nothing to {purpose}",
                hint="Review photographs of other places (review.plan --for training) and build it again.",
            )
    if _digest_now(folder, found.class_names) != found.digest:
        raise InputError(
            f"{folder} does not hold what it held when it was built: tiles or labels were changed, added or "
            "lost",
            hint=again,
        )
    return found


def _read(folder: Path, said: Any) -> BuiltSet:
    if said["format"] != FORMAT:
        raise ValueError(f"its format is {said['format']!r}, not {FORMAT!r}")
    return BuiltSet(
        folder=folder,
        name=str(said["name"]),
        digest=str(said["digest"]),
        class_names=tuple(map(str, said["class_names"])),
        tile_size=int(said["tile_size"]),
        photographs=len(said["photographs"]),
        notes=tuple(map(str, said["notes"])),
    )


def _digest_now(folder: Path, class_names: tuple[str, ...]) -> str:
    """The digest of what lies in the folder; a picture without labels counts as changed."""
    lines = []
    for part in PARTS:
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
