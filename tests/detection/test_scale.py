"""Tiles cut for the scale of a model's training."""

from __future__ import annotations

import numpy as np
import pytest

from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.tiles.overlap import AutoOverlap
from wildetect.detection.tiles.scale import ModelScale
from wildetect.geometry import Window
from wildetect.imagery.camera.camera import CameraTags
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.source import ArraySource, HeaderFacts


def photograph(width: int = 4000, height: int = 3000, camera: CameraTags | None = None) -> ArraySource:
    return ArraySource(
        np.broadcast_to(np.uint8(0), (height, width, 3)), HeaderFacts(width, height, camera=camera)
    )


def scale(gsd: float | None, *, cut: bool = True, size: tuple[int, int] = (640, 640)) -> ModelScale:
    return ModelScale(trained=4, width=size[0], height=size[1], flight=Flight(gsd=gsd), cut=cut)


@pytest.mark.parametrize(
    ("gsd", "side"), [(4, 640), (8, 320), (2, 1280), (3, 853), (1, 2560), (0.5, 2560), (16, 160), (1000, 160)]
)
def test_one_pixel_of_the_input_is_as_large_on_the_ground_as_in_training(gsd: float, side: int) -> None:
    options = PipelineOptions(tile_size=500, overlap_ratio=0.25, scale=scale(gsd))
    tiles = options.tiles(photograph())
    assert {(tile.width, tile.height) for tile in tiles} == {(side, side)}
    steps = np.diff(sorted({tile.x for tile in tiles}))
    assert steps.size == 0 or steps.max() <= 0.75 * side + 1  # the overlap keeps its ratio


def test_tiles_are_cut_in_the_shape_of_the_input() -> None:
    options = PipelineOptions(tile_size=500, scale=scale(4, size=(1280, 640)), shape=(1280, 640))
    assert {(tile.width, tile.height) for tile in options.tiles(photograph())} == {(1280, 640)}
    assert options.scale_doubt(photograph(), options.tiles(photograph())[0]) is None


def test_auto_overlap_is_taken_for_the_tiles_that_are_cut() -> None:
    auto = AutoOverlap(largest_animal=6, flight=Flight(gsd=8))
    tiles = PipelineOptions(tile_size=2000, auto_overlap=auto, scale=scale(8)).tiles(photograph())
    assert max(np.diff(sorted({tile.x for tile in tiles}))) <= 320 - 6 / 0.08


def test_what_is_not_known_is_not_guessed() -> None:
    untold, lensless = photograph(), photograph(camera=CameraTags(height=50))
    for source, why in ((untold, "ground resolution is unknown"), (lensless, "not told but assumed")):
        options = PipelineOptions(tile_size=500, scale=scale(None))
        assert options.tiles(source)[0].width == 500
        assert why in str(options.scale_doubt(source, Window(0, 0, 500, 500)))
        native = PipelineOptions(tile_size=500, scale=scale(None, cut=False))
        assert native.scale_doubt(source, Window(0, 0, 500, 500)) is None


def test_what_tiles_cannot_make_up_for_is_said() -> None:
    for source, gsd, why in (
        (photograph(), 0.5, "too small, or too fine"),
        (photograph(), 40, "too coarse"),
        (photograph(400, 300), 2, "too small, or too fine"),  # the whole is enlarged to the input
    ):
        options = PipelineOptions(scale=scale(gsd))
        assert why in str(options.scale_doubt(source, options.tiles(source)[0]))
    options = PipelineOptions(scale=scale(1))
    assert options.scale_doubt(photograph(), options.tiles(photograph())[0]) is None


def test_native_tiles_keep_their_size() -> None:
    options = PipelineOptions(tile_size=500, scale=scale(8, cut=False))
    assert options.tiles(photograph())[0].width == 500
    assert "processing.tile_size to about 320" in str(
        options.scale_doubt(photograph(), Window(0, 0, 640, 640))
    )
