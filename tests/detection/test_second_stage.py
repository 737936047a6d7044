"""The classifier behind a detector: how it is recognised, what it is shown, what becomes of the boxes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.detection.networks import SIZE, manifest, save_classifier, save_network

from wildetect.detection.checks.classifier_inspection import describe_classifier
from wildetect.detection.network.classifier import Classifier
from wildetect.detection.network.detector import Detector
from wildetect.detection.network.relabelling import crop
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.detections import Detections
from wildetect.errors import ModelError
from wildetect.imagery.discovery import discover
from wildetect.imagery.source import ArraySource, Pixels
from wildetect.registry.manifest import Manifest, SecondStage, Source
from wildetect.settings.registration import Classifier as Settings

NAMES = ["red", "green", "blue"]
SOURCE = Source(file="classifier.onnx", size=1, sha256="0" * 64)
PLAIN = {"class_names": NAMES, "scale": 1 / 255}


def described(path: Path, **keys: Any) -> SecondStage:
    return describe_classifier(path, Settings.model_validate({**PLAIN, **keys}), "0" * 64, SOURCE)[0]


def plain(red: int, green: int, blue: int, size: tuple[int, int] = (20, 30)) -> Pixels:
    return np.full((*size, 3), (red, green, blue), np.uint8)


@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize("batch", [None, 1, 4])
def test_probabilities_of_crops(tmp_path: Path, softmax: bool, batch: int | None) -> None:
    path = save_classifier(tmp_path / "c.onnx", softmax=softmax, batch=batch)
    stage = described(path)
    assert stage.softmax is not softmax
    assert stage.feeding.batch == batch
    classifier = Classifier(path, stage, "cpu")
    rows = classifier.classify([plain(255, 0, 0), plain(0, 0, 255), plain(0, 255, 0)] * 3)
    assert rows.argmax(axis=1).tolist() == [0, 2, 1] * 3
    assert rows.sum(axis=1) == pytest.approx(1)
    assert rows[0, 0] == pytest.approx(np.exp(10) / (np.exp(10) + 2), rel=1e-4)
    assert classifier.classify([]).shape == (0, 3)


def test_what_the_file_says_of_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notes = {"task": "classify", "names": "{0: 'a', 1: 'b', 2: 'c'}"}
    path = save_classifier(tmp_path / "c.onnx", metadata=notes)
    with caplog.at_level(logging.WARNING):
        stage = describe_classifier(path, Settings(), "0" * 64, SOURCE)[0]
    assert stage.class_names == ("a", "b", "c")
    assert (stage.feeding.scale, stage.feeding.mean) == (1 / 255, (0.0, 0.0, 0.0))
    assert not caplog.records
    silent = save_classifier(tmp_path / "silent.onnx")
    with caplog.at_level(logging.WARNING):
        stage = describe_classifier(silent, Settings(class_names=NAMES), "0" * 64, SOURCE)[0]
    assert stage.feeding.mean == (0.485, 0.456, 0.406)
    assert "does not say how it is fed" in caplog.text


def test_names_at_other_places_than_in_the_file_are_in_doubt(tmp_path: Path) -> None:
    path = save_classifier(tmp_path / "c.onnx", metadata={"names": "['red', 'green', 'blue']"})
    for names, doubted in ((["green", "red", "blue"], True), (NAMES, False), (["a", "b", "c"], False)):
        doubt = describe_classifier(path, Settings(class_names=names, scale=1 / 255), "0" * 64, SOURCE)[1]
        assert ("classifier: class_names has green and red at another place" in str(doubt)) is doubted


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"class_names": None}, "carries no class names"),
        ({"class_names": ["a", "b"]}, "tells 3 classes apart, but has 2 class names"),
        ({"class_names": ["a", "b", "b"]}, "more than once"),
        ({"imgsz": 96}, "takes pictures of 64 x 64 px, not of 96"),
    ],
)
def test_what_cannot_be_a_second_stage(tmp_path: Path, keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        described(save_classifier(tmp_path / "c.onnx"), **keys)
    assert caught.value.hint


def test_a_detector_is_no_classifier(tmp_path: Path) -> None:
    path = save_network(tmp_path / "d.onnx", [np.zeros((1, 7, 99), np.float32)])
    with pytest.raises(ModelError, match="but has 3 class names"):
        described(path)


@pytest.mark.parametrize(
    ("box", "keys", "size", "corner"),
    [
        ((10, 10, 30, 20), {"margin": 0, "crop": "box"}, (10, 20), (10, 10)),
        ((10, 10, 30, 20), {"margin": 0.1, "crop": "box"}, (14, 24), (8, 8)),
        ((10, 10, 30, 20), {"margin": 0}, (20, 20), (10, 5)),
        ((10, 10, 30, 20), {"margin": 0.1}, (24, 24), (8, 3)),
        ((0, 0, 20, 10), {"margin": 0}, (20, 20), None),  # reaches above the picture
        ((90, 70, 100, 80), {"margin": 0.5}, (20, 20), None),
        ((90, 70, 100, 80), {"margin": 0.5, "crop": "box"}, (15, 15), (85, 65)),
        ((5.1, 5.1, 5.4, 5.2), {"margin": 0}, (1, 1), (5, 5)),
        ((5.1, 5.1, 5.4, 5.2), {"margin": 0, "crop": "box"}, (1, 1), (5, 5)),
        ((99.99995, 79.99995, 100, 80), {"margin": 0, "crop": "box"}, (1, 1), (99, 79)),
    ],
)
def test_what_is_cut_out(
    box: tuple[float, ...], keys: dict[str, Any], size: tuple[int, int], corner: tuple[int, int] | None
) -> None:
    rows, columns = np.mgrid[0:80, 0:100]
    picture = np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8)
    made = crop(ArraySource(picture), np.array(box, np.float32), stage_of(**keys))
    assert made.shape == (*size, 3)
    if corner is not None:
        assert made[0, 0].tolist() == [*corner, 0]
    else:
        assert (made == 114).all(axis=2).any()


def stage_of(**keys: Any) -> SecondStage:
    feeding = {"width": SIZE, "height": SIZE, "resize": "stretch"}
    given = {"feeding": feeding, "class_names": NAMES, "softmax": True, "sha256": "0" * 64, "source": SOURCE}
    return SecondStage.model_validate({**given, **keys})


# x_min, y_min, x_max, y_max, confidence, class: in a picture of 64 px
BOXES = np.array(
    [[[4, 4, 16, 16, 0.9, 0], [40, 4, 52, 16, 0.8, 0], [4, 40, 16, 52, 0.5, 1], [5, 41, 16, 52, 0.4, 2]]],
    np.float32,
)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Red at the top left, blue at the top right, green below: but grey where no box lies."""
    pixels = plain(90, 90, 90, (64, 64))
    pixels[:30, :30] = (200, 20, 20)
    pixels[:30, 34:] = (20, 20, 160)
    pixels[34:, :30] = (20, 90, 20)
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(pixels).save(folder / "p.png")
    return folder


