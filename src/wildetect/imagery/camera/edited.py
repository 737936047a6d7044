"""Whether a photograph was edited after the camera wrote it: then its tags may be of another picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from PIL.ExifTags import Base

from wildetect.imagery.camera.tags import above_zero, text

__all__ = ["edited"]

# Programs that turn, cut or scale pictures, by what they write as Software. A camera writes the version of
# its firmware there; programs for positions (ExifTool, GeoSetter) leave the pixels alone.
_EDITORS = re.compile(
    r"adobe|photo ?shop|lightroom|camera raw|\bphotos\b|picture manager|picture viewer"
    r"|photo ?(?:viewer|editor|gallery|filtre|impact|plus|line|pad|pea|scape|director|works|studio|lab|mator)"
    r"|image (?:viewer|editor|resizer|composite)|paint|gimp|krita|canva|picasa|irfan|\bxn(?:view|convert)"
    r"|acdsee|acd systems|faststone|fsviewer|nomacs|gthumb|gwenview|shotwell|eye of gnome|digikam|showfoto"
    r"|darktable|rawtherapee|capture (?:one|nx)|viewnx|nx studio|silkypix|digital photo professional"
    r"|affinity|snapseed|vsco|pixelmator|pixlr|fotor|preview|iphoto|aperture|corel|luminar|\bon1\b|topaz"
    r"|ashampoo|movavi|cyberlink|arcsoft|magix|nero|\bdxo|zoner|polarr|phatch|sagethumbs|leadtools|\bsips\b"
    r"|imagemagick|graphicsmagick|libvips|gd-jpeg|\bpil\b|pillow|opencv|ffmpeg|scikit-image|\bgdal\b"
    r"|honeyview|imageglass|quickpic|windows imaging|\bwic\b",
    re.IGNORECASE,
)
_TOOLS = ("xmp:CreatorTool", "event:softwareAgent")  # of XMP: Adobe's own, and those of a history
_LATER = timedelta(minutes=1)  # cameras write a file some seconds after the shot


def edited(
    main: Mapping[int, Any], exif: Mapping[int, Any], xmp: Mapping[str, str], size: tuple[int, int]
) -> str | None:
    """Why a photograph seems to have been edited; None where nothing tells so.

    Args:
        main: Its main EXIF tags.
        exif: Its Exif tags.
        xmp: Its XMP properties.
        size: Width and height in px of the stored picture.
    """
    for software in (text(main.get(Base.Software)), *(xmp.get(tool, "") for tool in _TOOLS)):
        if _EDITORS.search(software):
            return f"saved by {software}"
    taken = [above_zero(exif.get(tag)) for tag in (Base.ExifImageWidth, Base.ExifImageHeight)]
    width, height = taken
    if width and height and (width, height) != size:
        turned = " (turned)" if (height, width) == size else ""
        return f"{size[0]} x {size[1]} px where the camera wrote {width:.0f} x {height:.0f}{turned}"
    changed, shot = _moment(main.get(Base.DateTime)), _moment(exif.get(Base.DateTimeOriginal))
    if changed is not None and shot is not None and changed - shot > _LATER:
        return f"changed on {changed:%Y-%m-%d %H:%M}, taken on {shot:%Y-%m-%d %H:%M}"
    return None


def _moment(value: object) -> datetime | None:
    try:
        return datetime.strptime(text(value), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF has no zone
    except ValueError:
        return None
