from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildetect.tables.sheet import read_sheet
from wildetect.tables.writing import plain_text, safe_text, table_pieces

FORMULAS = ["=1+1", "+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "--5", "-1.jpg"]
PLAIN = ["-12.5", "+3", "-1e-05", "-.5", "zebra", "a=b", "'quoted", "", "5-7"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula(text: str) -> None:
    assert safe_text(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_numbers_and_other_texts_stay(text: str) -> None:
    assert safe_text(text) == text


@given(st.text())
def test_a_marked_text_comes_back(text: str) -> None:
    if text[1:] == plain_text(text):
        return  # written by hand as a spreadsheet shows it: an apostrophe before a formula
    assert plain_text(safe_text(text)) == text


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows: list[list[object]] = [["=a.jpg", -1.5, "-2.5"], ["@b.jpg", None, "x"]]
    path = tmp_path / "table.csv"
    path.write_bytes("".join(table_pieces(["image", "x", "y"], rows)).encode())
    assert path.read_bytes().splitlines()[1] == b"'=a.jpg,-1.5,-2.5"
    sheet = read_sheet(path, "table", hint="")
    assert [line.cells for line in sheet.lines] == [("=a.jpg", "-1.5", "-2.5"), ("@b.jpg", "", "x")]
