"""How users name a model."""

from __future__ import annotations

import pytest

from wildetect.errors import ConfigurationError, ModelError
from wildetect.registry.reference import ModelReference, check_alias, check_name, names_a_file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("detector@production", ModelReference("detector", alias="production")),
        ("models:/detector@production", ModelReference("detector", alias="production")),
        ("detector/3", ModelReference("detector", version="3")),
        ("detector/latest", ModelReference("detector", version="latest")),
        ("models:/detector/latest", ModelReference("detector", version="latest")),
        ("detector@latest", ModelReference("detector", version="latest")),
        (" detector@production/ ", ModelReference("detector", alias="production")),
        ("Models:/detector/3/", ModelReference("detector", version="3")),
        ("detector/v3", ModelReference("detector", version="3")),
        ("detector@3", ModelReference("detector", version="3")),
        ("detector:3", ModelReference("detector", version="3")),
        ("detector version 3", ModelReference("detector", version="3")),
        ("detector@2026-survey", ModelReference("detector", alias="2026-survey")),
        ("my detector@v 1", ModelReference("my detector", alias="v 1")),
    ],
)
def test_forms(text: str, expected: ModelReference) -> None:
    assert ModelReference.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "detector",
        "detector@",
        "@x",
        "detector/production",
        "models:/detector",
        "a/b/3",
        "a@b@c",
        "detector/-1",
    ],
)
def test_what_is_no_model(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ModelReference.parse(text)
    assert "name@alias" in caught.value.hint


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("production", "detector@production"),
        ("3", "detector/3"),
        ("latest", "detector/latest"),
        ("Latest", "detector/latest"),
        ("detector/3", "detector/3"),
        ("models:/detector@production", "detector@production"),
    ],
)
def test_the_alias_key_of_a_settings_file(which: str, expected: str) -> None:
    assert str(ModelReference.of("detector", which)) == expected


def test_a_version_of_another_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="other/3 is no version of detector") as caught:
        ModelReference.of("detector", "other/3")
    assert caught.value.hint.endswith("uv run invoke model.list detector")


@pytest.mark.parametrize("alias", ["latest", "LATEST", "v3", "V12", "3", "", "a b", "a/b", "é"])
def test_refused_aliases(alias: str) -> None:
    with pytest.raises(ModelError):
        check_alias(alias)


@pytest.mark.parametrize("alias", ["production", "2026-survey", "v3x", "yolo12s_no_classifier"])
def test_good_aliases(alias: str) -> None:
    check_alias(alias)


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "a@b", "o'neil"])
def test_refused_names(name: str) -> None:
    with pytest.raises(ModelError):
        check_name(name)


def test_files_and_models_are_told_apart(tmp_path: object) -> None:
    assert names_a_file("weights/best.onnx")
    assert names_a_file("BEST.ONNX")
    assert not names_a_file("detector@production")
    assert not names_a_file("detector/3")
