"""What the pages say of exit codes."""

from __future__ import annotations

from collections.abc import Iterator

from wildetect.docs.markdown import cell, code, table
from wildetect.errors import EXIT_BUG, EXIT_INTERRUPTED, WildDetectError

__all__ = ["exit_codes_block"]


def exit_codes_block() -> str:
    """All exit codes, each with its meaning."""
    meanings = {0: "All is done.", EXIT_BUG: "A bug of WildDetect.", **dict(_of_errors(WildDetectError))}
    meanings[EXIT_INTERRUPTED] = "Ctrl+C; what is done is kept."
    rows = [[code(str(number)), cell(meaning)] for number, meaning in sorted(meanings.items())]
    return table(["exit code", "meaning"], rows)


def _of_errors(error: type[WildDetectError]) -> Iterator[tuple[int, str]]:
    for kind in error.__subclasses__():
        yield kind.exit_code, (kind.__doc__ or "").splitlines()[0]
        yield from _of_errors(kind)
