"""Photographs without GPS get their positions from a CSV file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.detection.networks import save_network
from tests.detection.test_decoders import yolov8
from tests.workspaces import Workspace, unused_uri

NAMES = "{0: 'elephant', 1: 'kob', 2: 'topi'}"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    rows, _ = yolov8()
    save_network(made.root / "network.onnx", rows, metadata={"names": NAMES, "task": "detect"})
    (made.root / "camp").mkdir()
    for name in ("DJI_1.JPG", "DJI_2.JPG", "DJI_3.JPG"):
        Image.new("RGB", (64, 64), "tan").save(made.root / "camp" / name)
    (made.root / "survey.yaml").write_text(
        "exif_gps_update:\n  image_folder: camp\n  csv_path: camp.csv\n  filename_col: Photo\n",
        encoding="utf-8",
    )
    return made


WORDS = ("detect.run", "--config", "survey.yaml", "--model", "network.onnx", "--output", "found")


def test_positions_of_a_table_are_in_the_results(workspace: Workspace) -> None:
    table = "Photo;Latitude;Longitude;Altitude\ndji_1.jpg;-19,25;23,5;1120\nDJI_2.JPG;-19,26;23,51;\n"
    (workspace.root / "camp.csv").write_text(table, encoding="utf-8")
    planned = workspace.document(*WORDS, "--dry-run")
    assert planned["images"]["without_position"] == 1
    workspace.succeed(*WORDS)
    features = json.loads((workspace.root / "found/detections.geojson").read_text(encoding="utf-8"))[
        "features"
    ]
    places = {
        feature["properties"]["image"]: feature["geometry"]["coordinates"]
        for feature in features
        if feature["geometry"] is not None
    }
    assert places == {"DJI_1.JPG": [23.5, -19.25], "DJI_2.JPG": [23.51, -19.26]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("Photo,latitude,longitude\nother.jpg,1.5,2.5\n", "names none of the photographs, such as DJI_1.JPG"),
        ("File,latitude,longitude\nDJI_1.JPG,1,2\n", "no column Photo; its columns are file"),
        ("Photo,latitude,longitude\nDJI_1.JPG,91,2\n", "line 2: latitude 91"),
        (None, "camp.csv cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_before_work_begins(
    workspace: Workspace, table: str | None, message: str
) -> None:
    if table is not None:
        (workspace.root / "camp.csv").write_text(table, encoding="utf-8")
    error, _ = workspace.fail(5, *WORDS)
    assert message in error
    assert not (workspace.root / "found").exists()
