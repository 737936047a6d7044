from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin
from tests.detection.networks import manifest, save_fragile, save_network, work_as_on_a_gpu
from tests.detection.test_decoders import yolov8
from tests.real_models import FAMILIES, manifest_of

from wildetect import geometry
from wildetect.detection.network import detector as module
from wildetect.detection.network.detector import Detector
from wildetect.detection.network.preprocess import network_input
from wildetect.detection.run import workers
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.imagery.discovery import ImageFile, discover
from wildetect.imagery.opening import open_file
from wildetect.imagery.reading import Reading
from wildetect.registry.manifest import Thresholds
from wildetect.results.exports.formats.csv_file import write_csv
from wildetect.results.exports.formats.megadetector import write_megadetector


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    """Finds the same two animals in every tile."""
    weights = save_network(tmp_path / "network.onnx", yolov8()[0])
    return Detector(weights, manifest("yolov8"), "cpu")


def photographs(folder: Path, count: int, size: tuple[int, int] = (64, 64)) -> list[ImageFile]:
    folder.mkdir()
    for number in range(count):
        Image.new("RGB", size, (number, 0, 0)).save(folder / f"{number}.png")
    return discover([folder])


def test_tiles_are_shifted_stitched_and_in_order(tmp_path: Path, detector: Detector) -> None:
    images = photographs(tmp_path / "photographs", 5, (112, 64))
    results = list(detect_images(images, detector, PipelineOptions(tile_size=64, overlap_ratio=0.25)))
    assert [result.name for result in results] == [f"{number}.png" for number in range(5)]
    for result in results:
        assert (result.width, result.height, result.tiles) == (112, 64, 2)
        assert result.detections is not None
        # each tile has [25, 16, 35, 24] and [8, 37, 12, 43]; the second tile begins at 48
        assert sorted(result.detections.xyxy[:, 0].tolist()) == pytest.approx([8, 25, 56, 73], abs=1e-4)
        assert result.seconds > 0


def test_a_tile_is_fitted_to_the_network(tmp_path: Path, detector: Detector) -> None:
    images = photographs(tmp_path / "photographs", 1, (32, 32))
    (result,) = detect_images(images, detector, PipelineOptions(tile_size=32))
    assert result.detections is not None
    # a tile of 32 px on a network of 64: everything is seen twice as large, and halved again
    assert result.detections.xyxy[0] == pytest.approx([12.5, 8, 17.5, 12])


def test_boxes_are_cut_to_the_image(tmp_path: Path) -> None:
    rows = np.array([[[-20, -5, 30, 80, 0.9, 0], [70, 70, 90, 90, 0.8, 0]]], np.float32)
    detector = Detector(save_network(tmp_path / "network.onnx", [rows]), manifest("end-to-end"), "cpu")
    (result,) = detect_images(photographs(tmp_path / "p", 1), detector, PipelineOptions(tile_size=0))
    assert result.detections is not None
    assert result.detections.xyxy.tolist() == [[0, 0, 30, 64]]


def broken(folder: Path, number: int) -> list[ImageFile]:
    """Files that are there, and no pictures."""
    images = [ImageFile(folder / f"broken {one}.jpg", f"{one}") for one in range(number)]
    for image in images:
        Path(str(image.path)).write_bytes(b"no picture")
    return images


def test_a_broken_image_is_recorded_and_the_run_goes_on(tmp_path: Path, detector: Detector) -> None:
    images = photographs(tmp_path / "photographs", 3)
    Path(str(images[1].path)).write_bytes(images[1].path.read_bytes()[:60])
    results = list(detect_images(images, detector, PipelineOptions()))
    assert [result.failed for result in results] == [False, True, False]
    assert results[1].failure is not None
    assert "cut short" in results[1].failure


@pytest.mark.parametrize(("max_errors", "done"), [(0, 1), (2, 3), (10, 6)])
def test_more_than_max_errors_stop_the_run(
    tmp_path: Path, detector: Detector, max_errors: int, done: int
) -> None:
    images = broken(tmp_path, 6)
    results = list(detect_images(images, detector, PipelineOptions(max_errors=max_errors)))
    assert len(results) == done
    assert all(result.failed for result in results)


