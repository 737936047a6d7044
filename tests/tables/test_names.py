"""Names of photographs in tables."""

from __future__ import annotations

import pytest

from wildetect.tables.names import Names, spelled_otherwise

RUN = ("camp/A/DJI_1.JPG", "camp/B/DJI_1.JPG", "camp/A/DJI_2.JPG", "DJI_3.JPG")


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("camp/A/DJI_1.JPG", ["camp/A/DJI_1.JPG"]),
        ("a\\dji_1.jpg", ["camp/A/DJI_1.JPG"]),
        ("./DJI_2.jpg", ["camp/A/DJI_2.JPG"]),
        (r"C:\flights\camp\A\DJI_2.JPG", ["camp/A/DJI_2.JPG"]),
        ("2024/DJI_3.JPG", ["DJI_3.JPG"]),
        ("DJI_1.JPG", ["camp/A/DJI_1.JPG", "camp/B/DJI_1.JPG"]),
        ("C/DJI_1.JPG", []),
        ("I_1.JPG", []),
        ("DJI_9.JPG", []),
    ],
)
def test_a_name_fits_where_one_is_the_end_of_the_other(name: str, fits: list[str]) -> None:
    assert Names(RUN).fitting(name) == fits


def test_letter_case_tells_two_files_apart_where_it_can() -> None:
    names = Names(["a.JPG", "A.jpg"])
    assert names.fitting("A.jpg") == ["A.jpg"]
    assert names.fitting("a.jpg") == ["a.JPG", "A.jpg"]


def test_of_two_names_that_capitals_alone_tell_apart_neither_is_taken() -> None:
    before = ["DJI_1.JPG", "a/é.jpg", "x.jpg", "same.jpg"]
    now = ["dji_1.jpg", "a/e\u0301.JPG", "X.jpg", "x.JPG", "same.jpg", "SAME.jpg"]
    assert spelled_otherwise(before, now) == {"DJI_1.JPG": "dji_1.jpg", "a/é.jpg": "a/e\u0301.JPG"}
    assert spelled_otherwise(["x.jpg", "X.jpg"], ["x.JPG"]) == {}
