"""What a user reads when a settings file is wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY

from wildetect.errors import ConfigurationError
from wildetect.settings import Option, Project, load_settings
from wildetect.settings.census import CensusSettings
from wildetect.settings.detection import DetectionSettings
from wildetect.settings.keys import SectionKeys
from wildetect.settings.mlflow import MlflowSettings
from wildetect.settings.registration import RegistrationSettings


def problems(text: str | bytes, model: type[SectionKeys] = DetectionSettings) -> list[str]:
    path = Path("configs/mine.yaml")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError) as caught:
        load_settings(model, Project.find(), file=path.resolve())
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return list(caught.value.details) or [caught.value.message]


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("processing:\n  tilesize: 5\n", "configs/mine.yaml:2", "did you mean processing.tile_size?"),
        ("tile_size: 5\n", "configs/mine.yaml:1", "did you mean processing.tile_size?"),
        ("procesing: {}\n", "configs/mine.yaml:1", "did you mean processing?"),
        ("processing:\n  nms: 5\n", "configs/mine.yaml:2", "did you mean processing.nms_threshold?"),
        ("processing:\n  overlap_ratio: 1.0\n", "configs/mine.yaml:2", "1.0: must be less than 1"),
        ("processing:\n  batch_size: many\n", "configs/mine.yaml:2", "'many': must be a valid integer"),
        (
            "\nmodel:\n  device: cudaa\n",
            "configs/mine.yaml:3",
            "must be 'auto', 'cpu', 'cuda', 'directml' or 'openvino'",
        ),
        ("output: 5\n", "configs/mine.yaml:1", "must be a block of indented"),
        (
            "image_dir: ${NOT_SET_ANYWHERE}/x\n",
            "configs/mine.yaml:1",
            "the variable NOT_SET_ANYWHERE is set neither",
        ),
        ("output: {}\nmodel: {}\noutput: {}\n", "configs/mine.yaml:3", "given twice (also in line 1)"),
        ('image_dir: "D:\\survey"\n', "configs/mine.yaml:1", r"write 'D:\survey'"),
        ("model:\n\tdevice: cpu\n", "configs/mine.yaml:2", "indent with spaces"),
        ("model: [\n", "configs/mine.yaml:1", "[ is opened here and not closed"),
        ("just words\n", "configs/mine.yaml:1", "holds no 'key: value' lines"),
        (b"output:\n  directory: Erg\xe4nzung\n", "configs/mine.yaml:2", "is not UTF-8 text"),
        ("image_dir: a\nimage_paths: [b]\n", "configs/mine.yaml", "image_paths and image_dir are given"),
    ],
)
def test_one_problem(workspace: Path, text: str | bytes, place: str, says: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"{place}: ")
    assert says in problem


@pytest.mark.parametrize("name", ["detection.yaml.txt", "detection.yml", "detection.txt"])
def test_settings_that_an_editor_saved_under_another_name_are_not_passed_over(
    workspace: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Notepad adds .txt, which Windows hides: defaults in their place would be a number quietly wrong."""
    path, other = Path("configs/detection.yaml"), Path("configs", name)
    text = "processing: {tile_size: 640}\n"
    other.write_text(text, encoding="utf-8")
    path.unlink(missing_ok=True)
    with pytest.raises(
        ConfigurationError, match=f"there is no configs/detection.yaml, but configs/{name}"
    ) as e:
        load_settings(DetectionSettings, Project.find())
    assert "Rename it to detection.yaml" in e.value.hint
    path.write_text(text, encoding="utf-8")
    load_settings(DetectionSettings, Project.find())
    assert f"configs/{name}: it is not read" in caplog.text


def test_a_remote_scoring_service_is_refused_with_the_reason(workspace: Path) -> None:
    refused, other = problems("inference_service:\n  url: http://gpu:4141/predict\n  timeout: 0\n")
    assert refused.startswith("configs/mine.yaml:2: inference_service.url = 'http://gpu:4141/predict': ")
    assert "which weights score there could not be checked" in refused
    assert "set it to null to detect here, or run detect.run on that machine" in refused
    assert other.startswith("configs/mine.yaml:3: ")
    campaign = "campaign: {id: x}\ndetection:\n  inference_service:\n    url: http://gpu\n"
    (refused,) = problems(campaign, CensusSettings)
    assert refused.startswith("configs/mine.yaml:4: detection.inference_service.url = ")


