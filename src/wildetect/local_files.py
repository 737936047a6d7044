"""Open pictures, terrains and outlines with GDAL, which would follow whatever a file names.

A file of one kind under the name of another, such as a virtual data set called strata.geojson, makes GDAL
read any file of this machine and ask any server. So the kind that a file's name says is the only one that
opens it, and GDAL has no network: https://gdal.org/en/stable/user/security.html
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from wildetect.remote.failures import RemoteError
from wildetect.remote.place import SIBLINGS, Place
from wildetect.remote.remote_file import RemoteFile

__all__ = ["RasterKind", "follows_others", "keep_local", "open_raster", "raster_kind", "said_by_gdal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterKind:
    """A kind of files that GDAL may read.

    Attributes:
        driver: GDAL's name for it.
        begins: The first bytes of such files, each of its variants.
        pillow: Whether Pillow reads it as well: such files are photographs, unless they lie on the map or are
            too large to be read whole.
    """

    driver: str
    begins: tuple[bytes, ...]
    pillow: bool = True


_KINDS: Final = (
    RasterKind(driver="GTiff", begins=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),  # the latter two: BigTIFF
    # a JP2 file, a bare code stream: with their place on the map, and as many bits as they have
    RasterKind(driver="JP2OpenJPEG", begins=(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), pillow=False),
    RasterKind(driver="JPEG", begins=(b"\xff\xd8\xff",)),
    RasterKind(driver="PNG", begins=(b"\x89PNG\r\n\x1a\n",)),
)
_LONGEST: Final = max(len(start) for kind in _KINDS for start in kind.begins)
# GDAL reads them from the environment, and rasterio and pyogrio each bring a GDAL of their own
_OFFLINE = {
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_HTTP_PROXY": "http://127.0.0.1:9",  # the port that discards: whatever else asks the network
    "GDAL_HTTP_CONNECTTIMEOUT": "1",
    "GDAL_HTTP_TIMEOUT": "5",
    "GDAL_HTTP_MAX_RETRY": "0",
    "PROJ_NETWORK": "OFF",
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "YES",  # else what is missing of a JPEG comes out as grey, and silently
}
_BEGINNING = 100_000  # bytes
_STEM = "picture"
_MARKUP = (b"<", b"{", b"[")
_BEGINNINGS = {
    ".geojson": (b"{", b"["),
    ".json": (b"{", b"["),
    ".gpkg": (b"SQLite format 3\0",),
    ".shp": (b"\0\0\x27\x0a",),
    ".kml": (b"<",),
}
_KML = b"<kml"
_VIRTUAL = (b"<OGRVRTDataSource", b"<VRTDataset", b"<OGRWFSDataSource", b"<GDAL_WMS", b"<WMT_MS_Capabilities")


def keep_local() -> None:
    """Give GDAL no network, and no patience with damaged JPEGs; variables that a person has set stay."""
    for name, value in _OFFLINE.items():
        os.environ.setdefault(name, value)


def said_by_gdal(path: Place, error: Exception) -> str:
    """What GDAL says of a file, by the name that a person knows it by."""
    return str(error) if isinstance(path, Path) else str(error).replace(f"{_STEM}{path.suffix}", path.name)


def raster_kind(path: Place) -> RasterKind | None:
    """Which kind of raster a file is by its first bytes; None for any other file."""
    with path.open("rb") as file:
        beginning = file.read(_LONGEST)
    return next((kind for kind in _KINDS if beginning.startswith(kind.begins)), None)


def open_raster(path: Place) -> Any:
    """Open a raster with the driver that its first bytes ask for.

    GDAL has no network of its own: what lies at an address is read for it, that file and those beside it
    that belong to it, and no other.

    Raises:
        rasterio.errors.RasterioError: It cannot be opened, or names other files under a name of its own.
    """
    import rasterio

    keep_local()
    kind = raster_kind(path)
    driver = None if kind is None else kind.driver
    if not isinstance(path, Path):
        if driver is None:
            raise rasterio.errors.RasterioIOError("it is no picture of a kind that is read from an address")
        return rasterio.open(f"{_STEM}{path.suffix}", driver=driver, opener=_opener(path))
    if driver is None and follows_others(path):
        raise rasterio.errors.RasterioIOError("it is no picture but a text that names others")
    return rasterio.open(path, driver=driver)


def _opener(file: RemoteFile) -> Callable[..., BinaryIO]:
    """What opens files for GDAL, which calls this one by a plain name and asks for dozens beside it."""

    def opened(name: str, *_: object, **__: object) -> BinaryIO:
        if name == f"{_STEM}{file.suffix}":
            return file.open_quietly()
        # in lower case alone: GDAL asks in both, and letter case does not matter to `sibling`
        if name.startswith(_STEM) and name == name.lower() and name.endswith(SIBLINGS):
            with suppress(RemoteError):  # it is kept in `trouble`
                beside = file.sibling([f"{file.stem}{name.removeprefix(_STEM)}"])
                if beside is not None:
                    return beside.open_quietly(told=file)
        raise FileNotFoundError(name)

    return opened


def follows_others(path: Path) -> bool:
    """Whether a file is of another kind than its name says, or one that makes GDAL read other files.

    Args:
        path: A file that is there; one that cannot be read is left to whoever opens it.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError:
        return False
    suffix = path.suffix.lower()
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    wanted = _BEGINNINGS.get(suffix)
    if wanted is None:  # a raster of any kind, virtual ones under their own name alone
        return suffix != ".vrt" and text.startswith(_MARKUP)
    if not (text if len(wanted[0]) == 1 else beginning).startswith(wanted):
        return True
    return suffix == ".kml" and (_KML not in beginning or any(one in beginning for one in _VIRTUAL))
