from __future__ import annotations

import pytest
from pydantic import ValidationError

from wildetect.settings.detection import LabelStudio, Output


@pytest.mark.parametrize(
    ("given", "most"), [("all", None), ("none", 0), ("12", 12), (12, 12), (0, 0), (None, 100)]
)
def test_most_overlays(given: object, most: int | None) -> None:
    assert Output.model_validate({"overlays": given}).most_overlays == most


@pytest.mark.parametrize("given", ["some", "-1", -1, 1.5, "", "1e3", "²", True])
def test_what_is_no_number_of_overlays(given: object) -> None:
    with pytest.raises(ValidationError):
        Output.model_validate({"overlays": given})


def test_exports_are_known() -> None:
    assert Output.model_validate({"exports": ["gpkg", "labelstudio"]}).exports == ["gpkg", "labelstudio"]
    with pytest.raises(ValidationError, match="gpkg"):
        Output.model_validate({"exports": ["shapefile"]})


def test_the_tags_of_label_studio_have_its_own_default_names() -> None:
    tags = LabelStudio.model_validate({"from_name": None})
    assert (tags.from_name, tags.to_name) == ("label", "image")
