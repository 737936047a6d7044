"""Markdown: tables, and the blocks of a page that are made from the code.

A block begins with a line `<!-- options detect.run -->`, a word that says what it is made of and, for some,
of which; it ends with `<!-- end -->`. What stands outside blocks is written by hand and never touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

__all__ = ["END", "Block", "Kind", "blocks_of", "cell", "code", "rewritten", "table"]

END = "<!-- end -->"
Kind = Literal[
    "options",
    "keys",
    "tasks",
    "settings",
    "exit codes",
    "families",
    "exports",
    "census exports",
    "rooms",
    "columns",
]
"""What a block is made of."""
_BEGIN = re.compile(rf"<!-- (?P<kind>{'|'.join(get_args(Kind))})(?: (?P<name>[\w.-]+))? -->")
_BLOCK = re.compile(rf"^{_BEGIN.pattern}\n(?P<body>.*?)^{END}$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A block that is made.

    Attributes:
        kind: What it is made of.
        name: Name of its task or settings file; empty where there is one alone.
    """

    kind: Kind
    name: str = ""

    @property
    def begin(self) -> str:
        """The line that it begins with."""
        return f"<!-- {self.kind} {self.name}".rstrip() + " -->"


def _block(match: re.Match[str]) -> Block:
    return Block(cast("Kind", match["kind"]), match["name"] or "")


def blocks_of(text: str) -> list[Block]:
    """The blocks that begin on a page, whether they end or not."""
    return [_block(match) for line in text.splitlines() if (match := _BEGIN.fullmatch(line))]


def rewritten(text: str, made: Callable[[Block], str]) -> str:
    """A page with each of its blocks made again.

    Args:
        text: The page.
        made: Gives what stands in a block.

    Raises:
        ValueError: A block does not end before the next one begins.
    """
    begun, whole = len(blocks_of(text)), 0

    def one(match: re.Match[str]) -> str:
        nonlocal whole
        whole += 1
        block = _block(match)
        return f"{block.begin}\n{made(block).strip()}\n{END}"

    after = _BLOCK.sub(one, text)
    if whole != begun:
        raise ValueError(f"one of its {begun} blocks has no line {END}")
    return after


def code(text: str) -> str:
    """A text as code; backticks in it need a longer fence."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}" if text else ""


def cell(text: str) -> str:
    """A text as what a cell holds: one line, with no sign that means anything in Markdown but code.

    Names with an underscore are shown as code.
    """
    pieces = re.split(r"(`+[^`]+`+|\b\w+_\w+\b)", " ".join(text.split()))
    return "".join(_coded(piece) if index % 2 else _escaped(piece) for index, piece in enumerate(pieces))


def _coded(piece: str) -> str:
    return piece if piece.startswith("`") else code(piece)


def _escaped(piece: str) -> str:
    return re.sub(r"([\\`*_<\[\]])", r"\\\1", piece)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already, but for the bars in them."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(one.replace("|", r"\|") for one in line) + " |" for line in lines)
