from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as maskUtils  # noqa: N812 - its documentation's name
from tests.coco_files import coco_document, write_coco

from wildetect.errors import ConfigurationError, InputError
from wildetect.evaluation.annotations import read_annotations

CLASSES = ("zebra", "Elephant", "lion")
TWO: dict[str, Any] = {"a.jpg": [(1, (10, 20, 30, 40)), (2, (0, 0, 5, 5))], "b.jpg": []}


def test_categories_are_the_models_classes_by_name(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "truth.json", coco_document(TWO, (" elephant", "zebra")))
    truth = read_annotations(path, CLASSES)
    assert [image.name for image in truth.images] == ["a.jpg", "b.jpg"]
    assert truth.images[0].animals.xyxy.tolist() == [[10, 20, 40, 60], [0, 0, 5, 5]]
    assert truth.images[0].animals.class_id.tolist() == [1, 0]
    assert truth.images[0].size == (100, 80)
    assert len(truth.images[1].animals) == 0
    assert (truth.classes, truth.unknown) == ((0, 1), {})


def test_classes_that_letter_case_alone_tells_apart_are_not_one(tmp_path: Path) -> None:
    """The boxes of both went to the second, so that its recall was too low and the first had none."""
    path = write_coco(tmp_path / "truth.json", coco_document(TWO, ("Kob", "kob")))
    assert read_annotations(path, ["Kob", "kob"]).images[0].animals.class_id.tolist() == [0, 1]
    loud = write_coco(tmp_path / "loud.json", coco_document(TWO, ("KOB", "kob")))
    truth = read_annotations(loud, ["Kob", "kob"])
    assert (truth.classes, truth.unknown) == ((1,), {"KOB": 1})


def test_classes_that_the_model_lacks_are_counted(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "truth.json", coco_document(TWO, ("elephant", "impala")))
    truth = read_annotations(path, CLASSES)
    assert (truth.classes, truth.unknown) == ((1,), {"impala": 1})
    assert len(truth.images[0].animals) == 1


def test_limit_takes_the_first_pictures(tmp_path: Path) -> None:
    pictures: dict[str, Any] = {"b.jpg": [(1, (0, 0, 5, 5))], "a.jpg": [(1, (0, 0, 5, 5))] * 2}
    truth = read_annotations(write_coco(tmp_path / "t.json", coco_document(pictures)), CLASSES, limit=1)
    assert [(image.name, len(image.animals)) for image in truth.images] == [("b.jpg", 1)]
    assert truth.doubled == 0
    whole = read_annotations(tmp_path / "t.json", CLASSES)
    assert ([len(image.animals) for image in whole.images], whole.doubled) == ([1, 1], 1)  # one animal twice


def test_crowds_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "truth.json", coco_document(TWO, iscrowd=1))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_annotations(path, CLASSES).images[0].crowd.tolist() == [True, False]


def test_no_class_in_common(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "truth.json", coco_document(TWO, ("car", "bus")))
    with pytest.raises(ConfigurationError, match=r"labels car and bus, .* finds zebra, Elephant and lion"):
        read_annotations(path, CLASSES)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "the file: Input should be an object"),
        ({"images": []}, "images: List should have at least 1 item"),
        (
            coco_document({"a.jpg": [(1, (0, 0, 5, 5))]}, bbox=[1, 2, 3]),
            "annotations: none has a bbox of four numbers, or a segmentation",
        ),
        (coco_document(TWO, image_id=99), r"annotations\.0: there is no image 99"),
        (coco_document(TWO, category_id=7), r"annotations\.0: there is no category 7"),
        (
            {"info": {"format_version": "1.6"}, "images": [{"file": "a.jpg"}]},
            r"images\.0\.id: Field required",
        ),
    ],
)
def test_what_is_no_coco_file(tmp_path: Path, document: object, said: str) -> None:
    path = write_coco(tmp_path / "truth.json", document)
    with pytest.raises(InputError, match=f"is not a COCO annotation file: {said}") as caught:
        read_annotations(path, CLASSES)
    assert len(caught.value.details) <= 5


def test_a_box_of_no_size_costs_itself_alone(tmp_path: Path) -> None:
    whole = read_annotations(write_coco(tmp_path / "whole.json", coco_document(TWO)), CLASSES)
    path = write_coco(tmp_path / "truth.json", coco_document(TWO, bbox=[1, 2, 0, 3]))
    truth = read_annotations(path, CLASSES)
    boxes = [sum(len(image.animals) for image in one.images) for one in (whole, truth)]
    assert (boxes[0] - boxes[1], truth.sizeless, whole.sizeless) == (truth.sizeless, boxes[0] - boxes[1], 0)
    assert truth.sizeless > 0


@pytest.mark.parametrize("box", [[100, 0, 5, 5], [0, 80, 5, 5], [-9, 0, 9, 5], [0, -7, 5, 6.5]])
def test_a_box_beside_its_picture_costs_itself_alone(tmp_path: Path, box: list[float]) -> None:
    truth = read_annotations(write_coco(tmp_path / "t.json", coco_document(TWO, bbox=box)), CLASSES)
    assert (truth.outside, len(truth.images[0].animals)) == (1, 1)
    unsized = coco_document(TWO, bbox=box)
    for image in unsized["images"]:
        del image["width"], image["height"]
    truth = read_annotations(write_coco(tmp_path / "t.json", unsized), CLASSES)
    assert truth.outside == (box[0] < 0 or box[1] < 0)


