"""A CSV file with the positions of photographs that do not tell theirs."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wildetect.errors import InputError
from wildetect.imagery.positions.metadata import Position
from wildetect.settings.problems import nearest

if TYPE_CHECKING:
    from wildetect.settings.detection import PositionTable

__all__ = ["TableRow", "key_of", "read_position_table", "table_text"]

_DELIMITERS = (",", ";", "\t")
_HEIGHT_WORDS = ("height", "relative", "rel_", "agl", "above_ground", "above ground")
_MOST_SHOWN = 5
_HINT = "Correct these lines, or remove them."


class TableRow(NamedTuple):
    """What the table says of a photograph.

    Attributes:
        position: Of the camera.
        altitude: Above sea in m; null where the column is missing, empty, or holds heights.
        height: Above ground in m, where the name of the column says so: height, relative or agl.
    """

    position: Position
    altitude: float | None = None
    height: float | None = None


def key_of(name: str) -> str:
    """A photograph's name as keys of the table have it: lower case, with forward slashes."""
    return name.strip().replace("\\", "/").removeprefix("./").casefold()


def read_position_table(table: PositionTable) -> dict[str, TableRow]:
    """Read the file that `csv_path` names.

    Delimiters are found where the one that is given does not part the columns; decimal commas are read
    where commas do not part them. Lines without a position, or at 0, 0, are left out.

    Returns:
        Rows by name of the photograph: lower case, with forward slashes, with the folders that it has in
        the table.

    Raises:
        InputError: The file cannot be read, lacks a column, or lines of it make no sense.
    """
    path = table.csv_path
    if path is None:
        return {}
    text = table_text(path, f"the table of positions {path}", hint="Check exif_gps_update.csv_path.")
    lines = text.splitlines()[table.skip_rows or 0 :]
    if not lines:
        raise InputError(
            f"{path}: no lines{' after skip_rows' if table.skip_rows else ''}", hint="Check the file."
        )
    return _rows(path, table, lines)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Places of the columns in a line."""

    name: int
    latitude: int
    longitude: int
    altitude: int | None
    holds_heights: bool

    @classmethod
    def of(cls, path: Path, table: PositionTable, header: Sequence[str]) -> _Columns:
        """The columns that the settings name.

        Raises:
            InputError: One of them is not in the header.
        """
        wanted = {"filename_col": table.filename_col, "lat_col": table.lat_col, "lon_col": table.lon_col}
        for key, name in wanted.items():
            if _plain(name) not in header:
                close = nearest(_plain(name), header)
                raise InputError(
                    f"{path}: no column {name}; its columns are {', '.join(header)}",
                    hint=f"Set exif_gps_update.{key} to the right column"
                    + (f", perhaps {close}." if close else "."),
                )
        named, latitude, longitude = (header.index(_plain(name)) for name in wanted.values())
        altitude = _plain(table.alt_col)
        return cls(
            named,
            latitude,
            longitude,
            altitude=header.index(altitude) if altitude in header else None,
            holds_heights=any(word in altitude for word in _HEIGHT_WORDS),
        )

    def row(self, cells: Sequence[str]) -> TableRow | None:
        """What a line says; None without a position.

        Raises:
            ValueError: It makes no sense.
        """
        if not cells[self.latitude] and not cells[self.longitude]:
            return None
        latitude, longitude = _number(cells[self.latitude]), _number(cells[self.longitude])
        position = Position.checked(longitude, latitude)
        if position is None:
            if longitude == latitude == 0:
                return None
            raise ValueError(f"latitude {latitude:g}, longitude {longitude:g} is not a place on Earth")
        told = None if self.altitude is None or not cells[self.altitude] else _number(cells[self.altitude])
        return TableRow(position, height=told) if self.holds_heights else TableRow(position, altitude=told)


def _rows(path: Path, table: PositionTable, lines: Sequence[str]) -> dict[str, TableRow]:
    delimiter = _delimiter(lines[0], table)
    header = [_plain(name) for name in next(csv.reader(lines[:1], delimiter=delimiter))]
    columns = _Columns.of(path, table, header)
    rows: dict[str, TableRow] = {}
    problems: list[str] = []
    first = (table.skip_rows or 0) + 1
    for number, values in enumerate(csv.reader(lines[1:], delimiter=delimiter), first + 1):
        cells = [value.strip() for value in values] + [""] * (len(header) - len(values))
        try:
            row = columns.row(cells) if cells[columns.name] else None
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        if row is not None and rows.setdefault(key_of(cells[columns.name]), row) != row:
            problems.append(f"line {number}: {cells[columns.name]} has another position further up")
    if problems:
        more = "" if len(problems) == 1 else f" (and {len(problems) - 1} more)"
        raise InputError(f"{path}: {problems[0]}{more}", hint=_HINT, details=problems[1:_MOST_SHOWN])
    return rows


def _delimiter(line: str, table: PositionTable) -> str:
    """That of the settings if it parts the column of names from others, else the first that does."""
    for delimiter in (table.delimiter, *_DELIMITERS):
        if len(delimiter) == 1:
            names = [_plain(name) for name in next(csv.reader([line], delimiter=delimiter), [])]
            if len(names) > 1 and _plain(table.filename_col) in names:
                return delimiter
    return max(_DELIMITERS, key=line.count)


def _number(text: str) -> float:
    number = float(text.replace(",", "."))  # a decimal comma; where commas part columns there is none
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a number")
    return number


def _plain(name: str) -> str:
    return name.strip().casefold()


def table_text(path: Path, what: str, *, hint: str) -> str:
    """Text of a CSV file, in UTF-8 or as Excel on Windows saves it.

    Args:
        path: The file.
        what: What it is, for a person.
        hint: What to do where it cannot be read.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return path.read_text(encoding="cp1252", errors="replace")
    except OSError as error:
        raise InputError(f"{what} cannot be read: {error.strerror or error}", hint=hint) from error
