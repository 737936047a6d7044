"""dwc-archive.zip: a census as the archive that GBIF and its Integrated Publishing Toolkit take.

Formats: the Darwin Core text guide, https://dwc.tdwg.org/text/, for meta.xml and the tables (tabs between
cells, no quotes); the GBIF metadata profile 1.1 of EML 2.1.1 for eml.xml.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from wildetect.census.exports.darwin_core import (
    Event,
    Inventory,
    Occurrence,
    events_of,
    inventories_of,
    occurrences_of,
)
from wildetect.census.exports.form import CensusForm, ExportedCensuses, Publication
from wildetect.census.exports.metadata import eml_of, remarks_on
from wildetect.how_far import through
from wildetect.results.files import replacing

__all__ = ["DARWIN_CORE", "write_archive"]

_DWC = "http://rs.tdwg.org/dwc/terms/"
_ECO = "http://rs.tdwg.org/eco/terms/"
_CLEAN = str.maketrans("\t\r\n", "   ")


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the archive.

    Attributes:
        file: Its name.
        row: What a row is.
        row_type: The class of Darwin Core that a row is.
        terms: The namespace of its columns.
    """

    file: str
    row: type[Any]
    row_type: str
    terms: str

    @property
    def columns(self) -> list[str]:
        """Names of the terms, the event's id first."""
        return [_term(field.name) for field in fields(self.row)]


_EVENTS = _Table("event.txt", Event, f"{_DWC}Event", _DWC)
_OCCURRENCES = _Table("occurrence.txt", Occurrence, f"{_DWC}Occurrence", _DWC)
_INVENTORIES = _Table("humboldt.txt", Inventory, f"{_ECO}Event", _ECO)


def write_archive(path: Path, publication: Publication) -> None:
    """Write the archive: event.txt, occurrence.txt, humboldt.txt, meta.xml and eml.xml.

    Args:
        path: Path of the zip file.
        publication: The census.

    Raises:
        InputError: The file cannot be written.
    """
    made = datetime.fromisoformat(publication.record.times.started)
    tables = [
        (_EVENTS, events_of(publication)),
        (_OCCURRENCES, occurrences_of(publication)),
        (_INVENTORIES, inventories_of(publication)),
    ]
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for table, rows in tables:
            _add(archive, table.file, "".join(_lines(table, rows)), made)
        _add(archive, "meta.xml", _meta([table for table, _ in tables]), made)
        _add(archive, "eml.xml", eml_of(publication), made)


def _add(archive: zipfile.ZipFile, name: str, text: str, made: datetime) -> None:
    # the census's own time, so that one census makes one archive, byte by byte
    information = zipfile.ZipInfo(name, (max(made.year, 1980), *made.timetuple()[1:6]))
    information.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(information, text.encode("utf-8", errors="backslashreplace"))


def _lines(table: _Table, rows: Iterable[object]) -> Iterator[str]:
    yield "\t".join(table.columns) + "\n"
    names = [field.name for field in fields(table.row)]
    for row in through(rows, f"rows of {table.file} written"):
        yield "\t".join(_cell(getattr(row, name)) for name in names) + "\n"


def _cell(value: object) -> str:
    return "" if value is None else str(value).translate(_CLEAN)


def _term(name: str) -> str:
    """An attribute's name as Darwin Core has it: event_id is eventID, event_date eventDate."""
    first, *others = name.split("_")
    return first + "".join("ID" if part == "id" else part.capitalize() for part in others)


def _meta(tables: Sequence[_Table]) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml">',
    ]
    for table in tables:
        core = table is _EVENTS
        kind, link = ("core", "id") if core else ("extension", "coreid")
        layout = (
            'encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" '
            f'ignoreHeaderLines="1" rowType={quoteattr(table.row_type)}'
        )
        lines += [
            f"  <{kind} {layout}>",
            f"    <files><location>{escape(table.file)}</location></files>",
            f'    <{link} index="0"/>',
            # the id of an extension's event is its link to the core, and a term of Darwin Core's alone
            *(
                f'    <field index="{number}" term={quoteattr(table.terms + name)}/>'
                for number, name in enumerate(table.columns)
                if core or number
            ),
            f"  </{kind}>",
        ]
    return "\n".join([*lines, "</archive>", ""])


def _write(path: Path, censuses: ExportedCensuses) -> list[str]:
    write_archive(path, censuses.one)
    return [f"{path.name}: {remark}" for remark in remarks_on(censuses.one)]


DARWIN_CORE = CensusForm(
    name="dwc",
    file="dwc-archive.zip",
    about="events (survey, strata, transects, photographs), an occurrence for each animal, effort and "
    "absences as Darwin Core, for GBIF and its Integrated Publishing Toolkit",
    write=_write,
    reviewed=True,
)
