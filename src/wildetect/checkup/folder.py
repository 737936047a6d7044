"""Where the project lies: in a folder that others write to as well, or on a drive that suits it badly."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wildetect.checkup.finding import Finding, fine, problem, warning
from wildetect.checkup.subject import Subject
from wildetect.errors import ConfigurationError

__all__ = ["check_folder"]

SYNCHRONISED = re.compile(
    r"(OneDrive|Google ?Drive|Dropbox|iCloud ?Drive|pCloud ?Drive|Box Sync|Nextcloud|ownCloud)( ?[-(].*)?"
    r"|Mobile Documents|CloudStorage|com~apple~CloudDocs|My Drive",
    re.IGNORECASE,
)
"""Names that programs which synchronise give to their folders, on Windows, macOS and Linux."""
REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "fuse.sshfs", "fuse.rclone", "9p"}
FAT = {"vfat", "msdos", "fat", "fat32"}
LONGEST = 260
"""Letters of a path on Windows as it is installed."""
INSIDE = 160
"""Letters of the longest paths below the project: packages, and pictures with boxes."""
SHORT = "C:\\wildetect" if sys.platform == "win32" else "~/wildetect"
TAKE_LONG = (
    r"reg add HKLM\SYSTEM\CurrentControlSet\Control\FileSystem /v LongPathsEnabled /t REG_DWORD /d 1 /f"
)


class Drive(NamedTuple):
    """What a folder lies on: its kind (ext4, NTFS), whether it is remote, and whether it only reads."""

    kind: str
    remote: bool = False
    reads_only: bool = False


def check_folder(subject: Subject) -> list[Finding]:
    """The folders that are written to: the project's, the results' and the store's."""
    found = [finding for path in _folders(subject) for finding in _of(path)]
    root = subject.project.root
    found += _of_length(root)
    return found or [fine("folder", f"{root} is a folder of this machine ({_drive(root).kind})")]


def _folders(subject: Subject) -> Iterator[Path]:
    """The project's folder, and those of the results and of the store that lie elsewhere."""
    root = subject.project.root
    yield root
    try:
        others = {subject.project.path(subject.detection.output.directory), subject.plan.folder}
    except (ConfigurationError, ImportError):
        return  # a check of its own says so
    yield from sorted(path for path in others if not path.is_relative_to(root))


def _of(path: Path) -> Iterator[Finding]:
    drive, name = _drive(path), _synchronised(path)
    if name:
        says = f"{path} is synchronised ({name}): files may be locked, doubled or replaced by older ones"
        fix = f"Move it out, to {SHORT} for example, and copy results there when a run is done"
        yield warning("folder", says, fix=fix)
    if drive.remote:
        says = f"{path} lies on a network drive, on which a database is slow and may break"
        fix = f"Move it to a disk of this machine, such as {SHORT}; photographs may stay on the network"
        yield warning("folder", says, fix=fix)
    if drive.kind.lower() in FAT:
        says = f"{path} lies on a drive in FAT32: no file of 4 GB fits, and what is pulled out loses files"
        fix = f"Move it to a disk of this machine, such as {SHORT}, or format the drive as exFAT or NTFS"
        yield warning("folder", says, fix=fix)
    here = next((one for one in (path, *path.parents) if one.exists()), path)
    if drive.reads_only or not os.access(here, os.W_OK):
        says = f"{path} cannot be written to"
        fix = f"Copy it to a disk that can be written to, such as {SHORT}, or change its rights"
        yield problem("folder", says, fix=fix)


def _of_length(root: Path) -> Iterator[Finding]:
    if sys.platform != "win32" or len(str(root)) <= LONGEST - INSIDE or _takes_long_paths():
        return
    says = f"{root} has {len(str(root))} letters, and Windows takes {LONGEST} of a path: files in it fail"
    yield warning("folder", says, fix=f"Move it to {SHORT}; or, as administrator: {TAKE_LONG}")


def _synchronised(path: Path) -> str | None:
    """The part of a path that says which program synchronises it; null where none does."""
    roots = [value for name, value in os.environ.items() if name.lower().startswith("onedrive") and value]
    if any(path.is_relative_to(root) for root in roots):
        return "OneDrive"
    return next((part for part in path.parts if SYNCHRONISED.fullmatch(part)), None)


def _drive(path: Path) -> Drive:
    """What a folder lies on, as the system tells; a share that has no letter is remote."""
    import psutil

    if str(path).startswith("\\\\"):
        return Drive("a share", remote=True)
    mounts = [one for one in psutil.disk_partitions(all=True) if path.is_relative_to(one.mountpoint)]
    if not mounts:
        return Drive("of a kind that is not known")
    nearest = max(mounts, key=lambda one: len(one.mountpoint))
    words = nearest.opts.split(",")
    kind = nearest.fstype.lower()
    return Drive(nearest.fstype, kind in REMOTE or "remote" in words, "ro" in words)


def _takes_long_paths() -> bool:
    """Whether Windows was told to take long paths."""
    if sys.platform != "win32":
        return True
    import winreg

    place = r"SYSTEM\CurrentControlSet\Control\FileSystem"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False
