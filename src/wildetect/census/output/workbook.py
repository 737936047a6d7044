"""census.xlsx: the tables of a census for a spreadsheet; the one module that knows xlsxwriter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from wildetect.results.files import replacing

__all__ = ["Sheet", "sheets_of", "write_workbook"]

_WIDEST = 48  # characters
_LOOKED_AT = 200  # rows, for the width of a column


class Sheet(NamedTuple):
    """A table of a workbook.

    Attributes:
        name: At most 31 characters.
        head: Titles of the columns.
        rows: Numbers, texts, truth values or null.
    """

    name: str
    head: Sequence[str]
    rows: list[Sequence[object]]


def sheets_of(document: Mapping[str, Any]) -> Iterator[Sheet]:
    """The tables of a census: totals, strata, transects, animals, photographs, cautions, settings.

    Args:
        document: What census.json holds.
    """
    totals = [_flat(one) for one in document["estimates"]]
    yield _sheet("totals", totals)
    yield _sheet("limits", list(_limits(document["estimates"])))
    yield _sheet("strata", [_flat(one) for one in document["strata"]])
    yield _sheet("transects", [_flat(one) for one in document["transects"]])
    yield _sheet("animals", [_flat(one) for one in document["animals"]])
    yield _sheet("photographs", [_flat(one) for one in document["photographs"]])
    yield _sheet("cautions", [_flat(one) for one in document["cautions"]])
    facts = {"campaign": document["campaign"], "model": document["model"], "settings": document["settings"]}
    facts |= {"projection": document["projection"], "times": document["times"]}
    rows = [(name, value) for name, value in _flat(facts | {"versions": document["versions"]}).items()]
    yield Sheet("settings", ("what", "value"), list(rows))


def write_workbook(path: Path, sheets: Iterable[Sheet], *, changed: datetime) -> None:
    """Write a workbook.

    Args:
        path: The file.
        sheets: Its tables.
        changed: The time that the file gives as that of its making.

    Raises:
        InputError: The file cannot be written.
    """
    import xlsxwriter

    # texts stay texts: none is taken for a formula, a link or a number
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with replacing(path) as file:
        book = xlsxwriter.Workbook(file, options)
        book.set_properties({"created": changed.replace(tzinfo=None)})
        bold = book.add_format({"bold": True})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            page.freeze_panes(1, 0)
            page.write_row(0, 0, sheet.head, bold)
            for number, row in enumerate(sheet.rows, 1):
                page.write_row(number, 0, row)
            for column, title in enumerate(sheet.head):
                texts = [title, *(str(row[column] or "") for row in sheet.rows[:_LOOKED_AT])]
                page.set_column(column, column, min(max(map(len, texts)) + 2, _WIDEST))
        book.close()


def _limits(estimates: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, object]]:
    for one in estimates:
        for limits in one["limits"]:
            yield {"species": one["species"], "stratum": one["stratum"], **limits}


def _sheet(name: str, records: Sequence[Mapping[str, object]]) -> Sheet:
    """Records as a table whose columns are all that any of them has."""
    head = list(dict.fromkeys(key for record in records for key in record))
    return Sheet(name, head, [[record.get(key) for key in head] for record in records])


def _flat(record: Mapping[str, Any], before: str = "") -> dict[str, object]:
    """A record as cells: blocks become several, lists of texts one, lists of blocks their number."""
    cells: dict[str, object] = {}
    for key, value in record.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            cells |= _flat(value, f"{name}.")
        elif isinstance(value, list | tuple):
            plain = all(not isinstance(one, Mapping | list | tuple) for one in value)
            cells[name] = "; ".join(map(str, value)) if plain else len(value)
        else:
            cells[name] = value
    return cells
