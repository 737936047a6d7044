"""A run that was killed, interrupted or stopped goes on, through the real program."""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benchmarks.kill_and_resume import Trial, differences
from tests.workspaces import Workspace, unused_uri


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    made = Trial(tmp_path_factory.mktemp("resume") / "trial", images=40)
    made.make()
    return made


@pytest.fixture(scope="module")
def seconds(trial: Trial) -> float:
    """How long an undisturbed run works."""
    return trial.undisturbed()


@pytest.fixture
def workspace(trial: Trial, seconds: float) -> Workspace:
    return Workspace(trial.root, {"MLFLOW_TRACKING_URI": unused_uri()})


WORDS = ("--source", "photographs", "--model", "tiny.onnx", "--tile-size", "64", "--confidence", "0.5")


def test_killed_at_any_moment_the_results_are_the_same(trial: Trial, seconds: float) -> None:
    moments = random.Random(5)
    trial.killed([moments.uniform(0, seconds / 5) for _ in range(5)])
    assert differences(trial.root) == []


def test_a_finished_run_is_only_exported_again(workspace: Workspace) -> None:
    output = workspace.root / "undisturbed"
    before = json.loads((output / "run.json").read_text(encoding="utf-8"))
    journal = (output / "journal.jsonl").read_bytes()
    table = (output / "detections.csv").read_bytes()
    (output / "detections.csv").unlink()
    ended = workspace.invoke("detect.run", *WORDS, "--output", "undisturbed", "--json")
    assert ended.returncode == 5  # the broken photograph is tried again, and still broken
    assert "40 of 41 images had been done before" in ended.stderr
    assert "41 of 41 images, " in ended.stderr
    assert "images/s" not in ended.stderr  # nothing was read in this start
    again = json.loads(ended.stdout)
    assert again["images"] == before["images"]
    assert again["times"]["started"] == before["times"]["started"]
    assert (output / "detections.csv").read_bytes() == table
    assert (output / "journal.jsonl").read_bytes().startswith(journal)


def test_other_settings_are_refused_and_restart_begins_anew(workspace: Workspace) -> None:
    words = (*WORDS[:-1], "0.49", "--output", "other")
    workspace.succeed("detect.run", *words, "--limit", "3")
    stale = sorted(path.name for path in (workspace.root / "other" / "overlays").iterdir())
    assert stale == ["0.jpg", "1.jpg", "2.jpg"]
    error, hint = workspace.fail(2, "detect.run", *WORDS, "--output", "other")
    assert "holds another run: its confidence differs" in error
    assert "--restart" in hint
    ended = workspace.invoke("detect.run", *WORDS, "--output", "other", "--restart", "--limit", "2")
    assert ended.returncode == 0, ended.stderr
    assert sorted(path.name for path in (workspace.root / "other" / "overlays").iterdir()) == stale[:2]


def test_a_changed_photograph_is_done_again(workspace: Workspace) -> None:
    output = ("--output", "changed", "--limit", "3")
    workspace.succeed("detect.run", *WORDS, *output)
    photograph = workspace.root / "photographs" / "1.jpg"
    before = photograph.stat()
    os.utime(photograph, (1, 1))
    assert workspace.document("detect.run", *WORDS, *output)["resumed_images"] == 2
    os.utime(photograph, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl+C cannot be sent from here")
def test_ctrl_c_keeps_what_is_done(workspace: Workspace, trial: Trial) -> None:
    process = trial.start("interrupted")
    journal = workspace.root / "interrupted" / "journal.jsonl"
    while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 3):
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    output = workspace.root / "interrupted"
    run = json.loads((output / "run.json").read_text(encoding="utf-8"))
    assert run["state"] == "interrupted"
    error, hint = workspace.fail(5, "detect.export", "--run", "interrupted", "--export", "gpkg")
    assert "is not finished: it was interrupted" in error
    assert 2 <= run["images"]["done"] < 41
    found = json.loads((output / "detections.json").read_text(encoding="utf-8"))["images"]
    assert len(found) == run["images"]["done"]
    # the hint, pasted, goes on with the run
    command = shlex.split(hint.partition("uv run invoke ")[2])
    assert command[0] == "detect.run"
    assert workspace.invoke(*command).returncode == 5, hint  # its broken photograph is among the left ones
    for name in ("detections.json", "detections.csv"):
        assert (output / name).read_bytes() == (workspace.root / "undisturbed" / name).read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl+C cannot be sent from here")
def test_a_ctrl_c_that_comes_twice_is_one(trial: Trial) -> None:
    process = trial.start("twice")
    journal = trial.root / "twice" / "journal.jsonl"
    while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 3):
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)  # uv passes on what the program got, too
    assert process.wait() == 130
    run = json.loads((trial.root / "twice" / "run.json").read_text(encoding="utf-8"))
    assert run["state"] == "interrupted"
    assert run["images"]["done"] >= 2


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl+C cannot be sent from here")
@pytest.mark.parametrize(
    ("loaded", "call"),
    [
        (
            "wildetect.tasks.command_line",
            "from invoke.main import program; program.run(['invoke', 'doctor'])",
        ),
        ("invoke", "from wildetect.__main__ import main; main()"),
    ],
)
def test_ctrl_c_while_tasks_load_ends_as_exit_codes_say(loaded: str, call: str) -> None:
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from importlib.abc import MetaPathFinder\n"
        "class Press(MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {loaded!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        f"sys.meta_path.insert(0, Press())\n{call}"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")


