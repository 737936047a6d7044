"""A server that answers at first and then drips: the task ends in time and says why."""

from __future__ import annotations

import time

import pytest
from tests.bad_servers import BadServer
from tests.hinted import follow
from tests.servers import port_of
from tests.workspaces import REPOSITORY, Workspace

PATIENCE = 2  # s for a whole answer; 60 by default
LONGEST = 60.0  # s for a task, on a machine that does other things besides
SHOW = ("model.show", "patient@production")


@pytest.fixture(scope="module")
def patient(served: Workspace) -> Workspace:
    """The session's server with a model of two versions."""
    weights = REPOSITORY / "demo" / "detector.onnx"
    words = ("model.register", "--weights", weights, "--name", "patient", "--force")
    served.succeed(*words, "--alias", "production")
    served.succeed(*words, "--alias", "other")
    return served


def before(patient: Workspace, server: BadServer) -> Workspace:
    """The workspace, whose tasks ask the bad server."""
    variables = {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_HTTP_REQUEST_TIMEOUT": str(PATIENCE)}
    return Workspace(patient.root, {**patient.variables, **variables})


@pytest.mark.parametrize(
    ("words", "spared"),
    [
        (SHOW, 1),
        (("model.promote", "patient/1", "moved"), 3),
        (("model.register", "--weights", str(REPOSITORY / "demo" / "detector.onnx"), "--name", "late"), 9),
    ],
)
def test_a_server_that_begins_to_drip_later_ends_the_task_in_time(
    patient: Workspace, words: tuple[str, ...], spared: int
) -> None:
    with BadServer(port_of(patient), "drip", spared).running() as server:
        begun = time.monotonic()
        before(patient, server).fail(3, *words)
        assert time.monotonic() - begun < LONGEST


@pytest.mark.parametrize(
    ("kind", "words", "where"),
    [
        ("shape", SHOW, "registry/connection.py: names an MLflow server, and which"),
        ("refusal", SHOW, "registry/connection.py: See its log"),
        ("errors", SHOW, "registry/connection.py: See why"),
        ("errors", ("mlflow.users",), "registry/probe.py: The server's log says more"),
    ],
)
def test_the_hint_of_a_bad_answer_shows_how_the_projects_own_server_is(
    patient: Workspace, kind: str, words: tuple[str, ...], where: str
) -> None:
    with BadServer(port_of(patient), kind, spared=0).running() as server:
        asking = before(patient, server)
        shown = follow(asking, asking.fail(3, *words)[1], where).stdout
    assert "MLflow server: running" in shown or "Uvicorn running" in shown


def test_the_hint_of_answers_without_an_end_starts_the_projects_own_server_again(patient: Workspace) -> None:
    with BadServer(port_of(patient), "drip", spared=0).running() as server:
        _, hint = before(patient, server).fail(3, "model.list")
    where = "registry/connection.py: this project's own is ended and started with"
    pid = patient.document("mlflow.status")["pid"]
    follow(patient, hint, where, "--no-browser")
    assert patient.document("mlflow.status")["pid"] != pid
    patient.succeed("model.show", "patient@production")


def test_a_run_whose_server_drips_at_its_end_is_written_and_says_that_it_is_not_logged(
    patient: Workspace,
) -> None:
    words = ("--source", str(REPOSITORY / "demo" / "pictures"), "--limit", "1", "--output", "results/dripped")
    model = ("--model", str(REPOSITORY / "demo" / "detector.onnx"))
    with BadServer(port_of(patient), "drip").running() as server:
        ended = before(patient, server).invoke("detect.run", *words, *model)
    assert ended.returncode == 0, ended.stderr
    assert "warning: the results are written, but the run is not logged" in ended.stderr
    assert (patient.root / "results" / "dripped" / "detections.csv").is_file()
