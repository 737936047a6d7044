"""Order and unit of a table's columns: told, or found out; with networks whose answer is known exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests import known_answers
from tests.known_answers import ULTRALYTICS

from wildetect.detection.checks.inspection import check, inspect
from wildetect.detection.checks.recognition import describe
from wildetect.detection.checks.row_layout import with_layout
from wildetect.detection.families.rows.columns import layouts
from wildetect.detection.network.detector import Detector
from wildetect.errors import ModelError
from wildetect.registry.manifest import Manifest, Source
from wildetect.settings.registration import BoxUnit, Column, RegistrationSettings

NAMES = ["red", "blue"]
ORDERS = [(layout.columns, layout.box_unit) for count in (6, 7) for layout in layouts(count)]
YOLOV7: tuple[Column, ...] = ("batch", "x1", "y1", "x2", "y2", "class", "score")


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    Image.fromarray(known_answers.picture()).save(tmp_path / "squares.png")
    return tmp_path / "squares.png"


def registered(weights: Path, picture: Path | None = None, **settings: object) -> Manifest:
    file = inspect(weights)
    said = RegistrationSettings.model_validate(settings)
    source = Source(file=weights.name, size=1, sha256="")
    manifest, _ = with_layout(file, describe(file, said, "", source), said, picture)
    check(weights, manifest)
    return manifest


def found(weights: Path, manifest: Manifest, pixels: np.ndarray | None = None) -> list[tuple[int, ...]]:
    (one,) = Detector(weights, manifest, "cpu").detect(
        [known_answers.picture() if pixels is None else pixels]
    )
    assert one.confidence == pytest.approx(230 / 255, abs=1e-3)
    boxes = np.round(one.xyxy, 2).tolist()
    return sorted((int(class_id), *box) for class_id, box in zip(one.class_id, boxes, strict=True))


@pytest.mark.parametrize("found_only", [False, True], ids=["300 rows", "found alone"])
@pytest.mark.parametrize(("columns", "unit"), ORDERS, ids="".join)
def test_every_published_order_is_found_out_on_a_picture(
    tmp_path: Path, photograph: Path, columns: tuple[Column, ...], unit: BoxUnit, found_only: bool
) -> None:
    weights = known_answers.table(tmp_path / "table.onnx", columns, unit, found_only=found_only)
    family = "end-to-end" if len(columns) == 6 else "end-to-end-7"
    manifest = registered(weights, photograph, family=family, class_names=NAMES)
    assert found(weights, manifest) == known_answers.boxes()


@pytest.mark.parametrize("box", [("x1", "y1", "x2", "y2"), ("cx", "cy", "w", "h")])
@pytest.mark.parametrize("square", [(2, 2, 0), (10, 12, 1), (30, 29, 1)])
def test_one_box_is_told_by_the_mirrored_picture(
    tmp_path: Path, box: tuple[Column, ...], square: tuple[int, int, int]
) -> None:
    weights = known_answers.table(tmp_path / "table.onnx", (*box, "score", "class"), found_only=True)
    pixels = known_answers.picture([square])
    Image.fromarray(pixels).save(tmp_path / "one.png")
    manifest = registered(weights, tmp_path / "one.png", family="end-to-end", class_names=NAMES)
    assert found(weights, manifest, pixels) == known_answers.boxes([square])


def test_a_check_that_saw_no_rows_is_no_check(tmp_path: Path) -> None:
    weights = known_answers.table(tmp_path / "table.onnx", YOLOV7, found_only=True)
    with pytest.raises(ModelError, match="finds nothing on a made-up picture") as caught:
        registered(weights, family="end-to-end-7", class_names=NAMES)
    assert "--picture FILE" in str(caught.value.hint)
    assert "columns:" in str(caught.value.hint)
    Image.new("RGB", (256, 256), "green").save(tmp_path / "empty.png")
    with pytest.raises(ModelError, match="finds nothing on the picture"):
        registered(weights, tmp_path / "empty.png", family="end-to-end-7", class_names=NAMES)


def test_columns_of_the_settings_count_and_are_checked(tmp_path: Path, photograph: Path) -> None:
    weights = known_answers.table(tmp_path / "table.onnx", YOLOV7, found_only=True)
    said: dict[str, Any] = {"family": "end-to-end-7", "class_names": NAMES}
    manifest = registered(weights, columns=list(YOLOV7), **said)  # no rows, but told
    assert found(weights, manifest) == known_answers.boxes()
    wrong = ["batch", "cx", "cy", "w", "h", "class", "score"]
    with pytest.raises(ModelError, match="as the settings say") as caught:
        registered(weights, photograph, columns=wrong, **said)
    assert f"columns: [{', '.join(YOLOV7)}], box_unit: px" in str(caught.value.hint)
    with pytest.raises(ModelError, match="px, not fractions"):
        registered(weights, photograph, columns=list(YOLOV7), box_unit="fraction", **said)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (["x1", "y1", "x2", "y2", "score"], "name class, score"),
        (["x1", "y1", "w", "h", "score", "class"], "name class, score"),
        (["x1", "y1", "x2", "y2", "score", "class", "batch"], "batch only as first"),
        (["x1", "y1", "x2", "y2", "score", "class", "class"], "once"),
    ],
)
def test_columns_that_make_no_box(columns: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RegistrationSettings.model_validate({"columns": columns})


def test_columns_are_for_tables_alone(tmp_path: Path) -> None:
    weights = known_answers.rt_detr(tmp_path / "rtdetr.onnx")
    with pytest.raises(ModelError, match="box_unit: is for end-to-end, end-to-end-7, detr"):
        registered(weights, family="rt-detr", class_names=NAMES, box_unit="px")


@pytest.mark.parametrize(
    ("notes", "family"),
    [
        ({"description": "Ultralytics rtdetr-l model"}, "rt-detr"),
        ({"description": "Ultralytics RT-DETR-l model trained on herd.yaml"}, "rt-detr"),
    ],
)
def test_rt_detr_of_two_classes_is_told_from_an_end_to_end_table(
    tmp_path: Path, notes: dict[str, str], family: str
) -> None:
    weights = known_answers.rt_detr(tmp_path / "rtdetr.onnx", {**ULTRALYTICS, **notes})
    manifest = registered(weights)
    assert (manifest.family, manifest.feeding.resize) == (family, "stretch")
    assert found(weights, manifest) == known_answers.boxes()
    # read as a table it would have been quietly wrong
    with pytest.raises(ModelError, match="metadata say"):
        registered(weights, family="end-to-end")


def test_rt_detr_of_later_versions_gives_classes(tmp_path: Path) -> None:
    columns: tuple[Column, ...] = ("cx", "cy", "w", "h", "score", "class")
    notes = {**ULTRALYTICS, "head": "RTDETRDecoder", "description": "Ultralytics rtdetr-l model"}
    weights = known_answers.table(tmp_path / "rtdetr.onnx", columns, "fraction", metadata=notes)
    manifest = registered(weights)
    assert (manifest.family, manifest.columns, manifest.box_unit) == ("end-to-end", columns, "fraction")
    assert manifest.feeding.resize == "stretch"
    assert found(weights, manifest) == known_answers.boxes()


def test_six_columns_that_no_note_explains_are_refused(tmp_path: Path) -> None:
    weights = known_answers.rt_detr(tmp_path / "rtdetr.onnx", ULTRALYTICS)
    with pytest.raises(ModelError, match="fit end-to-end and rt-detr") as caught:
        registered(weights)
    assert "auto-check" in str(caught.value.hint)


@pytest.mark.parametrize("notes", [{"end2end": "True"}, {"args": "{'nms': True, 'dynamic': True}"}])
def test_what_ultralytics_notes_of_an_end_to_end_file(tmp_path: Path, notes: dict[str, str]) -> None:
    columns: tuple[Column, ...] = ("x1", "y1", "x2", "y2", "score", "class")
    path = tmp_path / "table.onnx"
    weights = known_answers.table(path, columns, found_only=True, metadata={**ULTRALYTICS, **notes})
    manifest = registered(weights)
    assert (manifest.family, manifest.columns, manifest.box_unit) == ("end-to-end", None, None)
    assert found(weights, manifest) == known_answers.boxes()


@pytest.mark.parametrize(
    ("file", "expected"),
    [("models/rtdetr1.onnx", "rt-detr"), ("rtdetr_ultralytics_layout.onnx", "end-to-end")],
)
def test_reported_files_of_rt_detr_read_by_themselves(shared_data: Path, file: str, expected: str) -> None:
    weights = shared_data / "reports" / file
    manifest = registered(weights)
    assert manifest.family == expected
    side = manifest.feeding.width
    squares = [(x, y, 0) for x in range(2, side // 8, 10) for y in range(2, side // 8, 10)]
    pixels = known_answers.picture(squares, 255, side)
    (one,) = Detector(weights, manifest, "cpu").detect([pixels])
    expected_boxes = [box[1:] for box in known_answers.boxes(squares)]
    assert len(squares) >= 36
    # one of the files gives each box several times
    assert sorted(set(map(tuple, np.round(one.xyxy).tolist()))) == sorted(expected_boxes)


def test_a_version_that_was_registered_wrongly_fails_instead_of_losing_animals(tmp_path: Path) -> None:
    weights = known_answers.table(tmp_path / "t.onnx", ("cx", "cy", "w", "h", "score", "class"), "fraction")
    right = registered(weights, family="end-to-end", class_names=NAMES)
    wrong = right.model_copy(update={"columns": None, "box_unit": None})
    with pytest.raises(ModelError, match="fractions of the picture, not px"):
        Detector(weights, wrong, "cpu").detect([known_answers.picture()])
    wrong = right.model_copy(update={"columns": None})
    with pytest.raises(ModelError, match="right or lower edge"):
        Detector(weights, wrong, "cpu").detect([known_answers.picture()])


def test_an_own_order_leaves_the_manifest_as_it_was(tmp_path: Path) -> None:
    columns: tuple[Column, ...] = ("x1", "y1", "x2", "y2", "score", "class")
    manifest = registered(
        known_answers.table(tmp_path / "t.onnx", columns), family="end-to-end", class_names=NAMES
    )
    assert manifest.columns is None
    other = manifest.model_copy(update={"columns": columns})
    assert other.fingerprint != manifest.fingerprint
