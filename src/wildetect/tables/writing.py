"""Tables as CSV files (RFC 4180), the same on every system, with no text that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["plain_text", "safe_text", "table_pieces"]

# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_MARK = "'"


def safe_text(text: str) -> str:
    """Mark a text that a spreadsheet would take for a formula, with the apostrophe that it knows as such.

    Numbers stay as they are, negative ones too.
    """
    return f"{_MARK}{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def plain_text(cell: str) -> str:
    """Take the mark of `safe_text` off again: an apostrophe before what it marks, and no other."""
    text = cell.removeprefix(_MARK)
    return text if text != cell and safe_text(text) == cell else cell


def table_pieces(head: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Give a table as CSV, in one piece a row, so that memory does not grow with it.

    Args:
        head: Titles of the columns.
        rows: The cells; null is an empty one.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")  # on every system
    writer.writerow(map(_cell, head))
    for row in rows:
        writer.writerow(map(_cell, row))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()  # the head alone, where there are no rows


def _cell(value: object) -> object:
    return safe_text(value) if isinstance(value, str) else value
