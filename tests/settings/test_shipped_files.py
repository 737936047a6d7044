"""The settings files that are shipped say what applies without them."""

from __future__ import annotations

from tests.workspaces import REPOSITORY

from wildetect.settings import Project, load_settings
from wildetect.settings.detection import DetectionSettings
from wildetect.settings.registration import RegistrationSettings


def test_detection_yaml_states_the_defaults_and_names_a_model_to_begin_with() -> None:
    shipped = load_settings(DetectionSettings, Project(REPOSITORY)).model_dump()
    expected = DetectionSettings().model_dump()
    expected["model"] |= {"mlflow_model_name": "detector", "mlflow_model_alias": "production"}
    assert shipped == expected


def test_detector_registration_yaml_states_the_defaults_and_writes_the_classifier_out() -> None:
    shipped = load_settings(RegistrationSettings, Project(REPOSITORY))
    assert shipped.classifier is not None
    assert shipped.classifier == type(shipped.classifier)()
    assert shipped.model_dump() | {"classifier": None} == RegistrationSettings().model_dump()
