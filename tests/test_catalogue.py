"""Records that are gathered from files: a family of detectors, a form of results."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from wildetect.catalogue import gathered


@dataclass(frozen=True)
class Kind:
    name: str


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make a package whose modules hold records; gives its name."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"animals_{tmp_path.name.replace('-', '_')}"
    monkeypatch.setitem(sys.modules, "kinds_of_this_test", sys.modules[__name__])

    def made(**modules: str) -> str:
        for module, record in modules.items():
            path = tmp_path.joinpath(name, *module.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / "__init__.py").touch()
            (tmp_path / name / "__init__.py").touch()
            path.write_text(f"from kinds_of_this_test import Kind\nRECORD = Kind({record!r})\n", "utf-8")
        return name

    return made


def test_records_come_in_the_order_of_the_words_whatever_their_files_are_called(
    package: Callable[..., str],
) -> None:
    name = package(a="zebra", inner__b="cat")
    assert list(gathered(name, Kind, ["zebra", "cat"]).items()) == [
        ("zebra", Kind("zebra")),
        ("cat", Kind("cat")),
    ]


@pytest.mark.parametrize(
    ("modules", "words", "says"),
    [
        ({"a": "zebra"}, ["zebra", "cat"], "has a record for .*cat"),
        ({"a": "zebra", "b": "cat"}, ["zebra"], "cat.* not among the words"),
        ({"a": "zebra", "b": "zebra"}, ["zebra"], "both call a record zebra"),
    ],
)
def test_a_word_without_a_record_and_a_record_without_a_word_are_refused(
    package: Callable[..., str], modules: dict[str, str], words: list[str], says: str
) -> None:
    with pytest.raises(LookupError, match=says):
        gathered(package(**modules), Kind, words)
