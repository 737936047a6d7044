"""configs/census.yaml: what users' files hold, and what is said where they are wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY

from wildetect.errors import ConfigurationError
from wildetect.settings import Project, load_settings
from wildetect.settings.census import CensusSettings, SurveyKeys


def load(text: str) -> CensusSettings:
    path = Path("configs/mine.yaml")
    path.write_text(text, encoding="utf-8")
    return load_settings(CensusSettings, Project.find(), file=path.resolve())


def test_the_shipped_file_is_the_default(workspace: Path) -> None:
    shipped = load_settings(CensusSettings, Project(REPOSITORY))
    bare = load(f"campaign: {{id: {shipped.campaign.id}}}")
    model = {"mlflow_model_name": "detector", "mlflow_model_alias": "production"}
    expected = bare.model_dump()
    expected["detection"]["model"] |= model
    assert shipped.model_dump() == expected


def test_a_file_of_a_user(shared_data: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="wildetect"):
        settings = load_settings(
            CensusSettings, Project(REPOSITORY), file=shared_data / "configs" / "census.yaml"
        )
    assert settings.campaign.id == "LeopardRock-camp23_28-Rep-1"
    assert settings.campaign.pilot_name == "test"
    table = settings.detection.exif_gps_update
    assert table is not None
    assert str(table.csv_path).endswith("Rep 1-coordinates.csv")
    assert str(settings.output).endswith("K145_R1")
    said = " ".join(record.message for record in caplog.records)
    assert "merging_iou_threshold" in said
    assert "csv_path" not in said  # the census reads it


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("survey: {}", "campaign.id is missing"),
        ("campaign: {id: ''}", "campaign.id = ''"),
        ("campaign: {id: a}\nsurvey: {tolerence: 3}", "did you mean survey.tolerance?"),
        ("campaign: {id: a}\nsurvey: {tolerance: -1}", "survey.tolerance = -1"),
        ("campaign: {id: a}\nsurvey: {tolerance: .inf}", "finite"),
        ("campaign: {id: a}\nsurvey: {confidence: 2}", "must be a number from 0 to 1"),
        ("campaign: {id: a}\nsurvey: {confidence: {zebra: high}}", "zebra: must be a number from 0 to 1"),
        ("campaign: {id: a}\nsurvey: {confidence: [0.5]}", "must be a number from 0 to 1"),
        ("campaign: {id: a}\nsurvey: {confidence: true}", "must be a number from 0 to 1"),
        ("campaign: {id: a}\ndetection: {output: {}}", "unknown key"),
        ("campaign: {id: a}\ndetection: {image_dir: a, image_paths: [b]}", "keep one of them"),
    ],
)
def test_one_problem(workspace: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    assert says in caught.value.message
    assert not caught.value.details


@pytest.mark.parametrize(
    ("given", "of_zebra", "of_others"),
    [(None, 0.0, 0.0), (0.4, 0.4, 0.4), ("0.4", 0.4, 0.4), ({"zebra": 0.7}, 0.7, 0.0), (0, 0.0, 0.0)],
)
def test_confidence(given: object, of_zebra: float, of_others: float) -> None:
    keys = SurveyKeys.model_validate({"confidence": given})
    assert (keys.confidence_of("zebra"), keys.confidence_of("elephant")) == (of_zebra, of_others)


@pytest.mark.parametrize(
    ("campaign", "folder"),
    [
        ("camp 23", "camp 23"),
        ("../../etc", "_.._etc"),
        ("a/b:c*", "a_b_c_"),
        ("CON", "CON_"),
        ("nul.2026", "nul.2026_"),
        ("...", "campaign_"),
        ("Ñandú 2026.", "Ñandú 2026"),
    ],
)
def test_the_output_folder_of_a_campaign(workspace: Path, campaign: str, folder: str) -> None:
    assert load(f"campaign: {{id: '{campaign}'}}").output == Path("results") / folder


def test_the_output_folder_that_is_given(workspace: Path) -> None:
    assert load("campaign: {id: a}\nexport: {output_directory: D:/b}").output == Path("D:/b")


def test_one_species_is_a_list_of_one(workspace: Path) -> None:
    assert load("campaign: {id: a, target_species: zebra}").campaign.target_species == ["zebra"]


def test_the_settings_of_the_detection_that_comes_first(workspace: Path) -> None:
    settings = load(
        "campaign: {id: a}\nexport: {export_to_labelstudio: true}\n"
        "detection: {processing: {tile_size: 320}, exif_gps_update: {image_folder: x, csv_path: y.csv}}"
    )
    detection = settings.detection_into(workspace / "detections")
    assert detection.processing.tile_size == 320
    assert detection.sources == {"exif_gps_update.image_folder": [Path("x")]}
    assert detection.output.directory == workspace / "detections"
    assert detection.output.exports == ["labelstudio"]
    assert "census.yaml" in detection.file


def test_the_detection_that_comes_first_guards_the_classes_of_a_sensitive_species(workspace: Path) -> None:
    settings = load(
        "campaign: {id: a, roll_up: {rhino: [black rhino, white rhino], plains game: [gnu, kudu]}}\n"
        "sensitive: {species: [Rhino, kudu], blur: 20}"
    )
    sensitive = settings.detection_into(workspace / "detections").sensitive
    assert sensitive.species == ["Rhino", "kudu", "black rhino", "white rhino", "plains game"]
    assert sensitive.blur == 20


def test_the_environment_is_heard(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WILDETECT_CENSUS__SURVEY__TOLERANCE", "4.5")
    monkeypatch.setenv("WILDETECT_CENSUS__DETECTION__PROCESSING__TILE_SIZE", "640")
    settings = load("campaign: {id: a}\nsurvey: {tolerance: 2}")
    assert settings.survey.tolerance == 4.5
    assert settings.detection.processing.tile_size == 640
