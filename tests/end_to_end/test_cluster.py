"""Runs on several workers give what one process gives, through the real program and real workers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from benchmarks.kill_and_resume import Trial, differences
from tests.web_pictures import certificates, s3_server, web_server
from tests.workspaces import Workspace, free_port, unused_uri

pytest.importorskip("distributed", reason="the extra cluster")
WORDS = ("--source", "photographs", "--model", "tiny.onnx", "--tile-size", "64", "--confidence", "0.5")
IMAGES = 40
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
# a machine that has the photographs under another name, and not the model
ELSEWHERE = """
from wildetect.execution import model_files, portion
def hidden(stamp, digest):
    portion.stamp_of = lambda path: None if "photographs" in str(path) else stamp(path)
    model_files.sha256_of = lambda path: "" if path.name == "tiny.onnx" else digest(path)
hidden(portion.stamp_of, model_files.sha256_of)
"""
OLDER = """
from wildetect.execution import portion
def older(versions):
    portion.versions_here = lambda: {**versions(), "onnxruntime": "1.2.3"}
older(portion.versions_here)
"""
SLOW = """
import time
from wildetect.execution import portion
def slow(line):
    portion.document_of = lambda result, stamp: (time.sleep(0.15), line(result, stamp))[1]
slow(portion.document_of)
"""
MET = """
import os, time
from wildetect.execution import portion
def meets(found):
    def looked_for(photo, job):
        if photo.name == "{name}":
            {does}
        return found(photo, job)
    portion._found = looked_for
meets(portion._found)
"""
DEADLY = MET.format(name="7.jpg", does="os._exit(1)")
HANGING = MET.format(name="7.jpg", does="time.sleep(3600)")
GONE_DRIVE = MET.format(name="0.jpg", does="time.sleep(20)")
RASTER = 1152  # px; 484 tiles of 64


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    trial = Trial(tmp_path_factory.mktemp("cluster") / "trial", images=IMAGES)
    trial.make()
    trial.undisturbed()
    return Workspace(trial.root, {"MLFLOW_TRACKING_URI": unused_uri()})


@pytest.fixture(autouse=True)
def anew(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / "killed", ignore_errors=True)


@pytest.fixture
def dask(tmp_path: Path, workspace: Workspace) -> Iterator[Callable[..., None]]:
    """Starts programs of Dask, ended after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str, preload: str = "", variables: dict[str, str] | None = None) -> None:
        if preload:
            script = tmp_path / f"preload{len(started)}.py"
            script.write_text(preload, encoding="utf-8")
            words = (*words, "--preload", str(script))
        log = (tmp_path / f"{len(started)}.log").open("wb")
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        started.append(
            subprocess.Popen(
                command, stdout=log, stderr=log, env={**workspace.environment, **(variables or {})}
            )
        )

    yield start
    for process in reversed(started):
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(dask: Callable[..., None]) -> str:
    port = free_port()
    dask("scheduler", "--host", "127.0.0.1", "--port", str(port))
    return f"tcp://127.0.0.1:{port}"


def run(workspace: Workspace, *words: str, source: str = "photographs") -> subprocess.Popen[bytes]:
    """Start a run of two workers, in a process group of its own as a terminal does."""
    said = ("--source", source, *WORDS[2:], "--output", "killed", *words)
    return subprocess.Popen(
        [sys.executable, "-m", "invoke", "detect.run", *said],
        cwd=workspace.root,
        env=workspace.environment,
        stdout=subprocess.DEVNULL,
        stderr=(workspace.root / "said.txt").open("wb"),
        start_new_session=True,
    )


def lines(workspace: Workspace) -> int:
    journal = workspace.root / "killed" / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def begun(workspace: Workspace, process: subprocess.Popen[bytes]) -> None:
    """Wait for the first results."""
    until = time.monotonic() + 60
    while lines(workspace) < 3:
        assert process.poll() is None, (workspace.root / "said.txt").read_text(encoding="utf-8")
        assert time.monotonic() < until
        time.sleep(0.002)


