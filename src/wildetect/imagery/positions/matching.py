"""Which line of a table of positions is that of which photograph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from wildetect.errors import InputError
from wildetect.imagery.positions.table import TableRow, key_of

__all__ = ["rows_for"]

_HINT = "Write the names in the table with their folders, as the run has them: {name}"


def rows_for(files: Iterable[str], table: Mapping[str, TableRow]) -> dict[str, TableRow]:
    """The table's rows of photographs; those that it does not name are left out.

    A name fits with folders or without: `A/DJI_1.JPG` in the table fits `2024/A/DJI_1.JPG`, and so does
    `dji_1.jpg`; and it fits `DJI_1.JPG`.

    Args:
        files: Names of the photographs.
        table: Of `read_position_table`.

    Raises:
        InputError: One row fits several photographs, or several rows fit one.
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    for key in table:
        by_name[_last(key)].append(key)
    found: dict[str, TableRow] = {}
    taken: dict[str, str] = {}
    for file in files:
        line = _fitting(file, by_name.get(_last(key_of(file)), ()))
        if line is None:
            continue
        if line in taken:
            raise InputError(
                f"one line of the table of positions, {line}, fits {taken[line]} and {file}",
                hint=_HINT.format(name=file),
            )
        taken[line] = file
        found[file] = table[line]
    return found


def _fitting(file: str, keys: Sequence[str]) -> str | None:
    """The key that says most of the photograph's folders."""
    name = key_of(file)
    if name in keys:
        return name
    ends = [key for key in keys if name.endswith(f"/{key}")]
    if ends:
        return max(ends, key=len)
    longer = [key for key in keys if key.endswith(f"/{name}")]
    if len(longer) > 1:
        raise InputError(
            f"{len(longer)} lines of the table of positions fit {file}: {', '.join(sorted(longer)[:3])}",
            hint="Detect in the folder that holds them all, so that the names have their folders.",
        )
    return longer[0] if longer else None


def _last(key: str) -> str:
    return key.rpartition("/")[2]
