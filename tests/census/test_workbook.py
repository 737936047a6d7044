"""census.xlsx, opened by openpyxl."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
from tests.census.conftest import Surveyed

from wildetect.census.exports.workbook import Sheet, sheets_of, write_workbook

MADE = datetime(2026, 11, 23, 5, tzinfo=UTC)


def test_every_table_of_a_census_is_a_sheet_with_the_same_numbers(surveyed: Surveyed, tmp_path: Path) -> None:
    document = json.loads((surveyed.folder / "census.json").read_text(encoding="utf-8"))
    path = tmp_path / "census.xlsx"
    write_workbook(path, sheets_of(surveyed.record), changed=MADE)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [
        "totals",
        "limits",
        "strata",
        "transects",
        "animals",
        "photographs",
        "cautions",
        "settings",
        "columns",
    ]
    for name, key in (("totals", "estimates"), ("transects", "transects"), ("animals", "animals")):
        assert book[name].max_row == 1 + len(document[key])
    head, *rows = book["totals"].iter_rows(values_only=True)
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [one["estimate"] for one in found] == [one["estimate"] for one in document["estimates"]]
    assert [one["species"] for one in found] == [one["species"] for one in document["estimates"]]
    facts = dict(book["settings"].iter_rows(min_row=2, values_only=True))
    assert facts["model.sha256"] == document["model"]["sha256"]
    again = tmp_path / "again.xlsx"
    write_workbook(again, sheets_of(surveyed.record), changed=MADE)
    assert again.read_bytes() == path.read_bytes()


def test_no_text_becomes_a_formula_or_a_link(tmp_path: Path) -> None:
    texts = ("=cmd|' /C calc'!A0", "https://example.org", "<kudu>", "0012")
    write_workbook(
        tmp_path / "a.xlsx", [Sheet("names", ("name",), [(text,) for text in texts])], changed=MADE
    )
    page = openpyxl.load_workbook(tmp_path / "a.xlsx")["names"]
    cells = [page.cell(row, 1) for row in range(2, 6)]
    assert tuple(cell.value for cell in cells) == texts
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.hyperlink is None for cell in cells)
