"""The demo's detector measured on two of its pictures, and pictures that cannot be measured on."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.coco_files import coco_document, write_coco
from tests.detection.networks import manifest, save_network
from tests.imagery.damaged_rasters import save_damaged
from tests.real_models import manifest_of
from tests.workspaces import REPOSITORY

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.errors import InputError
from wildetect.evaluation.annotations import read_annotations
from wildetect.evaluation.labelled_files import labelled_files
from wildetect.evaluation.measuring import FLOOR, EvaluationPlan, evaluate_into_folder
from wildetect.registry.cache import FetchedModel
from wildetect.registry.manifest import Manifest, Thresholds
from wildetect.results.records import RunSummary

DEMO = REPOSITORY / "demo"
ANIMALS = ("elephant", "zebra", "antelope")


def plan(weights: Path, manifest: Manifest, annotations: Path, output: Path, limit: int) -> EvaluationPlan:
    truth = read_annotations(annotations, manifest.class_names, limit=limit)
    return EvaluationPlan(
        model=FetchedModel("demo", None, weights, manifest),
        detector=Detector(weights, manifest, "cpu"),
        options=PipelineOptions(tile_size=640),
        truth=truth,
        files=labelled_files(truth, annotations, None),
        dataset="truth",
        output=output,
    )


@pytest.fixture(scope="module")
def demo_plan(tmp_path_factory: pytest.TempPathFactory) -> EvaluationPlan:
    weights = DEMO / "detector.onnx"
    said = manifest_of(weights, "yolov8", ANIMALS, Thresholds(confidence=0.3, iou=0.5))
    return plan(weights, said, DEMO / "truth.json", tmp_path_factory.mktemp("evaluated"), 1)


def test_the_demos_detector(demo_plan: EvaluationPlan) -> None:
    seen: list[int] = []

    def progress(summary: RunSummary) -> None:
        seen.append(summary.detections)

    document = evaluate_into_folder(demo_plan, progress).document()
    metrics, counts = document["metrics"], document["counts"]
    assert metrics["map50"] > 0.85
    assert metrics["map50_95"] < metrics["map50"]
    assert counts["found"] + counts["missed"] == document["dataset"]["animals"] == 37
    assert seen == [counts["found"] + counts["wrong"]] * 2
    assert metrics["recall"] == pytest.approx(counts["found"] / 37, abs=1e-6)
    assert [one["name"] for one in document["classes"]] == list(ANIMALS)
    assert document["settings"]["lowest_confidence"] == FLOOR
    assert json.loads((demo_plan.output / "evaluation.json").read_text(encoding="utf-8")) == document
    assert (demo_plan.output / "classes.csv").read_text(encoding="utf-8").count("\n") == 4
    assert (demo_plan.output / "precision_recall.png").stat().st_size > 10_000


def test_counts_are_those_of_a_run_at_that_confidence(demo_plan: EvaluationPlan, tmp_path: Path) -> None:
    # in tiles that are too small for it this detector errs enough to tell
    small = replace(demo_plan, options=PipelineOptions(tile_size=480), output=tmp_path)
    counts = evaluate_into_folder(small, lambda _: None).document()["counts"]
    (result,) = detect_images(small.files, small.detector, small.options)
    assert result.detections is not None
    assert counts["found"] + counts["wrong"] == len(result.detections)
    assert counts["wrong"] > 0


def test_what_a_run_would_doubt_stands_in_the_evaluation(tmp_path: Path) -> None:
    dice = np.random.default_rng(3)
    for name, lightest in (("a.png", 6), ("b.png", 255)):
        Image.fromarray(dice.integers(0, lightest, (80, 100, 3), np.uint8)).save(tmp_path / name)
    annotations = write_coco(
        tmp_path / "truth.json", coco_document({"a.png": [], "b.png": [(1, (10, 10, 20, 20))]}, ("animal 0",))
    )
    weights = save_network(tmp_path / "network.onnx", [np.zeros((1, 7, 20), np.float32)])
    dark = plan(weights, manifest("yolov8"), annotations, tmp_path / "out", 2)
    record = evaluate_into_folder(dark, lambda _: None)
    assert [one.files for one in record.doubts if "almost black" in one.what] == [("a.png",)]
    assert record.settings["doubtful_pictures"] == 1


def test_pictures_without_a_labelled_animal_measure_nothing(tmp_path: Path) -> None:
    """As of a run's coco.json: its precision of 0 is kept with the version, and each census cites it."""
    Image.new("RGB", (100, 80), (90, 140, 60)).save(tmp_path / "a.png")
    annotations = write_coco(tmp_path / "truth.json", coco_document({"a.png": []}, ("animal 0",)))
    weights = save_network(tmp_path / "network.onnx", [np.zeros((1, 7, 20), np.float32)])
    empty = plan(weights, manifest("yolov8"), annotations, tmp_path / "out", 1)
    record = evaluate_into_folder(empty, lambda _: None)
    assert [one.files for one in record.doubts if "every box counts as wrong" in one.what] == [("a.png",)]


def test_pictures_of_which_a_part_cannot_be_read_are_not_measured_on(tmp_path: Path) -> None:
    path = save_damaged(tmp_path / "ortho.tif", 3, 2, [(1, 1)])
    annotations = write_coco(tmp_path / "truth.json", coco_document({path.name: []}, ("animal 0",)))
    weights = save_network(tmp_path / "network.onnx", [np.zeros((1, 7, 20), np.float32)])
    torn = replace(
        plan(weights, manifest("yolov8"), annotations, tmp_path / "out", 1),
        options=PipelineOptions(tile_size=256, overlap_ratio=0.0),
    )
    with pytest.raises(InputError, match=r"ortho\.tif cannot be evaluated: 256 x 256 px at .*is damaged"):
        evaluate_into_folder(torn, lambda _: None)


@pytest.mark.parametrize(
    ("size", "content", "said"),
    [
        ((80, 100), None, "has 80 x 100 px, but was labelled with 100 x 80 px"),
        ((100, 80), b"no picture", r"a\.jpg cannot be evaluated"),
    ],
)
def test_pictures_that_would_spoil_the_numbers(
    tmp_path: Path, size: tuple[int, int], content: bytes | None, said: str
) -> None:
    Image.new("RGB", size).save(tmp_path / "a.jpg")
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    shutil.copy(tmp_path / "a.jpg", tmp_path / "b.jpg")
    document = coco_document({"a.jpg": [], "b.jpg": []}, ("animal 0",))
    annotations = write_coco(tmp_path / "truth.json", document)
    weights = save_network(tmp_path / "network.onnx", [np.zeros((1, 7, 20), np.float32)])
    spoiled = plan(weights, manifest("yolov8"), annotations, tmp_path / "out", 2)
    with pytest.raises(InputError, match=said):
        evaluate_into_folder(spoiled, lambda _: None)
    assert not (tmp_path / "out").exists()
