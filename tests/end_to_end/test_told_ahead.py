"""All that a run says of its pictures is said by the dry run, in the same words, and on the page."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin
from tests.detection.networks import save_network
from tests.detection.test_decoders import yolov8
from tests.imagery.damaged_rasters import save_damaged
from tests.imagery.test_preview import with_preview
from tests.workspaces import Workspace, unused_uri

SIDE = 600
DICE = np.random.default_rng(17)
COLOURS: NDArray[np.uint8] = np.kron(
    DICE.integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8), np.ones((8, 8, 1), np.uint8)
)
PLACE = from_origin(500_000, 9_700_000, 0.1, 0.1)
SUBIFD = 330


def save_raster(path: Path, values: NDArray[Any], names: Sequence[str] = (), **more: object) -> None:
    """Bands last; with a place on the map."""
    bands = np.moveaxis(values, 2, 0)
    kind = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": len(bands), "dtype": bands.dtype}
    with rasterio.open(path, "w", crs="EPSG:32736", transform=PLACE, **kind | more) as file:
        file.write(bands)
        for band, name in enumerate(names, 1):
            file.set_band_description(band, name)


def save_all(folder: Path) -> None:
    """One picture of each thing that there is to say of pictures."""
    picture, fractions = Image.fromarray(COLOURS), COLOURS.astype(np.float32) / 255
    picture.save(folder / "plain.jpg")
    picture.point(lambda value: value // 32).save(folder / "dark.png")
    picture.point(lambda value: 150 + value // 32).save(folder / "flat.png")
    picture.save(folder / "film.tif", save_all=True, append_images=[picture.rotate(90)])
    picture.save(folder / "film.webp", save_all=True, append_images=[picture.rotate(90)])
    turned = picture.transpose(Image.Transpose.ROTATE_180)
    with_preview(folder / "turned later.jpg", turned, picture.resize((120, 120)))
    picture.save(folder / "twice.bmp")
    picture.save(folder / "twice copied.bmp")
    picture.save(folder / "misplaced.png")
    (folder / "misplaced.pgw").write_text("no numbers", encoding="utf-8")
    picture.save(folder / "without system.png")
    (folder / "without system.pgw").write_text("1\n0\n0\n-1\n100\n200\n", encoding="utf-8")
    for name, opacity in (("clear.png", 0), ("veiled.png", 128)):
        veil = picture.copy()
        veil.putalpha(opacity)
        veil.save(folder / name)
    cut = (folder / "plain.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(cut[: len(cut) // 2])
    (folder / "cut and ended.jpg").write_bytes(cut[: len(cut) // 2] + b"\xff\xd9")
    (folder / "surplus.jpg").write_bytes(cut[:-2] + bytes(300) + cut[-2:])
    (folder / "cut.bmp").write_bytes((folder / "twice.bmp").read_bytes()[:9000])
    (folder / "no picture.png").write_text("no picture", encoding="utf-8")
    (folder / "not read.jxl").write_bytes(b"\xff\x0a")
    save_raster(folder / "12 bits.tif", COLOURS.astype(np.uint16) * 16)
    save_raster(folder / "reflectance.tif", (fractions * 3000).astype(np.uint16))
    Image.fromarray((fractions[..., 0] * 3000).astype(np.uint16)).save(folder / "reflectance.png")
    save_raster(folder / "stretched.tif", fractions)
    save_raster(folder / "marked.tif", np.where(fractions > 0.99, np.float32(-9999), fractions))
    save_raster(folder / "blue first.tif", COLOURS, ("Blue", "Green", "Red"))
    save_raster(folder / "strange names.tif", COLOURS, ("one", "two", "three"))
    save_raster(folder / "no colours.tif", COLOURS, ("NIR", "Red edge", "Green"))
    save_raster(folder / "elevations.tif", fractions[..., :1])
    save_raster(folder / "five.tif", np.concatenate([COLOURS, COLOURS[..., :2]], 2), photometric="minisblack")
    save_raster(folder / "turned.tif", COLOURS)
    save_damaged(folder / "damaged.tif", 3, 3, [(1, 1)])
    save_damaged(folder / "all damaged.tif", 2, 2, [(x, y) for x in (0, 1) for y in (0, 1)])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], str, str]:
    """What a dry run says, what a run says, its page, and what stands at the terminal of the dry run."""
    workspace = Workspace.make(tmp_path_factory.mktemp("told") / "project", MLFLOW_TRACKING_URI=unused_uri())
    metadata = {"names": str({0: "a", 1: "b", 2: "c"}), "task": "detect", "args": "{'nms': False}"}
    save_network(workspace.root / "network.onnx", yolov8()[0], metadata=metadata)
    folder = workspace.root / "survey"
    folder.mkdir()
    save_all(folder)
    words = ("detect.run", folder, "--model", "network.onnx", "--output", "found", "--tile-size", "256")
    ahead = workspace.invoke(*words, "--dry-run", "--json")
    shown = workspace.invoke(*words, "--dry-run")
    ended = workspace.invoke(*words)
    assert (ahead.returncode, shown.returncode, ended.returncode) == (5, 5, 5), ended.stderr
    found = workspace.root / "found"
    run = json.loads((found / "run.json").read_text(encoding="utf-8"))
    page = html.unescape((found / "report.html").read_text(encoding="utf-8"))
    return json.loads(ahead.stdout), run, page, shown.stdout + shown.stderr


@pytest.mark.parametrize("what", ["doubts", "read_as", "dark_images", "not_read", "failures", "tiles_failed"])
def test_a_dry_run_says_what_a_run_says(
    what: str, told: tuple[dict[str, Any], dict[str, Any], str, str]
) -> None:
    ahead, run, page, shown = told
    assert ahead[what] == run[what]
    assert run[what]
    for one in run[what]:
        words = one if isinstance(one, str) else one.get("what") or one.get("reason") or one["tiles"][0]
        # of ways of reading and of what fails the first alone are shown, the rest is counted
        assert words in page or what == "read_as"
        assert words in shown or what in {"failures", "read_as"}


def test_there_is_a_picture_of_each_doubt(told: tuple[dict[str, Any], dict[str, Any], str, str]) -> None:
    _, run, _, _ = told
    assert len(run["doubts"]) >= 14
    doubtful = {file for one in run["doubts"] for file in one["files"]}
    assert "plain.jpg" not in doubtful
    assert {"flat.png", "12 bits.tif", "reflectance.tif", "reflectance.png", "surplus.jpg"} <= doubtful
    assert "turned later.jpg" in doubtful
