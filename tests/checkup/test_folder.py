"""Where the project lies: what a laptop of a conservation team has."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from tests.checkup.findings import bad, only, subject
from tests.workspaces import Workspace

from wildetect.checkup import folder
from wildetect.checkup.environment import check_system
from wildetect.checkup.folder import check_folder


def mounted(monkeypatch: pytest.MonkeyPatch, place: Path, kind: str, opts: str = "rw") -> None:
    root = SimpleNamespace(mountpoint=place.anchor, fstype="ext4", opts="rw,fixed")
    drive = SimpleNamespace(mountpoint=str(place), fstype=kind, opts=opts)
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [root, drive])


def test_a_folder_of_this_machine_is_fine(root: Path) -> None:
    found = only(check_folder(subject()))
    assert (found.verdict, found.check) == ("ok", "folder")


@pytest.mark.parametrize(
    ("kind", "opts", "says"),
    [
        ("cifs", "rw", "network drive"),
        ("nfs4", "rw", "network drive"),
        ("NTFS", "rw,remote", "network drive"),
        ("vfat", "rw", "FAT32"),
        ("FAT32", "rw,removable", "FAT32"),
        ("iso9660", "ro", "cannot be written to"),
        ("CDFS", "ro,cdrom", "cannot be written to"),
    ],
)
def test_a_drive_that_suits_it_badly(
    root: Path, kind: str, opts: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted(monkeypatch, root.parent, kind, opts)
    found = bad(check_folder(subject()))
    assert says in found.says
    assert (found.exit_code == 2) == ("ro" in opts.split(","))


@pytest.mark.parametrize(("kind", "opts"), [("exfat", "rw"), ("NTFS", "rw,fixed"), ("apfs", "rw,local")])
def test_a_drive_that_suits_it(root: Path, kind: str, opts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, root.parent, kind, opts)
    assert kind in only(check_folder(subject())).says


def test_results_on_another_drive_are_looked_at(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = root.parent / "server"
    (root / "configs/detection.yaml").write_text(f"output: {{directory: {elsewhere}}}\n", encoding="utf-8")
    mounted(monkeypatch, elsewhere, "cifs")
    assert bad(check_folder(subject())).says.startswith(str(elsewhere))


@pytest.mark.parametrize(
    ("name", "synchronised"),
    [
        ("OneDrive", True),
        ("OneDrive - WWF Kenya", True),
        ("Dropbox (Team)", True),
        ("iCloudDrive", True),
        ("Google Drive", True),
        ("GoogleDrive-ann@example.org", True),
        ("Nextcloud", True),
        ("Mobile Documents", True),
        ("google-earth", False),
        ("wildetect", False),
        ("drop box", False),
        ("My Documents", False),
        ("Nextcloud2survey", False),
    ],
)
def test_a_synchronised_folder_is_told_by_its_name(name: str, synchronised: bool) -> None:
    assert bool(folder._synchronised(Path("/home/ann", name, "wildetect"))) is synchronised


def test_onedrive_under_another_name_is_told_by_its_variable(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OneDriveCommercial", str(root.parent))
    assert "(OneDrive)" in bad(check_folder(subject())).says


def test_a_long_path_on_windows(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(folder, "_takes_long_paths", lambda: False)
    monkeypatch.setattr(folder, "INSIDE", folder.LONGEST)
    found = bad(check_folder(subject()))
    assert "letters, and Windows takes 260" in found.says
    assert "LongPathsEnabled" in str(found.fix)


def test_little_memory_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    little = SimpleNamespace(total=2e9, available=1.5e9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: little)
    found = bad(check_system(subject()))
    assert "2.0 GB memory" in found.says
    assert "processing.batch_size: 1" in str(found.fix)


def test_the_program_tells_of_a_synchronised_folder(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "OneDrive - WWF" / "wildetect")
    told = workspace.invoke("doctor").stdout
    assert re.search(r"warning +folder +\S.* is synchronised \(OneDrive - WWF\)", told)
