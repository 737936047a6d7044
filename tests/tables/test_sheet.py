from __future__ import annotations

from pathlib import Path

import pytest

from wildetect.errors import InputError
from wildetect.tables.sheet import read_sheet


@pytest.mark.parametrize("head", ["{" * 200_000, '"' + "a" * 200_000, "a,b\n" + "c" * 200_000])
def test_a_cell_without_an_end_is_named_with_its_line(tmp_path: Path, head: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(head, encoding="utf-8")
    with pytest.raises(InputError, match=r"the table: line \d: field larger"):
        read_sheet(path, "the table", hint="Check it.")


@pytest.mark.parametrize("before", ["sep=;\n", '"sep=;"\r\n', "\n \n", "\nSEP=;\n"])
def test_what_excel_writes_before_the_head_is_passed_over_and_lines_keep_their_numbers(
    tmp_path: Path, before: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"{before}name;height\na.jpg;92,5\n", encoding="utf-8", newline="")
    sheet = read_sheet(path, "the table", hint="Check it.")
    assert sheet.head == ("name", "height")
    assert [line.number for line in sheet.lines] == [before.count("\n") + 2]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_unicode_text_is_read_with_a_mark_and_without(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("name,height\nZo\u00eb.jpg,92\n".encode(encoding))
    assert read_sheet(path, "the table", hint="Check it.").lines[0].cells == ("Zo\u00eb.jpg", "92")


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_workbook_is_named_for_what_it_is(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(start + bytes(100))
    with pytest.raises(InputError, match=r"the table is a workbook.* or .*, not a CSV file") as caught:
        read_sheet(path, "the table", hint="Check it.")
    assert "CSV UTF-8" in caught.value.hint
