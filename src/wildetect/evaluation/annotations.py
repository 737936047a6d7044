"""Labelled pictures: animals that people drew boxes around, from a COCO file or what is read as one."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from wildetect.detections import Detections
from wildetect.errors import ConfigurationError, InputError
from wildetect.evaluation.coco_boxes import CocoBox, box_of
from wildetect.evaluation.label_formats import coco_of_labels
from wildetect.tables.encoding import encoding_of
from wildetect.wording import first_lines, listed

__all__ = ["Annotations", "LabelledImage", "read_annotations"]

_MOST_NAMED = 8

_CROWD = (1, True, "1", "true", "True")
MOST_PROBLEMS_SHOWN = 5
HINT = "A COCO file holds images, categories, and annotations with bbox = [x, y, width, height] in px."
_ONE_ENTRY = "Keep one entry for each picture, and give all annotations of it that entry's id as image_id."


def _id(value: object) -> object:
    """Ids are numbers, or texts in camera traps' files; 1, 1.0 and "1" are one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) else value


_Id = Annotated[str, BeforeValidator(_id)]


class _Category(BaseModel):
    id: _Id
    name: str


class _Image(BaseModel):
    id: _Id
    file_name: str = Field(min_length=1)
    width: int | None = None
    height: int | None = None
    # of dataset.build; in a file of another program they may be anything
    photograph: object = None
    place: object = None
    gsd_cm: object = None


class _Annotation(BaseModel):
    image_id: _Id
    category_id: _Id
    bbox: object = None
    segmentation: object = None
    iscrowd: object = 0

    @cached_property
    def box(self) -> CocoBox | None:
        """In px; null where the file has none for it."""
        return box_of(self.bbox, self.segmentation)

    def is_outside(self, image: _Image) -> bool:
        """Whether no pixel of the picture is in it, as where labels belong to another picture."""
        left, top, width, height = self.box or (0, 0, 0, 0)
        beyond = left >= (image.width or math.inf) or top >= (image.height or math.inf)
        return beyond or left + width <= 0 or top + height <= 0


class _CocoFile(BaseModel):
    images: list[_Image] = Field(min_length=1)
    categories: list[_Category] = Field(min_length=1)
    annotations: list[_Annotation]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """A picture and the animals in it.

    Attributes:
        name: Name as the file calls it, a relative path as a rule.
        animals: Their boxes in px and classes; all have confidence 1.
        crowd: For each box whether it stands for a herd that was not counted, shape (n,).
        size: Width and height in px, if the file says them.
        photograph: Digest of its photograph's pixels, of a tile that `dataset.build` cut; else empty.
        place: Place of such a tile: pictures with the same one share ground or a flight line; else empty.
        gsd_cm: Ground resolution of such a tile in cm/px, where the photograph told it; else null.
    """

    name: str
    animals: Detections
    crowd: NDArray[np.bool_]
    size: tuple[int, int] | None = None
    photograph: str = ""
    place: str = ""
    gsd_cm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """Labelled pictures, seen by a model: its class ids, and what it has no class for.

    Attributes:
        images: The pictures, in the order of the file, those without animals included.
        class_names: The model's: class_names[class_id].
        classes: Ids of the classes that both the model and the file have.
        sizeless: Boxes without width or height, which are in no picture: slips of the mouse.
        unusable: Boxes that are none: without bbox and segmentation, of a negative size, or no numbers.
        doubled: Boxes that are there again, of the same class at the same place: one of each counts.
        outside: Boxes that lie beside their picture, which are in no picture either.
        unknown: Labelled boxes of each category that the model has no class for; they are in no picture.
        sha256: SHA-256 of the file.
    """

    images: tuple[LabelledImage, ...]
    class_names: tuple[str, ...]
    classes: tuple[int, ...]
    unknown: Mapping[str, int]
    sha256: str
    sizeless: int = 0
    unusable: int = 0
    doubled: int = 0
    outside: int = 0

    @property
    def tiles_of_set(self) -> bool:
        """Whether all pictures are tiles that `dataset.build` cut."""
        return all(image.photograph for image in self.images)


def read_annotations(
    path: Path, class_names: Sequence[str], *, limit: int | None = None, pictures: Path | None = None
) -> Annotations:
    """Read labelled boxes from a COCO annotation file; its categories are the model's classes by name.

    Labels of Pascal VOC or YOLO and tables are read as the COCO file that says the same.

    Letter case and spaces around a name do not matter, unless they alone tell two classes apart.

    Args:
        path: The file, or a folder of label files.
        class_names: The model's.
        limit: Only the first so many pictures.
        pictures: Folder of the pictures, where it is known.

    Raises:
        InputError: The file is not there, or is none of COCO's; the places are listed.
        ConfigurationError: The model and the file have no class in common.
    """
    content = coco_of_labels(path, pictures) or _content(path)
    document = _parsed(path, content)
    names = {category.id: category.name for category in document.categories}
    of_category = {number: _class_of(name, class_names) for number, name in names.items()}
    classes = tuple(sorted({class_id for class_id in of_category.values() if class_id is not None}))
    if not classes:
        raise ConfigurationError(
            f"{path.name} labels {listed(names.values(), most=_MOST_NAMED)}, but the model finds "
            f"{listed(class_names, most=_MOST_NAMED)}: "
            "no class has the same name",
            hint="Name the categories of the file, or the class_names of the registration, alike.",
        )
    images = document.images[:limit]
    kept = _Kept({image.id: [] for image in images})
    kept.sort(document.annotations, {image.id: image for image in images}, of_category, names)
    return Annotations(
        images=tuple(_labelled(image, kept.boxes[image.id], of_category) for image in images),
        class_names=tuple(class_names),
        classes=classes,
        unknown=dict(kept.unknown),
        sha256=hashlib.sha256(content).hexdigest(),
        sizeless=kept.sizeless,
        unusable=kept.unusable,
        doubled=kept.doubled,
        outside=kept.outside,
    )