@pytest.mark.parametrize("text", ["{}", "inference_service: null", "inference_service: {url: null}"])
def test_no_scoring_service_is_fine(workspace: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    Path("configs/detection.yaml").write_text(text, encoding="utf-8")
    load_settings(DetectionSettings, Project.find())
    assert not caplog.records


def test_all_problems_at_once_in_the_order_of_the_file(workspace: Path) -> None:
    found = problems("model:\n  device: x\nprocessing:\n  tile_size: -1\n  typo: 1\nnothing: 2\n")
    assert [problem.split(": ")[0] for problem in found] == [
        f"configs/mine.yaml:{line}" for line in (2, 4, 5, 6)
    ]


def test_the_option_and_the_variables_are_named(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WILDETECT_DETECTION__PROCESSING__TILE", "5")
    (workspace / ".env").write_text(
        "A=1\n\nWILDETECT_DETECTION__PROCESSING__MAX_ERRORS=-1\n", encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_settings(
            DetectionSettings,
            Project.find(),
            options={("processing", "confidence"): Option("--confidence", "high")},
        )
    text = "\n".join(caught.value.details)
    assert "--confidence: processing.confidence = 'high': must be a valid number" in text
    assert ".env:3: processing.max_errors = '-1'" in text
    assert "environment variable WILDETECT_DETECTION__PROCESSING__TILE: " in text
    assert "did you mean processing.tile_size?" in text


def test_a_secret_is_not_shown(workspace: Path) -> None:
    (problem,) = problems("labelstudio:\n  api_key: [deadbeef]\n")
    assert "deadbeef" not in problem


def test_a_file_that_is_not_there(workspace: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no settings file configs/gone\.yaml"):
        load_settings(DetectionSettings, Project.find(), file=workspace / "configs/gone.yaml")


@pytest.mark.parametrize("line", ["NO EQUALS SIGN", "JUST_A_NAME"])
def test_a_broken_dotenv_is_an_error_with_its_line(workspace: Path, line: str) -> None:
    (workspace / ".env").write_text(f"A=1\n\n# a remark\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"^\.env:4: not NAME=value$") as caught:
        Project.find()
    assert caught.value.exit_code == 2


def test_a_missing_dotenv_is_fine(workspace: Path) -> None:
    assert dict(Project.find().dotenv.values) == {}


def test_variables_are_replaced(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / ".env").write_text("DATA_ROOT=/survey\n", encoding="utf-8")
    monkeypatch.setenv("TILES", "320")
    (workspace / "configs/detection.yaml").write_text(
        "image_dir: ${DATA_ROOT}/camp\n"
        "processing:\n  tile_size: ${oc.env:TILES}\n"
        "  batch_size: ${BATCH:-4}\n  max_errors: ${oc.env:ERRORS,7}\n",
        encoding="utf-8",
    )
    settings = load_settings(DetectionSettings, Project.find())
    assert settings.image_dir == Path("/survey/camp")
    assert (
        settings.processing.tile_size,
        settings.processing.batch_size,
        settings.processing.max_errors,
    ) == (320, 4, 7)


def test_keys_without_effect_are_named_with_their_reason(
    workspace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Path("configs/detection.yaml").write_text(
        "processing:\n  pipeline_type: mt\n  pin_memory: true\n  num_inference_workers: null\n",
        encoding="utf-8",
    )
    with caplog.at_level(logging.WARNING):
        load_settings(DetectionSettings, Project.find())
    first, second = (record.message for record in caplog.records)
    assert first == (
        "processing.pipeline_type (configs/detection.yaml:2) has no effect here: "
        "one pipeline does all of them"
    )
    assert second.startswith(
        "processing.pin_memory (configs/detection.yaml:3) has no effect here: onnxruntime"
    )


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("detection.yaml", DetectionSettings),
        ("detector_registration.yaml", RegistrationSettings),
        ("detector_registration_example.yaml", RegistrationSettings),
        ("classifier_registration_example.yaml", RegistrationSettings),
    ],
)
def test_files_of_users_load_unchanged(
    workspace: Path, shared_data: Path, name: str, model: type[SectionKeys]
) -> None:
    load_settings(model, Project.find(), file=shared_data / "configs" / name)


@pytest.mark.parametrize("model", [DetectionSettings, RegistrationSettings, MlflowSettings])
def test_our_own_files_load_without_a_warning(
    model: type[SectionKeys], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    load_settings(model, Project.find())
    assert not caplog.records


CAMP = "campaign: {id: camp}\n"


@pytest.mark.parametrize(
    ("flag", "key", "given", "hint"),
    [
        ("--tolerance", ("survey", "tolerance"), "abc", "For example --tolerance 2"),
        ("--tolerance", ("survey", "tolerance"), "-3", "For example --tolerance 2"),
        ("--confidence", ("survey", "confidence"), "1,5", "For example --confidence 0.3"),
        ("--cv", ("plan", "cv"), "30", "For example --cv 0.3"),
        ("--cv", ("plan", "cv"), "a few", "For example --cv 0.2"),
    ],
)
def test_the_hint_of_a_wrong_option_is_that_option_with_a_value_that_is_taken(
    workspace: Path, flag: str, key: tuple[str, ...], given: str, hint: str
) -> None:
    (workspace / "configs/census.yaml").write_text(CAMP, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(CensusSettings, Project.find(), options={key: Option(flag, given)})
    assert caught.value.hint == hint
    value = hint.rpartition(" ")[2]
    load_settings(CensusSettings, Project.find(), options={key: Option(flag, value)})


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_the_hint_of_a_wrong_variable_is_about_where_it_was_set(
    workspace: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "configs/census.yaml").write_text(CAMP, encoding="utf-8")
    name = "WILDETECT_CENSUS__SURVEY__TOLERANCE"
    if place == ".env":
        (workspace / ".env").write_text(f"{name}=abc\n", encoding="utf-8")
    else:
        monkeypatch.setenv(name, "abc")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(CensusSettings, Project.find())
    where = ".env:1" if place == ".env" else f"environment variable {name}"
    assert caught.value.message.startswith(f"{where}: ")
    assert caught.value.hint.startswith("Fix it there" if place == ".env" else "Set that variable")


def test_a_number_of_percent_is_told_as_the_part_that_it_is(workspace: Path) -> None:
    (problem,) = problems("processing: {overlap_ratio: 25}\n")
    assert "for 25% write 0.25" in problem


def test_a_file_of_ones_own_is_not_said_to_explain_the_keys(workspace: Path) -> None:
    (workspace / "configs/mine.yaml").write_text("processing: {tile_size: x}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(DetectionSettings, Project.find(), file=(workspace / "configs/mine.yaml").resolve())
    page = caught.value.hint.partition("; ")[2].removesuffix(" explains each key.")
    assert (REPOSITORY / page).is_file()
