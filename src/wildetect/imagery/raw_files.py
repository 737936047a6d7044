"""Raw files of cameras, developed by LibRaw (extra `raw`): upright RGB with the camera's white balance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from wildetect.imagery.camera.camera import read_camera
from wildetect.imagery.source import ArraySource, HeaderFacts, UnreadableImageError, check_size
from wildetect.remote.place import Place
from wildetect.wording import with_extra

__all__ = ["develop", "look_at_raw"]

_TURNED: Final = (5, 6)  # LibRaw's flip: by 90 degrees, to either side
_READ_AS: Final = "developed from a raw file with the white balance of the camera"


def develop(path: Place) -> ArraySource:
    """Decode a raw file whole; LibRaw turns it upright.

    Raises:
        UnreadableImageError: It is damaged, of an unknown camera, or the extra is not installed.
    """
    with _opened(path) as raw:
        facts = _facts(path, raw)
        pixels = raw.postprocess(use_camera_wb=True, output_bps=8)
    return ArraySource(np.ascontiguousarray(pixels), facts)


def look_at_raw(path: Place) -> HeaderFacts:
    """What the header of a raw file says, without developing it.

    Raises:
        UnreadableImageError: It is damaged, of an unknown camera, or the extra is not installed.
    """
    with _opened(path) as raw:
        return _facts(path, raw)


def _facts(path: Place, raw: Any) -> HeaderFacts:
    sizes = raw.sizes
    width, height = sizes.width, sizes.height
    if sizes.flip in _TURNED:
        width, height = height, width
    check_size(path, width, height)
    tags = read_camera(path)
    problem = f"no position: {tags.position_problem}" if tags.position_problem else None
    return HeaderFacts(
        width,
        height,
        position=tags.position,
        camera=tags,
        read_as=(_READ_AS,),
        doubts=() if problem is None else (problem,),
    )


@contextmanager
def _opened(path: Place) -> Iterator[Any]:
    try:
        import rawpy
    except ImportError:
        raise UnreadableImageError(path, f"raw files need the extra: {with_extra('raw')}") from None
    try:
        with rawpy.imread(str(path) if isinstance(path, Path) else path.open()) as raw:
            yield raw
    except rawpy.LibRawError as error:
        said = error.args[0] if error.args else error
        text = said.decode(errors="replace") if isinstance(said, bytes) else said
        raise UnreadableImageError(path, f"it cannot be developed ({text})") from error
