"""Labels of Pascal VOC and YOLO and tables say what the COCO file of the same boxes says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from wildetect.errors import InputError
from wildetect.evaluation.annotations import Annotations, read_annotations
from wildetect.evaluation.labelled_files import labelled_files

CLASSES = ("zebra", "kob")
SIZES = {"a.jpg": (200, 100), "b.JPG": (80, 160), "empty.png": (50, 50)}
BOXES = {
    "a.jpg": [("kob", (20, 30, 60, 50)), ("zebra", (100, 0, 200, 100))],
    "b.JPG": [("kob", (8, 16, 40, 32))],
}


def save_pictures(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in SIZES.items():
        Image.new("RGB", size, "tan").save(folder / name)


def coco(root: Path) -> Path:
    names = list(SIZES)
    document = {
        "images": [
            {"id": n, "file_name": name, "width": w, "height": h}
            for n, (name, (w, h)) in enumerate(SIZES.items())
        ],
        "categories": [{"id": 5, "name": "kob"}, {"id": 7, "name": "zebra"}],
        "annotations": [
            {
                "image_id": names.index(name),
                "category_id": 5 if what == "kob" else 7,
                "bbox": [x, y, r - x, b - y],
            }
            for name, boxes in BOXES.items()
            for what, (x, y, r, b) in boxes
        ],
    }
    save_pictures(root / "images")
    (root / "truth.json").write_text(json.dumps(document), encoding="utf-8")
    return root / "truth.json"


def voc(root: Path, *, name: Callable[[str], str] = str) -> Path:
    save_pictures(root / "JPEGImages")
    (root / "Annotations").mkdir()
    for picture, (width, height) in SIZES.items():
        objects = "".join(
            f"<object><name>{what}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{r}</xmax><ymax>{b}</ymax>"
            "</bndbox></object>"
            for what, (x, y, r, b) in BOXES.get(picture, [])
        )
        size = f"<size><width>{width}</width><height>{height}</height></size>"
        text = f"<annotation><filename>{name(picture)}</filename>{size}{objects}</annotation>"
        (root / "Annotations" / f"{Path(picture).stem}.xml").write_text(text, encoding="utf-8")
    return root / "Annotations"


def voc_without_suffixes(root: Path) -> Path:
    return voc(root, name=lambda name: Path(name).stem)


def yolo(root: Path, *, names: str = "data.yaml", part: str = "val", outlines: bool = False) -> Path:
    save_pictures(root / "images" / part)
    labels = root / "labels" / part
    labels.mkdir(parents=True)
    for picture, boxes in BOXES.items():
        width, height = SIZES[picture]
        lines = []
        for what, (x, y, r, b) in boxes:
            if outlines:
                numbers = [
                    x / width,
                    y / height,
                    r / width,
                    y / height,
                    r / width,
                    b / height,
                    x / width,
                    b / height,
                ]
            else:
                numbers = [(x + r) / 2 / width, (y + b) / 2 / height, (r - x) / width, (b - y) / height]
            lines.append(" ".join(map(str, [CLASSES.index(what), *numbers])))
        (labels / f"{Path(picture).stem}.txt").write_text("\n".join(lines), encoding="utf-8")
    if names == "data.yaml":
        (root / names).write_text("names:\n  1: kob\n  0: zebra\n", encoding="utf-8")
    else:
        (labels / names).write_text("\n".join(CLASSES), encoding="utf-8")
    return labels


def yolo_classes(root: Path) -> Path:
    return yolo(root, names="classes.txt", part="")


def yolo_outlines(root: Path) -> Path:
    return yolo(root, outlines=True)


def table(root: Path, head: str = "Filename,width,class,xmin,ymin,xmax,ymax", mark: str = ",") -> Path:
    save_pictures(root / "images")
    lines = [head.replace(",", mark)] if head else []
    for name in SIZES:
        for what, (x, y, r, b) in BOXES.get(name, [("", ("", "", "", ""))]):
            cells = [name, "1", what, x, y, r, b] if head else [name, x, y, r, b, what]
            lines.append(mark.join(map(str, cells)))
    (root / "boxes.csv").write_text("\n".join(lines), encoding="utf-8")
    return root / "boxes.csv"


def table_without_head(root: Path) -> Path:
    return table(root, "")


def table_of_a_german_excel(root: Path) -> Path:
    return table(root, "image_path,n,Label,x1,y1,x2,y2", ";")


def said(truth: Annotations) -> dict[str, list[tuple[int, list[int]]]]:
    return {
        Path(image.name).name: sorted(
            (int(class_id), box.round().astype(int).tolist())
            for class_id, box in zip(image.animals.class_id, image.animals.xyxy, strict=True)
        )
        for image in truth.images
    }


@pytest.mark.parametrize(
    "save",
    [
        voc,
        voc_without_suffixes,
        yolo,
        yolo_classes,
        yolo_outlines,
        table,
        table_without_head,
        table_of_a_german_excel,
    ],
)
def test_other_labels_say_what_coco_says(tmp_path: Path, save: Callable[[Path], Path]) -> None:
    expected = said(read_annotations(coco(tmp_path / "coco"), CLASSES))
    path = save(tmp_path / "other")
    truth = read_annotations(path, CLASSES)
    assert said(truth) == expected
    assert {name: len(boxes) for name, boxes in expected.items()} == {"a.jpg": 2, "b.JPG": 1, "empty.png": 0}
    files = labelled_files(truth, path, None)
    assert [Path(str(file.path)).name for file in files] == [Path(image.name).name for image in truth.images]
    assert truth.sha256 == read_annotations(path, CLASSES).sha256


def test_pictures_elsewhere_are_found_with_their_folder(tmp_path: Path) -> None:
    labels = yolo(tmp_path / "other", part="")
    (tmp_path / "other/images").rename(tmp_path / "card")
    with pytest.raises(InputError, match="there is no picture a") as caught:
        read_annotations(labels, CLASSES)
    assert caught.value.hint == "Name their folder with --images."
    truth = read_annotations(labels, CLASSES, pictures=tmp_path / "card")
    assert len(labelled_files(truth, labels, tmp_path / "card")) == 3


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("2 0.5 0.5 0.1 0.1", "class 2, but there are 2 names, from 0 to 1"),
        ("kob 0.5 0.5 0.1 0.1", "could not convert"),
        ("1 50 50 10 10", "parts of the picture from 0 to 1, not px or percent"),
        ("1 0.5 0.5 0.1", "neither a box nor an outline"),
    ],
)
def test_what_a_line_of_yolo_cannot_mean_is_refused(tmp_path: Path, line: str, wrong: str) -> None:
    labels = yolo(tmp_path)
    (labels / "b.txt").write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=rf"b\.txt: line 1: .*{wrong}"):
        read_annotations(labels, CLASSES)


def test_labels_without_names_of_classes_say_where_to_write_them(tmp_path: Path) -> None:
    labels = yolo(tmp_path / "one/two/three")
    (tmp_path / "one/two/three/data.yaml").unlink()
    with pytest.raises(InputError, match="nothing names the classes") as caught:
        read_annotations(labels, CLASSES)
    assert "classes.txt beside the labels" in caught.value.hint
    (labels / "classes.txt").write_text("zebra\nkob\n", encoding="utf-8")
    assert len(read_annotations(labels, CLASSES).images) == 3


def test_what_is_no_table_of_boxes_and_no_voc_is_refused(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("images,x,y,labels\na.jpg,5,6,kob\n", encoding="utf-8")
    with pytest.raises(InputError, match="points have no size"):
        read_annotations(tmp_path / "points.csv", CLASSES)
    (tmp_path / "bomb.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', encoding="utf-8")
    with pytest.raises(InputError, match="document type"):
        read_annotations(tmp_path / "bomb.xml", CLASSES)
    (tmp_path / "data.yaml").write_text("names: [kob]", encoding="utf-8")
    with pytest.raises(InputError, match="holds none") as caught:
        read_annotations(tmp_path / "data.yaml", CLASSES)
    assert str(tmp_path / "labels") in caught.value.hint


def test_a_real_file_of_voc(shared_data: Path) -> None:
    path = shared_data / "images/herdnetdemo_livestock_120.xml"
    expected = Counter(one.findtext("name") for one in ET.parse(path).getroot().iter("object"))  # noqa: S314
    names = sorted(str(name) for name in expected)
    truth = read_annotations(path, names)
    # it calls its picture 120.jpg, as which it was labelled
    (file,) = labelled_files(truth, path, None)
    assert file.path == path.with_suffix(".jpg").resolve()
    (image,) = truth.images
    assert Counter(names[one] for one in image.animals.class_id) + Counter() == expected
    assert sum(expected.values()) > 5
