"""How far loops over many files are, for whoever watches a task: they say nothing by themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

__all__ = ["Counted", "doing", "how_far", "through"]

_Item = TypeVar("_Item")


class _Loop:
    def __init__(self, what: str, total: int | None) -> None:
        self.what, self.total, self.done = what, total, 0

    def __str__(self) -> str:
        return f"{self.done:,}{'' if self.total is None else f' of {self.total:,}'} {self.what}"


_at_work: list[_Loop | str] = []


@contextlib.contextmanager
def doing(what: str) -> Iterator[None]:
    """Have `how_far` name what a block, or as a decorator a function, does that is no loop of ours.

    Args:
        what: What is done, as in "boxes are joined".
    """
    _at_work.append(what)
    try:
        yield
    finally:
        _at_work.remove(what)


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


class Counted(list[_Item]):
    """A list that `how_far` counts whenever it is gone through, by whoever gets it.

    Args:
        items: Items of any kind.
        what: What is done with them, as in "images gone through".
    """

    def __init__(self, items: Iterable[_Item], what: str) -> None:
        super().__init__(items)
        self._what = what

    def __iter__(self) -> Iterator[_Item]:
        return through(super().__iter__(), self._what, len(self))


def how_far() -> str:
    """How far loops are, an inner one after its outer one: "3 of 4 forms written: 40 of 100 images read"."""
    return ": ".join(map(str, [*_at_work]))  # another thread may end one at any time
