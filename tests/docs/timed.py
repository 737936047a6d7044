"""How long a person's path takes, from a clone to first results of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

TIMED = "timed command"


def path_lines(properties: Iterable[tuple[str, object]]) -> Iterator[str]:
    """The commands of the path with their seconds, and those since its beginning.

    Args:
        properties: What the tests recorded, in the order of the path.
    """
    total = 0.0
    for name, value in properties:
        if name == TIMED and isinstance(value, (tuple, list)):
            seconds, command = value
            total += seconds
            yield f"{seconds:6.1f} s  {total:6.1f} s  {command}"
