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
