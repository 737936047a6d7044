"""Which bands become red, green and blue; each raster holds band number times 10 in its bands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from tests.imagery.test_geotiff import save_raster

from wildetect.geometry import Window
from wildetect.imagery.opening import look_at, open_image
from wildetect.imagery.photograph import BACKDROP
from wildetect.imagery.reading import Reading
from wildetect.imagery.source import UnreadableImageError

MULTISPECTRAL = ["Blue", "Green", "Red", "NIR"]


def described(path: Path, names: Sequence[str], meanings: Sequence[ColorInterp] | None = None) -> Path:
    bands = np.arange(1, len(names) + 1, dtype=np.uint8)[:, None, None] * np.full((20, 20), 10, np.uint8)
    bands[:, 0, 0] = 1  # not of one colour
    save_raster(path, bands)
    with rasterio.open(path, "r+") as file:
        file.descriptions = names
        if meanings:
            file.colorinterp = meanings
    return path


def taken(path: Path, **reading: object) -> list[int]:
    """The bands that a pixel comes from."""
    source = open_image(path, Reading(**reading))  # type: ignore[arg-type]
    values = source.read(Window(5, 5, 1, 1))[0, 0].tolist()
    source.close()
    return [value // 10 for value in values]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (MULTISPECTRAL, [3, 2, 1]),
        (["NIR", "Red", "Blue", "Green"], [2, 4, 3]),
        (["Red Edge", "Green", "Red", "Blue", "Near infrared"], [3, 2, 4]),
        (["Blue-444", "Blue-475", "Green-531", "Red-650", "RedEdge-705", "NIR-842"], [4, 3, 1]),
        (["Band 1 (Blue)", "Band 2 (Green)", "Band 3 (Red)"], [3, 2, 1]),
        (["B02", "B03", "B04", "B08"], [3, 2, 1]),
        (["bleu", "vert", "rouge"], [3, 2, 1]),
        (["blauw", "groen", "rood"], [3, 2, 1]),
        (["blå", "grön", "röd"], [3, 2, 1]),
        (["Blau", "Gru\N{COMBINING DIAERESIS}n", "Rot"], [3, 2, 1]),
        (["b", "g", "r", "n"], [3, 2, 1]),
        (["coastal blue", "blue", "green", "red"], [4, 3, 2]),
        (["red", "green", "blue"], [1, 2, 3]),
        (["ndvi", "red", "green", "blue"], [2, 3, 4]),
        (["buluu", "kijani", "nyekundu"], [3, 2, 1]),
        (["Banda azul", "Banda verde", "Banda vermelha"], [3, 2, 1]),
        (["синий", "зелёный", "красный"], [3, 2, 1]),
        (["蓝色", "绿色", "红色"], [3, 2, 1]),
        (["Azul", "Verde", "Borde rojo", "Infrarrojo", "Rojo"], [5, 2, 1]),
        (["475 nm", "560 nm", "668 nm"], [3, 2, 1]),
        (["B2 (490 nm)", "B3 (560 nm)", "B4 (665 nm)", "B8 (842 nm)"], [3, 2, 1]),
        (["B2", "B3", "B4", "B8"], [3, 2, 1]),  # Sentinel-2's bands of 10 m
    ],
)
def test_descriptions_decide_in_any_order(tmp_path: Path, names: list[str], expected: list[int]) -> None:
    assert taken(described(tmp_path / "a.tif", names)) == expected


def test_wavelengths_decide_where_there_are_no_names(tmp_path: Path) -> None:
    path = described(tmp_path / "a.tif", ["", "", "", ""])
    with rasterio.open(path, "r+") as file:
        for band, nanometres in enumerate((475, 560, 668, 840), 1):
            file.update_tags(band, WAVELENGTH=f"{nanometres}")
    assert taken(path) == [3, 2, 1]
    with rasterio.open(path, "r+") as file:
        for band, micrometres in enumerate((0.665, 0.842, 0.49, 0.56), 1):
            file.update_tags(band, WAVELENGTH=f"{micrometres} um")
    assert taken(path) == [1, 4, 3]


def test_near_infrared_that_gdal_takes_as_opacity_hides_nothing(tmp_path: Path) -> None:
    path = described(tmp_path / "a.tif", MULTISPECTRAL)
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
        values = file.read(4)
        values[10:] = 0  # water absorbs it
        file.write(values, 4)
    source = open_image(path)
    assert (source.read(Window(0, 12, 20, 8)) == [30, 20, 10]).all()
    assert source.tile(Window(0, 0, 20, 20)) is not None
    (doubt,) = source.doubts
    assert "disagree: the descriptions count" in doubt
    source.close()


def test_near_infrared_that_is_stored_as_opacity_hides_nothing_and_is_named(tmp_path: Path) -> None:
    path = described(tmp_path / "a.tif", ["", "", "", ""])
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
        values = np.linspace(90, 180, 400).reshape(20, 20).astype(np.uint8)
        values[10:] = 0  # water absorbs it
        file.write(values, 4)
    source = open_image(path)
    assert (source.read(Window(0, 12, 20, 8)) == [10, 20, 30]).all()
    assert "holds values of a picture (near infrared?)" in source.doubts[0]
    source.close()
    with rasterio.open(path, "r+") as file:  # opacity, with an edge that is smoothed
        values[:10], values[9] = 255, 128
        file.write(values, 4)
    source = open_image(path)
    assert (source.read(Window(0, 12, 20, 8)) == BACKDROP).all()
    assert source.doubts == ()
    source.close()


@pytest.mark.parametrize(
    ("name", "doubted"), [("NIR", True), ("Thermal", True), ("Grey", False), ("", False)]
)
def test_one_band_that_is_no_visible_colour_is_named(tmp_path: Path, name: str, *, doubted: bool) -> None:
    facts = look_at(described(tmp_path / "a.tif", [name]))
    assert any("no visible colour" in doubt for doubt in facts.doubts) == doubted


def test_what_was_taken_is_said_and_what_is_doubtful(tmp_path: Path) -> None:
    plain = look_at(described(tmp_path / "plain.tif", ["", "", ""]))
    assert (plain.read_as, plain.doubts) == ((), ())  # GDAL calls these red, green, blue
    by_name = look_at(described(tmp_path / "named.tif", MULTISPECTRAL))
    assert by_name.read_as == ("bands 3, 2, 1 by the descriptions of the bands",)
    grey = [ColorInterp.gray, *[ColorInterp.undefined] * 4]
    unnamed = look_at(described(tmp_path / "five.tif", [""] * 5, grey))
    assert unnamed.read_as == ("bands 1, 2, 3 in the order of the file, which does not name them",)
    assert "set processing.bands" in unnamed.doubts[0]
    false = look_at(described(tmp_path / "cir.tif", ["NIR", "Red", "Green"]))
    assert "make false colours" in false.doubts[0]
    assert false.read_as == ("bands 1, 2, 3 in the order of the file (NIR, Red, Green)",)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [((4, 3, 2), [4, 3, 2]), (("red", "NIR", "blue"), [3, 4, 1]), ((4,), [4, 4, 4])],
)
def test_the_settings_override_the_file(
    tmp_path: Path, wish: tuple[object, ...], expected: list[int]
) -> None:
    path = described(tmp_path / "a.tif", MULTISPECTRAL)
    assert taken(path, bands=wish) == expected
    source = look_at(path, Reading(bands=wish))  # type: ignore[arg-type]
    assert source.read_as[0].endswith("as processing.bands says")


def test_a_band_that_is_not_there(tmp_path: Path) -> None:
    path = described(tmp_path / "a.tif", MULTISPECTRAL)
    with pytest.raises(UnreadableImageError, match="names band 5, but it has 4"):
        open_image(path, Reading(bands=(5, 1, 2)))
    with pytest.raises(
        UnreadableImageError, match="a band thermal, but its bands are Blue, Green, Red and NIR"
    ):
        open_image(path, Reading(bands=("thermal",)))


@pytest.mark.parametrize(
    ("names", "doubted"),
    [
        (["B2", "B3", "B4"], True),
        (["SR_B2", "SR_B3", "SR_B4"], True),
        (["lam", "chi", "si"], True),
        (["Band 1", "Band 2", "Band 3"], False),
        (["B1", "B2", "B3"], False),
        (["ortho_1", "ortho_2", "ortho_3"], False),
    ],
)
def test_names_that_are_not_known_are_doubted_where_they_may_be_colours(
    tmp_path: Path, names: list[str], *, doubted: bool
) -> None:
    facts = look_at(described(tmp_path / "a.tif", names))
    assert any("not known as colours" in doubt for doubt in facts.doubts) == doubted
