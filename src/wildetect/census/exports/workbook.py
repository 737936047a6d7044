"""census.xlsx: the tables of a census for a spreadsheet; the one module that knows xlsxwriter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from wildetect.census.exports.form import CensusForm, ExportedCensuses
from wildetect.census.output.parts import EstimateRecord
from wildetect.census.output.record import CensusRecord
from wildetect.how_far import doing, through
from wildetect.results.files import replacing
from wildetect.tables.dictionary import COLUMN_HEAD, TABLES, columns_of

__all__ = ["WORKBOOK", "Sheet", "sheets_of", "write_workbook"]

_SHEETS = {"totals": "estimates"} | {
    name: name for name in ("strata", "transects", "animals", "photographs", "cautions")
}
_FACTS = ("campaign", "model", "settings", "projection", "times", "versions")
_WORKBOOK = "census.xlsx: "
_WIDEST = 48  # characters
_LOOKED_AT = 200  # rows, for the width of a column


class Sheet(NamedTuple):
    """A table of a workbook.

    Attributes:
        name: Name, at most 31 characters.
        head: Titles of the columns.
        rows: Numbers, texts, truth values or null.
    """

    name: str
    head: Sequence[str]
    rows: list[Sequence[object]]


def sheets_of(record: CensusRecord) -> Iterator[Sheet]:
    """The tables of a census: totals, strata, transects, animals, photographs, cautions, settings, columns.

    Args:
        record: What census.json holds.
    """
    document = record.document()
    for name, key in _SHEETS.items():
        yield _sheet(name, [_flat(one) for one in document[key]])
        if key == "estimates":
            yield _sheet("limits", list(_limits(record.estimates)))
    rows: list[Sequence[object]] = list(_flat({name: document[name] for name in _FACTS}).items())
    yield Sheet("settings", ("what", "value"), rows)
    yield Sheet("columns", COLUMN_HEAD, list(_columns()))


def _columns() -> Iterator[Sequence[object]]:
    """What the columns of the workbook mean."""
    for table, column in columns_of([name for name in TABLES if name.startswith(_WORKBOOK)]):
        yield table.removeprefix(_WORKBOOK), *column


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
            for number, row in enumerate(through(sheet.rows, f"rows of the sheet {sheet.name} written"), 1):
                page.write_row(number, 0, row)
            for column, title in enumerate(sheet.head):
                texts = [title, *(str(row[column] or "") for row in sheet.rows[:_LOOKED_AT])]
                page.set_column(column, column, min(max(map(len, texts)) + 2, _WIDEST))
        with doing("the workbook is packed"):
            book.close()


def _limits(estimates: Sequence[EstimateRecord]) -> Iterator[dict[str, object]]:
    for one in estimates:
        for limits in one.limits:
            yield {
                "species": one.species,
                "stratum": one.stratum,
                **asdict(limits),
                "hold": one.limits_hold,
            }


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


def _write(path: Path, censuses: ExportedCensuses) -> list[str]:
    record = censuses.one.record
    write_workbook(path, sheets_of(record), changed=datetime.fromisoformat(record.times.started))
    return []


WORKBOOK = CensusForm(
    name="xlsx",
    file="census.xlsx",
    about="sheets for totals, limits, strata, transects, animals, photographs, cautions and settings, with "
    "the names of census.json",
    write=_write,
)
