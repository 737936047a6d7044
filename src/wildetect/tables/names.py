"""Which photograph a name in a table means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

__all__ = ["Names", "key_of"]


def key_of(name: str) -> str:
    """Return a photograph's name as names are compared: lower case, with forward slashes, without `./`."""
    return name.strip().replace("\\", "/").removeprefix("./").casefold()


class Names:
    """Finds the names that a name may mean.

    Two names fit each other where one is the end of the other, folder by folder, in any letter case and
    with either slash: `DJI_1.JPG` and `a/dji_1.jpg` fit `2024/A/DJI_1.JPG`; `B/DJI_1.JPG` does not.

    Args:
        names: All names that there are.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_last: dict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys(names):
            self._by_last[_last(key_of(name))].append(name)

    def fitting(self, name: str) -> list[str]:
        """Return the names that this one may mean.

        The same name comes first, then the one that agrees in most folders, then those that say more.

        Returns:
            Nothing where none fits; several where the name does not tell them apart.
        """
        known, key = self._by_last.get(_last(key_of(name)), []), key_of(name)
        same = [one for one in known if key_of(one) == key]
        if same:
            return [name] if name in same else same
        ends = [one for one in known if key.endswith(f"/{key_of(one)}")]
        if ends:
            longest = max(len(key_of(one)) for one in ends)
            return [one for one in ends if len(key_of(one)) == longest]
        return [one for one in known if key_of(one).endswith(f"/{key}")]


def _last(key: str) -> str:
    return key.rpartition("/")[2]
