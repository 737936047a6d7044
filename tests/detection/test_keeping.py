from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.detection.networks import manifest, save_network
from tests.detection.test_decoders import yolov8
from tests.imagery.test_geotiff import save_raster

from wildetect.detection.network.detector import Detector
from wildetect.detection.run import keeping
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.imagery.discovery import ImageFile, discover
from wildetect.imagery.opening import look_at
from wildetect.results.journal.journal import Journal
from wildetect.results.journal.reading import read_results
from wildetect.results.pictures.stamps import Stamp
from wildetect.results.records import TileResult

STAMP = Stamp(1, 2)
OPTIONS = PipelineOptions(tile_size=16, overlap_ratio=0.25, workers=2)


class Keeper(keeping.TileKeeper):
    """Keeps tiles in a journal, as a run does, and counts them."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.kept = 0
        self.known_tiles = 0

    def known(self, image: ImageFile) -> Sequence[TileResult]:
        tiles = self.journal.record.tiles(image.name, STAMP)
        self.known_tiles = len(tiles)
        return tiles

    def keep(self, image: ImageFile, tiles: Sequence[TileResult]) -> None:
        self.journal.add_tiles(image.name, STAMP, tiles, 0)
        self.kept += len(tiles)


@pytest.fixture
def images(tmp_path: Path, request: pytest.FixtureRequest) -> list[ImageFile]:
    """A raster of 256 tiles or more, part without data; almost black from the row that the parameter says."""
    folder = tmp_path / "rasters"
    folder.mkdir()
    bands = np.random.default_rng(0).integers(1, 255, (3, 200, 220)).astype(np.uint8)
    dark = bands[:, getattr(request, "param", len(bands[0])) :]
    dark[:] = np.maximum(dark // 16, 1)
    bands[:, :40, :60] = 0
    save_raster(folder / "map.tif", bands, nodata=0)
    return discover([folder])


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    return Detector(save_network(tmp_path / "network.onnx", yolov8()[0]), manifest("yolov8"), "cpu")


@pytest.mark.parametrize(("images", "dark"), [(200, False), (80, False), (0, True)], indirect=["images"])
def test_a_long_image_goes_on_where_it_stopped(
    tmp_path: Path,
    images: list[ImageFile],
    detector: Detector,
    dark: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (whole,) = detect_images(images, detector, OPTIONS)
    assert whole.dark is dark
    assert whole.tiles > 200
    assert whole.tiles_empty > 0
    monkeypatch.setattr(keeping, "_SECONDS_BETWEEN", 0)
    rounds, known = 0, []
    while True:
        rounds += 1
        with Journal(tmp_path, {}) as journal:
            keeper = Keeper(journal)

            def enough(keeper: Keeper = keeper) -> bool:
                return keeper.kept > 50

            results = list(detect_images(images, detector, OPTIONS, stop=enough, keeper=keeper))
            known.append(keeper.known_tiles)
            if results:
                journal.add(results[0], STAMP, 0)
                break
        assert list(read_results(tmp_path)) == []  # tiles are no result yet
    assert known[0] == 0
    assert known == sorted(known)
    (again,) = read_results(tmp_path)
    assert (again.tiles, again.tiles_empty, again.dark) == (whole.tiles, whole.tiles_empty, whole.dark)
    assert again.detections is not None
    assert whole.detections is not None
    assert again.positions is not None
    assert again.detections.xyxy.tobytes() == whole.detections.xyxy.tobytes()
    assert again.detections.confidence.tobytes() == whole.detections.confidence.tobytes()
    with Journal(tmp_path, {}) as journal:
        assert journal.record.tiles("map.tif", STAMP) == []


def test_all_tiles_known_and_no_result(tmp_path: Path, images: list[ImageFile], detector: Detector) -> None:
    """Killed between the last tile and the result's line."""
    with Journal(tmp_path, {}) as journal:
        windows = OPTIONS.tiles(look_at(images[0].path))
        Keeper(journal).keep(images[0], [TileResult(window) for window in windows])
    with Journal(tmp_path, {}) as journal:
        keeper = Keeper(journal)
        (result,) = detect_images(images, detector, OPTIONS, keeper=keeper)
    assert (result.tiles, result.tiles_empty, result.failed) == (0, len(windows), False)


def test_tiles_of_a_changed_image_are_not_taken(tmp_path: Path, images: list[ImageFile]) -> None:
    with Journal(tmp_path, {}) as journal:
        Keeper(journal).keep(images[0], [])
        assert journal.record.tiles("map.tif", Stamp(9, 9)) == []
        assert journal.record.tiles("map.tif", None) == []


def test_short_images_are_not_kept(tmp_path: Path, images: list[ImageFile], detector: Detector) -> None:
    with Journal(tmp_path, {}) as journal:
        keeper = Keeper(journal)
        list(detect_images(images, detector, PipelineOptions(tile_size=64), keeper=keeper))
        assert keeper.kept == 0
