"""Photographs without GPS get their positions from a CSV file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
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
        ("Photo,latitude,longitude\nDJI_1.JPG,,\n", "no line has the name of a photograph and its position"),
        ("Photo,latitude,longitude,height (furlong)\nDJI_1.JPG,1.5,2.5,9\n", "furlong"),
        ("Photo,latitude,longitude\nDJI_1.JPG,1.5,2.5,9\n", "line 2"),
        ("Photo,latitude,longitude\na/DJI_1.JPG,1.5,2.5\nb/DJI_1.JPG,1.6,2.5\n", "2 lines of the table"),
        (None, "camp.csv cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_before_work_begins(
    workspace: Workspace, table: str | None, message: str
) -> None:
    """Told alike by a run, a dry run, and a census of a run that was made without it."""
    workspace.succeed("detect.run", "camp", *WORDS[3:])
    (workspace.root / "camp.csv").unlink(missing_ok=True)
    if table is not None:
        (workspace.root / "camp.csv").write_text(table, encoding="utf-8")
    error, _ = workspace.fail(5, *WORDS[:-1], "again")
    assert message in error
    assert not (workspace.root / "again").exists()
    assert workspace.fail(5, *WORDS[:-1], "again", "--dry-run")[0] == error
    keys = {"image_folder": "camp", "csv_path": "camp.csv", "filename_col": "Photo"}
    census = {"campaign": {"id": "camp"}, "detection": {"exif_gps_update": keys}}
    (workspace.root / "census.yaml").write_text(yaml.safe_dump(census), encoding="utf-8")
    assert workspace.fail(5, "census.run", "found", "--config", "census.yaml")[0] == error


def test_the_column_of_latitudes_is_not_offered_for_longitudes(workspace: Workspace) -> None:
    (workspace.root / "camp.csv").write_text("Photo,latitude\nDJI_1.JPG,-19.25\n", encoding="utf-8")
    error, hint = workspace.fail(5, *WORDS)
    assert "no column longitude" in error
    assert "perhaps" not in hint
    (workspace.root / "camp.csv").write_text("Photos,latitude,longitude\nDJI_1.JPG,-19.25,23.5\n", "utf-8")
    assert "perhaps photos" in workspace.fail(5, *WORDS)[1]


def test_heights_of_a_table_set_the_overlap_of_tiles(workspace: Workspace) -> None:
    """At 30 m an animal of 6 m takes up 289 px, by the settings' 180 m only 49 px: it would be cut."""
    for path in (workspace.root / "camp").iterdir():
        Image.new("RGB", (1200, 900), "tan").save(path)
    table = workspace.root / "camp.csv"
    lines = "".join(f"DJI_{number}.JPG,-19.25,23.{number},30\n" for number in (1, 2, 3))
    words = (*WORDS, "--tile-size", "640", "--overlap", "auto")
    table.write_text(f"Photo,latitude,longitude\n{lines.replace(',30', '')}", encoding="utf-8")
    flown_by_settings = workspace.document(*words, "--dry-run")
    assert flown_by_settings["overlap"]["most"] == pytest.approx(0.077, abs=0.002)
    table.write_text(f"Photo,latitude,longitude,height (m)\n{lines}", encoding="utf-8")
    planned = workspace.document(*words, "--dry-run")
    assert planned["overlap"]["least"] == pytest.approx(289 / 640, abs=0.002)
    done = workspace.document(*words)
    assert done["tiles"] == planned["tiles"] > flown_by_settings["tiles"]
