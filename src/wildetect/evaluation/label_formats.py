"""Labels that are no COCO file, as one: Pascal VOC's XML, YOLO's text files, tables of boxes.

VOC: "The PASCAL Visual Object Classes Challenge", development kit, "Annotation format". YOLO: a file for each
picture, a line for each animal: class from 0, centre and size, or corners of an outline, as parts of the
picture (Ultralytics, "Datasets"); a picture without a file has no animals.
"""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml

from wildetect.errors import InputError
from wildetect.imagery.discovery import natural_order
from wildetect.imagery.kinds import extensions
from wildetect.imagery.opening import look_at
from wildetect.tables.numbers import number_of
from wildetect.tables.sheet import read_sheet

__all__ = ["coco_of_labels"]

Document = dict[str, Any]

_NAME_FILES: Final = ("data.yaml", "dataset.yaml", "classes.txt", "obj.names", "_darknet.labels")
_ALL_NAMES: Final = ("classes.txt", "_darknet.labels", "train.txt", "val.txt", "test.txt", "readme.txt")
_BOX, _BOX_AND_CONFIDENCE = 5, 6  # values of a line
_IMAGE: Final = ("image", "filename", "file_name", "image_path", "images", "image_name", "imagepath", "file")
_CLASS: Final = ("class", "label", "labels", "class_name", "category", "species")
_EDGES: Final = (
    ("x_min", "y_min", "x_max", "y_max"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
_HEADLESS: Final = 6  # columns: image, x_min, y_min, x_max, y_max, class
_TABLE: Final = "Its columns are to be image, class, x_min, y_min, x_max, y_max, in px of the picture."
_NAMES: Final = (
    "Write the names of the classes into classes.txt beside the labels, one a line, that of number 0 first."
)
_COCO: Final = "Give a COCO file, a folder of VOC's .xml or of YOLO's .txt files, or a CSV table of boxes."


def coco_of_labels(path: Path, pictures: Path | None) -> bytes | None:
    """The COCO file that says the same as other labels, the same bytes for the same labels.

    Args:
        path: A file, or a folder of such.
        pictures: Folder of the pictures; None: beside the labels, or in a folder images in place of labels.

    Returns:
        None for what is to be read as COCO's JSON.

    Raises:
        InputError: Something of them cannot be read.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        kinds = {file.suffix.lower() for file in path.rglob("*")}
        suffix = next((kind for kind in (".xml", ".txt") if kind in kinds), "")
        if not suffix:
            raise InputError(f"the folder {path} holds no label files (.xml, .txt)", hint=_COCO)
    if suffix in {".yaml", ".yml"}:
        folder = path.parent / "labels"
        raise InputError(
            f"{path} names the classes of labels and holds none",
            hint=f"Give the folder of the label files, such as {folder}, or one in it.",
        )
    readers: Mapping[str, Callable[[], Document]] = {
        ".xml": lambda: _from_voc(path, pictures),
        ".txt": lambda: _from_yolo(path, pictures),
        ".csv": lambda: _from_table(path),
        ".tsv": lambda: _from_table(path),
    }
    if suffix not in readers or not path.exists():
        return None
    return json.dumps(readers[suffix](), ensure_ascii=False, indent=1).encode("utf-8")


def _document(images: Sequence[Document], boxes: Sequence[tuple[int, str, Document]]) -> Document:
    """COCO's document of pictures, and of boxes by the number of their picture, class and annotation."""
    names = sorted({name for _, name, _ in boxes})
    return {
        "images": [{"id": number, **image} for number, image in enumerate(images, 1)],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
        "annotations": [
            {"id": number, "image_id": image + 1, "category_id": names.index(name) + 1, **box}
            for number, (image, name, box) in enumerate(boxes, 1)
        ],
    }


def _files(path: Path, suffix: str) -> list[Path]:
    found = [path] if path.is_file() else [one for one in path.rglob("*") if one.suffix.lower() == suffix]
    return sorted(found, key=lambda one: natural_order(one.as_posix()))


def _corners(edges: Sequence[float]) -> Document:
    left, top, right, bottom = edges
    return {"bbox": [left, top, right - left, bottom - top]}


def _from_voc(path: Path, pictures: Path | None) -> Document:
    images, boxes = [], []
    for number, file in enumerate(_files(path, ".xml")):
        try:
            root = _voc_root(file.read_bytes())
            sides = [int(float(root.findtext(f"size/{side}") or 0)) for side in ("width", "height")]
            for one in root.iter("object"):
                edges = [float(_text(one, f"bndbox/{edge}")) for edge in _EDGES[1]]
                boxes.append((number, _text(one, "name").strip(), _corners(edges)))
        except (ET.ParseError, ValueError) as error:
            raise InputError(f"{file} is no annotation of Pascal VOC: {error}", hint=_COCO) from error
        name = _name_in_voc(file, (root.findtext("filename") or "").strip(), pictures)
        folder = file.parent.relative_to(path).as_posix() if path.is_dir() else "."
        images.append({"file_name": name if folder == "." else f"{folder}/{name}"} | _size(*sides))
    return _document(images, boxes)


def _name_in_voc(file: Path, told: str, pictures: Path | None) -> str:
    """The name that a file tells where such a picture is there; else that of the one it is called after.

    Pictures are renamed with their labels, whose content keeps the old name, or has one without a suffix.
    """
    folders = [*([pictures] if pictures else []), file.parent, file.parent.parent / "JPEGImages"]
    folders += _beside(file)
    if any(told.casefold() == one.name.casefold() for folder in folders for one in _pictures_in(folder)):
        return told
    for stem in (file.stem, Path(told).stem):
        with suppress(_NoPictureError):
            return _picture(file, folders, stem).name
    return told or file.stem


def _voc_root(content: bytes) -> ET.Element:
    if b"<!" in content.replace(b"<!--", b""):
        raise ValueError("it has a document type")
    root = ET.fromstring(content)  # noqa: S314 - without a document type nothing unfolds
    if root.tag != "annotation":
        raise ValueError(f"it is <{root.tag}>, not <annotation>")
    return root


def _text(element: ET.Element, place: str) -> str:
    found = element.findtext(place)
    if found is None:
        raise ValueError(f"an <object> has no {place}")
    return found


def _size(width: int, height: int) -> Document:
    return {"width": width, "height": height} if width and height else {}


def _from_yolo(path: Path, pictures: Path | None) -> Document:
    top = path if path.is_dir() else path.parent
    labels = [file for file in _files(path, ".txt") if file.name.lower() not in _ALL_NAMES]
    if not labels:
        raise InputError(f"the folder {path} holds no label files of pictures", hint=_COCO)
    names = _class_names(top)
    images, boxes = [], []
    for number, file in enumerate(labels):
        place = file.parent.relative_to(top)
        picture = _picture(file, [*([pictures / place, pictures] if pictures else []), *_beside(file)])
        facts = look_at(picture)
        relative = os.path.relpath(picture, pictures or top)
        images.append({"file_name": Path(relative).as_posix()} | _size(facts.width, facts.height))
        lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        for row, line in enumerate(lines, 1):
            if line.strip():
                try:
                    boxes.append((number, *_of_line(line.split(), names, facts.width, facts.height)))
                except ValueError as error:
                    raise InputError(f"{file}: line {row}: {error}", hint=_NAMES) from error
    if path.is_dir():
        images += _without_labels(labels, pictures, top)
    return _document(images, boxes)


def _of_line(cells: Sequence[str], names: Sequence[str], width: int, height: int) -> tuple[str, Document]:
    """Class and annotation that a line says.

    Raises:
        ValueError: It says none.
    """
    class_id, *values = (float(cell) for cell in cells)
    if not class_id.is_integer() or not 0 <= class_id < len(names):
        raise ValueError(f"class {cells[0]}, but there are {len(names)} names, from 0 to {len(names) - 1}")
    name = names[int(class_id)]
    if any(abs(value) > 2 for value in values):  # noqa: PLR2004 - parts of a picture, or a little beyond it
        raise ValueError("its numbers are to be parts of the picture from 0 to 1, not px or percent")
    if len(cells) in {_BOX, _BOX_AND_CONFIDENCE}:
        x, y, w, h = values[:4]
        left, right, upper, lower = x - w / 2, x + w / 2, y - h / 2, y + h / 2
        return name, _corners([left * width, upper * height, right * width, lower * height])
    if len(values) < _BOX_AND_CONFIDENCE or len(values) % 2:
        raise ValueError(f"{len(cells)} values, which are neither a box nor an outline")
    outline = [value * (height if place % 2 else width) for place, value in enumerate(values)]
    return name, {"segmentation": [outline]}


def _beside(label: Path) -> list[Path]:
    """Folders where the picture of a label file may lie: its own, and images in place of labels."""
    parts = label.parent.parts
    swapped = [
        Path(*parts[:place], "images", *parts[place + 1 :])
        for place in range(len(parts) - 1, 0, -1)
        if parts[place].lower() == "labels"
    ]
    return [label.parent, *swapped, label.parent / "images", label.parent.parent / "images"]


class _NoPictureError(InputError):
    """No picture is there for a label file."""


def _picture(label: Path, folders: Sequence[Path], stem: str = "") -> Path:
    """The picture that a label file is about: of its name, with any suffix."""
    stem = stem or label.stem
    for folder in folders:
        found = [one for one in _pictures_in(folder) if one.stem.casefold() == stem.casefold()]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{label} may be about {found[0].name} or {found[1].name}", hint="Move one of them away."
            )
    raise _NoPictureError(f"there is no picture {stem} for {label}", hint="Name their folder with --images.")


def _pictures_in(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (one for one in sorted(folder.iterdir()) if one.suffix.lower() in extensions())


def _without_labels(labels: Sequence[Path], pictures: Path | None, top: Path) -> Iterator[Document]:
    """Pictures that have no label file, in the folders of those that have one: no animals are in them."""
    for folder in dict.fromkeys(file.parent for file in labels):
        place = folder.relative_to(top)
        bases = [pictures / place, pictures] if pictures else _beside(folder / "any")
        base = next((one for one in bases if any(_pictures_in(one))), None)
        stems = {file.stem.casefold() for file in labels if file.parent == folder}
        for picture in _pictures_in(base) if base else ():
            if picture.stem.casefold() not in stems:
                yield {"file_name": Path(os.path.relpath(picture, pictures or top)).as_posix()}


def _class_names(top: Path) -> list[str]:
    """Names of YOLO's classes by number, from a file beside the labels or up to two folders above."""
    for folder in (top, *list(top.resolve().parents)[:2]):
        for file in (folder / name for name in _NAME_FILES):
            if not file.is_file():
                continue
            text = file.read_text(encoding="utf-8-sig", errors="replace")
            if file.suffix != ".yaml":
                return [line.strip() for line in text.splitlines() if line.strip()]
            try:
                names = yaml.safe_load(text)["names"]
                return list(map(str, names)) if isinstance(names, list) else _by_number(names)
            except (yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError) as error:
                raise InputError(f"{file} has no names of classes", hint=_NAMES) from error
    raise InputError(f"nothing names the classes of {top}, which labels number", hint=_NAMES)


def _by_number(names: Mapping[Any, Any]) -> list[str]:
    by_number = {int(number): str(name) for number, name in names.items()}
    return [by_number.get(number, f"class {number}") for number in range(max(by_number) + 1)]


def _from_table(path: Path) -> Document:
    sheet = read_sheet(path, str(path), hint=_TABLE)
    columns, rows = _columns(path, sheet.head), [line.cells for line in sheet.lines]
    if _is_headless(sheet.head):
        rows.insert(0, sheet.head)
    images: dict[str, int] = {}
    boxes = []
    for cells in rows:
        image, name, *edges = (cells[column] for column in columns)
        number = images.setdefault(image, len(images))
        if not any(edges):  # a picture without animals
            continue
        try:
            boxes.append((number, name, _corners([number_of(edge) for edge in edges])))
        except ValueError as error:
            raise InputError(f"{path}: {image}: {error}", hint=_TABLE) from error
    return _document([{"file_name": name} for name in images], boxes)


def _is_headless(head: Sequence[str]) -> bool:
    """Whether a table begins with a box: image, four numbers, class (as for keras-retinanet)."""
    try:
        return len(head) == _HEADLESS and bool([number_of(cell) for cell in head[1:5]])
    except ValueError:
        return False


def _columns(path: Path, head: Sequence[str]) -> list[int]:
    """Columns of image, class and four edges."""
    if _is_headless(head):
        return [0, 5, 1, 2, 3, 4]
    names = [name.casefold() for name in head]
    first = [next((name for name in some if name in names), None) for some in (_IMAGE, _CLASS)]
    edges = next((four for four in _EDGES if set(four) <= set(names)), None)
    if edges is None or None in first:
        points = " (points have no size)" if {"x", "y"} <= set(names) else ""
        raise InputError(
            f"{path} has no columns of an image, a class and the edges of a box{points}", hint=_TABLE
        )
    return [names.index(str(name)) for name in (*first, *edges)]