@pytest.mark.parametrize(
    ("max_errors", "known", "done"),
    [
        (None, 0, 50),  # a wrong drive
        (None, 30, 80),  # 30 of them failed before: behind them the first 50 fail
        (2, 100, 120),
        (0.1, 0, 13),
        (0.5, 0, 61),
        (500, 0, 120),
    ],
)
def test_failures_stop_a_run_by_number_by_share_or_where_nothing_can_be_read(
    tmp_path: Path, detector: Detector, max_errors: float | None, known: int, done: int
) -> None:
    names = [f"{number}" for number in range(120)]
    images = broken(tmp_path, 120)
    options = PipelineOptions(max_errors=max_errors)
    results = list(detect_images(images, detector, options, known=names[:known] if known < 100 else names))
    assert len(results) == done


def test_one_that_can_be_read_keeps_a_run_going(tmp_path: Path, detector: Detector) -> None:
    unreadable = broken(tmp_path, 120)
    images = [*unreadable[:30], *photographs(tmp_path / "photographs", 1), *unreadable[30:]]
    assert len(list(detect_images(images, detector, PipelineOptions()))) == 121


def test_a_run_whose_drive_goes_in_the_middle_stops(
    tmp_path: Path, detector: Detector, caplog: pytest.LogCaptureFixture
) -> None:
    images = photographs(tmp_path / "photographs", 100)
    results = detect_images(images, detector, PipelineOptions(decode_ahead=1, max_errors=1000))
    first = next(results)
    (tmp_path / "photographs").rename(tmp_path / "away")
    others = list(results)
    assert not first.failed
    assert sum(result.failed for result in others) == 20
    assert len(others) < 40
    assert "no longer there" in caplog.text


def test_some_that_are_gone_are_no_drive_that_is(tmp_path: Path, detector: Detector) -> None:
    images = photographs(tmp_path / "photographs", 31)
    for image in images[2:28]:
        Path(str(image.path)).unlink()
    results = list(detect_images(images, detector, PipelineOptions()))
    assert [result.failed for result in results].count(True) == 26
    assert len(results) == 31


@pytest.mark.parametrize("batch", [2, 4])
def test_a_photograph_whose_outputs_are_no_numbers_costs_no_other_one_of_its_batch(
    tmp_path: Path, batch: int
) -> None:
    outputs = [np.repeat(output, batch, axis=0) for output in yolov8()[0]]
    detector = Detector(save_fragile(tmp_path / "n.onnx", outputs, batch), manifest("yolov8"), "cpu")
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(5):
        Image.new("RGB", (64, 64), (90 * (number > 0), 90, 90)).save(folder / f"{number}.png")
    images = discover([folder])
    first, *others = detect_images(images, detector, PipelineOptions())
    assert first.failure is not None
    assert "values that are not numbers" in first.failure
    assert "Take the device cpu" in first.failure
    assert [len(one.detections or ()) for one in others] == [2] * 4