def test_two_workers_find_what_one_process_finds(workspace: Workspace) -> None:
    ended = workspace.invoke("detect.run", *WORDS, "--output", "killed", "--cluster", "local:2")
    assert ended.returncode == 5, ended.stderr  # the broken photograph
    assert "detecting on 2 workers" in ended.stderr
    assert "1 of 41 images failed" in ended.stderr
    assert differences(workspace.root) == []


@POSIX
def test_a_worker_that_is_killed_costs_no_result(workspace: Workspace) -> None:
    process = run(workspace, "--cluster", "local:2")
    begun(workspace, process)
    workers = [
        child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())
    ]
    assert len(workers) == 2
    workers[0].kill()
    assert lines(workspace) < IMAGES
    assert process.wait(60) == 5
    assert differences(workspace.root) == []


@POSIX
def test_ctrl_c_keeps_what_is_done_and_one_process_goes_on(workspace: Workspace) -> None:
    process = run(workspace, "--cluster", "local:2")
    begun(workspace, process)
    workers = psutil.Process(process.pid).children()
    os.killpg(process.pid, signal.SIGINT)  # all of them, as a terminal does
    assert process.wait(60) == 130
    assert not psutil.wait_procs(workers, timeout=10)[1]
    done = json.loads((workspace.root / "killed" / "run.json").read_text(encoding="utf-8"))
    assert done["state"] == "interrupted"
    assert 0 < done["images"]["done"] < IMAGES
    ended = workspace.invoke("detect.run", *WORDS, "--output", "killed")
    assert f"{done['images']['done']} of 41 images had been done before" in ended.stderr
    assert differences(workspace.root) == []


@POSIX
def test_workers_end_with_a_parent_that_is_killed_and_a_cluster_goes_on(workspace: Workspace) -> None:
    process = run(workspace, "--cluster", "local:2")
    begun(workspace, process)
    workers = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    assert not psutil.wait_procs(workers, timeout=20)[1]
    assert run(workspace, "--cluster", "local:2").wait(60) == 5
    assert differences(workspace.root) == []


def test_a_worker_is_sent_the_model_and_finds_the_folder_by_its_own_name(
    workspace: Workspace, scheduler: str, dask: Callable[..., None], tmp_path: Path
) -> None:
    dask("worker", scheduler, "--nthreads", "1", "--local-directory", str(tmp_path / "w"), preload=ELSEWHERE)
    words = (*WORDS, "--output", "killed", "--cluster", scheduler)
    error, hint = workspace.fail(2, "detect.run", *words)
    assert "1 of 1 worker cannot take part: cannot read " in error
    assert "--path-map" in hint
    assert not (workspace.root / "killed").exists()
    there = tmp_path / "share"
    shutil.copytree(workspace.root / "photographs", there)
    mapping = f"{workspace.root / 'photographs'}={there}"
    ended = workspace.invoke("detect.run", *words, "--path-map", mapping)
    assert ended.returncode == 5, ended.stderr
    assert differences(workspace.root) == []
    assert list((tmp_path / "w").rglob("*.onnx"))


@pytest.mark.parametrize("where", ["https", "s3"])
def test_a_folder_of_the_parent_may_lie_at_an_address_for_workers(
    where: str, workspace: Workspace, scheduler: str, dask: Callable[..., None], tmp_path: Path
) -> None:
    photographs = workspace.root / "photographs"
    with ExitStack() as stack:
        if where == "https":
            authority, certificate = certificates(tmp_path)
            there = stack.enter_context(web_server(photographs, certificate)).address
            variables = {"REQUESTS_CA_BUNDLE": str(authority)}
        else:
            there, variables = "s3://survey/", stack.enter_context(s3_server(photographs))
        # the worker alone signs in
        dask("worker", scheduler, "--nthreads", "1", preload=ELSEWHERE, variables=variables)
        mapping = ("--path-map", f"photographs={there}", "--path-map", "elsewhere=/mnt/x")
        words = ("--output", "killed", "--cluster", scheduler, *mapping)
        ended = workspace.invoke("detect.run", *WORDS, *words)
    assert ended.returncode == 5, ended.stderr
    assert f"--path-map {workspace.root / 'elsewhere'}=...: no photograph" in ended.stderr
    assert differences(workspace.root) == []


