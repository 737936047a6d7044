"""dataset.json: what a training set holds, where it comes from, and who looked at it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from wildetect.errors import ConfigurationError, InputError
from wildetect.results.files import write_text
from wildetect.training.splitting import Part
from wildetect.wording import quoted

__all__ = [
    "FORMAT",
    "MANIFEST",
    "DataSetRecord",
    "PartCounts",
    "PhotographEntry",
    "SourceRun",
    "Taken",
    "read_manifest",
    "write_manifest",
]

MANIFEST = "dataset.json"
FORMAT = "wildetect-dataset 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRun:
    """A run that photographs come from.

    Attributes:
        name: Name of its folder.
        model: The detector, for a person.
        sha256: SHA-256 of its weights.
        pictures: Digest of all pictures of the run.
        photographs: Number of those that are complete.
        not_complete: Number of those that have verdicts, but may hold animals that nobody marked.
    """

    name: str
    model: str
    sha256: str
    pictures: str
    photographs: int
    not_complete: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Where, when and from how high a photograph was taken, as far as a model card tells it.

    Attributes:
        month: Such as "2024-08"; null: unknown.
        place: Latitude and longitude in degrees, to 0.1 (11 km): where animals are is nobody else's business.
        gsd_cm: Ground resolution in cm/px.
    """

    month: str | None = None
    place: tuple[float, float] | None = None
    gsd_cm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotographEntry:
    """A photograph of the set.

    Attributes:
        sha256: SHA-256 of its size and pixels, not of its file.
        image: Its name in its run.
        run: Name of the run.
        part: Part that it is in.
        group: Photographs with the same number stay together.
        reviewers: Who looked at it.
        animals: Number of animals in it by class, whole photograph.
        rejected: Number of boxes in it that were wrong.
        tiles: Number of tiles taken.
        doubtful: Number of tiles left out: unsure boxes, or animals of classes that are left out.
        unseen: Number of tiles left out where no one has looked: on the ground of a neighbouring photograph.
        look: Fingerprint of its pixels (module content), for copies that were compressed again.
        taken: Where, when and from how high it was taken.
    """

    sha256: str
    image: str
    run: str
    part: Part
    group: int
    reviewers: tuple[str, ...]
    animals: Mapping[str, int]
    rejected: int
    tiles: int
    doubtful: int
    unseen: int = 0
    look: str = ""
    taken: Taken = Taken()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCounts:
    """Numbers of a part.

    Attributes:
        photographs: Number of photographs.
        groups: Number of groups that stay together.
        tiles: Number of tiles.
        with_animals: Number of those with animals.
        hard_negatives: Number of those without animals where the detector was wrong.
        empty: Number of those with nothing.
        labels: Labelled boxes by class: an animal that several tiles show counts in each.
        digest: Digest of names, pixels and labels of its tiles.
        coco_sha256: SHA-256 of the file with its labels as COCO has them, such as test.json.
    """

    photographs: int
    groups: int
    tiles: int
    with_animals: int
    hard_negatives: int
    empty: int
    labels: Mapping[str, int]
    digest: str = ""
    coco_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetRecord:
    """The content of dataset.json, in its order; nothing in it depends on when or where it was made.

    Attributes:
        name: What the set is called.
        digest: Digest of names, pixels and labels of all tiles.
        class_names: Names of the classes, by class id.
        becomes: Class of the set for each class of runs and reviewers; null: left out.
        tile_size: Side of a tile in px; 0: whole photographs.
        overlap: Overlap of tiles, as a part of their side.
        settings: The other settings, by name.
        split: "ground", "flight" (no positions), or "ground and flight".
        runs: Where photographs come from.
        reviewers: Number of photographs that each person looked at.
        parts: Numbers of each part.
        notes: What is doubtful, for a person.
        photographs: Each of them.
    """

    name: str
    digest: str
    class_names: tuple[str, ...]
    becomes: Mapping[str, str | None]
    tile_size: int
    overlap: float
    settings: Mapping[str, Any]
    split: str
    runs: tuple[SourceRun, ...]
    reviewers: Mapping[str, int]
    parts: Mapping[Part, PartCounts]
    notes: tuple[str, ...]
    photographs: tuple[PhotographEntry, ...]

    def document(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return {"format": FORMAT, **asdict(self)}


def write_manifest(folder: Path, record: DataSetRecord) -> None:
    """Write dataset.json.

    Raises:
        InputError: It cannot be written.
    """
    write_text(folder / MANIFEST, json.dumps(record.document(), indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> DataSetRecord:
    """Read dataset.json, of this or an earlier WildDetect.

    Raises:
        ConfigurationError: The folder holds no training set.
        InputError: The file is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ConfigurationError(
            f"{folder} is no training set: it holds no {MANIFEST}",
            hint="Build one: uv run invoke dataset.build --run FOLDER --output training-set",
        )
    try:
        return _record_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        shown = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise InputError(
            f"{path} is damaged: {shown}",
            hint=f"Bring it back from a copy, or {to_build_again(folder)}",
        ) from error


def to_build_again(folder: Path) -> str:
    """How a set is built once more: its folder stays as it is, and its record names no places."""
    other = folder.with_name(f"{folder.name}-2")
    command = f"uv run invoke dataset.build --run FOLDER --output {quoted(str(other))}"
    return f"build it again, of the same runs: {command}"


def _record_of(said: Any) -> DataSetRecord:
    if said["format"] != FORMAT:
        raise ValueError(f"its format is {said['format']!r}, not {FORMAT!r}")
    return TypeAdapter(DataSetRecord).validate_python(said)
