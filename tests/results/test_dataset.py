from __future__ import annotations

from pathlib import Path

from wildetect.results.dataset import PictureSet
from wildetect.results.pictures.stamps import Stamp

STAMPS = {"a.jpg": Stamp(10, 1), "b/c.jpg": Stamp(20, 2), "odd \udce9.jpg": None}


def digest(stamps: dict[str, Stamp | None]) -> str:
    return PictureSet([], stamps).digest


def test_the_digest_is_that_of_names_sizes_and_times() -> None:
    assert digest(STAMPS) == digest(dict(reversed(STAMPS.items())))
    changed: list[dict[str, Stamp | None]] = [
        {},
        {**STAMPS, "a.jpg": Stamp(11, 1)},
        {**STAMPS, "a.jpg": Stamp(10, 2)},
        {**STAMPS, "a.jpg": None},
        {**STAMPS, "d.jpg": Stamp(1, 1)},
        {name.replace("c", "d"): stamp for name, stamp in STAMPS.items()},
    ]
    assert len({digest(STAMPS), *map(digest, changed)}) == 7


def test_the_name_is_that_of_the_source() -> None:
    assert PictureSet([Path("/survey/camp23")], {}).name == "camp23"
    assert PictureSet([Path("/survey/camp23"), Path("/survey/x")], {}).name == "camp23 and 1 more"
    assert PictureSet([Path("/")], {}).name == "/"
    assert PictureSet([], {}).name == "pictures"
    assert PictureSet([Path("/survey")], {}).named().sources == ("/survey",)
