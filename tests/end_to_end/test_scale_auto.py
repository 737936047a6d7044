"""Tiles cut for the scale of a model's training: photographs from other heights give the same animals."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.hinted import write_setting
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect import geometry

DETECTOR = REPOSITORY / "demo/detector.onnx"
TRAINED = 180 / 35 * 24 / 2400 * 100  # cm/px: height, lens, sensor and rows of the demo's pictures
TIMES = (0.5, 1.0, 2.0)
NAMES = ("A1", "B3")
DETAILED = "zebra"  # its stripes are finer than the pixels of half the scale
SIDES = ("x_min", "y_min", "x_max", "y_max")


def make_pictures(folder: Path) -> None:
    """The demo's pictures with half, all and double of their px; their tags say the height and the lens."""
    folder.mkdir()
    for name in NAMES:
        with Image.open(REPOSITORY / f"demo/pictures/{name}.jpg") as picture:
            told = {"exif": picture.getexif(), "xmp": picture.info["xmp"]}
            for times in TIMES:
                size = round(picture.width * times), round(picture.height * times)
                resized = picture.resize(size, Image.Resampling.LANCZOS)
                resized.save(folder / f"{times}_{name}.jpg", quality=95, **told)


def recalls(detections: Path, *, without: str = "") -> dict[float, float]:
    """Share of the animals that were found, IoU 0.5 and class, at each scale, but for one class."""
    truth = json.loads((REPOSITORY / "demo/truth.json").read_text(encoding="utf-8"))
    called = {one["id"]: one["name"] for one in truth["categories"]}
    ids = {one["id"]: Path(one["file_name"]).stem for one in truth["images"]}
    with detections.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    shares = {}
    for times in TIMES:
        found = animals = 0
        for name in NAMES:
            there = [one for one in truth["annotations"] if ids[one["image_id"]] == name]
            mine = [one for one in there if called[one["category_id"]] != without]
            boxes = np.array([one["bbox"] for one in mine], np.float32)
            boxes[:, 2:] += boxes[:, :2]
            here = [row for row in rows if row["image"] == f"{times}_{name}.jpg"]
            told = np.array([[float(row[key]) for key in SIDES] for row in here], np.float32)
            iou = geometry.overlap(boxes, told.reshape(-1, 4) / np.float32(times), "IOU")
            same = np.array([[called[one["category_id"]] == row["class"] for row in here] for one in mine])
            found += int(((iou >= 0.5) & same).any(axis=1).sum())
            animals += len(mine)
        shares[times] = found / animals
    return shares


def workspace_in(root: Path, *, trained: float | None = TRAINED) -> Workspace:
    workspace = Workspace.make(root, MLFLOW_TRACKING_URI=unused_uri())
    text = f"model_path: {DETECTOR}\n" + (f"trained_gsd_cm: {trained}\n" if trained else "")
    (root / "configs/detector_registration.yaml").write_text(text, encoding="utf-8")
    return workspace


def command(workspace: Workspace, scale: str, flight: str = "{}") -> list[str | Path]:
    """A detection run into a folder that is called as the scale."""
    file = workspace.root / f"configs/{scale}.yaml"
    file.write_text(
        f"processing: {{tile_size: 640, confidence: 0.35, nms_threshold: 0.5, scale: {scale}}}\n"
        f"flight_specs: {flight}\noutput: {{directory: {scale}, overlays: none}}\n",
        encoding="utf-8",
    )
    pictures = workspace.root / "pictures"
    return ["detect.run", "--source", pictures, "--model", DETECTOR, "--config", file]


