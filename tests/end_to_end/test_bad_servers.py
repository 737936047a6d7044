"""A server that answers at first and then drips: the task ends in time and says why."""

from __future__ import annotations

import json
import time

import pytest
from tests.bad_servers import BadServer
from tests.hinted import follow
from tests.servers import folder_of, port_of
from tests.workspaces import REPOSITORY, Workspace

PATIENCE = 2  # s for a whole answer; 60 by default
LONGEST = 60.0  # s for a task, on a machine that does other things besides
SHOW = ("model.show", "patient@production")
NOT_MLFLOW = "registry/connection.py: names an MLflow server, and which"
NOT_OURS = "registry/probe.py: who names it says"


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
    ("kind", "words"),
    [
        ("shape", SHOW),
        ("refusal", SHOW),
        ("errors", SHOW),
        ("errors", ("mlflow.users",)),
    ],
)
def test_the_hint_of_a_bad_answer_says_who_names_the_server(
    patient: Workspace, kind: str, words: tuple[str, ...]
) -> None:
    with BadServer(port_of(patient), kind, spared=0).running() as server:
        asking = before(patient, server)
        hint = asking.fail(3, *words)[1]
        place = NOT_MLFLOW if kind == "shape" else NOT_OURS
        shown = follow(asking, hint, place).stdout
        assert f"  tasks     use {server.uri} (" in shown
    assert "mlflow.logs" not in hint  # of another server
    assert "MLflow server: running" in shown


@pytest.mark.parametrize(("kind", "words"), [("refusal", SHOW), ("errors", SHOW), ("pages", ("doctor",))])
def test_the_log_of_the_projects_own_server_is_shown_where_that_one_fails(
    patient: Workspace, kind: str, words: tuple[str, ...]
) -> None:
    record = folder_of(patient) / "server.json"
    as_written = record.read_text(encoding="utf-8")
    with BadServer(port_of(patient), kind, spared=0).running() as server:
        place = {"url": server.uri, "port": int(server.uri.rpartition(":")[2])}
        record.write_text(json.dumps(json.loads(as_written) | place), encoding="utf-8")
        try:
            asking = Workspace(patient.root)
            ended = asking.invoke(*words)
            shown = follow(
                asking, ended.stdout + ended.stderr, "registry/probe.py: See why in its log"
            ).stdout
        finally:
            record.write_text(as_written, encoding="utf-8")
    assert (ended.returncode, "Uvicorn running" in shown) == (3, True), ended.stdout + ended.stderr


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
