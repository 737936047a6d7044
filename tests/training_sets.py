"""A small training set, such as dataset.build writes: pieces of the demo's pictures around animals."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from wildetect.training.manifest import DataSetRecord, PartCounts, write_manifest
from wildetect.training.writing import set_digest, tile_line

DEMO = Path(__file__).parents[1] / "demo"
SIDE = 192


def small_set(folder: Path, *, train: int = 12, val: int = 6) -> Path:
    """Write a set; each tile holds at least one animal, and no animal is in two."""
    truth = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    names = tuple(category["name"] for category in truth["categories"])
    ids = [category["id"] for category in truth["categories"]]
    pictures = {image["id"]: image for image in truth["images"]}
    lines, labelled = [], {"train": 0, "val": 0, "test": 0}
    animals = truth["annotations"]
    step = len(animals) // (train + val)
    for part in labelled:
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True)
    for number in range(train + val):
        part = "train" if number < train else "val"
        animal = animals[number * step]
        picture, text = piece(animal, pictures[animal["image_id"]], ids)
        name = f"tile{number:02}"
        (folder / "images" / part / f"{name}.jpg").write_bytes(picture)
        (folder / "labels" / part / f"{name}.txt").write_bytes(text.encode())
        lines.append(tile_line(part, name, picture, text))
        labelled[part] += 1
    empty: dict[str, Any] = {
        "photographs": 0,
        "groups": 0,
        "with_animals": 0,
        "hard_negatives": 0,
        "empty": 0,
    }
    write_manifest(
        folder,
        DataSetRecord(
            name=folder.name,
            digest=set_digest(names, lines),
            class_names=names,
            becomes={},
            tile_size=SIDE,
            overlap=0.2,
            settings={},
            split="ground",
            runs=(),
            reviewers={},
            parts={
                part: PartCounts(tiles=tiles, labels={names[0]: tiles}, **empty)  # type: ignore[misc]
                for part, tiles in labelled.items()
            },
            notes=("val holds 6 animals: too few to learn from or to measure with",),
            photographs=(),
        ),
    )
    return folder


def piece(animal: Any, picture: Any, ids: list[int]) -> tuple[bytes, str]:
    """A tile around an animal as JPEG, and that animal's label."""
    x, y, across, down = animal["bbox"]
    left = int(np.clip(x + across / 2 - SIDE / 2, 0, picture["width"] - SIDE))
    top = int(np.clip(y + down / 2 - SIDE / 2, 0, picture["height"] - SIDE))
    file = io.BytesIO()
    with Image.open(DEMO / "pictures" / picture["file_name"]) as whole:
        whole.crop((left, top, left + SIDE, top + SIDE)).save(file, "jpeg", quality=95)
    box = ((x - left + across / 2) / SIDE, (y - top + down / 2) / SIDE, across / SIDE, down / SIDE)
    text = f"{ids.index(animal['category_id'])} " + " ".join(f"{number:.6f}" for number in box) + "\n"
    return file.getvalue(), text


def labelled_tiles(folder: Path, number: int, side: int = 640) -> Path:
    """Write pieces of the demo's pictures, those with most animals first; the path of their COCO file."""
    truth = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    pieces = []
    for picture in truth["images"]:
        boxes = [one for one in truth["annotations"] if one["image_id"] == picture["id"]]
        for top in range(0, picture["height"] - side + 1, side):
            for left in range(0, picture["width"] - side + 1, side):
                inside = [
                    {**one, "bbox": [one["bbox"][0] - left, one["bbox"][1] - top, *one["bbox"][2:]]}
                    for one in boxes
                    if left <= one["bbox"][0] and one["bbox"][0] + one["bbox"][2] <= left + side
                    if top <= one["bbox"][1] and one["bbox"][1] + one["bbox"][3] <= top + side
                ]
                pieces.append((picture["file_name"], left, top, inside))
    pieces.sort(key=lambda piece: -len(piece[3]))
    folder.mkdir(parents=True)
    images: list[Any] = []
    annotations: list[Any] = []
    for count, (name, left, top, inside) in enumerate(pieces[:number], 1):
        file = f"{name.removesuffix('.jpg')}_{left}_{top}.png"
        with Image.open(DEMO / "pictures" / name) as whole:
            whole.crop((left, top, left + side, top + side)).save(folder / file)
        images.append({"id": count, "file_name": file, "width": side, "height": side})
        for one in inside:
            annotations.append({**one, "id": len(annotations) + 1, "image_id": count})
    document = {"images": images, "categories": truth["categories"], "annotations": annotations}
    path = folder / "labels.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
