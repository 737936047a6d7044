"""What is typed behind `invoke`, or dropped on a .bat file: fixed, or refused with a hint."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.main import program
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.errors import ConfigurationError
from wildetect.tasks import ns
from wildetect.tasks.command_line import corrected_words, overview, words_of_explorer
from wildetect.tasks.support import Verb

FILE = r"C:\my work\scripts\run_detection.bat"


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        (" ", []),
        ("", []),
        (r" C:\a&b.jpg", [r"C:\a&b.jpg"]),
        (r' "C:\a b.jpg" C:\c^d,e;f=g%1.jpg', [r"C:\a b.jpg", r"C:\c^d,e;f=g%1.jpg"]),
        (r' "D:\my pictures\" D:\ ', ["D:\\my pictures\\", "D:\\"]),
        (r' --name="a b" --limit 3 \\server\x', ["--name=a b", "--limit", "3", r"\\server\x"]),
        (r' "C:\größe Ж" ""', ["C:\\größe Ж", ""]),
    ],
)
def test_words_of_explorer(behind: str, words: list[str]) -> None:
    assert words_of_explorer(rf'C:\WINDOWS\system32\cmd.exe /c ""{FILE}"{behind}"') == words


@pytest.mark.parametrize("line", ["", r"C:\WINDOWS\system32\cmd.exe", rf'cmd.exe /c "{FILE}"'])
def test_no_words_of_explorer(line: str) -> None:
    assert words_of_explorer(line) == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a&b.jpg", "-x.jpg", "demo"):
        (tmp_path / name).touch()
    for name in ("my pictures", "camps/flight 2/x"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("WILDETECT_CALLER_CWD", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("detect.run a&b.jpg", "detect.run --source a&b.jpg"),
        ("detect.run a&b.jpg . --limit 3", "detect.run --source a&b.jpg --source . --limit 3"),
        ("detect.run --limit 3 a&b.jpg --json .", "detect.run --limit 3 --source a&b.jpg --json --source ."),
        ("detect.run --limit=3 .", "detect.run --limit=3 --source ."),
        ("detect.run --output . --source . .", "detect.run --output . --source . --source ."),
        ("detect.run ./-x.jpg", "detect.run --source ./-x.jpg"),
        ("--echo detect.run -e .", "--echo detect.run -e --source ."),
        ("detect.run . mlflow.stop --timeout 3", "detect.run --source . mlflow.stop --timeout 3"),
        ("detect.run demo", "detect.run --source demo"),  # what exists goes before a task of that name
        ("census.run demo", "census.run --detections demo"),
        ("detect.export . demo", "detect.export --run . demo"),  # it takes one path, and has it
        ("mlflow.status demo", "mlflow.status demo"),
        ("detect.run . doctor", "detect.run --source . doctor"),
        ("detect.export .", "detect.export --run ."),
        ("model.register a&b.jpg --alias x", "model.register --weights a&b.jpg --alias x"),
        ("model.show demo@production --json", "model.show --model demo@production --json"),
        ("model.compare demo 1,2", "model.compare --name demo --versions 1,2"),
        ("model.compare demo 1 2", "model.compare --name demo --versions 1 --versions 2"),
        ("model.compare demo 1 doctor", "model.compare --name demo --versions 1 doctor"),
        ("doctor demo/1", "doctor --model demo/1"),
        ("doctor mlflow.status", "doctor mlflow.status"),
        ("review.import . a&b.jpg", "review.import --run . --source a&b.jpg"),
        ("review.import --run . a&b.jpg", "review.import --run . --source a&b.jpg"),
        ("model.train . herd@production", "model.train --dataset . --weights herd@production"),
        ("model.evaluate demo a&b.jpg", "model.evaluate --model demo --annotations a&b.jpg"),
        ("model.optimize demo/1 . demo", "model.optimize --model demo/1 --pictures . --pictures demo"),
        ("model.promote elephants/3 production", "model.promote --model elephants/3 --alias production"),
        (
            "model.promote --alias production elephants/3",
            "model.promote --alias production --model elephants/3",
        ),
        ("detect.export . csv report", "detect.export --run . --export csv --export report"),
        ("detect.export csv .", "detect.export --export csv --run ."),
        ("census.export . demo aed", "census.export --census . --census demo --format aed"),
        ("model.list mlflow.status", "model.list mlflow.status"),
        ("config.show detection model.list x", "config.show --section detection model.list --name x"),
        ("detect.run --help", "detect.run --help"),
        ("mlflow.serve --no-browser", "mlflow.serve --no-browser"),
        ("", ""),
    ],
)
def test_paths_become_sources(given: str, read: str, folder: Path) -> None:
    assert corrected_words(given.split(), ns, program.initial_context) == read.split()


@pytest.mark.parametrize(
    ("given", "says", "hint"),
    [
        ("detect.run gone.jpg", "there is no task, file or folder 'gone.jpg'", "in quotes"),
        ("detect.run deno", "there is no task, file or folder 'deno'", "Did you mean demo?"),
        ("detect.run ./A&B.jgp", "there is no task, file or folder './A&B.jgp'", 'Did you mean "a&b.jpg"?'),
        ("detect.run camp/flight-2/x", "there is no task", 'Did you mean "camps/flight 2/x"?'),
        ("detect.run my", "there is no task, file or folder 'my'", 'Did you mean "my pictures"?'),
        ("detect.run limit", "there is no task, file or folder 'limit'", "Did you mean --limit?"),
        ("detect.run . mlflow.stpo", "there is no task, file or folder", "Did you mean mlflow.stop?"),
        ("detect.export . .", "detect.export takes one --run, and was given more", "once for each"),
        ("detect.export . cvs", "there is no task, file or folder 'cvs'", "Did you mean csv?"),
        ("model.train camp herd/1", "there is no task, file or folder 'camp'", "Did you mean camps?"),
        ("model.evaluate demo/1 a&b.jgp", "there is no task, file or folder", 'Did you mean "a&b.jpg"?'),
        ("review.import . a&b.jgp", "there is no task, file or folder", 'Did you mean "a&b.jpg"?'),
        ("review.import . a&b.jpg .", "review.import takes nothing more after RUN SOURCE", "--help"),
        ("model.show demo/1 other", "there is no task 'other'", "uv run invoke --list"),
        ("detect.run . gone", "there is no task, file or folder 'gone'", "detect.run --help"),
        ("detect.run --sorce x", "detect.run has no option --sorce", "Did you mean --source?"),
        ("detect.run --sorce .", "detect.run has no option --sorce", "Did you mean --source?"),
        ("detect.run --sorce=x", "detect.run has no option --sorce", "Did you mean --source?"),
        ("mlflow.serve --no-brwser", "mlflow.serve has no option --no-brwser", "--no-browser?"),
        ("detect.run --output", "--output needs a value", "detect.run --help"),
        ("detect.run --output --json", "--output needs a value", "detect.run --help"),
        ("mlflow.stop a&b.jpg", "there is no task 'a&b.jpg'", "uv run invoke --list"),
        ("detct.run", "there is no task 'detct.run'", "Did you mean detect.run?"),
        (
            "detect.run --conf 0.3",
            "detect.run has no option --conf",
            "Did you mean --confidence or --config?",
        ),
        (
            "model.promote best demo/1",
            "model.promote takes MODEL ALIAS, in this order",
            "round: demo/1 best",
        ),
        ("model.export x.zip demo@best", "model.export takes MODEL OUTPUT", "demo@best x.zip"),
        ("model.train demo/1 camps", "model.train takes DATASET WEIGHTS", "camps demo/1"),
        ("model.optimize . demo/1 --json", "model.optimize takes MODEL PICTURES", "demo/1 ."),
        ("review.import a&b.jpg camps", "review.import takes RUN SOURCE", 'camps "a&b.jpg"'),
        ("model.show demo best", "there is no task, file or folder 'best'", "one word: demo@best"),
        ("model.delete demo 3", "there is no task, file or folder '3'", "one word: demo/3"),
        ("model.promote demo 1 best", "there is no task, file or folder", "one word: demo/1 best"),
        ("model.optimize demo best .", "there is no task, file or folder 'best'", "one word: demo@best"),
        ("detect.run . demo@best", "there is no task, file or folder", "Did you mean --model demo@best?"),
        ("mlflow.serve 5001", "there is no task, file or folder", "Did you mean --port 5001?"),
        ("--source x detect.run", "there is no option --source", "Options of a task come behind it."),
        ("--lst", "there is no option --lst", "Did you mean --list?"),
    ],
)
def test_what_is_refused(given: str, says: str, hint: str, folder: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        corrected_words(given.split(), ns, program.initial_context)
    assert caught.value.message.startswith(says)
    assert hint in caught.value.hint


ABOUT_ALL = {  # what they are about is the project, the server or the store as a whole
    *("demo", "census.selftest", "config.schema", "docs.write", "shims.write"),
    *("mlflow.clean", "mlflow.restart", "mlflow.serve", "mlflow.status", "mlflow.stop"),
}


@pytest.mark.parametrize("name", sorted({*ns.task_names} - ABOUT_ALL))
def test_what_a_task_is_about_needs_no_option(name: str, folder: Path) -> None:
    task = ns[name]
    assert isinstance(task, Verb)
    assert task.words
    values = [f"x/{number}" if word not in task.paths else "." for number, word in enumerate(task.words)]
    options = [part for word, value in zip(task.words, values, strict=True) for part in (f"--{word}", value)]
    assert corrected_words([name, *values], ns, program.initial_context) == [name, *options]
    assert {*task.words} <= {argument.name for argument in task.get_arguments()}
    named = corrected_words([name, *options], ns, program.initial_context)
    assert named == [name, *options]


def test_a_pattern_is_the_paths_that_fit_as_no_shell_of_windows_gives_them(folder: Path) -> None:
    for name in ("b [1]/10.jpg", "b [1]/2.jpg", "b [1]/.hidden.jpg", "b [1]/2.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    read = corrected_words(["detect.run", "--json", "b [1]/*.jpg"], ns, program.initial_context)
    files = [str(folder / "b [1]" / name) for name in ("10.jpg", "2.jpg")]
    assert read == ["detect.run", "--json", "--source", files[0], "--source", files[1]]
    named = ["model.promote", "demo/1", "x", "--require", "map50>=*"]
    assert corrected_words(named, ns, program.initial_context)[-1] == "map50>=*"


@pytest.mark.parametrize("words", [["--output="], ["--output", ""], ["--json", "--output="]])
def test_an_empty_value_is_not_the_default(words: list[str], folder: Path) -> None:
    """As a script gives it whose variable is empty: results would go where the settings say."""
    with pytest.raises(ConfigurationError, match="--output is given with nothing behind it"):
        corrected_words(["detect.run", ".", *words], ns, program.initial_context)


def test_an_empty_word_is_no_path(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no task, file or folder ''"):
        corrected_words(["detect.run", ""], ns, program.initial_context)


def test_through_the_program(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    error, hint = workspace.fail(2, "detect.run", "--sorce", "x")
    assert error == "error: detect.run has no option --sorce"
    assert "Did you mean --source?" in hint


def test_a_folder_that_is_called_as_a_task_is_a_folder(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    (workspace.root / "demo").mkdir()
    error, _ = workspace.fail(5, "census.run", "demo")
    assert error.endswith("demo holds no run.json of a run")
    assert not (workspace.root / "results").exists()  # the demo has not begun


def test_dropped_pictures_are_detected_in(tmp_path: Path) -> None:
    from PIL import Image

    pictures = [tmp_path / "a&b.png", tmp_path / "c d.png"]
    for picture in pictures:
        Image.new("RGB", (64, 48), "green").save(picture)
    dropped = f'--json "--model={REPOSITORY / "demo/detector.onnx"}" {pictures[0]} "{pictures[1]}"'
    line = f'cmd.exe /c ""{FILE}" {dropped}"'
    workspace = Workspace.make(
        tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri(), WILDETECT_COMMAND_LINE=line
    )
    ended = workspace.invoke("detect.run")
    assert ended.returncode == 0, ended.stderr
    assert '"found": 2' in ended.stdout


def test_invoke_alone_lists_every_task_once_everyday_ones_first() -> None:
    lines = overview(ns).splitlines()
    named = [line.split()[0] for line in lines if line.startswith("  ")]
    assert sorted(named) == sorted(ns.task_names)
    assert named[0] == "demo"
    assert lines.index("Every day") < lines.index("Maintenance")


@pytest.mark.parametrize("width", [50, 72])
def test_help_is_as_narrow_as_columns_says(tmp_path: Path, width: int) -> None:
    workspace = Workspace.make(tmp_path / "project", COLUMNS=str(width))
    for words in (("detect.run", "--help"), (), ("--list",)):
        lines = workspace.succeed(*words).splitlines()
        assert width - 12 < max(map(len, lines)) <= width, words


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (
            "model.promote --help",
            ["Usage: uv run invoke model.promote MODEL ALIAS [OPTIONS]", "  --model=VALUE "],
        ),
        ("--help detect.run", ["Usage: uv run invoke detect.run SOURCE ... [OPTIONS]", "  --source=PATH "]),
        ("mlflow.serve -h", ["  --no-browser ", "  --no-sign-in "]),  # neither --browser nor --[no-]browser
        ("demo --help", ["Usage: uv run invoke demo\n"]),
        ("--list", ["Every day\n", "Maintenance\n"]),
    ],
)
def test_help_says_how_a_task_is_called(tmp_path: Path, words: str, lines: list[str]) -> None:
    shown = Workspace.make(tmp_path / "project", COLUMNS="80").succeed(*words.split())
    for line in lines:
        assert f"\n{line}" in f"\n{shown}"
    assert not {"Docstring:", "inv[oke]", "STRING"} & {*shown.split()}


def test_help_on_what_is_no_task_says_so(tmp_path: Path) -> None:
    for words in (("detct.run", "--help"), ("--help", "detct.run")):
        said, hint = Workspace.make(tmp_path / words[0].strip("-")).fail(2, *words)
        assert said == "error: there is no task 'detct.run'"
        assert hint.startswith("hint: Did you mean detect.run?")


@pytest.mark.parametrize(
    ("words", "code", "near"),
    [
        ("detect.run --source pcitures", 5, "pictures"),
        ("detect.run --source=camp/nroth", 5, "camp/north"),
        ("model.register --weights detectr.onnx --name x", 4, "detector.onnx"),
        ("census.run --detections reslts", 5, "results"),
        ("review.plan --run reslts", 5, "results"),
        ("detect.run --config configs/detectoin.yaml", 2, "configs/detection.yaml"),
        ("model.train --dataset trainig-set --weights detector.onnx", 2, "training-set"),
        ("detect.run --source quite-another", 5, None),
    ],
)
def test_a_mistyped_path_behind_an_option_is_told_as_one_without(
    tmp_path: Path, words: str, code: int, near: str | None
) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    for name in ("pictures", "camp/north", "results", "training-set"):
        (workspace.root / name).mkdir(parents=True)
    (workspace.root / "detector.onnx").touch()
    _, hint = workspace.fail(code, *words.split())
    assert hint.startswith(f"hint: Did you mean {near}? ") if near else "Did you mean" not in hint


def test_the_console_script_has_the_same_tasks(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("wildetect.exe" if os.name == "nt" else "wildetect")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([script, *words], cwd=tmp_path, capture_output=True, text=True, check=False)

    listed = run().stdout
    assert "detect.run" in listed
    assert "wildetect TASK --help" in listed
    refused = run("model.promote", "demo/1")
    assert refused.returncode == 2
    assert "hint: wildetect model.promote demo/1 production" in refused.stderr
    assert run("--version").stdout.split() == ["wildetect", importlib.metadata.version("wildetect")]