def run_of(workspace: Workspace, scale: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((workspace.root / scale / "run.json").read_text(encoding="utf-8"))
    return document


def test_half_and_double_the_scale_cost_no_animals_with_auto_and_many_without(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path / "project")
    make_pictures(workspace.root / "pictures")
    said = workspace.succeed(*command(workspace, "auto"), "--dry-run")
    line = "tiles of 320 to 1280 px for the 5.14286 cm/px of the model's training (auto)"
    assert f"scale    {line}" in said
    ended = workspace.invoke(*command(workspace, "auto"))
    assert ended.returncode == 0, ended.stderr
    assert f"scale: {line}" in ended.stderr
    run = run_of(workspace, "auto")
    assert (run["settings"]["scale"], run["settings"]["trained_gsd_cm"]) == ("auto", pytest.approx(TRAINED))
    assert run["scaled_tiles"] == {"images": 6, "least": 320, "most": 1280}
    (coarse,) = run["doubts"]
    assert coarse["files"] == [f"0.5_{name}.jpg" for name in NAMES]
    assert "coarser than those of the model's training (5.14286 cm/px)" in coarse["what"]
    assert coarse["what"] in ended.stderr
    assert workspace.invoke(*command(workspace, "native")).returncode == 0
    run = run_of(workspace, "native")
    assert run["scaled_tiles"]["images"] == 0
    assert {name for one in run["doubts"] for name in one["files"]} == {
        f"{times}_{name}.jpg" for times in (0.5, 2.0) for name in NAMES
    }
    auto, native = (recalls(workspace.root / scale / "detections.csv") for scale in ("auto", "native"))
    assert auto[1.0] == native[1.0] > 0.95
    assert auto[2.0] >= native[1.0] - 0.03
    assert max(native[0.5], native[2.0]) < native[1.0] - 0.5
    assert auto[0.5] > native[0.5] + 0.5
    assert auto[0.5] >= native[1.0] - 0.05  # bilinear enlarging lost most zebras, and 20 points
    auto, native = (
        recalls(workspace.root / scale / "detections.csv", without=DETAILED) for scale in ("auto", "native")
    )
    assert auto[0.5] >= native[1.0] - 0.03


def test_a_model_that_does_not_tell_its_scale_is_refused_before_any_work(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path / "project", trained=None)
    (workspace.root / "pictures").mkdir()
    Image.new("RGB", (64, 64), (90, 120, 60)).save(workspace.root / "pictures/a.png")
    error, hint = workspace.fail(2, *command(workspace, "auto"))
    assert "does not say at which scale it was trained" in error
    assert "trained_gsd_cm" in hint
    assert not (workspace.root / "auto").exists()
    write_setting(
        workspace.root / "configs/auto.yaml",
        hint,
        "workflows/detection_plan.py: Set processing.scale to native",
    )
    workspace.succeed(
        "detect.run", "pictures", "--model", DETECTOR, "--config", "configs/auto.yaml", "--dry-run"
    )


def test_tiles_cut_for_a_scale_that_are_too_small_for_the_largest_animal_are_told(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path / "project")
    (workspace.root / "pictures").mkdir()
    Image.new("RGB", (2400, 1800), (90, 120, 60)).save(workspace.root / "pictures/a.png")
    words = [*command(workspace, "auto", flight="{gsd: 5}"), "--dry-run"]
    file = workspace.root / "configs/auto.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["processing"] |= {"overlap_ratio": "auto", "largest_animal": 40}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    said = workspace.invoke(*words).stderr
    assert "those cut for the scale overlap by half at most" in said
    where = "workflows/detection.py: Set processing.scale to native, processing.tile_size"
    write_setting(file, said, where, largest_animal=40)
    ended = workspace.invoke(*words)
    assert ended.returncode == 0, ended.stderr
    assert "should overlap" not in ended.stderr


def test_photographs_of_unknown_resolution_stay_native_and_are_named(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path / "project")
    pictures = workspace.root / "pictures"
    pictures.mkdir()
    Image.effect_noise((900, 700), 60).convert("RGB").save(pictures / "untold.png")
    ended = workspace.invoke(*command(workspace, "auto"))
    assert ended.returncode == 0, ended.stderr
    assert "ground resolution unknown for 1 of 1 image, cut as native" in ended.stderr
    run = run_of(workspace, "auto")
    assert (run["tiles"], run["scaled_tiles"]["images"]) == (4, 0)
    (doubt,) = [one for one in run["doubts"] if "processing.scale: auto" in one["what"]]
    assert doubt["files"] == ["untold.png"]
    assert doubt["what"] in ended.stderr
    # another answer about the ground is another run, which is not mixed with that one
    again = command(workspace, "auto", flight="{gsd: 2.571429}")
    error, _ = workspace.fail(2, *again)
    assert "flight_specs.gsd" in error
    workspace.succeed(*again, "--restart")
    run = run_of(workspace, "auto")
    assert run["scaled_tiles"] == {"images": 1, "least": 1280, "most": 1280}
    assert run["tiles"] == 1
