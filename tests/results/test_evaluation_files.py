"""Where labelled pictures are looked for, the plot, and detections.csv read back."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.coco_files import coco_document, write_coco

from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.evaluation.annotations import read_annotations
from wildetect.evaluation.labelled_files import labelled_files
from wildetect.evaluation.scoring import score, write_precision_recall
from wildetect.results.exports.formats.csv_file import read_csv, write_csv
from wildetect.results.records import ImageResult

CLASSES = ("elephant", "zebra")


@pytest.mark.parametrize("folder", [".", "images", "pictures", "../images"])
def test_pictures_near_the_annotation_file(tmp_path: Path, folder: str) -> None:
    (tmp_path / "labels").mkdir()
    path = write_coco(tmp_path / "labels" / "truth.json", coco_document({"sub/a.jpg": []}))
    picture = (path.parent / folder / "sub/a.jpg").resolve()
    picture.parent.mkdir(parents=True)
    picture.touch()
    (file,) = labelled_files(read_annotations(path, CLASSES), path, None)
    assert (file.path, file.name) == (picture, "sub/a.jpg")


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "truth.json", coco_document({f"{n}.jpg": [] for n in range(8)}))
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "0.jpg").touch()
    truth = read_annotations(path, CLASSES)
    with pytest.raises(InputError, match="7 of 8 labelled pictures") as caught:
        labelled_files(truth, path, folder)
    assert caught.value.details[:6] == ("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "and 2 more")
    assert caught.value.details[6] == "tried for the first: 1.jpg"
    assert "--images" in caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "sub\\b c.png",
        "C:\\Users\\x\\survey\\sub\\b c.png",
        "/home/x/survey/sub/b c.png",
        "file:///home/x/sub/b%20c.png",
        "file:///C:/survey/sub/b%20c.png",
        "/data/local-files/?d=survey/sub/b%20c.png",
        "http://localhost:8080/data/local-files/?d=survey/sub/b%20c.png&t=1",
        "https://example.org/survey/sub/b%20c.png?key=1",
        "SUB/B C.PNG",
        "./sub/b c.png",
        "sub/b%20c.png",
        "sub\\\\b c.png",
        "file:///C:%5Csurvey%5Csub%5Cb%20c.png",
        "/data/local-files/?d=survey%5Csub%5Cb%2520c.png",
    ],
)
def test_names_as_tools_write_them(tmp_path: Path, name: str) -> None:
    (tmp_path / "images/sub").mkdir(parents=True)
    picture = tmp_path / "images/sub/b c.png"
    picture.touch()
    path = write_coco(tmp_path / "truth.json", coco_document({name: []}))
    (file,) = labelled_files(read_annotations(path, CLASSES), path, None)
    assert (file.path, file.name) == (picture.resolve(), name)


@pytest.mark.parametrize(("there", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_as_macos_and_others_write_them(tmp_path: Path, there: Any, written: Any) -> None:
    (tmp_path / unicodedata.normalize(there, "Éléphants")).mkdir()
    picture = tmp_path / unicodedata.normalize(there, "Éléphants") / unicodedata.normalize(there, "fôret.jpg")
    picture.touch()
    document = coco_document({unicodedata.normalize(written, "Éléphants/fôret.jpg"): []})
    path = write_coco(tmp_path / "truth.json", document)
    assert labelled_files(read_annotations(path, CLASSES), path, None)[0].path == picture.resolve()


def test_the_name_of_an_uploaded_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    document = coco_document({"/data/upload/3/0f3b2c1d-a.jpg": []})
    path = write_coco(tmp_path / "truth.json", document)
    (file,) = labelled_files(read_annotations(path, CLASSES), path, None)
    assert file.path == (tmp_path / "a.jpg").resolve()


def test_a_picture_of_another_folder_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    path = write_coco(tmp_path / "truth.json", coco_document({"2023/1.jpg": []}))
    with pytest.raises(InputError, match="1 of 1 labelled picture"):
        labelled_files(read_annotations(path, CLASSES), path, None)
    path = write_coco(tmp_path / "both.json", coco_document({"C:\\a\\1.jpg": [], "C:\\b\\1.jpg": []}))
    with pytest.raises(InputError, match="are both found as"):
        labelled_files(read_annotations(path, CLASSES), path, None)


@pytest.mark.parametrize("animals", [0, 3])
def test_the_plot_is_a_picture(tmp_path: Path, animals: int) -> None:
    boxes = [(1, (10 * n, 0, 8, 8)) for n in range(animals)]
    path = write_coco(tmp_path / "truth.json", coco_document({"a.jpg": boxes}))
    truth = read_annotations(path, CLASSES)
    scores = score({"a.jpg": truth.images[0].animals}, truth)
    write_precision_recall(tmp_path / "plot.png", scores, title="demo on truth", confidence=0.5)
    with Image.open(tmp_path / "plot.png") as plot:
        assert plot.format == "PNG"
        assert min(plot.size) > 400


def test_detections_read_back(tmp_path: Path) -> None:
    found = Detections(np.array([[1, 2, 30.5, 40], [5, 6, 7, 8]]), np.array([0.75, 0.5]), np.array([1, 0]))
    results = [
        ImageResult(name="a.jpg", path=Path("a.jpg"), detections=found, width=100, height=80),
        ImageResult(name="b.jpg", path=Path("b.jpg"), detections=Detections.empty(), width=100, height=80),
    ]
    write_csv(tmp_path / "detections.csv", results, CLASSES)
    read = read_csv(tmp_path / "detections.csv", CLASSES)
    assert list(read) == ["a.jpg"]
    assert np.array_equal(read["a.jpg"].xyxy, found.xyxy)
    assert np.array_equal(read["a.jpg"].confidence, found.confidence)
    assert np.array_equal(read["a.jpg"].class_id, found.class_id)