@dataclass(slots=True)
class _Kept:
    """Annotations that count by the id of their image, and how many others there are; as in Annotations."""

    boxes: dict[str, list[_Annotation]]
    unknown: Counter[str] = field(default_factory=Counter)
    sizeless: int = 0
    unusable: int = 0
    doubled: int = 0
    outside: int = 0

    def sort(
        self,
        annotations: Sequence[_Annotation],
        images: Mapping[str, _Image],
        of_category: Mapping[str, int | None],
        names: Mapping[str, str],
    ) -> None:
        """Take those that have a box in one of the images and a class that the model knows."""
        seen: set[tuple[str, str, CocoBox]] = set()
        for one in annotations:
            if one.image_id not in images:
                continue
            if one.box is None:
                self.unusable += 1
            elif not one.box.has_size:
                self.sizeless += 1
            elif one.is_outside(images[one.image_id]):
                self.outside += 1
            elif (what := (one.image_id, one.category_id, one.box)) in seen:
                self.doubled += 1
            elif of_category[one.category_id] is None:
                self.unknown[names[one.category_id]] += 1
            else:
                seen.add(what)
                self.boxes[one.image_id].append(one)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = "does not exist" if not path.exists() else f"cannot be read: {error.strerror or error}"
    raise InputError(f"the annotation file {path} {reason}", hint="Give a COCO file with --annotations.")


def _parsed(path: Path, content: bytes) -> _CocoFile:
    try:
        document = _CocoFile.model_validate_json(content.decode(encoding_of(content)))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
    except UnicodeDecodeError as error:
        problems = [str(error)]
    else:
        # some programs list a picture again for each of its annotations
        alike = {(image.id, image.file_name): image for image in reversed(document.images)}
        document.images = list(reversed(alike.values()))
        problems = _dangling(document)
    if not problems:
        return document
    shown = first_lines(problems[1:], MOST_PROBLEMS_SHOWN - 1)
    raise InputError(
        f"{path} is not a COCO annotation file: {problems[0]}",
        hint=_ONE_ENTRY if problems[0].startswith("images: ") else HINT,
        details=shown,
    )


def _dangling(document: _CocoFile) -> list[str]:
    """What names something that is not there, or the same thing twice."""
    images = {image.id for image in document.images}
    categories = {category.id for category in document.categories}
    files = Counter(image.file_name for image in document.images)
    problems = [f"images: {name} is there {count} times" for name, count in files.items() if count > 1]
    if len(images) < len(document.images):
        problems.append("images: two of them have the same id")
    if len(categories) < len(document.categories):
        problems.append("categories: two of them have the same id")
    for number, annotation in enumerate(document.annotations):
        if annotation.image_id not in images:
            problems.append(f"annotations.{number}: there is no image {annotation.image_id}")
        if annotation.category_id not in categories:
            problems.append(f"annotations.{number}: there is no category {annotation.category_id}")
    boxes = [one.box for one in document.annotations if one.box is not None]
    if document.annotations and not boxes:
        problems.append("annotations: none has a bbox of four numbers, or a segmentation")
    if boxes and all(max(box) <= 1 for box in boxes):
        problems.append("annotations: no box reaches beyond 1 px: they are parts of the picture, not px")
    return problems


def _labelled(
    image: _Image, annotations: Sequence[_Annotation], of_category: Mapping[str, int | None]
) -> LabelledImage:
    boxes = np.array([annotation.box for annotation in annotations], dtype=np.float64).reshape(-1, 4)
    xyxy = np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
    class_id = [of_category[annotation.category_id] for annotation in annotations]
    return LabelledImage(
        name=image.file_name,
        animals=Detections(xyxy, np.ones(len(boxes)), np.array(class_id, dtype=np.int64)),
        crowd=np.array([annotation.iscrowd in _CROWD for annotation in annotations], dtype=np.bool_),
        size=(image.width, image.height) if image.width and image.height else None,
        photograph=_text(image.photograph),
        place=_text(image.place),
        gsd_cm=_above_zero(image.gsd_cm),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _above_zero(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value < math.inf else None


def _class_of(name: str, class_names: Sequence[str]) -> int | None:
    """The class that a category is: the one of that very name, else the only one that reads alike."""
    if name in class_names:
        return class_names.index(name)
    alike = [class_id for class_id, one in enumerate(class_names) if _plain(one) == _plain(name)]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
