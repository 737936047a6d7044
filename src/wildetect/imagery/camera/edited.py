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
    r"photo ?shop|lightroom|camera raw|photo ?viewer|photo ?editor|photo gallery|\bphotos\b|picture manager"
    r"|paint|gimp|picasa|irfan|xnview|acdsee|faststone|nomacs|gthumb|shotwell|eye of gnome|digikam|darktable"
    r"|rawtherapee|capture one|affinity|snapseed|pixelmator|preview|iphoto|aperture|photoscape|corel|luminar"
    r"|\bdxo|zoner|polarr|imagemagick|graphicsmagick|gd-jpeg|\bpil\b|pillow|opencv|ffmpeg|honeyview"
    r"|imageglass|quickpic|windows imaging",
    re.IGNORECASE,
)
_LATER = timedelta(minutes=1)  # cameras write a file some seconds after the shot


def edited(main: Mapping[int, Any], exif: Mapping[int, Any], size: tuple[int, int]) -> str | None:
    """Why a photograph seems to have been edited; None where nothing tells so.

    Args:
        main: Its main EXIF tags.
        exif: Its Exif tags.
        size: Width and height in px of the stored picture.
    """
    software = text(main.get(Base.Software))
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
