"""Oriented boxes through the real program: polygons in each file that knows some, and on the map."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pyproj
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from pycocotools.coco import COCO
from rasterio.transform import from_origin
from tests import known_answers
from tests.known_answers import CELL, GRID, SIDE
from tests.workspaces import Workspace, unused_uri

ANGLE = 0.4
WIDE = 2 * GRID  # cells: two tiles side by side
LEFT, TOP, GSD = 500_000.0, 9_800_000.0, 0.05
SQUARES = [
    (column, row, (column + row // 3) % 2) for row in range(3, GRID, 6) for column in range(3, WIDE, 6)
]


def expected() -> NDArray[np.float64]:
    """Corners (n, 4, 2) of the turned boxes of 16 x 8 px, one by one."""
    along = np.array([math.cos(ANGLE), math.sin(ANGLE)])
    across = np.array([-along[1], along[0]])
    middles = [np.array([CELL * (column + 0.5), CELL * (row + 0.5)]) for column, row, _ in SQUARES]
    signs = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return np.array([[one + a * 8 * along + b * 4 * across for a, b in signs] for one in middles])


def same_polygons(found: Any, wanted: NDArray[np.float64], apart: float) -> bool:
    """Whether both hold the same polygons, whichever corner comes first and in whatever order."""
    polygons = [np.array(one, float).reshape(-1, 2) for one in found]
    if len(polygons) != len(wanted):
        return False
    for corners in wanted:
        distances = [
            max(np.hypot(*(one - corner).T).min() for corner in corners) if len(one) in {4, 5} else math.inf
            for one in polygons
        ]
        if min(distances) > apart:
            return False
    return True


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Path]:
    workspace = Workspace.make(
        tmp_path_factory.mktemp("oriented") / "project", MLFLOW_TRACKING_URI=unused_uri()
    )
    weights = known_answers.oriented(workspace.root / "obb.onnx", ANGLE)
    pixels = np.full((SIDE, 2 * SIDE, 3), (40, 90, 30), np.uint8)
    for column, row, class_id in SQUARES:
        where = slice(row * CELL, (row + 1) * CELL), slice(column * CELL, (column + 1) * CELL)
        pixels[where] = (230, 0, 0) if class_id == 0 else (0, 0, 230)
    keys = {"driver": "GTiff", "width": 2 * SIDE, "height": SIDE, "count": 3, "dtype": "uint8"}
    place = {"crs": "EPSG:32737", "transform": from_origin(LEFT, TOP, GSD, GSD)}
    (workspace.root / "pictures").mkdir()
    with rasterio.open(workspace.root / "pictures/map.tif", "w", **keys, **place) as file:
        file.write(pixels.transpose(2, 0, 1))
    exports = [word for name in ("labelstudio", "gpkg") for word in ("--export", name)]
    words = ("--model", weights, "--tile-size", str(SIDE), "--overlap", "0", "--output", "found")
    workspace.succeed("detect.run", "pictures", *words, *exports)
    return workspace, workspace.root / "found"


def layer_of(path: Path, layer: str) -> tuple[Any, list[str]]:
    """The shapes and the ids of a layer."""
    meta, _, shapes, fields = pyogrio.raw.read(path, layer=layer)
    return shapely.from_wkb(shapes), fields[list(meta["fields"]).index("id")].tolist()


def document(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_json_coco_and_map_hold_the_turned_boxes(run: tuple[Workspace, Path]) -> None:
    _, folder = run
    corners = expected()
    (image,) = document(folder / "detections.json")["images"]
    shares = [np.array(one["polygon"]) * (2 * SIDE, SIDE) for one in image["detections"]]
    assert same_polygons(shares, corners, 0.05)
    loaded = COCO(folder / "coco.json").loadRes(str(folder / "coco_results.json"))
    assert same_polygons([one["segmentation"][0] for one in loaded.dataset["annotations"]], corners, 0.05)
    to_degrees = pyproj.Transformer.from_crs("EPSG:32737", "EPSG:4326", always_xy=True)
    east, north = LEFT + corners[..., 0] * GSD, TOP - corners[..., 1] * GSD
    degrees = np.stack(to_degrees.transform(east, north), axis=-1)
    features = document(folder / "detections.geojson")["features"]
    assert {one["geometry"]["type"] for one in features} == {"Polygon"}
    rings = [one["geometry"]["coordinates"][0] for one in features]
    assert same_polygons(rings, degrees, 2e-7)
    for ring in map(np.array, rings):
        assert (ring[0] == ring[-1]).all()
        x, y = (ring - ring[0]).T
        assert (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0  # counter-clockwise
    outlines, ids = layer_of(folder / "detections.gpkg", "outlines")
    assert same_polygons([shapely.get_coordinates(one) for one in outlines], degrees, 2e-7)
    assert ids == layer_of(folder / "detections.gpkg", "detections")[1]


def test_files_that_are_written_again_from_the_journal_are_the_same(run: tuple[Workspace, Path]) -> None:
    workspace, folder = run
    names = ("detections.json", "coco_results.json", "detections.geojson", "labelstudio.json")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    exports = [
        word for name in ("megadetector", "coco", "geojson", "labelstudio") for word in ("--export", name)
    ]
    workspace.succeed("detect.export", folder, *exports)
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_turned_boxes_come_back_from_label_studio_as_the_same_detections(run: tuple[Workspace, Path]) -> None:
    workspace, folder = run
    (task,) = document(folder / "labelstudio.json")
    regions = task["predictions"][0]["result"]
    assert [one["value"]["rotation"] for one in regions] == pytest.approx(
        [math.degrees(ANGLE)] * len(SQUARES), abs=0.1
    )
    corners = expected()
    starts = sorted((one["value"]["x"] * 2 * SIDE / 100, one["value"]["y"] * SIDE / 100) for one in regions)
    assert np.array(starts) == pytest.approx(np.array(sorted(map(tuple, corners[:, 0]))), abs=0.02)
    given = {**task, "annotations": [{"result": regions, "completed_by": 1}]}
    answer = workspace.root / "answer.json"
    answer.write_text(json.dumps([given]), encoding="utf-8")
    workspace.succeed("review.import", folder, "--source", answer, "--reviewer", "ann")
    verdicts = [
        json.loads(line)
        for line in (folder / "review/verdicts.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    kinds = [one["verdict"] for one in verdicts if "verdict" in one]
    assert kinds == ["nothing-here"]  # nothing was moved, left out or added


def test_what_people_saw_is_turned_as_the_detector_had_it_and_upright_where_they_moved_it(
    run: tuple[Workspace, Path],
) -> None:
    workspace, folder = run
    (task,) = document(folder / "labelstudio.json")
    regions = task["predictions"][0]["result"]
    regions[0]["value"]["x"] += 1  # in percent of the picture
    regions[1]["value"]["rectanglelabels"] = ["goat"]
    answer = workspace.root / "moved.json"
    given = {**task, "annotations": [{"result": regions, "completed_by": 2}]}
    answer.write_text(json.dumps([given]), encoding="utf-8")
    workspace.succeed("review.import", folder, "--source", answer, "--reviewer", "ann")
    workspace.succeed("detect.export", folder, "--export", "coco")
    truth = COCO(folder / "coco.json")
    polygons = {one["id"]: one["segmentation"][0] for one in truth.dataset["annotations"]}
    assert len(polygons) == len(SQUARES)
    upright = [key for key, polygon in polygons.items() if len({round(x, 1) for x in polygon[::2]}) == 2]
    assert len(upright) == 1
    turned = [polygon for key, polygon in polygons.items() if key not in upright]
    wanted = expected()
    middle = np.mean(np.reshape(polygons[upright[0]], (4, 2)), axis=0) - (2 * SIDE / 100, 0)
    rest = wanted[np.hypot(*(wanted.mean(axis=1) - middle).T) > 2]
    assert len(rest) == len(SQUARES) - 1
    assert same_polygons(turned, rest, 0.05)
    classes = [truth.cats[one["category_id"]]["name"] for one in truth.dataset["annotations"]]
    assert classes.count("goat") == 1
