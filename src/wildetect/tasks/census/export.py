"""The task that writes a census in the forms in which numbers leave the house."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.support import emit, verb

if TYPE_CHECKING:
    from wildetect.census.output.record import CensusRecord

__all__ = ["export"]

FORMATS = ("aed", "xlsx", "citation")


@verb(
    help={
        "census": "folder of a finished census; several are added up in aed.csv",
        "format": "what to write: aed, xlsx or citation; may be given more than once",
        "output": "folder of the files; without it, export/ in that of the first census",
        "species": "the class that aed.csv is about; without it all whose name holds elephant",
        "json": "the files written, on stdout",
    },
    paths="census",
    iterable=["census", "format"],
)
def export(
    context: Context,
    census: list[str] | None = None,
    format: list[str] | None = None,  # noqa: A002 - the option's name
    output: str | None = None,
    species: str | None = None,
    json: bool = False,
) -> None:
    """Write a census for others: aed.csv, workbook, citation.

    aed.csv has the columns of the African Elephant Database, census.xlsx every table of a census (with
    several, census-2.xlsx and so on), citation.txt what to write in a report.
    """
    del context
    from wildetect.census.output.aed import aed_rows, write_aed
    from wildetect.census.output.citation import citation_of
    from wildetect.census.output.record import read_census_file
    from wildetect.errors import ConfigurationError
    from wildetect.results.files import make_folder, write_text
    from wildetect.settings.project import from_caller

    unknown = [name for name in format or () if name not in FORMATS]
    if unknown or not format or not census:
        wrong = f"{unknown[0]} is not a valid format" if unknown else "a census and a format are needed"
        raise ConfigurationError(
            f"{wrong}; the formats are {', '.join(FORMATS)}",
            hint="uv run invoke census.export results/camp23 --format aed",
        )
    folders = [Path(from_caller(one)) for one in census]
    records = [read_census_file(folder) for folder in folders]
    rows = list(aed_rows(records, species)) if "aed" in format else []
    folder = Path(from_caller(output)) if output else folders[0] / "export"
    make_folder(folder, hint="Give another one with --output.")
    written = []
    if "aed" in format:
        written.append(folder / "aed.csv")
        write_aed(written[-1], rows)
    if "xlsx" in format:
        written += [_workbook(folder, number, one) for number, one in enumerate(records, 1)]
    if "citation" in format:
        written.append(folder / "citation.txt")
        write_text(written[-1], ["\n".join(map(citation_of, records))])
    if json:
        emit({"files": [str(path) for path in written]})
        return
    for path in written:
        print(path)


def _workbook(folder: Path, number: int, record: CensusRecord) -> Path:
    from datetime import datetime

    from wildetect.census.output.workbook import sheets_of, write_workbook

    path = folder / ("census.xlsx" if number == 1 else f"census-{number}.xlsx")
    write_workbook(path, sheets_of(record), changed=datetime.fromisoformat(record.times.started))
    return path
