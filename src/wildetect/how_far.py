"""How far loops over many files are, for whoever watches a task: they say nothing by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

__all__ = ["how_far", "through"]

_Item = TypeVar("_Item")


class _Loop:
    def __init__(self, what: str, total: int | None) -> None:
        self.what, self.total, self.done = what, total, 0


_at_work: list[_Loop] = []


def through(items: Iterable[_Item], what: str, total: int | None = None) -> Iterator[_Item]:
    """Go through items as they are; meanwhile `how_far` counts those that are done.

    Args:
        items: Items of any kind.
        what: What is done, as in "files read".
        total: How many there are, where `items` cannot say; null: it is not known.
    """
    loop = _Loop(what, len(items) if isinstance(items, Sized) else total)
    _at_work.append(loop)
    try:
        for item in items:
            yield item
            loop.done += 1
    finally:
        _at_work.remove(loop)


def how_far() -> str:
    """How far the loop that began last is: "3,400 of 10,000 files read"; "" where there is none."""
    try:
        loop = _at_work[-1]
    except IndexError:  # another thread may end it at any time
        return ""
    of = "" if loop.total is None else f" of {loop.total:,}"
    return f"{loop.done:,}{of} {loop.what}"