def test_killed_while_it_goes_on_it_is_no_finished_run(workspace: Workspace, trial: Trial) -> None:
    workspace.succeed("detect.run", *WORDS, "--output", "marked", "--limit", "2")
    journal = workspace.root / "marked" / "journal.jsonl"
    before = journal.stat().st_size
    process = trial.start("marked")
    while process.poll() is None and journal.stat().st_size == before:
        time.sleep(0.002)
    process.kill()
    process.wait()
    run = json.loads((workspace.root / "marked" / "run.json").read_text(encoding="utf-8"))
    assert run["state"] == "running"
    error, _ = workspace.fail(5, "detect.export", "--run", "marked", "--export", "csv")
    assert "it was killed or is still going on" in error
    workspace.invoke("detect.run", *WORDS, "--output", "marked")
    run = json.loads((workspace.root / "marked" / "run.json").read_text(encoding="utf-8"))
    assert (run["state"], run["images"]["done"]) == ("finished", 41)


def test_exports_that_were_once_made_are_kept_up_to_date(workspace: Workspace) -> None:
    words = ("detect.run", *WORDS, "--output", "kept")
    workspace.succeed(*words, "--limit", "1", "--export", "gpkg", "--export", "labelstudio")
    more = workspace.document(*words, "--limit", "3")
    assert {"detections.gpkg", "labelstudio.json", "labelstudio_setup.xml"} <= set(more["files"])
    folder = workspace.root / "kept"
    labelled = json.loads((folder / "labelstudio.json").read_text(encoding="utf-8"))
    assert len(labelled) == 3
    placed = (folder / "detections.gpkg").read_bytes()
    workspace.succeed("detect.export", "--run", "kept", "--export", "gpkg")
    assert (folder / "detections.gpkg").read_bytes() == placed


def test_images_that_are_gone_are_named_and_count_nowhere(workspace: Workspace) -> None:
    words = ("detect.run", *WORDS, "--output", "fewer")
    three = workspace.document(*words, "--limit", "3")
    ended = workspace.invoke(*words, "--limit", "2", "--json")
    assert ended.returncode == 0, ended.stderr
    two = json.loads(ended.stdout)
    lost = three["detections"] - two["detections"]
    assert lost > 0
    assert "warning: 1 image done before and not found now" in ended.stderr
    assert f"left out of all results, with {lost} detections" in ended.stderr
    told = f"1 image with {lost} detections"
    at_the_end = ended.stderr.rpartition("warning: not in these results: ")[2]
    assert at_the_end.startswith(told)
    assert two["left_out"] == {"images": 1, "detections": lost}
    assert three["left_out"] == {"images": 0, "detections": 0}
    assert two["times"]["seconds"] <= three["times"]["seconds"]  # of those that count
    folder = workspace.root / "fewer"
    assert f"{told} not found any more" in (folder / "report.html").read_text(encoding="utf-8")
    table = (folder / "detections.csv").read_bytes()
    workspace.succeed("detect.export", "--run", "fewer", "--export", "csv", "--export", "labelstudio")
    assert (folder / "detections.csv").read_bytes() == table
    assert len(json.loads((folder / "labelstudio.json").read_text(encoding="utf-8"))) == 2
    again = workspace.document(*words, "--limit", "3")
    assert (again["resumed_images"], again["detections"]) == (3, three["detections"])  # back, not done again


def test_another_model_is_named(workspace: Workspace) -> None:
    from benchmarks.networks import make_network, plain

    make_network(workspace.root / "other.onnx", plain(16, 3), side=64, share=0.05)
    workspace.succeed("detect.run", *WORDS, "--output", "model", "--limit", "1")
    words = [word if word != "tiny.onnx" else "other.onnx" for word in WORDS]
    ended = workspace.invoke("detect.run", *words, "--output", "model", "--limit", "1")
    assert ended.returncode == 2
    assert f"  model: {workspace.root / 'other.onnx'}, there {workspace.root / 'tiny.onnx'}\n" in ended.stderr


def test_a_second_run_into_the_same_folder(workspace: Workspace, trial: Trial) -> None:
    from wildetect.results.lock import sole_writer

    with sole_writer(workspace.root / "undisturbed"):
        error, _ = workspace.fail(2, "detect.run", *WORDS, "--output", "undisturbed")
    assert "another run is writing into" in error


def test_a_folder_that_cannot_be_written(workspace: Workspace) -> None:
    (workspace.root / "occupied").write_text("a file", encoding="utf-8")
    error, _ = workspace.fail(5, "detect.run", *WORDS, "--output", "occupied")
    assert "the output folder" in error


def test_a_dry_run_says_what_would_be_done(workspace: Workspace) -> None:
    words = ("detect.run", *WORDS, "--output", "undisturbed", "--dry-run")
    ended = workspace.invoke(*words, "--json")
    assert ended.returncode == 5  # it names the broken photograph
    document = json.loads(ended.stdout)
    assert document["state"] == "dry run"
    assert document["images"] == {
        "found": 41,
        "done": 40,
        "left": 1,
        "unreadable": 1,
        "without_position": 40,
        "pixels_looked_at": 40,
    }
    assert document["tiles"] == 0
    assert document["failures"][0]["file"] == "broken.jpg"
    fresh = workspace.invoke("detect.run", *WORDS, "--output", "never made", "--dry-run")
    assert "images   41 found\n" in fresh.stdout
    assert "tiles/s" in fresh.stdout
    assert not (workspace.root / "never made").exists()
    _, hint = workspace.fail(2, *words, "--overlap", "0.3")
    assert "--restart" in hint
