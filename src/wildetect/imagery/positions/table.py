"""A CSV file with the positions of photographs that do not tell theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wildetect.errors import InputError
from wildetect.imagery.positions.heads import Head, heads_of
from wildetect.imagery.positions.metadata import Position
from wildetect.settings.problems import nearest
from wildetect.tables.names import key_of
from wildetect.tables.numbers import check_marks, degrees_of, length_of
from wildetect.tables.sheet import Line, read_sheet
from wildetect.wording import first_of, listed

if TYPE_CHECKING:
    from wildetect.settings.detection import PositionTable

__all__ = ["TableRow", "read_position_table"]

_MOST_SHOWN = 5
_WANTED = (
    "The form wanted: filename,latitude,longitude,height (m), then lines such as DJI_1.JPG,-19.25,23.5,92"
)
_ABOVE, _BELOW = {"0", "2"}, {"1", "3"}  # Exif's GPSAltitudeRef: of the sea level, and of the ellipsoid (3.0)
_DEFAULTS = {"filename_col": "filename", "lat_col": "latitude", "lon_col": "longitude", "alt_col": "altitude"}


class TableRow(NamedTuple):
    """What the table says of a photograph.

    Attributes:
        position: Position of the camera.
        altitude: Above sea in m; null where the column is missing, empty, or holds heights.
        height: Above ground or take-off in m, where the name of the column says so: height, relative or agl.
        height_column: The head of that column; null without a height.
    """

    position: Position
    altitude: float | None = None
    height: float | None = None
    height_column: str | None = None


def read_position_table(table: PositionTable) -> dict[str, TableRow]:
    """Read the file that `csv_path` names.

    Columns are those that the settings name, else those with a usual head. The separator is found where the
    one that is given does not part the columns; decimal commas are read where commas do not part them.
    Lengths are in the unit that the head or the cell names, else in m. Lines without a position, or at 0, 0,
    are left out.

    Returns:
        Rows by name of the photograph: lower case, with forward slashes, with the folders that it has in
        the table.

    Raises:
        InputError: The file cannot be read, lacks a column, or lines of it make no sense.
    """
    path = table.csv_path
    if path is None:
        return {}
    sheet = read_sheet(
        path,
        f"the table of positions {path}",
        hint="Check exif_gps_update.csv_path.",
        delimiter=table.delimiter,
        skip=table.skip_rows or 0,
    )
    if not sheet.head:
        raise InputError(f"{path}: no lines{' after skip_rows' if table.skip_rows else ''}", hint=_WANTED)
    columns = _Columns.of(path, table, heads_of(sheet.head))
    return _rows(path, columns, sheet.lines, decimal_commas_part=sheet.delimiter == ",")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Places of the columns in a line; null where there is none."""

    heads: Sequence[Head]
    name: int
    latitude: int
    longitude: int
    altitude: int | None
    height: int | None
    references: tuple[int | None, int | None]
    below_sea: int | None = None

    @classmethod
    def of(cls, path: Path, table: PositionTable, heads: Sequence[Head]) -> _Columns:
        """Find the columns that the settings name, or that have a usual head.

        Raises:
            InputError: One of them is not in the head, several could be meant, or one has an unknown unit.
        """
        find = _Finder(path, table, heads)
        lengths = find.lengths()
        return cls(
            heads,
            name=find.needed(
                "filename_col", lambda head: head.names_photographs, lambda head: head.may_name_photographs
            ),
            latitude=find.needed("lat_col", lambda head: head.is_axis("latitude")),
            longitude=find.needed("lon_col", lambda head: head.is_axis("longitude")),
            altitude=find.only([place for place in lengths if not heads[place].above_ground]),
            height=find.only([place for place in lengths if heads[place].above_ground]),
            references=(find.reference("latitude"), find.reference("longitude")),
            below_sea=find.reference("altitude"),
        )

    def row(self, line: Line) -> TableRow | None:
        """Read a line; None without a name or a position.

        Raises:
            ValueError: It makes no sense.
        """
        cells = line.cells
        if line.surplus is not None:
            raise ValueError(line.surplus)
        if not cells[self.name]:
            return None
        if not cells[self.latitude] and not cells[self.longitude]:
            return None
        used = [self.latitude, self.longitude, self.altitude, self.height]
        check_marks(cells[place] for place in used if place is not None)
        latitude = self._degrees(cells, self.latitude, "latitude")
        longitude = self._degrees(cells, self.longitude, "longitude")
        position = Position.checked(longitude, latitude)
        if position is None:
            if longitude == latitude == 0:
                return None
            raise ValueError(f"latitude {latitude:g}, longitude {longitude:g} is not a place on Earth")
        height = self._length(cells, self.height)
        column = None if self.height is None or height is None else self.heads[self.height].text
        return TableRow(position, self._altitude(cells), height, column)

    def _altitude(self, cells: Sequence[str]) -> float | None:
        altitude = self._length(cells, self.altitude)
        told = "" if self.below_sea is None else cells[self.below_sea].casefold()
        if altitude is None or not told:
            return altitude
        if told in _BELOW or "below" in told:
            return -abs(altitude)
        if told in _ABOVE or "above" in told:
            return altitude
        raise ValueError(f"{told!r} does not say whether an altitude is above or below the sea")

    def _degrees(self, cells: Sequence[str], place: int, axis: str) -> float:
        reference = self.references[axis == "longitude"]
        told = cells[reference] if reference is not None else ""
        return degrees_of(cells[place], axis, told or self.heads[place].hemisphere)

    def _length(self, cells: Sequence[str], place: int | None) -> float | None:
        if place is None or not cells[place]:
            return None
        return length_of(cells[place], self.heads[place].unit)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds columns by their heads."""

    path: Path
    table: PositionTable
    heads: Sequence[Head]

    def needed(self, key: str, *usual: Callable[[Head], bool]) -> int:
        """Return the place of the column that a setting names, or of the one that has a usual head.

        Args:
            key: Key of the setting.
            usual: Whether a head is usual; the next counts where there is none by the one before.

        Raises:
            InputError: There is none, or several.
        """
        wanted: str = getattr(self.table, key)
        named = self._named(wanted)
        if named is not None:
            return named
        by_usage = ([place for place, head in enumerate(self.heads) if fits(head)] for fits in usual)
        found = next((places for places in by_usage if places), [])
        if _plain(wanted) != _DEFAULTS[key] or not found:
            plain = [_plain(head.text) for head in self.heads]
            raise InputError(
                f"{self.path}: no column {wanted}; its columns are {listed(plain)}", hint=self._hint(key)
            )
        return self._one(found, key)

    def _hint(self, key: str) -> str:
        plane = [head.text for head in self.heads if head.is_of_a_plane]
        if key in {"lat_col", "lon_col"} and plane and _plain(getattr(self.table, key)) == _DEFAULTS[key]:
            return (
                f"{listed(plane)} may be metres of a map. Positions are wanted in degrees (WGS 84): convert "
                f"them, in QGIS with Reproject Layer, or name these columns if they hold degrees: set "
                f"exif_gps_update.lat_col and lon_col. {_WANTED}"
            )
        free = [
            _plain(head.text)
            for head in self.heads
            if not (head.is_axis("latitude") and key != "lat_col")
            and not (head.is_axis("longitude") and key != "lon_col")
        ]
        close = nearest(_plain(getattr(self.table, key)), free)
        perhaps = f", perhaps {close}" if close else ""
        return f"Set exif_gps_update.{key} to the right column{perhaps}. {_WANTED}"

    def lengths(self) -> list[int]:
        """Return the places of columns of heights: the one that alt_col names, and those with usual heads.

        Raises:
            InputError: alt_col names one that is not there, a unit is not known, or a head may mean heights.
        """
        named = self._named(self.table.alt_col)
        if named is None and _plain(self.table.alt_col) != _DEFAULTS["alt_col"]:
            names = listed(_plain(head.text) for head in self.heads)
            raise InputError(
                f"{self.path}: no column {self.table.alt_col}; its columns are {names}",
                hint=f"Set exif_gps_update.alt_col to the right column, or remove it. {_WANTED}",
            )
        usual = [place for place, head in enumerate(self.heads) if head.is_length and place != named]
        if named is not None:  # of its kind no other counts
            kind = self.heads[named].above_ground
            usual = [named, *(place for place in usual if self.heads[place].above_ground != kind)]
        for place in usual:
            if self.heads[place].unknown_unit is not None:
                raise InputError(
                    f"{self.path}: the unit of the column {self.heads[place].text} is not known",
                    hint="Write height (m) or height (ft), altitude (m) or altitude (ft) in its head.",
                )
        unclear = [
            head.text for place, head in enumerate(self.heads) if head.may_be_length and place != named
        ]
        if unclear and not any(self.heads[place].above_ground for place in usual):
            raise InputError(
                f"{self.path}: {unclear[0]} may be heights, and does not say from where they count",
                hint="Write height (m) or height (ft) in its head where they count from the ground or the "
                "place of take-off, altitude (m) or altitude (ft) where from the sea.",
            )
        return usual

    def only(self, places: Sequence[int]) -> int | None:
        """Return the one place of several; None of none."""
        return self._one(places, "alt_col") if places else None

    def reference(self, axis: str) -> int | None:
        """Return the place of the column of directions."""
        return next((place for place, head in enumerate(self.heads) if head.is_reference(axis)), None)

    def _named(self, name: str) -> int | None:
        plain = [_plain(head.text) for head in self.heads]
        return plain.index(_plain(name)) if _plain(name) in plain else None

    def _one(self, places: Sequence[int], key: str) -> int:
        if len(places) > 1:
            names = listed(self.heads[place].text for place in places)
            raise InputError(
                f"{self.path}: {names} may all be meant",
                hint=f"Name the right one: set exif_gps_update.{key} to {self.heads[places[0]].text}, say.",
            )
        return places[0]


def _rows(
    path: Path, columns: _Columns, lines: Sequence[Line], *, decimal_commas_part: bool
) -> dict[str, TableRow]:
    rows: dict[str, TableRow] = {}
    problems: list[str] = []
    for line in lines:
        name = line.cells[columns.name]
        try:
            row = columns.row(line)
        except ValueError as error:
            problems.append(f"line {line.number}: {error}")
            continue
        if row is not None and rows.setdefault(key_of(name), row) != row:
            problems.append(f"line {line.number}: {name} has another position further up")
    if not problems and decimal_commas_part and _whole(row.position for row in rows.values()):
        problems.append(
            "all positions are whole degrees, as where decimal commas part the columns: put such numbers "
            "into quotes, or semicolons between the columns"
        )
    if not rows and not problems:
        problems.append("no line has the name of a photograph and its position")
    if problems:
        raise InputError(f"{path}: {first_of(problems)}", hint=_WANTED, details=problems[1:_MOST_SHOWN])
    return rows


def _whole(positions: Iterable[Position]) -> bool:
    """Whether there are positions and all are whole degrees, which are 111 km apart."""
    found = list(positions)
    return bool(found) and all(part % 1 == 0 for position in found for part in position)


def _plain(name: str) -> str:
    return name.strip().casefold()