def test_a_tile_whose_outputs_are_no_numbers_is_named_and_costs_a_raster_only_itself(tmp_path: Path) -> None:
    detector = Detector(
        save_fragile(tmp_path / "n.onnx", yolov8()[0], None), manifest("yolov8", size=64), "cpu"
    )
    bands = np.full((3, 64, 192), 90, np.uint8)
    bands[:, ::9, ::9] += 1  # a tile of one colour alone would count as empty
    bands[0, :, 64:128] = 0
    kind = {"driver": "GTiff", "width": 192, "height": 64, "count": 3, "dtype": "uint8"}
    place = {"crs": "EPSG:32736", "transform": from_origin(500_000, 9_700_000, 0.1, 0.1)}
    (tmp_path / "rasters").mkdir()
    with rasterio.open(tmp_path / "rasters/a.tif", "w", **kind, **place) as file:
        file.write(bands)
    options = PipelineOptions(tile_size=64, overlap_ratio=0)
    (result,) = detect_images(discover([tmp_path / "rasters"]), detector, options)
    assert result.failure is None
    assert result.detections is not None
    assert sorted({int(left) // 64 for left in result.detections.xyxy[:, 0]}) == [0, 2]
    (tile,) = result.tiles_failed
    assert tile.startswith("64 x 64 px at 64, 0: the model gave values that are not numbers")


def test_a_bug_in_one_image_is_its_failure(
    tmp_path: Path, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = photographs(tmp_path / "photographs", 3)
    find = detector.find

    def fails_on_the_second(tiles: Any, *how: Any) -> Any:
        if tiles[0][0, 0, 0] == 1:
            raise ZeroDivisionError("oops")
        return find(tiles, *how)

    monkeypatch.setattr(detector, "find", fails_on_the_second)
    results = list(detect_images(images, detector, PipelineOptions()))
    assert [result.failure for result in results] == [None, "unexpected ZeroDivisionError: oops", None]


def test_a_bug_in_the_threads_reaches_the_caller(
    tmp_path: Path, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("stitching is broken")

    monkeypatch.setattr(workers.Workers, "_result", broken)
    with pytest.raises(RuntimeError, match="stitching is broken"):
        list(detect_images(photographs(tmp_path / "photographs", 2), detector, PipelineOptions()))
    assert own_threads() == 0


def test_closing_ends_the_threads(tmp_path: Path, detector: Detector) -> None:
    images = photographs(tmp_path / "photographs", 50)
    run = detect_images(images, detector, PipelineOptions(tile_size=16))
    next(run)
    assert own_threads() > 0
    start = time.perf_counter()
    run.close()
    assert own_threads() == 0
    assert time.perf_counter() - start < 5


def test_only_a_few_images_are_in_memory(
    tmp_path: Path, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive, most = set(), 0
    lock = threading.Lock()

    def watched(file: ImageFile, reading: Reading) -> Any:
        nonlocal most
        source, path = open_file(file, reading), file.path
        close = source.close

        def closed() -> None:
            with lock:
                alive.discard(path)
            close()

        monkeypatch.setattr(source, "close", closed)
        with lock:
            alive.add(path)
            most = max(most, len(alive))
        return source

    monkeypatch.setattr(workers, "open_file", watched)
    images = photographs(tmp_path / "photographs", 60)
    options = PipelineOptions(tile_size=32, workers=2, decode_ahead=2, decode_threads=3)
    assert len(list(detect_images(images, detector, options))) == 60
    assert not alive
    assert most <= 4  # two that wait, and at most one for each worker


def test_a_caller_that_takes_its_time_is_not_run_away_from(tmp_path: Path, detector: Detector) -> None:
    images = photographs(tmp_path / "photographs", 100)
    run = detect_images(images, detector, PipelineOptions(tile_size=0))
    next(run)
    time.sleep(0.5)
    assert len(list(run)) == 99


def own_threads() -> int:
    return sum(thread.name.startswith("wildetect") for thread in threading.enumerate())


@pytest.mark.parametrize("model", FAMILIES)
def test_golden_boxes_through_the_pipeline(shared_data: Path, model: str) -> None:
    golden = json.loads((shared_data / "golden.json").read_text(encoding="utf-8"))["models"][model]
    px, share = (4, 0.05) if "int8" in model else (2, 0.02)
    weights = shared_data / "models" / f"{model}.onnx"
    thresholds = Thresholds(confidence=0.35, iou=0.5)
    detector = Detector(weights, manifest_of(weights, FAMILIES[model], thresholds=thresholds), "cpu")
    images = discover([shared_data / image for image in golden])
    results = {f"images/{r.name}": r for r in detect_images(images, detector, PipelineOptions(tile_size=0))}
    assert set(results) == set(golden)
    for image, expected in golden.items():
        found, width, height = results[image].detections, results[image].width, results[image].height
        assert found is not None
        assert width is not None
        assert height is not None
        for box in expected:
            # our boxes are cut to the image, the golden ones are not
            cut = geometry.clip(np.array([box["xyxy"]]), width, height)[0]
            near = [
                row
                for row in range(len(found))
                if detector.manifest.class_names[found.class_id[row]] == box["class_name"]
                and np.abs(found.xyxy[row] - cut).max() <= px
                and abs(found.confidence[row] - box["confidence"]) <= share
            ]
            assert len(near) == 1, (image, box)


def test_tiles_find_animals_that_are_too_small_in_the_whole_image(shared_data: Path, tmp_path: Path) -> None:
    weights = shared_data / "models" / "yolov8n_int8.onnx"
    detector = Detector(weights, manifest_of(weights, "yolov8"), "cpu")
    images = discover([shared_data / "images" / "herdnetdemo_livestock_120.jpg"])
    (whole,) = detect_images(images, detector, PipelineOptions(tile_size=0, confidence=0.35))
    assert whole.detections is not None
    assert len(whole.detections) == 0
    options = PipelineOptions(tile_size=320, overlap_ratio=0.2, confidence=0.35)
    (tiled,) = detect_images(images, detector, options)
    found = tiled.detections
    assert found is not None
    assert 20 <= len(found) <= 30
    assert tiled.tiles == 135
    overlap = geometry.ios(found.xyxy, found.xyxy) * (found.class_id[:, None] == found.class_id)
    assert np.triu(overlap, 1).max() < 0.2  # no part of an animal beside the whole of it
    del tmp_path


def test_results_are_the_same_bytes_with_any_batch_and_number_of_threads(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = shared_data / "models" / "deimv2_atto_coco.onnx"
    work_as_on_a_gpu(monkeypatch)
    images = discover([shared_data / "images" / name for name in ("bus.jpg", "coco_000000005992.jpg")])
    runs = []
    for number, (batch_size, threads) in enumerate([(1, 1), (1, 3), (1, 1), (4, 2), (8, 1), (50, 2)]):
        detector = Detector(weights, manifest_of(weights, "detr"), "cpu", batch_size=batch_size)
        assert detector.session.takes_pixels
        options = PipelineOptions(tile_size=300, workers=threads)
        results = list(detect_images(images, detector, options))
        write_megadetector(tmp_path / f"{number}.json", results, detector.manifest.class_names)
        write_csv(tmp_path / f"{number}.csv", results, detector.manifest.class_names)
        runs.append(results)
    for number in (1, 2):
        for ending in ("json", "csv"):
            assert (tmp_path / f"{number}.{ending}").read_bytes() == (tmp_path / f"0.{ending}").read_bytes()
    for results in runs[3:]:
        for one, other in zip(runs[0], results, strict=True):
            assert one.detections is not None
            assert other.detections is not None
            assert one.detections.class_id.tolist() == other.detections.class_id.tolist()
            assert one.detections.confidence == pytest.approx(other.detections.confidence, abs=1e-3)
            assert one.detections.xyxy == pytest.approx(other.detections.xyxy, abs=0.5)


def test_a_folder_of_naughty_files(shared_data: Path) -> None:
    weights = shared_data / "models" / "fastestdet.onnx"
    detector = Detector(weights, manifest_of(weights, "fastestdet"), "cpu")
    images = discover([shared_data / "naughty"])
    results = list(detect_images(images, detector, PipelineOptions(max_errors=100)))
    failed = {result.name: result.failure for result in results if result.failed}
    assert set(failed) == {
        "pil_broken_data_stream.png",
        "pil_png_decompression_dos.png",
        "pil_truncated_image.png",
        "pil_truncated_jpeg.jpg",
    }
    assert all(failed.values())


class SlowDevice:
    """Imitates a device that ends no pass before the batch after it is ready, or all tiles are.

    Of passes that are made ready one after the other none would end in time.
    """

    def __init__(self, session: Any, prepare: Callable[..., Any], tiles: int) -> None:
        self._session, self._prepare, self._tiles = session, prepare, tiles
        self._changed = threading.Condition()
        self._ready = self._ready_tiles = self.passes = self.late = 0

    def prepare(self, tiles: Sequence[Any], *args: Any, **options: Any) -> Any:
        ready = self._prepare(tiles, *args, **options)
        with self._changed:
            self._ready += 1
            self._ready_tiles += len(tiles)
            self._changed.notify_all()
        return ready

    def run(self, *args: Any) -> Any:
        with self._changed:
            self.passes += 1
            self.late += not self._changed.wait_for(
                lambda: self._ready > self.passes or self._ready_tiles == self._tiles, timeout=10
            )
        return self._session.run(*args)


def test_the_next_batch_is_made_ready_while_the_device_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_as_on_a_gpu(monkeypatch)
    weights = save_network(tmp_path / "network.onnx", yolov8()[0], batch=None)
    images = photographs(tmp_path / "photographs", 40)
    detector = Detector(weights, manifest("yolov8"), "cpu", batch_size=4)
    device = SlowDevice(detector.session._session, network_input, len(images))
    monkeypatch.setattr(module, "network_input", device.prepare)
    monkeypatch.setattr(detector.session, "_session", device)
    results = list(detect_images(images, detector, PipelineOptions(tile_size=64)))
    assert not any(result.failed for result in results)
    assert device.passes >= 10
    assert device.late == 0
