"""Tables on stdout: aligned columns in a pipe, lines around them on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["print_table"]


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False) -> None:
    """Print rows under a head.

    Args:
        head: Titles of the columns.
        rows: Texts of the cells, as many in each row as there are titles.
        numbers: Align all columns but the first to the right.
    """
    if sys.stdout.isatty():
        _on_terminal(head, rows, numbers=numbers)
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if numbers and index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def _on_terminal(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for index, title in enumerate(head):
        table.add_column(title, justify="right" if numbers and index else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # as text: a class name may look like markup
    Console().print(table)