@pytest.mark.parametrize("box", [[1, 2, -1, 3], [1, 2, float("nan"), 3], [1, 2, 3], "1,2,3,4", None, []])
def test_what_is_no_box_costs_itself_alone(tmp_path: Path, box: object) -> None:
    truth = read_annotations(write_coco(tmp_path / "t.json", coco_document(TWO, bbox=box)), CLASSES)
    assert (truth.unusable, len(truth.images[0].animals)) == (1, 1)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bbox", [None, [], [0, 0, 0, 0]])
def test_a_mask_alone_gives_its_box(tmp_path: Path, bbox: object, packed: bool) -> None:
    """The box around a mask, as pycocotools has it."""
    mask = np.zeros((80, 100), np.uint8)
    mask[5:9, 7:31] = mask[60:80, 40:42] = 1  # the second part runs on over the end of its column
    runs: Any = maskUtils.encode(np.asfortranarray(mask))
    expected = maskUtils.toBbox(runs).tolist()
    counts: object = runs["counts"].decode()
    if not packed:
        flat = mask.T.ravel()
        ends = np.flatnonzero(np.diff(flat)) + 1
        counts = np.diff([0, *ends, flat.size]).tolist()
    document = coco_document(TWO, bbox=bbox, segmentation={"size": [80, 100], "counts": counts})
    truth = read_annotations(write_coco(tmp_path / "t.json", document), CLASSES)
    left, top, width, height = expected
    assert truth.images[0].animals.xyxy[0].tolist() == [left, top, left + width, top + height]
    assert (truth.unusable, truth.sizeless) == (0, 0)


@pytest.mark.parametrize(
    "segmentation",
    [[[10, 20, 40, 25, 12.5, 60]], [10, 20, 40, 25, 12.5, 60], [[[10, 20], [40, 25], [12.5, 60]]]],
)
def test_a_polygon_alone_gives_its_box(tmp_path: Path, segmentation: object) -> None:
    document = coco_document(TWO, segmentation=segmentation)
    del document["annotations"][0]["bbox"]
    truth = read_annotations(write_coco(tmp_path / "t.json", document), CLASSES)
    assert truth.images[0].animals.xyxy[0].tolist() == [10, 20, 40, 60]


@pytest.mark.parametrize(
    "segmentation",
    [
        [],
        [[1, 2, 3]],
        [["a", "b", 1, 2, 3, 4]],
        {"size": [0, 5], "counts": [1]},
        {"size": [2, 2], "counts": "~~"},
    ],
)
def test_a_broken_segmentation_is_no_box(tmp_path: Path, segmentation: object) -> None:
    document = coco_document(TWO, bbox=None, segmentation=segmentation)
    assert read_annotations(write_coco(tmp_path / "t.json", document), CLASSES).unusable == 1


def test_ids_may_be_texts_and_have_gaps(tmp_path: Path) -> None:
    document = coco_document(TWO)
    for image in document["images"]:
        image["id"] = f"img_{image['id']}"
    for one in document["annotations"]:
        one["image_id"], one["category_id"] = f"img_{one['image_id']}", float(one["category_id"] * 90)
    for category in document["categories"]:
        category["id"] *= 90
    path = tmp_path / "t.json"
    path.write_bytes(json.dumps(document).encode("utf-16"))
    assert [len(image.animals) for image in read_annotations(path, CLASSES).images] == [2, 0]


def test_boxes_in_parts_of_the_picture_are_refused(tmp_path: Path) -> None:
    parts = coco_document({"a.jpg": [(1, (0.1, 0.2, 0.3, 0.4)), (2, (0, 0, 1, 1))], "b.jpg": []})
    with pytest.raises(InputError, match="they are parts of the picture, not px"):
        read_annotations(write_coco(tmp_path / "t.json", parts), CLASSES)


def test_the_same_picture_twice(tmp_path: Path) -> None:
    document = coco_document({"a.jpg": [], "b.jpg": []})
    document["images"][1]["file_name"] = "a.jpg"
    with pytest.raises(InputError, match=r"a\.jpg is there 2 times") as caught:
        read_annotations(write_coco(tmp_path / "truth.json", document), CLASSES)
    assert "Keep one entry for each picture" in caught.value.hint
    # the same entry again, as programs write it that list a picture for each of its animals
    document["images"] = coco_document(TWO)["images"] * 2
    document["annotations"] = coco_document(TWO)["annotations"]
    truth = read_annotations(write_coco(tmp_path / "truth.json", document), CLASSES)
    assert [(one.name, len(one.animals)) for one in truth.images] == [("a.jpg", 2), ("b.jpg", 0)]


def test_what_is_no_file_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_annotations(tmp_path / "truth.json", CLASSES)
    with pytest.raises(InputError, match="holds no label files"):
        read_annotations(tmp_path, CLASSES)
    (tmp_path / "picture.json").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(InputError, match="is not a COCO annotation file"):
        read_annotations(tmp_path / "picture.json", CLASSES)
