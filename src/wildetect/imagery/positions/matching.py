"""Which line of a table of positions is that of which photograph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wildetect.errors import InputError
from wildetect.imagery.positions.table import TableRow
from wildetect.tables.names import Names
from wildetect.wording import listed

__all__ = ["refuse_strange", "rows_for"]

_HINT = "Write the names in the table with their folders, as the run has them: {name}"


def refuse_strange(files: Iterable[str], table: Mapping[str, TableRow]) -> None:
    """Refuse a table that is of other photographs, or fits these in two ways, whatever they tell themselves.

    Args:
        files: Names of all photographs of a run.
        table: Outcome of `read_position_table`; empty: none is given.

    Raises:
        InputError: It names none of them, one row fits several, or several rows fit one.
    """
    names = list(files)
    if table and names and not rows_for(names, table):
        raise InputError(
            f"the table of positions names none of the photographs, such as {names[0]}",
            hint="Check exif_gps_update in the settings: csv_path and filename_col.",
        )


def rows_for(files: Iterable[str], table: Mapping[str, TableRow]) -> dict[str, TableRow]:
    """Return the table's rows of photographs; those that it does not name are left out.

    Args:
        files: Names of the photographs.
        table: Outcome of `read_position_table`.

    Raises:
        InputError: One row fits several photographs, or several rows fit one.
    """
    names = Names(table)
    found: dict[str, TableRow] = {}
    taken: dict[str, str] = {}
    for file in files:
        lines = names.fitting(file)
        if not lines:
            continue
        if len(lines) > 1:
            raise InputError(
                f"{len(lines)} lines of the table of positions fit {file}: {listed(sorted(lines), most=3)}",
                hint="Detect in the folder that holds them all, so that the names have their folders.",
            )
        if lines[0] in taken:
            raise InputError(
                f"one line of the table of positions, {lines[0]}, fits {taken[lines[0]]} and {file}",
                hint=_HINT.format(name=file),
            )
        taken[lines[0]] = file
        found[file] = table[lines[0]]
    return found
