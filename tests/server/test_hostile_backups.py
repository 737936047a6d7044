"""Backups of others: refused with a hint, whatever is wrong with them."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from benchmarks.hostile import KINDS
from benchmarks.hostile_archives import FORGERIES, backup, read_backup, read_version_file, version_file

from wildetect.errors import InputError, WildDetectError

ARCHIVES = [(version_file, read_version_file), (backup, read_backup)]


def test_an_archive_that_lost_bytes_at_its_beginning(tmp_path: Path) -> None:
    # the places in its directory lie before the first byte then
    file = tmp_path / "a.zip"
    backup(file)
    read_backup(file)
    good = file.read_bytes()
    file.write_bytes(good[:100] + good[103:])
    with pytest.raises(InputError) as raised:
        read_backup(file)
    assert "cannot be read or unpacked" in raised.value.message
    assert "another backup" in raised.value.hint


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("kind", [*KINDS, *FORGERIES])
def test_a_hostile_archive_is_read_or_refused_and_writes_nowhere_else(
    archive: tuple[object, object], kind: str, tmp_path: Path
) -> None:
    make, read = archive
    file = tmp_path / "a.zip"
    make(file)  # type: ignore[operator]
    good = file.read_bytes()
    for number in range(8 if kind != "bomb" else 1):
        file.write_bytes({**KINDS, **FORGERIES}[kind](good, random.Random(f"{kind} {number}")))
        with contextlib.suppress(WildDetectError):
            read(file)  # type: ignore[operator]
