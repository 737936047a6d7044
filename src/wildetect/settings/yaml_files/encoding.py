"""How a text that a person saved is encoded; it needs no YAML, so that the doctor reads .env without it."""

from __future__ import annotations

__all__ = ["encoding_of"]


def encoding_of(content: bytes) -> str:
    """Tell UTF-16 from UTF-8, by its mark or by the zeros of plain letters."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # without its mark at the beginning: every second byte of plain letters is zero
    for encoding, zeros in (("utf-16-le", content[1:64:2]), ("utf-16-be", content[:64:2])):
        if len(content) % 2 == 0 and zeros and not any(zeros):
            return encoding
    return "utf-8-sig"
