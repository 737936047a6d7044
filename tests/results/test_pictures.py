from __future__ import annotations

import io
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image
from tests.imagery.damaged_rasters import BLOCK, save_damaged

from wildetect.detections import Detections
from wildetect.imagery.source import ArraySource
from wildetect.results.pictures.sight import open_seen
from wildetect.results.records import ImageResult
from wildetect.results.report import pictures
from wildetect.results.report.crops import choose, cut
from wildetect.results.report.pictures import PicturesWanted, make_pictures

NAMES = ("zebra", "gnu", "lion")


def result(
    name: str, detections: Detections | None, folder: Path = Path("/x"), size: Sequence[int] = (80, 60)
) -> ImageResult:
    failure = None if detections is not None else "cut short"
    width, height = size
    return ImageResult(
        name=name, path=folder / name, detections=detections, failure=failure, width=width, height=height
    )


def found(*boxes: Sequence[float], confidence: float = 0.5) -> Detections:
    return Detections(np.array(boxes), np.full(len(boxes), confidence), np.arange(len(boxes)) % len(NAMES))


@pytest.fixture
def survey(tmp_path: Path) -> list[ImageResult]:
    for folder in ("monday", "tuesday"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (80, 60)).save(tmp_path / folder / "a.png")
    return [
        result("monday/empty.png", Detections.empty(), tmp_path),
        result("monday/failed.png", None, tmp_path),
        result("monday/gone.png", found([1, 1, 9, 9]), tmp_path),
        result("monday/a.png", found([1, 1, 9, 9]), tmp_path),
        result("tuesday/a.png", found([1, 1, 9, 9], confidence=0.75), tmp_path),
    ]


def test_overlays_and_crops(
    tmp_path: Path, survey: list[ImageResult], caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "overlays"
    with caplog.at_level(logging.WARNING):
        made = make_pictures(folder, survey, NAMES, PicturesWanted(overlays=None))
    assert len(made.overlays) == len(set(made.overlays)) == 2
    assert sorted(folder.iterdir()) == sorted(made.overlays)
    assert Image.open(made.overlays[0]).size == (80, 60)
    told = (
        "no crops in report.html and no overlays of 1 image, which cannot be read again: cannot read gone.png"
    )
    assert told in caplog.text
    assert [(crop.image, crop.confidence) for crop in made.crops] == [
        ("tuesday/a.png", 0.75),
        ("monday/a.png", 0.5),
    ]


def test_as_many_overlays_as_are_wanted(tmp_path: Path, survey: list[ImageResult]) -> None:
    few = make_pictures(tmp_path / "few", survey[3:], NAMES, PicturesWanted(overlays=1, crops=0))
    assert [path.name for path in few.overlays] == [path.name for path in (tmp_path / "few").iterdir()]
    assert len(few.overlays) == 1
    assert few.crops == ()
    make_pictures(tmp_path / "none", survey, NAMES, PicturesWanted(overlays=0))
    assert not (tmp_path / "none").exists()


def test_each_image_is_decoded_once(tmp_path: Path, survey: list[ImageResult]) -> None:
    with mock.patch.object(pictures, "open_seen", side_effect=open_seen) as opened:
        make_pictures(tmp_path / "overlays", survey, NAMES, PicturesWanted())
    folders = Counter(call.args[0].path.parent.name for call in opened.call_args_list)
    assert folders == {"monday": 2, "tuesday": 1}


def test_crops_are_spread_over_classes_and_confidence() -> None:
    confidence = np.linspace(0.2, 0.9, 1000).astype(np.float32)
    common = Detections(np.zeros((1000, 4)), confidence, np.zeros(1000))
    rare = Detections(np.zeros((3, 4)), [0.3, 0.4, 0.5], [1, 1, 1])
    chosen = choose([result("a", common), result("b", None), result("c", rare)], 40)
    assert sorted(source.row for source in chosen[2]) == [0, 1, 2]
    spread = np.sort([confidence[source.row] for source in chosen[0]])
    assert len(spread) == 37
    assert np.diff(spread).max() < 0.05
    assert spread[0] < 0.23
    assert spread[-1] == confidence[-1]  # the surest of all is shown


def test_images_that_are_decoded_anyway_are_preferred() -> None:
    survey = [result(str(number), found([0, 0, 9, 9])) for number in range(100)]
    chosen = choose(survey, 10, preferred=range(0, 100, 10))
    assert sorted(chosen) == list(range(0, 100, 10))


def test_no_more_crops_than_wanted() -> None:
    survey = [result(str(number), found([0, 0, 9, 9], [0, 0, 5, 5], [3, 3, 9, 9])) for number in range(9)]
    assert [sum(map(len, choose(survey, most).values())) for most in (1, 2, 10, 27, 99)] == [1, 2, 10, 27, 27]
    assert choose([], 5) == choose([result("a", None)], 5) == choose([result("a", found())], 5) == {}


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((1000, 800), (400, 300, 460, 340)),
        ((1000, 800), (0, 0, 20, 20)),
        ((1000, 800), (990, 790, 1000, 800)),
        ((1000, 800), (0, 0, 1000, 800)),
        ((20, 15), (3, 3, 9, 9)),
        ((5000, 40), (0, 10, 5000, 30)),
    ],
)
def test_a_crop_shows_its_box(size: tuple[int, int], box: tuple[float, ...]) -> None:
    pixels = np.full((size[1], size[0], 3), 40, np.uint8)
    left, top, right, bottom = map(int, box)
    pixels[top:bottom, left:right] = 220
    crop = cut(ArraySource(pixels), result("a", found(box), size=size), 0)
    shown = np.asarray(Image.open(io.BytesIO(crop.jpeg))).mean(axis=2)
    side = shown.shape[0]
    assert shown.shape == (side, side)
    assert side <= 144
    x, y, width, height = (round(share * side / 100) for share in crop.box)
    assert 0 <= x <= x + width <= side
    assert 0 <= y <= y + height <= side
    assert shown[y : y + height, x : x + width].mean() > 195
    if width < side and height < side:
        assert shown.mean() < 195


