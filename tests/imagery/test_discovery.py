from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wildetect.errors import InputError
from wildetect.imagery.discovery import discover, look_for


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def names(*sources: Path, **options: list[Path]) -> list[str]:
    return [image.name for image in discover(sources, **options)]


def test_folders_are_searched_in_natural_order(tmp_path: Path) -> None:
    touch(tmp_path, "10.jpg", "9.JPG", "b/1.Tiff", "B2.jpeg", "a b/ü.PNG", "a b/x.webp", "b/c/2.tif")
    assert names(tmp_path) == [
        "9.JPG",
        "10.jpg",
        "a b/x.webp",
        "a b/ü.PNG",
        "b/1.Tiff",
        "b/c/2.tif",
        "B2.jpeg",
    ]


def test_other_hidden_and_system_files_are_left_out(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "kept.jpg",
        "._kept.jpg",
        ".hidden.png",
        "Thumbs.db",
        "thumbs.jpg",
        "notes.txt",
        "jpg",
        "x.jpg.part",
        ".git/a.jpg",
        "@eaDir/a.jpg",
        "__MACOSX/a.jpg",
        "$RECYCLE.BIN/a.jpg",
    )
    (tmp_path / "folder.jpg").mkdir()
    assert names(tmp_path) == ["kept.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_an_entry_that_cannot_be_looked_at_costs_itself_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "a.jpg", "z/b.jpg")
    for name in ("loop", "loop.jpg", "round"):
        (tmp_path / name).symlink_to(name)
    (tmp_path / "z" / "up").symlink_to("..")
    assert names(tmp_path) == ["a.jpg", "loop.jpg", "z/b.jpg"]  # reading loop.jpg fails, and is named
    assert {name for names in look_for([tmp_path]).not_read.values() for name in names} == {"loop/", "round/"}
    assert f"cannot look at {tmp_path / 'loop'}: " in caplog.text
    assert f"cannot look at {tmp_path / 'round'}: " in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_to_what_is_not_there_are_no_silence(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    for name in ("b.jpg", "camp 24", ".hidden.jpg"):
        (tmp_path / name).symlink_to(tmp_path / "drive" / name)
    found = look_for([tmp_path])
    assert [image.name for image in found.images] == ["a.jpg", "b.jpg"]  # reading b.jpg fails, and is named
    ((why, names),) = found.not_read.items()
    assert list(names) == ["camp 24/"]
    assert "a link to what is not there" in why


def test_a_folder_that_cannot_be_looked_into_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.jpg", "closed/b.jpg")
    scan = os.scandir

    def refused(path: Path) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert look_for([tmp_path]).not_read == {
        "not looked into, nor what it may hold: Permission denied": ["closed/"]
    }


def test_no_image_twice(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "b/1.jpg")
    sources = tmp_path / "a", tmp_path, tmp_path / "a" / "1.jpg", tmp_path / "b" / ".." / "b"
    assert sorted(names(*sources)) == ["a/1.jpg", "b/1.jpg"]


def test_names_are_relative_to_what_the_sources_share(tmp_path: Path) -> None:
    touch(tmp_path, "monday/1.jpg", "tuesday/1.jpg", "other/2.jpg")
    assert names(tmp_path / "monday") == ["1.jpg"]
    assert names(tmp_path / "monday" / "1.jpg") == ["1.jpg"]
    assert names(tmp_path / "tuesday", tmp_path / "monday") == ["monday/1.jpg", "tuesday/1.jpg"]
    assert names(tmp_path / "monday" / "1.jpg", tmp_path / "other") == ["monday/1.jpg", "other/2.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links(tmp_path: Path) -> None:
    touch(tmp_path, "real/1.jpg", "photographs/2.jpg")
    (tmp_path / "photographs" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "photographs" / "round").symlink_to(tmp_path / "photographs")
    (tmp_path / "photographs" / "again.jpg").symlink_to(tmp_path / "photographs" / "2.jpg")
    assert len(names(tmp_path / "photographs")) == 2


def test_a_folder_can_be_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "1.jpg", "results/overlays/1.jpg")
    assert names(tmp_path, exclude=[tmp_path / "results"]) == ["1.jpg"]
    assert names(tmp_path / "results", exclude=[tmp_path / "results"]) == ["overlays/1.jpg"]


def test_relative_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "photographs/1.jpg")
    monkeypatch.chdir(tmp_path)
    (image,) = discover([Path("photographs")])
    assert image.path == Path(os.path.realpath(tmp_path)) / "photographs" / "1.jpg"


def test_problems(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt", "empty/notes.txt")
    with pytest.raises(InputError, match="no images in"):
        discover([tmp_path / "empty"])
    with pytest.raises(InputError, match="no images"):
        discover([])
    with pytest.raises(InputError, match=r"does not exist.*1 more") as caught:
        discover([tmp_path / "gone", tmp_path / "notes.txt"])
    assert "notes.txt" in caught.value.details[0]
