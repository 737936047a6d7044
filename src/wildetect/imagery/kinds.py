"""Which files are pictures: those that are read, with what, and those that only look like some.

And what a file holds besides the picture that is read of it: further pictures, temperatures.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final
from zipfile import BadZipFile, ZipFile

from wildetect.remote.place import Place
from wildetect.wording import with_extra

__all__ = [
    "EXTENSIONS",
    "HEIF",
    "RAW",
    "extensions",
    "holds_a_picture",
    "holds_temperatures",
    "looks_like_a_picture",
    "pages_of",
    "why_not_read",
]

EXTENSIONS: Final = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".tif", ".tiff", ".webp", ".avif"),
    *(".bmp", ".dib", ".gif", ".jp2", ".j2k"),
)
"""Files that every installation reads."""
HEIF: Final = (".heic", ".heif", ".hif")
RAW: Final = (
    *(".dng", ".arw", ".nef", ".nrw", ".cr2", ".cr3", ".raf", ".rw2", ".orf", ".pef", ".srw", ".3fr"),
    *(".iiq", ".fff", ".raw", ".rwl", ".kdc", ".sr2", ".x3f", ".gpr", ".crw", ".erf", ".mef", ".mos"),
    *(".mrw", ".dcr", ".srf", ".ptx", ".dcs", ".k25", ".bay", ".cap"),
)
_WITH_EXTRA: Final = {**dict.fromkeys(HEIF, "pillow_heif"), **dict.fromkeys(RAW, "rawpy")}
_PHOTOGRAPHS: Final = frozenset((*EXTENSIONS, *_WITH_EXTRA))
_OTHERS: Final = frozenset(
    (
        *(".jxl", ".jxr", ".wdp", ".psd", ".psb", ".tga", ".ppm", ".pgm", ".pnm", ".exr", ".hdr", ".qoi"),
        *(".insp", ".ecw", ".sid", ".img", ".vrt", ".jpx", ".jpf", ".j2c", ".jpc", ".seq", ".cog", ".jls"),
        *(".pcx", ".ico", ".xcf", ".eps", ".nitf", ".ntf", ".hdf", ".h5", ".nc", ".fits", ".bil", ".bip"),
        *(".bsq", ".ers", ".pix", ".svs", ".mrxs", ".dcm", ".dpx", ".sgi", ".ras", ".pbm", ".pam"),
        *(".eip", ".xisf", ".mbtiles", ".mrf"),
    )
)

_VIDEOS: Final = frozenset(
    (
        *(".mp4", ".mov", ".avi", ".mkv", ".m4v", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".webm", ".3gp"),
        *(".flv", ".f4v", ".mxf", ".r3d", ".braw", ".insv", ".360", ".asf", ".vob", ".ogv", ".h264", ".h265"),
        *(".hevc", ".mjpeg", ".mjpg", ".mj2", ".crm", ".ari"),
    )
)
_COMPANIONS: Final = frozenset(
    (
        *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".geojson", ".xml", ".xmp", ".md", ".html", ".pdf"),
        *(".yaml", ".yml", ".ini", ".log", ".db", ".gpkg", ".shp", ".shx", ".dbf", ".prj", ".cpg", ".qml"),
        *(".qgz", ".kml", ".kmz", ".gpx", ".tfw", ".tifw", ".jgw", ".jpgw", ".pgw", ".wld", ".aux", ".ovr"),
        *(".msk", ".7z", ".gz", ".tar", ".onnx", ".pt", ".py", ".bat", ".lnk", ".exe", ".doc"),
        *(".docx", ".xls", ".xlsx", ".ods", ".odt", ".las", ".laz", ".obj", ".mtl", ".ply", ".mrk", ".nav"),
        *(".obs", ".rtk", ".ubx", ".pos", ".srt", ".thm", ".lrv", ".lrf"),
    )
)
"""Files that lie beside photographs and are none: overviews and masks of rasters, stills of videos too."""
_BACKUP: Final = "_original"  # what ExifTool adds to the suffix of the file that it replaced
_SIGNS: Final = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF87a", b"GIF89a"),
    *(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"8BPS"),
)
_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
_ARCHIVES: Final = (".zip",)
_MISNAMED: Final = "their names do not say that they are pictures: rename them to .jpg, .tif or what they are"


@lru_cache(1)
def extensions() -> tuple[str, ...]:
    """Suffixes of the files that this installation reads, in lower case."""
    there = {module for module in set(_WITH_EXTRA.values()) if find_spec(module) is not None}
    return (*EXTENSIONS, *(suffix for suffix, module in _WITH_EXTRA.items() if module in there))


def looks_like_a_picture(name: str) -> bool:
    """Whether a file's name says that it is a picture, of a kind that is read or not."""
    suffix = Path(name).suffix.lower()
    return suffix in EXTENSIONS or suffix in _WITH_EXTRA or suffix in _OTHERS or suffix in _VIDEOS


