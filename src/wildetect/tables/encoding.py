"""How a text that a person saved is encoded: tables, settings, .env and annotations, all by one rule."""

from __future__ import annotations

__all__ = ["encoding_of", "other_kind"]

_LETTERS = 32
_OTHERS = {
    b"PK\x03\x04": "a workbook, a document or an archive (.xlsx, .docx, .odt, .zip)",
    b"\xd0\xcf\x11\xe0": "a workbook or a document (.xls, .doc)",
    b"%PDF": "a PDF",
    b"{\\rtf": "a document (.rtf)",
    b"<!doc": "a web page",
    b"<html": "a web page",
}
"""How files begin that word processors and browsers save in place of plain text."""


def other_kind(content: bytes) -> str | None:
    """Tell what a file is that holds no plain text, whatever its name says; null where it may be one."""
    begin = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:8]
    for mark, what in _OTHERS.items():
        if begin.lower().startswith(mark.lower()):
            return what
    return None


def encoding_of(content: bytes) -> str:
    """Tell UTF-16 and UTF-32 from UTF-8, by their mark or by the zeros of plain letters."""
    if content.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # without its mark at the beginning: half of each plain letter is zero, of spaces and line ends at least
    begin = content[: 2 * _LETTERS]
    if any(begin[place : place + 2] == b"\0\0" for place in range(0, len(begin), 2)):
        return "utf-8-sig"  # no text at all: what a crash leaves of a file
    behind, before = begin[1::2].count(0), begin[::2].count(0)
    if max(behind, before) < 2:  # noqa: PLR2004 - one is a slip
        return "utf-8-sig"
    return "utf-16-le" if behind >= before else "utf-16-be"