def test_an_object_that_is_gone_fails_alone_and_no_worker_for_it(
    workspace: Workspace, scheduler: str, dask: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    with s3_server(workspace.root / "photographs") as variables:
        dask("worker", scheduler, "--nthreads", "1", preload=SLOW, variables=variables)
        with monkeypatch.context() as own:
            for name, value in variables.items():
                own.setitem(workspace.variables, name, value)
            process = run(workspace, "--cluster", scheduler, source="s3://survey/")
        begun(workspace, process)
        client = boto3.client(
            "s3",
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            aws_access_key_id="camp",
            aws_secret_access_key="lions-and-keys",  # noqa: S106 - of a server that lives as long as the test
            region_name="us-east-1",
        )
        client.delete_object(Bucket="survey", Key="39.jpg")
        assert process.wait(90) == 5
    said = (workspace.root / "said.txt").read_text(encoding="utf-8")
    assert "is left out" not in said
    done = json.loads((workspace.root / "killed" / "run.json").read_text(encoding="utf-8"))
    assert {one["file"]: one["reason"] for one in done["failures"]}["39.jpg"] == (
        "there is nothing at its address (HTTP 404)"
    )
    assert len(done["failures"]) == 2


def test_a_worker_of_another_version_is_refused_and_one_that_comes_later_is_left_out(
    workspace: Workspace, scheduler: str, dask: Callable[..., None]
) -> None:
    error, hint = workspace.fail(3, "detect.run", *WORDS, "--output", "killed", "--cluster", unused_tcp())
    assert "no scheduler of Dask answers" in error
    assert "dask scheduler" in hint
    dask("worker", scheduler, "--nthreads", "1", "--no-nanny", preload=SLOW)
    process = run(workspace, "--cluster", scheduler)
    begun(workspace, process)
    dask("worker", scheduler, "--nthreads", "1", "--no-nanny", preload=OLDER)
    assert process.wait(60) == 5
    said = (workspace.root / "said.txt").read_text(encoding="utf-8")
    assert said.count("is left out") == 1
    assert "1.2.3 there" in said
    assert differences(workspace.root) == []
    dask("worker", scheduler, "--nthreads", "1", "--no-nanny", preload=OLDER)
    time.sleep(4)
    error, _ = workspace.fail(2, "detect.run", *WORDS, "--output", "other", "--cluster", scheduler)
    assert "1 of 2 workers cannot take part: onnxruntime" in error


def test_a_photograph_that_workers_die_of_fails_alone(
    workspace: Workspace, dask: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    scheduler = unused_tcp()
    dask("scheduler", "--host", "127.0.0.1", "--port", scheduler.rpartition(":")[2])
    dask("worker", scheduler, "--nthreads", "1", preload=DEADLY)
    ended = workspace.invoke("detect.run", *WORDS, "--output", "killed", "--cluster", scheduler)
    assert ended.returncode == 5, ended.stderr
    done = json.loads((workspace.root / "killed" / "run.json").read_text(encoding="utf-8"))
    assert [one["file"] for one in done["failures"]] == ["7.jpg", "broken.jpg"]
    assert "the workers that were given it died" in done["failures"][0]["reason"]
    ended = workspace.invoke("detect.run", *WORDS, "--output", "killed")
    assert "39 of 41 images had been done before" in ended.stderr
    assert differences(workspace.root) == []


def test_a_worker_that_hangs_costs_its_photographs_time_only(
    workspace: Workspace, dask: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_WILDETECT__PATIENCE", "3")
    scheduler = unused_tcp()
    dask("scheduler", "--host", "127.0.0.1", "--port", scheduler.rpartition(":")[2])
    dask("worker", scheduler, "--nthreads", "1", "--no-nanny", preload=HANGING)
    process = run(workspace, "--cluster", scheduler)
    begun(workspace, process)
    dask("worker", scheduler, "--nthreads", "1", "--no-nanny")
    assert process.wait(90) == 5
    said = (workspace.root / "said.txt").read_text(encoding="utf-8")
    assert said.count("has not come to an end of its task") == 1
    assert differences(workspace.root) == []


def test_a_worker_whose_drive_does_not_answer_is_named_before_work_starts(
    workspace: Workspace, scheduler: str, dask: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_WILDETECT__PATIENCE", "1")
    dask("worker", scheduler, "--nthreads", "1", "--no-nanny", preload=GONE_DRIVE)
    started = time.monotonic()
    error, hint = workspace.fail(2, "detect.run", *WORDS, "--output", "killed", "--cluster", scheduler)
    assert time.monotonic() - started < 20
    assert "1 of 1 worker cannot take part: has looked for " in error
    assert "0.jpg for 1 s without an end" in error
    assert "See that the folder opens there" in hint
    assert not (workspace.root / "killed").exists()


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    trial = Trial(tmp_path_factory.mktemp("mosaic") / "trial", images=2, raster=RASTER)
    trial.make()
    trial.undisturbed()
    return Workspace(trial.root, {"MLFLOW_TRACKING_URI": unused_uri()})


def test_a_long_raster_is_shared_by_the_workers(mosaic: Workspace) -> None:
    shutil.rmtree(mosaic.root / "killed", ignore_errors=True)
    ended = mosaic.invoke("detect.run", *WORDS, "--output", "killed", "--cluster", "local:2")
    assert ended.returncode == 5, ended.stderr
    assert differences(mosaic.root) == []
    parts = [json.loads(line) for line in journal_of(mosaic) if b'"part_of"' in line]
    done = [tuple(window) for part in parts for window in part["windows"]]
    assert len(done) == len(set(done)) == tiles_of(mosaic), "no tile is done twice"
    assert len(parts) > 4


@POSIX
def test_a_long_raster_goes_on_where_a_killed_cluster_stopped(mosaic: Workspace) -> None:
    for way in (("--cluster", "local:2"), ()):
        shutil.rmtree(mosaic.root / "killed", ignore_errors=True)
        process = run(mosaic, "--cluster", "local:2")
        until = time.monotonic() + 60
        while not any(b'"part_of"' in line for line in journal_of(mosaic)):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.002)
        process.kill()
        process.wait()
        before = sum(line.count(b'"part_of"') for line in journal_of(mosaic))
        ended = mosaic.invoke("detect.run", *WORDS, "--output", "killed", *way)
        assert ended.returncode == 5, ended.stderr
        assert differences(mosaic.root) == []
        parts = [json.loads(line) for line in journal_of(mosaic) if b'"part_of"' in line]
        done = [tuple(window) for part in parts for window in part["windows"]]
        assert before > 0
        assert len(done) == len(set(done)), "what was kept is not done again"


def journal_of(workspace: Workspace) -> list[bytes]:
    journal = workspace.root / "killed" / "journal.jsonl"
    return journal.read_bytes().splitlines() if journal.exists() else []


def tiles_of(workspace: Workspace) -> int:
    lines = [json.loads(line) for line in journal_of(workspace) if b'"mosaic.tif"' in line]
    (raster,) = [line for line in lines if "image" in line]
    return int(raster["tiles"]) + int(raster["tiles_empty"])


def unused_tcp() -> str:
    return f"tcp://127.0.0.1:{free_port()}"
