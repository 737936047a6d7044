"""How a text that a person saved is encoded: tables, settings, .env and annotations, all by one rule."""

from __future__ import annotations

__all__ = ["encoding_of"]

_LETTERS = 32


def encoding_of(content: bytes) -> str:
    """Tell UTF-16 and UTF-32 from UTF-8, by their mark or by the zeros of plain letters."""
    if content.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # without its mark at the beginning: half of each plain letter is zero, of spaces and line ends at least
    begin = content[: 2 * _LETTERS]
    behind, before = begin[1::2].count(0), begin[::2].count(0)
    if max(behind, before) < 2:  # noqa: PLR2004 - one is a slip
        return "utf-8-sig"
    return "utf-16-le" if behind >= before else "utf-16-be"
