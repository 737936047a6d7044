from __future__ import annotations

from pathlib import Path

import pytest

from wildetect.errors import ConfigurationError, ModelError
from wildetect.registry.manifest import each_once
from wildetect.registry.reference import check_name
from wildetect.results.files import make_folder

LINES = ["a\nb", "a\x1b[2Jb", "a\u202eb"]
DEVICES = ["con", "NUL", "Com1", "lpt9.v2", "aux"]


@pytest.mark.parametrize("name", ["n" * 300, "斑" * 100, "end.", " begin", "end ", *LINES, *DEVICES])
def test_a_model_has_a_name_that_every_system_can_use(name: str) -> None:
    with pytest.raises(ModelError) as raised:
        check_name(name)
    assert len(raised.value.message) < 250
    assert raised.value.message.isprintable()


@pytest.mark.parametrize("name", ["detector", "elephants 2026", "斑马", "v1.2-final", "console", "n" * 100])
def test_usual_names_of_models(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", " ", "n" * 300, *LINES])
def test_a_class_has_a_name_that_can_be_printed(name: str) -> None:
    with pytest.raises(ModelError, match="cannot be the name of a class"):
        each_once(("zebra", name), "Rename it.")


def test_usual_names_of_classes() -> None:
    names = ("Panthera sp.", "Grévy's zebra", "con", "斑马")
    assert each_once(names, "") == names


@pytest.mark.parametrize("name", ["n" * 300, "camp.", "camp ", "a:b", "what?", *LINES, *DEVICES])
def test_results_go_into_a_folder_that_every_system_can_make(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a folder") as raised:
        make_folder(tmp_path / name / "run", hint="")
    assert raised.value.message.isprintable()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "camp 23 (north)").mkdir()
    make_folder(tmp_path / "camp 23 (north)" / ".." / "other" / "déjà vu", hint="")
    assert (tmp_path / "other" / "déjà vu").is_dir()
