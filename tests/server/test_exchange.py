"""Several files exchanged as one step: all or none, also where a kill comes in the middle."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from wildetect.errors import ServerError
from wildetect.server.store.exchange import PLAN, Move, exchange, finish_exchange, free_name, with_side_files

HOT = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
for number in range(2000):
    connection.execute("INSERT INTO t VALUES (?)", ("x" * 500,))
os._exit(9)
"""


class Killed(BaseException):
    """The program ends here."""


def database(path: Path, word: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (word TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", (word,))
    return path


def word_in(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        words: list[tuple[str]] = connection.execute("SELECT word FROM t").fetchall()
    assert len(words) == 1
    return words[0][0]


def moves_in(folder: Path) -> list[Move]:
    old, fresh = database(folder / "mlflow.db", "old"), database(folder / "work/mlflow.db", "new")
    # a writer was killed: its journal lies beside the database
    subprocess.run([sys.executable, "-c", HOT, str(old)], check=False)
    assert (folder / "mlflow.db-journal").stat().st_size
    (folder / "artifacts").mkdir()
    (folder / "work/artifacts").mkdir()
    (folder / "work/artifacts/new.txt").touch()
    return [
        *with_side_files(old, folder / "aside/mlflow.db"),
        (fresh, old),
        (folder / "artifacts", folder / "aside/artifacts"),
        (folder / "work/artifacts", folder / "artifacts"),
    ]


def assert_exchanged(folder: Path) -> None:
    assert word_in(folder / "mlflow.db") == "new"
    assert word_in(folder / "aside/mlflow.db") == "old"
    assert (folder / "artifacts/new.txt").exists()
    assert not (folder / PLAN).exists()


def test_the_journal_of_a_killed_writer_goes_along(tmp_path: Path) -> None:
    exchange(tmp_path, moves_in(tmp_path))
    assert_exchanged(tmp_path)
    assert not finish_exchange(tmp_path)


@pytest.mark.parametrize("after", range(5))
def test_a_kill_after_any_move_is_made_good(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = moves_in(tmp_path)
    real, made = Path.rename, 0

    def rename(self: Path, target: Path) -> Path:
        nonlocal made
        if made == after:
            raise Killed
        made += 1
        return real(self, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "rename", rename)
        with pytest.raises(Killed):
            exchange(tmp_path, moves)
    assert finish_exchange(tmp_path)
    assert_exchanged(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses by itself")
def test_what_cannot_be_moved_leaves_all_as_it_was(tmp_path: Path) -> None:
    moves = [*moves_in(tmp_path), (tmp_path / "missing", tmp_path / "anywhere")]
    with pytest.raises(ServerError, match="it is as it was"):
        exchange(tmp_path, moves)
    assert word_in(tmp_path / "mlflow.db") == "old"
    assert not (tmp_path / PLAN).exists()


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"moves": [[1, 2]]}', '{"moves": [["a"]]}', "\ufffd"])
def test_a_damaged_plan_is_named(broken: str, tmp_path: Path) -> None:
    (tmp_path / PLAN).write_text(broken, encoding="utf-8")
    with pytest.raises(ServerError, match="cut off and cannot be finished"):
        finish_exchange(tmp_path)


def test_the_plan_holds_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        seen.update(json.loads((tmp_path / PLAN).read_text(encoding="utf-8")))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    (tmp_path / "a").touch()
    exchange(tmp_path, [(tmp_path / "a", tmp_path / "b")])
    assert seen == {"moves": [[str(tmp_path / "a"), str(tmp_path / "b")]]}


def test_a_store_that_was_moved_aside_is_never_replaced_by_the_next(tmp_path: Path) -> None:
    """Two restores within a second had one name for it, and Linux replaces a file without a word."""
    aside = tmp_path / "before-restore-20261128-120000"
    kept = []
    for word in ("first", "second", "third"):
        old = database(tmp_path / "mlflow.db", word)
        place = free_name(aside)
        exchange(tmp_path, with_side_files(old, place / "mlflow.db"))
        kept.append(word_in(place / "mlflow.db"))
    assert kept == ["first", "second", "third"]
    assert word_in(aside / "mlflow.db") == "first"
    taken = database(tmp_path / "mlflow.db", "fourth")
    with pytest.raises(ServerError, match="it is as it was"):
        exchange(tmp_path, [(taken, aside / "mlflow.db")])
    assert (word_in(taken), word_in(aside / "mlflow.db")) == ("fourth", "first")
