"""Names that people give to models, classes and folders, and what every system can do with them.

What Windows refuses is refused everywhere: a project is carried from one system to another.
https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from wildetect.errors import ConfigurationError

__all__ = ["LONGEST_NAME", "check_folder", "folder_name", "unfit_class", "unfit_name"]

LONGEST_NAME = 100  # letters
_LONGEST_FILE_NAME = 200  # bytes, of the 255 that file systems take, as temporary files have longer names
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_NOT_IN_FOLDERS = '<>"|?*:'


def folder_name(text: str) -> str:
    """Spell a text, such as a campaign's id, as the name of a folder that Windows takes, too."""
    name = re.sub(r"[^\w .()+-]+", "_", text).strip(" .")
    return f"{name or 'campaign'}_" if _RESERVED.fullmatch(name) or not name else name


def unfit_name(name: str) -> str | None:
    """Say why a name cannot be that of a model, whose files lie in a folder of its name; None if it can."""
    if _RESERVED.fullmatch(name):
        return "Windows keeps it for a device"
    if name != name.strip() or name.endswith("."):
        return "it begins or ends with a space, or ends with a dot"
    if len(name) > LONGEST_NAME or len(quote(name, safe="")) > _LONGEST_FILE_NAME:
        return f"it is longer than {LONGEST_NAME} letters (a fifth of that in other scripts than Latin)"
    return None if name.isprintable() else "it holds a line break or another sign that cannot be printed"


def unfit_class(name: str) -> str | None:
    """Say why a text cannot be the name of a class; None if it can."""
    if not name.strip():
        return "it is empty"
    if len(name) > LONGEST_NAME:
        return f"it is longer than {LONGEST_NAME} letters"
    return None if name.isprintable() else "it holds a line break or another sign that cannot be printed"


def check_folder(folder: Path) -> None:
    """Refuse a folder for results whose name not every system can make; one that is there is taken.

    Raises:
        ConfigurationError: Naming the part of it.
    """
    while folder.name and not os.path.isdir(folder):  # noqa: PTH112 - pathlib raises on a long name
        part, folder = folder.name, folder.parent
        why = _unfit_part(part)
        if why is not None:
            raise ConfigurationError(
                f"{part[:LONGEST_NAME]!r} cannot be the name of a folder: {why}",
                hint="Choose a short name of letters, digits, '-' and '_', such as --output results/camp-23",
            )


def _unfit_part(part: str) -> str | None:
    if part in {".", ".."}:
        return None
    if len(part.encode("utf-8", "surrogatepass")) > _LONGEST_FILE_NAME:
        return f"it is longer than {_LONGEST_FILE_NAME} bytes"
    if any(sign in part for sign in _NOT_IN_FOLDERS):
        return f"Windows takes none of {' '.join(_NOT_IN_FOLDERS)} in it"
    if part != part.rstrip(" .") or _RESERVED.fullmatch(part):
        return "Windows keeps it for a device, or cuts off the space or dot at its end"
    return None if part.isprintable() else "it holds a line break or another sign that cannot be printed"
