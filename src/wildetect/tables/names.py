"""Which photograph a name in a table means."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote

__all__ = ["Names", "key_of", "meanings", "spelled_alike", "spelled_otherwise"]

_LOCAL = "/data/local-files/?d="  # Label Studio's address of a file on its own disk
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of an uploaded file


def spelled_alike(name: str) -> str:
    """Return a name as names are compared: in lower case, accents in one form (macOS parts them off)."""
    return unicodedata.normalize("NFC", name).casefold()


def spelled_otherwise(before: Iterable[str], now: Iterable[str]) -> dict[str, str]:
    """Find the names of before that are there now with other capitals, or accents in another form.

    A drive or a program that copies may write both in its own way. Of two that nothing else tells apart,
    neither is found.

    Returns:
        Names of now by those of before.
    """
    known, there = frozenset(before), frozenset(now)
    gone, fresh = _only_one_alike(known - there), _only_one_alike(there - known)
    return {name: fresh[key] for key, name in gone.items() if key in fresh}


def _only_one_alike(names: Iterable[str]) -> dict[str, str]:
    """Names by how they are compared; those of which there are two stay out."""
    by_key = defaultdict[str, list[str]](list)
    for name in names:
        by_key[spelled_alike(name)].append(name)
    return {key: some[0] for key, some in by_key.items() if len(some) == 1}


def key_of(name: str) -> str:
    """Return a photograph's name as names are compared, with forward slashes, without `./`."""
    return spelled_alike(name.strip().replace("\\", "/").removeprefix("./"))


def meanings(name: str) -> Iterator[str]:
    """Give a name as it is written, then as tools mean it, with forward slashes.

    Back-slashes, also doubled ones, `file://`, Label Studio's local address and what it puts before uploaded
    names, and percent-escapes, are undone. Addresses and absolute paths, which belong to another machine,
    then lose one folder after the other; a relative name keeps them, as `2023/1.jpg` is not `1.jpg`.
    """
    yield name
    plain = _plain(name)
    foreign = "://" in name or _LOCAL in name or plain.startswith("/data/upload/")
    for text in dict.fromkeys((plain, _slashes(unquote(plain)), _slashes(unquote(unquote(plain))))):
        parts = PurePosixPath(text).parts
        if not parts:
            continue
        yield text
        if foreign or text.startswith("/") or parts[0].endswith(":"):
            for start in range(1, len(parts)):
                yield "/".join(parts[start:])
        uploaded = _UPLOADED.match(parts[-1])
        if uploaded is not None:
            yield parts[-1][uploaded.end() :]


def _plain(name: str) -> str:
    text = name.strip()
    if _LOCAL in text:
        return _slashes(text.partition(_LOCAL)[2].partition("&")[0]).lstrip("/")
    scheme, colon, rest = _slashes(text).partition("://") if "://" in text else (text, "", "")
    if not colon:
        return _slashes(text)
    # file:///C:/a.png and file:///home/a.png; of a web address the path counts, without what is asked of it
    path = rest if scheme.casefold() == "file" else rest.partition("?")[0]
    _, slash, tail = path.partition("/")
    return tail if slash else path


def _slashes(text: str) -> str:
    return re.sub("(?<=.)/{2,}", "/", text.replace("\\", "/")) if "://" not in text else text


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
