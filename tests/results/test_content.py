"""The same picture is known by what it shows, and others are not taken for it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.training_sets import DEMO

from wildetect.evaluation.content import content_of, looks_alike
from wildetect.imagery.reading import AS_IT_IS


def picture(path: Path, seed: int, *, flat: bool = False) -> Path:
    """Ground with structure at all scales, or nearly without; always with a camera's dark corners."""
    random = np.random.default_rng(seed)
    light = np.full((700, 1100), 120.0)
    for cells in () if flat else (4, 12, 40):
        field = Image.fromarray(random.normal(0, 12, (cells, cells)).astype(np.float32))
        light += np.asarray(field.resize((1100, 700), Image.Resampling.BICUBIC))
    y, x = np.mgrid[-1:1:700j, -1:1:1100j]
    light = light * (1 - 0.25 * (x**2 + y**2)) + random.normal(0, 3, light.shape)
    Image.fromarray(light.clip(0, 255).astype(np.uint8)).convert("RGB").save(path)
    return path


@pytest.mark.parametrize("flat", [False, True])
def test_other_pictures_of_the_same_camera_do_not_look_alike(tmp_path: Path, *, flat: bool) -> None:
    looks = [
        content_of(picture(tmp_path / f"{seed}.png", seed, flat=flat), AS_IT_IS).look for seed in range(8)
    ]
    assert not any(looks_alike(one, other) for one, other in itertools.combinations(looks, 2))


def test_overlapping_photographs_of_the_demo_do_not_look_alike() -> None:
    looks = [content_of(path, AS_IT_IS).look for path in sorted((DEMO / "pictures").glob("A*.jpg"))]
    assert not any(looks_alike(one, other) for one, other in itertools.combinations(looks, 2))


def test_a_copy_that_was_compressed_or_made_smaller_looks_alike(tmp_path: Path) -> None:
    original = picture(tmp_path / "a.png", 1)
    one = content_of(original, AS_IT_IS)
    with Image.open(original) as image:
        image.save(tmp_path / "b.bmp")
        image.save(tmp_path / "c.jpg", quality=30)
        image.resize((400, 255)).save(tmp_path / "d.jpg", quality=80)
    assert content_of(tmp_path / "b.bmp", AS_IT_IS) == one
    for name in ("c.jpg", "d.jpg"):
        other = content_of(tmp_path / name, AS_IT_IS)
        assert other.sha256 != one.sha256
        assert looks_alike(one.look, other.look)


def test_a_picture_smaller_than_the_fields_has_no_look(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "tiny.png")
    tiny = content_of(tmp_path / "tiny.png", AS_IT_IS)
    assert tiny.look == ""
    assert not looks_alike(tiny.look, tiny.look)
