"""A picture that lies otherwise than its own preview was turned after the flight; no other is called so."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.workspaces import REPOSITORY

from wildetect.imagery.opening import open_image

HOW = {
    "turned by 90 degrees": Image.Transpose.ROTATE_270,  # Pillow turns the other way
    "turned by 180 degrees": Image.Transpose.ROTATE_180,
    "turned by 270 degrees": Image.Transpose.ROTATE_90,
    "mirrored": Image.Transpose.FLIP_LEFT_RIGHT,
}
REAL = ("DJI_0018.JPG", "DJI_0024.JPG", "DJI_0032.JPG")  # their previews have black bars


def told(path: Path) -> str | None:
    return next((doubt for doubt in open_image(path).doubts if "its preview" in doubt), None)


def with_preview(path: Path, picture: Image.Image, preview: Image.Image, orientation: int = 1) -> Path:
    """A photograph with this preview in its EXIF block, as TIFF has it: one directory, then the next."""
    small = io.BytesIO()
    preview.convert("RGB").save(small, "JPEG", quality=60)
    begins = 8 + 2 + 12 + 4 + 2 + 24 + 4
    block = b"II*\0" + (8).to_bytes(4, "little") + (1).to_bytes(2, "little")
    block += entry(0x0112, 3, orientation) + (26).to_bytes(4, "little") + (2).to_bytes(2, "little")
    block += entry(0x0201, 4, begins) + entry(0x0202, 4, len(small.getvalue())) + bytes(4)
    picture.convert("RGB").save(path, exif=b"Exif\0\0" + block + small.getvalue())
    return path


def entry(tag: int, kind: int, value: int) -> bytes:
    return b"".join(
        number.to_bytes(size, "little") for number, size in ((tag, 2), (kind, 2), (1, 4), (value, 4))
    )


@pytest.mark.parametrize("name", REAL)
def test_a_real_photograph_that_was_turned_with_its_tags_kept(
    tmp_path: Path, shared_data: Path, name: str
) -> None:
    path = shared_data / "geo" / name
    assert told(path) is None
    with Image.open(path) as image:
        tags, picture = image.info["exif"], image.convert("RGB")
    for how in HOW if name == REAL[0] else ["turned by 180 degrees"]:
        picture.transpose(HOW[how]).save(tmp_path / "turned.jpg", exif=tags)
        assert (told(tmp_path / "turned.jpg") or "").startswith(f"{how} after it was taken")


def test_an_orientation_tag_is_no_turn(tmp_path: Path, shared_data: Path) -> None:
    with Image.open(shared_data / "images" / "bus.jpg") as image:
        picture = image.convert("RGB")
    small = picture.resize((120, 160))
    for orientation in range(1, 9):
        assert told(with_preview(tmp_path / "a.jpg", picture, small, orientation)) is None
        turned = picture.transpose(Image.Transpose.ROTATE_180)
        assert "by 180" in (told(with_preview(tmp_path / "b.jpg", turned, small, orientation)) or "")


def scenes() -> dict[str, Image.Image]:
    """Ground that looks the same, or nearly, from both sides, and ground without anything."""
    random = np.random.default_rng(7)
    rows, columns = np.mgrid[0:450, 0:600]
    grass = 110 + random.normal(0, 12, (450, 600))
    waves = 90 + 20 * np.sin(columns / 9 + rows / 14) + random.normal(0, 4, (450, 600))
    dots = 120.0 + 0 * rows
    for x, y in zip(random.uniform(0, 600, 30), random.uniform(0, 450, 30), strict=True):
        for across, down in ((x, y), (600 - x, 450 - y)):
            dots[np.hypot(columns - across, rows - down) < 15] = 200
    light = 60 + columns / 5 + random.normal(0, 3, (450, 600))
    found = {"grass": grass, "waves": waves, "dots": dots, "light": light, "flat": 0.0 * rows + 99}
    return {name: Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)) for name, values in found.items()}


def test_nothing_is_said_where_the_picture_does_not_decide(tmp_path: Path) -> None:
    for scene in scenes().values():
        assert told(with_preview(tmp_path / "a.jpg", scene, scene.resize((160, 120)))) is None
    for name in ("dots", "flat"):  # turned, they are the same
        turned = scenes()[name].transpose(Image.Transpose.ROTATE_180)
        assert told(with_preview(tmp_path / "a.jpg", turned, scenes()[name].resize((160, 120)))) is None
    made = list(scenes().values())
    for one in made:  # the light of one may be that of another from the other side
        for other in made:
            if one is not other:
                turned = other.resize((160, 120)).transpose(Image.Transpose.ROTATE_180)
                assert told(with_preview(tmp_path / "a.jpg", one, turned)) is None


def test_previews_of_other_kinds(tmp_path: Path) -> None:
    pictures = [Image.open(path).convert("RGB") for path in sorted((REPOSITORY / "demo/pictures").iterdir())]
    for one, other in itertools.pairwise(pictures):
        across = ImageOps.pad(one, (160, 120))
        for preview in (
            one.resize((160, 90)),  # drawn out
            across,  # with bars
            ImageOps.fit(one, (160, 120)),  # cut
            ImageOps.invert(across),  # other colours
            other.resize((160, 120)),  # another picture
            one.resize((16, 12)),  # too small
        ):
            assert told(with_preview(tmp_path / "a.jpg", one, preview)) is None
