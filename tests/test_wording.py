"""How messages count and list."""

from __future__ import annotations

import sys

import pytest

from wildetect.wording import (
    commas,
    first_lines,
    first_of,
    form,
    hint_line,
    in_bytes,
    listed,
    number_of,
    percent,
    plural,
    quoted,
    the_others,
)


def test_a_number_stands_with_the_noun_that_goes_with_it() -> None:
    assert number_of(1, "photograph") == "1 photograph"
    assert number_of(0, "photograph") == "0 photographs"
    assert number_of(12045, "photograph") == "12,045 photographs"
    assert number_of(2, "density", "densities") == "2 densities"
    assert plural(1, "box", "boxes") == "box"
    assert form(1, "it does", "they do") + form(2, "it does", "they do") == "it doesthey do"


@pytest.mark.parametrize(
    ("names", "says"),
    [([], ""), (["a"], "a"), (["a", 2], "a and 2"), (["a", "b", "c"], "a, b and c")],
)
def test_names_are_listed_as_one_says_them(names: list[object], says: str) -> None:
    assert listed(names) == says
    assert listed([], none="none") == "none"
    assert listed(iter(names), last="or") == says.replace(" and ", " or ")


def test_a_long_list_says_how_many_it_leaves_out() -> None:
    names = [str(number) for number in range(1500)]
    assert listed(names, most=2) == "0, 1 and 1,498 more"
    assert listed(names[:3], most=2, more=", named in run.json") == "0, 1 and 1 more, named in run.json"
    assert listed(names[:2], most=2) == "0 and 1"
    assert listed(names[:2], most=0) == "2 more"


def test_a_cell_has_commas_alone() -> None:
    assert commas(["a", "b", "c"]) == "a, b, c"
    assert commas([], none="none") == "none"


def test_a_hint_is_marked_as_one() -> None:
    assert hint_line("Install uv.") == "hint: Install uv."


@pytest.mark.parametrize(
    ("count", "says"),
    [(0, ""), (1, "The other is done"), (2, "The others are done"), (9, "The others are done")],
)
def test_nothing_is_said_of_others_where_there_are_none(count: int, says: str) -> None:
    assert the_others(count, "is done", "are done") == says


def test_what_is_shown_in_lines_counts_what_it_leaves_out() -> None:
    assert first_lines(["a", "b", "c"], 2) == ["a", "b", "and 1 more"]
    assert first_lines(iter(["a", "b"]), 2) == ["a", "b"]
    assert first_lines("abc", 1, more=", in run.json") == ["a", "and 2 more, in run.json"]
    assert first_of(["a", "b", "c"]) == "a (and 2 more)"
    assert first_of(["a"]) == "a"


@pytest.mark.parametrize(
    ("word", "pasted"),
    [
        ("results/größe", "results/größe"),
        (r"D:\survey\2", r"D:\survey\2"),
        ("demo@production", "demo@production"),
        ("tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("D:/survey 3", '"D:/survey 3"'),
        ("#1", '"#1"'),
        ("a*b", '"a*b"'),
        ("R&D", '"R&D"'),
        ("{x}", '"{x}"'),
        ('a"b', "'a\"b'"),
        ("", '""'),
        *([] if sys.platform == "win32" else [("a $HOME!", "'a $HOME!'"), ("it's $1", "'it'\"'\"'s $1'")]),
    ],
)
def test_a_word_of_a_command_stands_in_quotes_where_a_shell_would_read_it(word: str, pasted: str) -> None:
    assert quoted(word) == pasted


@pytest.mark.parametrize(
    ("share", "digits", "said"),
    [
        (0, 0, "0%"),
        (1, 0, "100%"),
        (1.0 - 1e-12, 0, "100%"),
        (0.254, 0, "25%"),
        (0.254, 1, "25.4%"),
        (0.996, 0, "99.6%"),
        (0.004, 0, "0.4%"),
        (0.9996, 1, "99.96%"),
        (0.00001, 0, "under 0.01%"),
        (0.99999, 1, "over 99.99%"),
        (1.004, 0, "100.4%"),
        (1.00001, 0, "100.00%"),
        (2.5, 0, "250%"),
    ],
)
def test_what_is_not_all_or_nothing_is_not_called_so(share: float, digits: int, said: str) -> None:
    assert percent(share, digits) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0.0 MB"), (1_148_320, "1.1 MB"), (999_000_000, "999.0 MB"), (81e9, "81.0 GB")]
)
def test_a_size_is_written_in_one_way(count: float, said: str) -> None:
    assert in_bytes(count) == said