def two_stages(folder: Path, **keys: Any) -> Detector:
    weights = save_network(folder / "d.onnx", [BOXES])
    classifier = save_classifier(folder / "c.onnx")
    both = manifest("end-to-end").with_second_stage(described(classifier, **keys))
    return Detector(weights, both, "cpu", classifier=classifier)


def test_boxes_get_the_classifiers_class(tmp_path: Path, picture: Path) -> None:
    detector = two_stages(tmp_path, confidence="detector")
    assert detector.manifest.class_names == ("red", "green", "blue")
    assert detector.manifest.detected_names == ("animal 0", "animal 1", "animal 2")
    found = only(picture, detector, PipelineOptions(tile_size=0))
    # the two boxes below were of two classes; of one now, they are one animal
    assert found.class_id.tolist() == [0, 2, 1]
    assert found.confidence == pytest.approx([0.9, 0.8, 0.5])


def test_confidences_are_multiplied(tmp_path: Path, picture: Path) -> None:
    detector = two_stages(tmp_path)
    found = only(picture, detector, PipelineOptions(tile_size=0))
    scores = np.array([[200, 20, 20], [20, 20, 160], [20, 90, 20]]) / 25.5
    sure = np.exp(scores).max(axis=1) / np.exp(scores).sum(axis=1)
    assert found.confidence == pytest.approx(np.array([0.9, 0.8, 0.5]) * sure, rel=1e-3)
    # what falls below the lowest confidence wanted is left out, as it would be of a detector
    fewer = only(picture, detector, PipelineOptions(tile_size=0, confidence=0.48))
    assert len(fewer) == 2


def only(folder: Path, detector: Detector, options: PipelineOptions) -> Detections:
    (result,) = detect_images(discover([folder]), detector, options)
    assert result.failure is None
    assert result.detections is not None
    return result.detections


def test_threads_batches_and_passes_change_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (5, 150, 200, 3), dtype=np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).resize((400, 300)).save(folder / f"{number}.png")
    runs = []
    for workers, decoders, passes in ((1, 1, 8), (4, 3, 8), (3, 2, 3)):
        detector = two_stages(tmp_path, processing={"batch_size": passes})
        options = PipelineOptions(tile_size=64, workers=workers, decode_threads=decoders)
        results = list(detect_images(discover([folder]), detector, options))
        assert [result.name for result in results] == [f"{number}.png" for number in range(5)]
        runs.append([result.detections for result in results])
    assert all(len(one or ()) > 20 for one in runs[0])
    for run in runs[1:]:
        for one, other in zip(runs[0], run, strict=True):
            assert one is not None
            assert other is not None
            assert one.xyxy.tobytes() == other.xyxy.tobytes()
            assert one.class_id.tolist() == other.class_id.tolist()
            assert one.confidence.tobytes() == other.confidence.tobytes()


def test_a_picture_without_boxes_and_one_that_fails(tmp_path: Path, picture: Path) -> None:
    detector = two_stages(tmp_path)
    assert len(only(picture, detector, PipelineOptions(tile_size=0, confidence=0.95))) == 0
    (picture / "q.png").write_bytes(b"no picture")
    first, second = detect_images(discover([picture]), detector, PipelineOptions(tile_size=0))
    assert not first.failed
    assert second.failed


def test_a_failing_classifier_is_the_images_failure(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = two_stages(tmp_path)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Classifier, "classify", broken)
    (result,) = detect_images(discover([picture]), detector, PipelineOptions(tile_size=0))
    assert result.failure == "unexpected ZeroDivisionError: oops"


def test_a_classifier_that_gives_no_numbers_loses_no_boxes_silently(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = two_stages(tmp_path)
    assert detector.classifier is not None
    run = detector.classifier.session.run
    monkeypatch.setattr(detector.classifier.session, "run", lambda *fed: [run(*fed)[0] * np.float32(np.nan)])
    (result,) = detect_images(discover([picture]), detector, PipelineOptions(tile_size=0))
    assert result.failure is not None
    assert "values that are not numbers" in result.failure


def test_the_manifest_survives_its_storage(tmp_path: Path) -> None:
    both = two_stages(tmp_path).manifest
    assert Manifest.model_validate(both.model_dump(mode="json")) == both


def test_a_second_stage_needs_its_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the file of the second stage"):
        Detector(tmp_path / "d.onnx", two_stages(tmp_path).manifest, "cpu")