def test_a_large_raster_is_read_in_windows_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import rasterio
    from rasterio.transform import from_origin

    path, place = tmp_path / "ortho.tif", from_origin(500_000, 9_700_000, 0.1, 0.1)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "crs": "EPSG:32736", "transform": place}
    with rasterio.open(path, "w", width=900, height=700, tiled=True, **profile) as raster:
        raster.write(np.full((3, 700, 900), 90, np.uint8))
    ortho = result("ortho.tif", found([300, 300, 330, 320]), tmp_path, (900, 700))
    assert len(make_pictures(tmp_path / "a", [ortho], NAMES, PicturesWanted()).overlays) == 1
    monkeypatch.setattr(pictures, "_LARGEST_RASTER", 600_000)
    with caplog.at_level(logging.INFO):
        made = make_pictures(tmp_path / "b", [ortho], NAMES, PicturesWanted())
    assert made.overlays == ()
    assert "no overlay of ortho.tif" in caplog.text
    assert Image.open(io.BytesIO(made.crops[0].jpeg)).getpixel((5, 5)) == (90, 90, 90)


def test_a_damaged_block_costs_no_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_damaged(tmp_path / "part.tif", 3, 2, [(1, 1)], value=200)
    # the first one lies beside the damaged block, so that a part of its crop is grey
    boxes = found([BLOCK + 60, BLOCK - 40, BLOCK + 110, BLOCK - 4], [30, 30, 60, 60])
    part = result("part.tif", boxes, tmp_path, (3 * BLOCK, 2 * BLOCK))
    with caplog.at_level(logging.WARNING):
        made = make_pictures(tmp_path / "overlays", [part], NAMES, PicturesWanted())
    assert caplog.text == ""
    assert made.unread == ()
    overlay = np.asarray(Image.open(made.overlays[0])).astype(int)
    assert overlay.shape == (2 * BLOCK, 3 * BLOCK, 3)
    assert np.abs(overlay[BLOCK + 20 : 2 * BLOCK - 20, BLOCK + 20 : 2 * BLOCK - 20] - 114).max() < 8
    assert np.abs(overlay[BLOCK + 20 :, 2 * BLOCK + 20 :] - 200).max() < 8
    assert len(made.crops) == 2
    crop = np.asarray(Image.open(io.BytesIO(made.crops[0].jpeg))).astype(int)
    assert abs(crop[-3].mean() - 114) < 6
    assert abs(crop[3].mean() - 200) < 6


def test_a_crop_that_cannot_be_cut_costs_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_damaged(tmp_path / "part.tif", 3, 2, [(1, 1)])
    boxes = found([BLOCK + 100, BLOCK + 100, BLOCK + 130, BLOCK + 130], [30, 30, 60, 60])
    part = result("part.tif", boxes, tmp_path, (3 * BLOCK, 2 * BLOCK))
    with caplog.at_level(logging.WARNING):
        made = make_pictures(tmp_path / "overlays", [part], NAMES, PicturesWanted())
    assert (len(made.crops), len(made.overlays), len(made.unread)) == (1, 1, 1)


def test_the_warning_names_what_is_missing(
    tmp_path: Path, survey: list[ImageResult], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        make_pictures(tmp_path, survey, NAMES, PicturesWanted(overlays=0))
        make_pictures(tmp_path, survey, NAMES, PicturesWanted(crops=0))
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "no crops in report.html of 1 image, which cannot be read again",
        "no overlays of 1 image, which cannot be read again",
    ]
