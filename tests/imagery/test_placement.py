"""Places on the map that lie beside a file, or in control points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.rpc import RPC
from rasterio.transform import from_origin

from wildetect.imagery.opening import look_at

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
WORLD = "0.05\n0\n0\n-0.05\n500000.025\n9799999.975\n"
ESRI = CRS.from_epsg(32737).to_wkt(morph_to_esri_dialect=True)
CORNER = (39.0, -1.8092)  # of x = 500000, y = 9800000 in EPSG:32737


def placed(path: Path) -> tuple[float, float]:
    place = look_at(path).georeference
    assert place is not None
    found = place.positions(np.array([[0.0, 0.0]]))
    assert found is not None
    longitude, latitude = found[0].tolist()
    return longitude, latitude


@pytest.mark.parametrize(
    ("name", "world"),
    [
        ("a.tif", "a.tfw"),
        ("a.tif", "a.tfwx"),
        ("a.TIF", "a.TFWX"),
        ("a.tif", "a.tifw"),
        ("a.TIF", "a.TFW"),
        ("a.jpg", "a.jgw"),
        ("a.png", "a.pgw"),
        ("a.jpg", "a.wld"),
        ("a.bmp", "a.bpw"),
        ("a.webp", "a.wpw"),
    ],
)
def test_a_world_file_with_a_prj(tmp_path: Path, name: str, world: str) -> None:
    path = tmp_path / name
    Image.fromarray(PIXELS).save(path)
    (tmp_path / world).write_text(WORLD, encoding="utf-8")
    source = look_at(path)
    assert source.georeference is None
    assert "put a .prj beside it" in source.doubts[0]
    (tmp_path / "a.prj").write_text(ESRI, encoding="utf-8")
    assert placed(path) == pytest.approx(CORNER, abs=1e-3)
    source = look_at(path)
    assert source.doubts == ()
    assert source.read_as == (f"placed by a world file ({Path(world).suffix}) with its .prj",)
    gsd = source.georeference.gsd(40, 30) if source.georeference else None
    assert gsd == pytest.approx(0.05, rel=0.01)


def test_gdals_side_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    with rasterio.open(path, "r+") as file:
        file.crs, file.transform = "EPSG:32737", from_origin(5e5, 9.8e6, 0.05, 0.05)
    assert (tmp_path / "a.png.aux.xml").exists()
    assert placed(path) == pytest.approx(CORNER, abs=1e-3)


@pytest.mark.parametrize("text", ["0.05\nnorth\n", "", "0\n0\n0\n0\n1\n2\n", "nan\n0\n0\n-1\n5\n5\n"])
@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_a_world_file_that_is_none_is_named(tmp_path: Path, name: str, text: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / name)
    (tmp_path / "a.wld").write_text(text, encoding="utf-8")
    (tmp_path / "a.prj").write_text(ESRI, encoding="utf-8")
    source = look_at(tmp_path / name)
    assert source.georeference is None
    assert any("its world file (.wld) is not six numbers" in doubt for doubt in source.doubts)


def test_the_coordinate_system_of_older_qgis(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    (tmp_path / "a.pgw").write_text(WORLD, encoding="utf-8")
    (tmp_path / "a.qpj").write_text(CRS.from_epsg(32737).to_wkt(), encoding="utf-8")
    assert placed(tmp_path / "a.png") == pytest.approx(CORNER, abs=1e-3)


@pytest.mark.parametrize("name", ["a.RPB", "a_rpc.txt", "a_RPC.TXT"])
def test_polynomials_beside_a_picture_are_named(tmp_path: Path, name: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.tif")
    keys = [f"{key}_{what}" for key in ("LINE", "SAMP", "LAT", "LONG", "HEIGHT") for what in ("OFF", "SCALE")]
    keys += [
        f"{key}_{part}_COEFF_{n}" for key in ("LINE", "SAMP") for part in ("NUM", "DEN") for n in range(1, 21)
    ]
    (tmp_path / name).write_text("".join(f"{key}: 1\n" for key in keys), encoding="utf-8")
    assert any("rational polynomials" in doubt for doubt in look_at(tmp_path / "a.tif").doubts)


@pytest.mark.parametrize("picture", ["a.tif", "a.jpg", "a.png"])
@pytest.mark.parametrize("name", ["a.tab", "a.TAB", "a.map"])
def test_the_place_of_another_program_is_named(tmp_path: Path, picture: str, name: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / picture)
    (tmp_path / name).write_text("!table\n!version 300\n", encoding="utf-8")
    (doubt,) = look_at(tmp_path / picture).doubts
    assert f"beside it ({Path(name).suffix.lower()}) may place it" in doubt


def raster(path: Path, **keys: object) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", width=80, height=60, count=3, dtype="uint8", photometric="rgb", **keys
    ) as file:
        file.write(PIXELS.transpose(2, 0, 1))
    return path


def points(bend: Callable[[float], float]) -> list[GroundControlPoint]:
    return [
        GroundControlPoint(row, column, 5e5 + 0.05 * column + bend(row), 9.8e6 - 0.05 * row)
        for row in (0, 30, 60)
        for column in (0, 80)
    ]


def test_ground_control_points(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", gcps=points(lambda _: 0.0), crs="EPSG:32737")
    assert placed(path) == pytest.approx(CORNER, abs=1e-3)
    source = look_at(path)
    assert (source.read_as, source.doubts) == (("placed by 6 ground control points",), ())
    bent = look_at(raster(tmp_path / "b.tif", gcps=points(lambda row: 1.0 * (row == 30)), crs="EPSG:32737"))
    assert "misses by more than 2 px" in bent.doubts[0]


def test_polynomials_are_named_as_not_used(tmp_path: Path) -> None:
    numbers = [1.0, *[0.0] * 19]
    rpcs = RPC(0, 100, 0, 1, numbers, numbers, 0, 80, 0, 1, numbers, numbers, 0, 60, 1.0, 1.0)
    source = look_at(raster(tmp_path / "a.tif", rpcs=rpcs))
    assert source.georeference is None
    assert "orthorectify it" in source.doubts[0]


def test_a_photograph_that_is_turned_has_no_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(PIXELS).save(path, exif=exif)
    (tmp_path / "a.jgw").write_text(WORLD, encoding="utf-8")
    (tmp_path / "a.prj").write_text(ESRI, encoding="utf-8")
    source = look_at(path)
    assert source.georeference is None
    assert "save it upright" in source.doubts[0]
