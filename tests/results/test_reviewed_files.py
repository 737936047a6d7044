"""Files with the animals that people saw: where they are, how coarse, and when there are none."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from tests.results.samples import run_of

from wildetect.detections import Detections
from wildetect.imagery.opening import look_at
from wildetect.results.blurring import CoarseResults, grid_of
from wildetect.results.exports.folder import Wanted, write_exports
from wildetect.results.exports.format import ExportedRun, LabelNames
from wildetect.results.exports.reviewed_rows import reviewed_rows
from wildetect.results.ids import ids_of
from wildetect.results.records import ImageResult
from wildetect.results.reviewed import ReviewedBox

ADDED = (300.0, 100.0, 320.0, 140.0)


@pytest.fixture
def mosaic(tmp_path: Path) -> ImageResult:
    """A raster of 5 cm a pixel in UTM 35 S with one detection."""
    path = tmp_path / "=mosaic.tif"
    with rasterio.open(
        *(path, "w"), driver="GTiff", width=400, height=200, count=3, dtype="uint8", crs="EPSG:32735",
        transform=from_origin(500_000, 7_800_000, 0.05, 0.05),
    ) as file:  # fmt: skip
        file.write(np.full((3, 200, 400), 90, np.uint8))
    ground = look_at(path).georeference
    assert ground is not None
    found = Detections([[10, 20, 30, 60]], [0.9], [0])
    return ImageResult(
        name=path.name, path=path, detections=found, width=400, height=200,
        positions=ground.centres(found.xyxy),
    )  # fmt: skip


def seen(result: ImageResult) -> dict[str, list[ReviewedBox]]:
    """The detection, and an animal that it missed, of a class that the detector does not know."""
    return {
        result.name: [
            ReviewedBox("elephant", (10, 20, 30, 60), None, 0.9, ids_of(result)[0]),
            ReviewedBox("okapi", ADDED, None, None, "added-1"),
        ]
    }


def test_an_animal_that_was_missed_on_a_mosaic_has_its_own_place(mosaic: ImageResult) -> None:
    run = ExportedRun(Path(str(mosaic.path)).parent, run_of([mosaic]), [mosaic], LabelNames(), seen(mosaic))
    first, added = reviewed_rows(run)
    assert (added.class_name, added.confidence, added.whose) == ("okapi", None, "detection")
    assert first.position is not None
    assert added.position is not None
    assert mosaic.positions is not None
    assert first.position == pytest.approx(tuple(mosaic.positions[0]), abs=2e-7)
    # 290 px to the right, 80 px down: 14.5 m east, 4 m south
    metre = math.radians(1) * 6_371_000
    east = (added.position[0] - first.position[0]) * metre * math.cos(math.radians(first.position[1]))
    south = (first.position[1] - added.position[1]) * metre
    assert east == pytest.approx(14.5, rel=0.01)
    assert south == pytest.approx(4.0, rel=0.02)


def test_coarse_files_hold_no_exact_place_of_an_animal_that_people_saw(mosaic: ImageResult) -> None:
    grid = grid_of("10")
    coarse = CoarseResults([mosaic], grid)
    run = ExportedRun(Path(str(mosaic.path)).parent, run_of([mosaic]), coarse, LabelNames(), seen(mosaic))
    first, added = reviewed_rows(run)
    assert mosaic.positions is not None
    assert first.position == pytest.approx(grid.middle(*mosaic.positions[0].tolist()), abs=1e-6)
    assert added.position is None  # nobody wrote down its cell
    assert first.whose == "cell"


def test_files_of_a_review_are_there_with_it_alone(mosaic: ImageResult, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    camera = replace(mosaic, positions=None, longitude=27.0, latitude=-19.9)
    wanted = Wanted(exports=("csv", "geojson"))
    made = write_exports(folder, run_of([camera]), [camera], wanted, seen(camera))
    assert {"reviewed.csv", "reviewed.geojson"} < set(made.files)
    with (folder / "reviewed.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["class"], row["confidence"]) for row in rows] == [("elephant", "0.90000"), ("okapi", "")]
    assert not rows[0]["image"].startswith("=")  # a spreadsheet would compute it
    features = json.loads((folder / "reviewed.geojson").read_text(encoding="utf-8"))["features"]
    assert [one["properties"]["position_of"] for one in features] == ["photograph"] * 2
    assert [one["geometry"]["coordinates"] for one in features] == [[27.0, -19.9]] * 2

    made = write_exports(folder, run_of([camera]), [camera], wanted)
    assert not {"reviewed.csv", "reviewed.geojson"} & set(made.files)
    assert not list(folder.glob("reviewed.*"))