def holds_a_picture(path: Place) -> bool:
    """Whether a file begins as pictures do, or is an archive of some, though its name says nothing of it.

    Files that usually lie beside photographs are not looked into, nor are ExifTool's backups of them.
    """
    suffix = path.suffix.lower()
    if suffix in _COMPANIONS or suffix.endswith(_BACKUP):
        return False
    try:
        with path.open("rb") as file:
            if suffix in _ARCHIVES:
                return any(Path(name).suffix.lower() in _PHOTOGRAPHS for name in ZipFile(file).namelist())
            start = file.read(12)
    except (OSError, BadZipFile, NotImplementedError):
        return False
    webp = start[:4] == b"RIFF" and start[8:] == b"WEBP"
    bitmap = start[:2] == b"BM" and start[6:10] == bytes(4)
    return start.startswith(_SIGNS) or webp or bitmap or (start[4:8] == b"ftyp" and start[8:] in _BRANDS)


def why_not_read(suffix: str) -> str:
    """What to do about files of a kind that is not read."""
    lower = suffix.lower()
    if lower in _WITH_EXTRA:
        return (
            f"{lower} files are not read without an extra: {with_extra('raw')}, or save them as JPEG or TIFF"
        )
    if lower in _VIDEOS:
        return "videos are not read: save single pictures of them"
    if lower in _ARCHIVES:
        return "archives are not looked into: unpack them, if their pictures are not there besides"
    if lower not in _OTHERS:
        return _MISNAMED
    return f"{lower} files are not read: save them as JPEG, PNG or TIFF"


_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_NEW_SUBFILE_TYPE, _SUBFILE_TYPE = 254, 255
_SUB_DIRECTORIES = 330
_OLD_REDUCED = 2
_MOST_PAGES = 10_000


def pages_of(path: Place) -> int:
    """Number of the pictures in a TIFF: its smaller copies and its masks are none. 1 for other files.

    Those in a directory below another one count, too: cameras put the picture there, behind a preview.

    The first counts whatever it is, as it is the one that is read: it may be a preview of another.

    Layout of directories and of tags 254 and 255: TIFF 6.0; of files above 4 GB: BigTIFF.
    """
    with suppress(OSError, struct.error), path.open("rb") as file:
        kinds = list(_kinds_of_pages(file))
        return 1 + sum(1 for kind in kinds[1:] if not kind & (_REDUCED | _MASK))
    return 1


def _kinds_of_pages(file: BinaryIO) -> Iterator[int]:
    """NewSubfileType of each directory of a TIFF; nothing for other files."""
    start = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    if order is None:
        return
    (version,) = struct.unpack(f"{order}H", start[2:4])
    big = version == 43  # noqa: PLR2004 - BigTIFF; 42 is TIFF
    if not big and version != 42:  # noqa: PLR2004
        return
    count, entry, offset = ("Q", "HHQQ", "Q") if big else ("H", "HHII", "I")
    places = list(struct.unpack(order + offset, start[8:16] if big else start[4:8]))
    seen: set[int] = set()
    while places and len(seen) < _MOST_PAGES:
        place = places.pop(0)
        if not place or place in seen:
            continue
        seen.add(place)
        file.seek(place)
        (number,) = _unpacked(file, order + count)
        kind, below = 0, (0, 0)
        for _ in range(number):
            tag, _type, length, value = _unpacked(file, order + entry)
            short = value & 0xFFFF if order == "<" else value >> (48 if big else 16)
            if tag == _NEW_SUBFILE_TYPE:
                kind = value if order == "<" or not big else value >> 32
            elif tag == _SUBFILE_TYPE and short == _OLD_REDUCED:
                kind = _REDUCED
            elif tag == _SUB_DIRECTORIES:
                below = length, value
        yield kind
        places += _unpacked(file, order + offset)
        places += _sub_directories(file, *below, order + offset)


def _sub_directories(file: BinaryIO, number: int, value: int, layout: str) -> tuple[int, ...]:
    """Where directories below one lie: the value says it of a single one, else where that is told."""
    if number <= 1:
        return (value,) * number
    file.seek(value)
    return _unpacked(file, f"{layout[0]}{min(number, _MOST_PAGES)}{layout[1]}")


def _unpacked(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


_TEMPERATURES: Final = 100_000  # bytes in a JPEG's APP3: those of DJI's cameras; stereo pairs need far fewer


def holds_temperatures(segments: Sequence[tuple[str, bytes]], xmp: object) -> bool:
    """Whether a JPEG is a thermal camera's, whose picture is what the camera made of its temperatures.

    FLIR keeps them in APP1 after its name, DJI in APP3 (ExifTool's documentation, "FLIR Tags" and "DJI
    ThermalParams"); DJI and Autel say besides by which camera a photograph was taken.

    Args:
        segments: Application segments, name and content.
        xmp: The block of XMP as it is stored.
    """
    if any(name == "APP1" and content.startswith(b"FLIR\0") for name, content in segments):
        return True
    if sum(len(content) for name, content in segments if name == "APP3") > _TEMPERATURES:
        return True
    return isinstance(xmp, bytes) and b'ImageSource="InfraredCamera"' in xmp
