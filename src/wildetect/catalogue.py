"""Records of one kind, gathered from the modules of a package: a new one is a new file, named in no table."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Protocol, TypeVar

__all__ = ["Named", "gathered"]


class Named(Protocol):
    """A record that a word of the settings names."""

    @property
    def name(self) -> str:
        """The word."""


Record = TypeVar("Record", bound=Named)
Word = TypeVar("Word", bound=str)


def gathered(package: str, kind: type[Record], words: Sequence[Word]) -> dict[Word, Record]:
    """Gather the records that stand at the top of a package's modules, in the order of their words.

    Args:
        package: Dotted name of the package; its inner packages are looked into, too.
        kind: Class of the records.
        words: What the settings allow: each has one record, and each record one word.

    Raises:
        LookupError: A word has no record or several, or a record no word: a mistake in the code, which
            shows wherever the records are first needed.
    """
    found: dict[str, Record] = {}
    for module, record in _records(package, kind):
        if found.setdefault(record.name, record) is not record:
            raise LookupError(f"{module} and another module of {package} both call a record {record.name}")
    if wordless := found.keys() - set(words):
        raise LookupError(f"{sorted(wordless)} of {package} are not among the words of the settings")
    if missing := [word for word in words if word not in found]:
        raise LookupError(f"no module of {package} has a record for {missing}")
    return {word: found[word] for word in words}


def _records(package: str, kind: type[Record]) -> Iterator[tuple[str, Record]]:
    paths = import_module(package).__path__
    for module in pkgutil.walk_packages(paths, f"{package}."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, kind):
                yield module.name, value
