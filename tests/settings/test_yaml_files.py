"""A settings file means what a person reads in it, and a hostile one costs neither time nor memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from wildetect.settings.project import Variables
from wildetect.settings.yaml_files.reading import read_yaml


def read(tmp_path: Path, text: str | bytes) -> tuple[dict[str, Any], list[str]]:
    path = tmp_path / "some.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    file = read_yaml(path, name="some.yaml", variable=lambda _: None)
    return file.values, [str(problem) for problem in file.problems]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10:40", "10:40"),
        ("2024-05-01", "2024-05-01"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0x1F", 31),
        ("1e-3", 0.001),
        ("-7", -7),
        (".5", 0.5),
        ("3.", 3.0),
        ("yes", True),
        ("off", False),
        ("y", "y"),
        ("~", None),
        ("", None),
        (".inf", float("inf")),
        ("'12'", "12"),
        ("=", "="),
    ],
)
def test_text_stays_text(written: str, meant: object, tmp_path: Path) -> None:
    assert read(tmp_path, f"key: {written}\n") == ({"key": meant}, [])


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"m{n}: &m{n}\n  <<: [{', '.join([f'*{before}'] * 4)}]\n"
    for n, before in enumerate(["a", *(f"m{i}" for i in range(20))])
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(LAUGHS, "too many values", id="aliases of aliases"),
        pytest.param(MERGES, "too many values", id="merges of merges"),
        pytest.param("a: " + "[" * 5000 + "]" * 5000, "nested too deeply", id="deep"),
        pytest.param("a: &a 1\nb: [" + "*a, " * 500 + "1]", "too many aliases", id="many aliases"),
        pytest.param(b"a: 1\n" * 400_000, "larger than 1,000,000 bytes", id="large"),
    ],
)
def test_a_bomb_is_named(text: str | bytes, says: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    _, problems = read(tmp_path, text)
    assert time.monotonic() - begun < 10
    assert any(says in problem for problem in problems)
    assert all(problem.startswith("some.yaml") for problem in problems)


def test_a_dotenv_as_notepad_saves_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("MLFLOW_TRACKING_URI=http://localhost:5001\r\n".encode("utf-16"))
    assert Variables.read(tmp_path / ".env").values == {"MLFLOW_TRACKING_URI": "http://localhost:5001"}
