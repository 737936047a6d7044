"""CSV files as spreadsheets of all countries save them."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

from wildetect.errors import InputError
from wildetect.tables.encoding import encoding_of, other_kind
from wildetect.tables.writing import plain_text
from wildetect.wording import number_of

__all__ = ["Line", "Sheet", "delimiter_of", "read_sheet", "table_text"]

DELIMITERS = (",", ";", "\t")
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # the first line that Excel itself writes and reads


class Line(NamedTuple):
    """A line of a sheet.

    Attributes:
        number: Its number in the file, from 1.
        cells: Its values, stripped, without the mark of what is not a formula; at least as many as the
            head has columns.
        surplus: What is wrong, where it has more values than the head has columns; else null.
    """

    number: int
    cells: tuple[str, ...]
    surplus: str | None = None


class Sheet(NamedTuple):
    """A table: its head and the lines below it that are not empty."""

    head: tuple[str, ...]
    delimiter: str
    lines: tuple[Line, ...]


def read_sheet(path: Path, what: str, *, hint: str, delimiter: str = ",", skip: int = 0) -> Sheet:
    """Read a CSV file, whichever separator parts its columns.

    Args:
        path: The file.
        what: What it is, for a person.
        hint: What to do where it cannot be read.
        delimiter: The separator that is expected; another counts where it parts the head into more columns.
        skip: Lines before the head.

    Raises:
        InputError: It cannot be read.
    """
    lines = table_text(path, what, hint=hint).splitlines(keepends=True)[skip:]
    while lines and (not lines[0].strip() or _SEPARATOR.fullmatch(lines[0].strip())):
        told = _SEPARATOR.fullmatch(lines.pop(0).strip())
        delimiter = told[1] if told else delimiter
        skip += 1
    try:
        mark = delimiter_of(lines[0], delimiter) if lines else delimiter
    except csv.Error as error:  # a head without an end
        raise InputError(f"{what}: line {skip + 1}: {error}", hint=hint) from error
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=mark)
    found: list[Line] = []
    head: tuple[str, ...] = ()
    try:
        head = tuple(name.strip() for name in next(reader, []))
        before = reader.line_num
        for values in reader:
            if any(value.strip() for value in values):
                found.append(_line(skip + before + 1, values, head, mark))
            before = reader.line_num
    except csv.Error as error:
        raise InputError(f"{what}: line {skip + reader.line_num}: {error}", hint=hint) from error
    return Sheet(head, mark, tuple(found))


def _line(number: int, values: list[str], head: tuple[str, ...], delimiter: str) -> Line:
    cells = tuple(plain_text(value.strip()) for value in values)
    cells += ("",) * (len(head) - len(cells))
    surplus = None
    if any(cells[len(head) :]):
        surplus = f"{len(values)} values for {number_of(len(head), 'column')}"
        if delimiter == ",":
            surplus += "; numbers with a decimal comma need quotes, or semicolons between the columns"
    return Line(number, cells, surplus)


def delimiter_of(head: str, expected: str = ",") -> str:
    """Return the separator that parts the head into most columns; the expected one where several do.

    Raises:
        csv.Error: The head cannot be parted, as where a quote in it does not end.
    """
    marks = [mark for mark in (expected, *DELIMITERS) if len(mark) == 1]
    return max(marks, key=lambda mark: len(next(csv.reader([head], delimiter=mark), [])))


def table_text(path: Path, what: str, *, hint: str) -> str:
    """Return the text of a CSV file, in UTF-8 or UTF-16, or as Excel on Windows saves it.

    Args:
        path: The file.
        what: What it is, for a person.
        hint: What to do where it cannot be read.

    Raises:
        InputError: It cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{what} cannot be read: {error.strerror or error}", hint=hint) from error
    if other := other_kind(content):
        raise InputError(
            f"{what} is {other}, not a CSV file", hint="Open it in Excel and save it as CSV UTF-8."
        )
    encoding = encoding_of(content)
    if encoding != "utf-8-sig":  # such as Excel's "Unicode text"
        return content.decode(encoding, errors="replace")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
