"""Whether what a run saw can still be looked at: its file is there, and is still the same picture.

Names that cameras give come again on each card. A box on another picture says nothing, whoever looks at it,
and no crop of it shows what the detector saw.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from wildetect.imagery.opening import open_image
from wildetect.imagery.reading import AS_IT_IS, Reading
from wildetect.imagery.source import ImageSource, UnreadableImageError
from wildetect.remote.place import of_each
from wildetect.results.pictures.stamps import Stamp, pieces_of, stamp_of
from wildetect.results.records import ImageResult

__all__ = ["Unseen", "all_unseen", "open_seen", "unseen"]


class Unseen(NamedTuple):
    """Why nobody can look at what a run saw.

    Attributes:
        why: "away": there is no file; "another": it is another picture.
        reason: For a person, without the name of the file.
    """

    why: Literal["away", "another"]
    reason: str


def unseen(result: ImageResult, *, inside: bool = True) -> Unseen | None:
    """Why the picture of a result cannot be looked at, as far as its file tells; null if it can.

    Args:
        result: Its path says where the picture should be now.
        inside: Whether to look into a file that has the size of the run's and another time.
    """
    now = stamp_of(result.path)
    if now is None:
        return Unseen("away", f"its file is not there ({result.path})")
    if result.stamp is None:
        return None
    if result.stamp.contradicts(now):
        return Unseen("another", _other(result.stamp, now))
    # a copy has a time of its own, and so has another picture of as many bytes
    if inside and now.modified != result.stamp.modified and result.pieces and isinstance(result.path, Path):
        return _of_pieces(result.path, now, result.pieces)
    return None


@lru_cache(maxsize=100_000)
def _of_pieces(path: Path, now: Stamp, pieces: str) -> Unseen | None:
    """Look into a file whose size is right; it is read once as long as its stamp is `now`."""
    del now
    try:
        same = pieces_of(path) == pieces
    except OSError:
        return None  # who opens it says why it cannot be read
    return None if same else Unseen("another", "another picture has its name now, of as many bytes")


def all_unseen(results: Iterable[ImageResult], *, inside: bool = True) -> dict[str, Unseen]:
    """The pictures that nobody can look at, by name.

    Args:
        results: Results of a run; failed ones and those at addresses are left out: the server would be
            asked for each of them.
        inside: Whether to look into files, as for `unseen`: of ten thousand copies on a disk that turns
            it takes minutes.
    """
    near = [result for result in results if not result.failed and isinstance(result.path, Path)]
    found = zip(near, of_each(lambda one: unseen(one, inside=inside), near), strict=True)
    return {result.name: hidden for result, hidden in found if hidden is not None}


def open_seen(result: ImageResult, reading: Reading = AS_IT_IS) -> ImageSource:
    """Open the picture of a result, if it is still the one that the run saw.

    Args:
        result: Its path says where the picture should be now.
        reading: What the settings say of bands and values.

    Raises:
        UnreadableImageError: It is another picture, or cannot be read.
    """
    hidden = unseen(result)
    if hidden is not None and hidden.why == "another":
        raise UnreadableImageError(result.path, hidden.reason)
    source = open_image(result.path, reading)
    then = result.width, result.height
    if None not in then and then != (source.width, source.height):
        size = f"{source.width:,} x {source.height:,} px"
        source.close()
        raise UnreadableImageError(result.path, f"another picture has its name now: it has {size}")
    return source


def _other(then: Stamp, now: Stamp) -> str:
    """What tells two pictures apart."""
    told = f"{now.size:,} bytes, the run read {then.size:,}" if now.size != then.size else "its content"
    return f"another picture has its name now ({told})"
