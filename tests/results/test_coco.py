from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from tests.results.samples import NAMES, survey

from wildetect.results.exports.formats.coco import write_coco, write_coco_results


def write(folder: Path) -> tuple[Path, Path]:
    dataset, boxes = folder / "coco.json", folder / "coco_results.json"
    write_coco(dataset, survey(), NAMES)
    write_coco_results(boxes, survey())
    return dataset, boxes


def test_pycocotools_reads_both_files(tmp_path: Path) -> None:
    dataset, boxes = write(tmp_path)
    coco = COCO(dataset)
    loaded = coco.loadRes(str(boxes))
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == list(NAMES)
    names = {image["id"]: image["file_name"] for image in coco.loadImgs(coco.getImgIds())}
    expected = {result.name: result.detections for result in survey() if result.detections is not None}
    assert sorted(names.values()) == sorted(expected)  # the failed image has no size, and is left out
    for number, name in names.items():
        rows = loaded.loadAnns(loaded.getAnnIds(imgIds=[number]))
        xyxy = [[x, y, x + width, y + height] for x, y, width, height in (row["bbox"] for row in rows)]
        assert np.allclose(np.array(xyxy).reshape(-1, 4), expected[name].xyxy, atol=0.006)
        assert [row["category_id"] - 1 for row in rows] == expected[name].class_id.tolist()
        assert np.allclose([row["score"] for row in rows], expected[name].confidence, atol=1e-5)


def test_numbers_are_rounded(tmp_path: Path) -> None:
    _, boxes = write(tmp_path)
    entry = json.loads(boxes.read_text(encoding="utf-8"))[2]
    assert len(entry.pop("detection_id")) == 16
    assert entry == {"image_id": 2, "category_id": 3, "bbox": [50.0, 50.0, 10.0, 10.46], "score": 0.12346}


def test_without_results(tmp_path: Path) -> None:
    write_coco(tmp_path / "a", [], NAMES)
    write_coco_results(tmp_path / "b", [])
    assert json.loads((tmp_path / "a").read_text())["images"] == []
    assert json.loads((tmp_path / "b").read_text()) == []


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write(tmp_path)]
    assert [path.read_bytes() for path in write(tmp_path)] == first
