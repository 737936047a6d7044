"""A training set on the disk: tiles with YOLO's labels beside COCO's files, whole or not at all.

    dataset.yaml                what Ultralytics takes as data=
    dataset.json                where all comes from (module manifest)
    images/train/NAME.jpg       tiles
    labels/train/NAME.txt       "class x y width height" in parts of the tile; empty: nothing is in it
    train.json val.json test.json   the same labels as COCO has them, for model.evaluate and other programs

Formats: https://docs.ultralytics.com/datasets/detect/ and https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wildetect.errors import ConfigurationError, InputError
from wildetect.results.exports.formats.yolo import yolo_line
from wildetect.results.files import make_folder, write_text
from wildetect.settings.training.dataset import DataSetOptions
from wildetect.training.manifest import PartCounts, PhotographEntry, Taken
from wildetect.training.reviewed import ClassTable, Reviewed
from wildetect.training.splitting import PARTS, Part
from wildetect.training.tiles import Label, Tile, jpeg_of, pictures_of, tiles_of
from wildetect.wording import quoted

__all__ = ["Cut", "Cutting", "TileFiles", "new_folder", "refuse_existing", "set_digest", "tile_line"]

_DIGITS = 6
_PX_DIGITS = 2


def refuse_existing(output: Path) -> None:
    """Go no further where a folder is there and not empty: what was measured with must not change.

    Raises:
        ConfigurationError: It is.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigurationError(
            f"{output} is there already, and a training set that was used must not change",
            hint=f"Give another folder: --output {quoted(str(output.with_name(output.name + '-2')))}",
        )


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """A folder beside `output` that becomes it when the block ends well.

    Raises:
        ConfigurationError: `output` is there already.
        InputError: It cannot be made.
    """
    refuse_existing(output)
    hint = "Give another folder with --output."
    make_folder(output.parent, hint=hint)
    draft = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    make_folder(draft, hint=hint)
    try:
        yield draft
        if output.is_dir():
            output.rmdir()
        draft.replace(output)
    except OSError as error:
        raise InputError(
            f"the training set cannot be written to {output}: {error.strerror or error}",
            hint="Make room on its drive, or give another folder with --output.",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def tile_line(part: str, name: str, picture: bytes, labels: str) -> str:
    """What the digest of a set takes of a tile."""
    return f"{part} {name} {hashlib.sha256(picture).hexdigest()}\n{labels}"


def set_digest(class_names: Sequence[str], lines: Iterable[str]) -> str:
    """The digest of a set.

    Args:
        class_names: Names of the classes, by class id.
        lines: Lines of all tiles (`tile_line`), in any order.
    """
    digest = hashlib.sha256("\n".join(class_names).encode())
    for line in sorted(lines):
        digest.update(line.encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """How photographs are cut.

    Attributes:
        classes: Classes of the set.
        tile_size: Tile size in px; 0 for whole photographs.
        overlap: Part that tiles overlap by.
        options: Options of the set.
    """

    classes: ClassTable
    tile_size: int
    overlap: float
    options: DataSetOptions


@dataclass(frozen=True, slots=True)
class Cut:
    """A photograph that is in the set, and its tiles."""

    entry: PhotographEntry
    tiles: tuple[Tile, ...]


@dataclass(slots=True)
class TileFiles:
    """Writes the tiles of one photograph after the other.

    Attributes:
        folder: Folder of the set.
        cutting: How photographs are cut.
        cuts: What has been written.
    """

    folder: Path
    cutting: Cutting
    cuts: list[Cut] = field(default_factory=list)
    _lines: list[tuple[Part, str]] = field(default_factory=list)
    _coco_digests: dict[Part, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in PARTS:
            for kind in ("images", "labels"):
                (self.folder / kind / part).mkdir(parents=True, exist_ok=True)

    def add(self, one: Reviewed, place: tuple[Part, int], run: str, taken: Taken) -> None:
        """Cut a photograph and write its tiles.

        Args:
            one: The photograph.
            place: The part that it goes to, and its group.
            run: Name of its run.
            taken: What is known of how it was taken.

        Raises:
            UnreadableImageError: It cannot be read.
            OSError: There is no room.
        """
        cutting, (part, group) = self.cutting, place
        grid = (cutting.tile_size, cutting.overlap)
        tiles, doubtful, unseen = tiles_of(one, part, cutting.classes, grid, cutting.options)
        for tile, pixels in pictures_of(one, tiles):
            picture = jpeg_of(pixels, cutting.options.quality)
            labels = _yolo(tile)
            (self.folder / "images" / part / f"{tile.name}.jpg").write_bytes(picture)
            (self.folder / "labels" / part / f"{tile.name}.txt").write_bytes(labels.encode("ascii"))
            self._lines.append((part, tile_line(part, tile.name, picture, labels)))
        counted = Counter(
            cutting.classes.names[class_id]
            for mark in one.review.animals
            if (class_id := cutting.classes.id_of(mark.box.class_name)) is not None
        )
        entry = PhotographEntry(
            sha256=one.digest,
            image=one.result.name,
            run=run,
            part=part,
            group=group,
            reviewers=tuple(sorted(one.review.reviewers)),
            animals={name: counted[name] for name in cutting.classes.names if counted[name]},
            rejected=sum(not mark.counts for mark in one.review.marks),
            tiles=len(tiles),
            doubtful=doubtful,
            unseen=unseen,
            look=one.look,
            taken=taken,
        )
        self.cuts.append(Cut(entry, tuple(tiles)))

    @property
    def digest(self) -> str:
        """Digest of the classes and of names, pixels and labels of all tiles, in whatever order they came."""
        return set_digest(self.cutting.classes.names, [line for _, line in self._lines])

    def counts(self) -> dict[Part, PartCounts]:
        """Numbers and digests of each part, once `finish` is done."""
        return {part: self._counts(part) for part in PARTS}

    def _counts(self, part: Part) -> PartCounts:
        cuts = [cut for cut in self.cuts if cut.entry.part == part]
        tiles = [tile for cut in cuts for tile in cut.tiles]
        kinds = Counter(tile.kind for tile in tiles)
        labels = Counter(label.class_id for tile in tiles for label in tile.labels)
        return PartCounts(
            photographs=len(cuts),
            groups=len({cut.entry.group for cut in cuts}),
            tiles=len(tiles),
            with_animals=kinds["animals"],
            hard_negatives=kinds["rejected"],
            empty=kinds["empty"],
            labels={name: labels[class_id] for class_id, name in enumerate(self.cutting.classes.names)},
            digest=set_digest(self.cutting.classes.names, [line for of, line in self._lines if of == part]),
            coco_sha256=self._coco_digests.get(part, ""),
        )

    def finish(self) -> None:
        """Write dataset.yaml and COCO's files.

        Raises:
            InputError: They cannot be written.
        """
        write_text(self.folder / "dataset.yaml", _yaml(self.cutting.classes.names))
        for part in PARTS:
            document = _coco(self._of(part), part, self.cutting.classes.names)
            text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
            write_text(self.folder / f"{part}.json", text)
            self._coco_digests[part] = hashlib.sha256(text.encode()).hexdigest()

    def _of(self, part: Part) -> list[tuple[Tile, PhotographEntry]]:
        """The tiles of a part, each with its photograph."""
        cuts = [cut for cut in self.cuts if cut.entry.part == part]
        return [(tile, cut.entry) for cut in cuts for tile in cut.tiles]


def _yolo(tile: Tile) -> str:
    size = tile.window.width, tile.window.height
    return "".join(yolo_line(label.class_id, label.xyxy, size, _DIGITS) for label in tile.labels)


def _yaml(class_names: Sequence[str]) -> str:
    """Without a path: Ultralytics then takes the file's own folder, wherever the set is carried to."""
    document: Mapping[str, Any] = {
        **{part: f"images/{part}" for part in PARTS},
        "names": dict(enumerate(class_names)),
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _coco(
    tiles: Sequence[tuple[Tile, PhotographEntry]], part: Part, class_names: Sequence[str]
) -> dict[str, Any]:
    """COCO's document; each tile names its photograph and place, as tiles of one are not independent.

    Tiles have no tags, so that their ground resolution in cm/px stands here, too, where it is known.
    """
    numbered = [(number, label) for number, (tile, _) in enumerate(tiles, 1) for label in tile.labels]
    return {
        "info": {"description": f"Reviewed photographs, part {part}"},
        "images": [
            {
                "id": number,
                "file_name": f"images/{part}/{tile.name}.jpg",
                "width": tile.window.width,
                "height": tile.window.height,
                "photograph": photograph.sha256,
                "place": f"group {photograph.group}",
                **({} if photograph.taken.gsd_cm is None else {"gsd_cm": photograph.taken.gsd_cm}),
            }
            for number, (tile, photograph) in enumerate(tiles, 1)
        ],
        "categories": [
            {"id": number, "name": name, "supercategory": ""} for number, name in enumerate(class_names, 1)
        ],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": label.class_id + 1,
                "bbox": (box := _xywh(label)),
                "area": round(box[2] * box[3], _PX_DIGITS),
                "iscrowd": 0,
            }
            for number, (image, label) in enumerate(numbered, 1)
        ],
    }


def _xywh(label: Label) -> list[float]:
    x_min, y_min, x_max, y_max = label.xyxy
    return [round(edge, _PX_DIGITS) for edge in (x_min, y_min, x_max - x_min, y_max - y_min)]
