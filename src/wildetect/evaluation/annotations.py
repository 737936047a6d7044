"""Labelled pictures: animals that people drew boxes around, from a COCO annotation file."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from wildetect.detections import Detections
from wildetect.errors import ConfigurationError, InputError
from wildetect.wording import first_lines, listed

__all__ = ["Annotations", "LabelledImage", "read_annotations"]

_MOST_NAMED = 8

MOST_PROBLEMS_SHOWN = 5
HINT = "A COCO file holds images, categories, and annotations with bbox = [x, y, width, height] in px."

_NotNegative = Annotated[FiniteFloat, Field(ge=0)]


class _Category(BaseModel):
    id: int
    name: str


class _Image(BaseModel):
    id: int
    file_name: str = Field(min_length=1)
    width: int | None = None
    height: int | None = None
    # of dataset.build; in a file of another program they may be anything
    photograph: object = None
    place: object = None
    gsd_cm: object = None


class _Annotation(BaseModel):
    image_id: int
    category_id: int
    bbox: tuple[FiniteFloat, FiniteFloat, _NotNegative, _NotNegative]
    iscrowd: int = 0

    @property
    def has_size(self) -> bool:
        """Whether it is more than a click beside an animal."""
        return self.bbox[2] > 0 and self.bbox[3] > 0

    def is_outside(self, image: _Image) -> bool:
        """Whether no pixel of the picture is in it, as where labels belong to another picture."""
        left, top, width, height = self.bbox
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
        name: As the file calls it, a relative path as a rule.
        animals: Their boxes in px and classes; all have confidence 1.
        crowd: For each box whether it stands for a herd that was not counted, shape (n,).
        size: Width and height in px, if the file says them.
        photograph: Of a tile that `dataset.build` cut: the digest of its photograph's pixels; else empty.
        place: Of the same: pictures with the same one show common ground or one flight line; else empty.
        gsd_cm: Of the same: its ground resolution in cm/px, where the photograph told it; else null.
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
        outside: Boxes that lie beside their picture, which are in no picture either.
        unknown: Labelled boxes of each category that the model has no class for; they are in no picture.
        sha256: Of the file.
    """

    images: tuple[LabelledImage, ...]
    class_names: tuple[str, ...]
    classes: tuple[int, ...]
    unknown: Mapping[str, int]
    sha256: str
    sizeless: int = 0
    outside: int = 0

    @property
    def tiles_of_set(self) -> bool:
        """Whether all pictures are tiles that `dataset.build` cut."""
        return all(image.photograph for image in self.images)


def read_annotations(path: Path, class_names: Sequence[str], *, limit: int | None = None) -> Annotations:
    """Read labelled boxes from a COCO annotation file; its categories are the model's classes by name.

    Letter case and spaces around a name do not matter.

    Args:
        path: The JSON file.
        class_names: The model's.
        limit: Only the first so many pictures.

    Raises:
        InputError: The file is not there, or is none of COCO's; the places are listed.
        ConfigurationError: The model and the file have no class in common.
    """
    content = _content(path)
    document = _parsed(path, content)
    of_name = {_plain(name): class_id for class_id, name in enumerate(class_names)}
    names = {category.id: category.name for category in document.categories}
    of_category = {number: of_name.get(_plain(name)) for number, name in names.items()}
    classes = tuple(sorted({class_id for class_id in of_category.values() if class_id is not None}))
    if not classes:
        raise ConfigurationError(
            f"{path.name} labels {listed(names.values(), most=_MOST_NAMED)}, but the model finds "
            f"{listed(class_names, most=_MOST_NAMED)}: "
            "no class has the same name",
            hint="Name the categories of the file, or the class_names of the registration, alike.",
        )
    images = document.images[:limit]
    by_id = {image.id: image for image in images}
    boxes: dict[int, list[_Annotation]] = {image.id: [] for image in images}
    unknown: Counter[str] = Counter()
    sizeless = outside = 0
    for annotation in document.annotations:
        if annotation.image_id not in boxes:
            continue
        if not annotation.has_size:
            sizeless += 1
        elif annotation.is_outside(by_id[annotation.image_id]):
            outside += 1
        elif of_category[annotation.category_id] is None:
            unknown[names[annotation.category_id]] += 1
        else:
            boxes[annotation.image_id].append(annotation)
    return Annotations(
        images=tuple(_labelled(image, boxes[image.id], of_category) for image in images),
        class_names=tuple(class_names),
        classes=classes,
        unknown=dict(unknown),
        sha256=hashlib.sha256(content).hexdigest(),
        sizeless=sizeless,
        outside=outside,
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = "does not exist" if not path.exists() else f"cannot be read: {error.strerror or error}"
    raise InputError(f"the annotation file {path} {reason}", hint="Give a COCO file with --annotations.")


def _parsed(path: Path, content: bytes) -> _CocoFile:
    try:
        document = _CocoFile.model_validate_json(content.decode("utf-8-sig"))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
    except UnicodeDecodeError as error:
        problems = [str(error)]
    else:
        problems = _dangling(document)
    if not problems:
        return document
    shown = first_lines(problems[1:], MOST_PROBLEMS_SHOWN - 1)
    raise InputError(f"{path} is not a COCO annotation file: {problems[0]}", hint=HINT, details=shown)


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
    if document.annotations and all(max(one.bbox) <= 1 for one in document.annotations):
        problems.append("annotations: no box reaches beyond 1 px: they are parts of the picture, not px")
    return problems


def _labelled(
    image: _Image, annotations: Sequence[_Annotation], of_category: Mapping[int, int | None]
) -> LabelledImage:
    boxes = np.array([annotation.bbox for annotation in annotations], dtype=np.float64).reshape(-1, 4)
    xyxy = np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
    class_id = [of_category[annotation.category_id] for annotation in annotations]
    return LabelledImage(
        name=image.file_name,
        animals=Detections(xyxy, np.ones(len(boxes)), np.array(class_id, dtype=np.int64)),
        crowd=np.array([annotation.iscrowd != 0 for annotation in annotations], dtype=np.bool_),
        size=(image.width, image.height) if image.width and image.height else None,
        photograph=_text(image.photograph),
        place=_text(image.place),
        gsd_cm=_above_zero(image.gsd_cm),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _above_zero(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value < math.inf else None


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
