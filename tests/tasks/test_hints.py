"""Every command that the code hands to a person can be typed: tasks, options and values are those there are.

tests/end_to_end/test_hints.py gives the commands of hints on the mistakes that they belong to.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from invoke.main import program
from tests.hinted import FILLED, SOURCE, Told, lines_in_code, texts_of, told_at, told_in_code
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.settings.keys import key_names
from wildetect.settings.sections import sections
from wildetect.tasks import calling, meant, ns
from wildetect.tasks.command_line import corrected_words
from wildetect.wording import quoted, with_extra

TOLD = {" ".join(told.words) for told in told_in_code() if told.words[0] != FILLED}


@pytest.mark.parametrize("command", sorted(TOLD))
def test_a_command_in_the_code_can_be_typed(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WILDETECT_CALLER_CWD", str(tmp_path))
    words = command.split()
    for word in words[1:]:  # files and folders that the commands name are there
        if not word.startswith("-") and word != "...":
            (tmp_path / word).mkdir(parents=True, exist_ok=True)
    corrected_words(words, ns, program.initial_context)


# Values that no shell parts: names of tasks and aliases, words of a list, numbers, what is made of such.
PLAIN = re.compile(
    r"quoted\(.*|.*\balias|role|task|self\.task|action|how|command|newest|called|whose|words|folders|runs?"
    r"|.*\b(port|seconds|free_port).*|address\.uri|moved_away\(.*|' '\.join\(words\)"
    r"|extra|package|by_hand|TRACKING_URI|self\.uri"
)


def test_a_name_or_path_in_a_command_stands_in_quotes() -> None:
    """Models, data sets and folders may have spaces: what a person pastes must still be one word."""
    bare: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.JoinedStr):
                continue
            begun = False
            for part in node.values:
                if isinstance(part, ast.Constant):
                    begun = begun or re.search(r"(?<!Usage: )uv run .*invoke ", str(part.value)) is not None
                elif begun and isinstance(part, ast.FormattedValue):
                    value = ast.unparse(part.value)
                    if not PLAIN.fullmatch(value):
                        bare.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {value}")
    assert bare == []


PLACE = re.compile(r"[\w/]+\.py: .+")
NOT_FOLLOWED: frozenset[str] = frozenset()
"""Hints that no test follows after their mistake; one stays only with the reason why it cannot be had."""


SAID = {
    "census/design/vector_features.py: has no column",
    "detection/checks/classifier_inspection.py: FILLER cannot be used as classifier: FILLER",
    "detection/checks/classifier_inspection.py: classifier: FILLER",
    "detection/checks/recognition.py: would scale them twice",
    "detection/checks/row_layout.py: first_label: FILLER (as the settings say)",
    "detection/checks/row_layout.py: (it gave",
    "detection/checks/row_layout.py: (its name is background)",
    "detection/families/rows/columns.py: columns: [FILLER], box_unit: FILLER",
    "detection/families/shapes.py: they are fractions",
    "detection/tiles/scale.py: cannot make up for that",
    "detection/tiles/scale.py: so that tiles are not cut",
    "registry/reference.py: cannot be the name of a model: FILLER",
    "results/journal/record.py: there FILLER",
    "review/plan.py: cannot be read as a plan",
    "server/process/plan.py: has no valid port",
    "tasks/census/census.py: no plan",
    "tasks/model/register.py: family: FILLER",
    "workflows/detection.py: scale: FILLER",
}
"""Texts that look like lines of settings, and tell what there is, not what to write."""
NOT_WRITTEN = {
    # they are written, but what they do away with cannot be had: little memory, an OpenVINO build
    "checkup/environment.py: Close other programs; in configs/detection.yaml",
    "tasks/doctor.py: Set model.device: cpu",
    # a version of an earlier release, which did not refuse such names
    "workflows/model_choice.py: Register FILLER again with class_names",
    # what the two above them say, of tiles that are cut for a scale
    "workflows/detection.py: processing.scale: native, and",
    "workflows/detection.py: processing.scale to native, FILLER",
}
"""Lines of settings that no test writes after their mistake; the list only gets shorter."""


def named_in_tests() -> set[str]:
    """The hints that tests name as `module.py: part of its text`."""
    return {
        node.value
        for path in sorted((REPOSITORY / "tests").rglob("*.py"))
        if path != Path(__file__)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and PLACE.fullmatch(node.value)
    }


@pytest.mark.parametrize(
    ("every", "left"), [(told_in_code, NOT_FOLLOWED), (lines_in_code, SAID | NOT_WRITTEN)]
)
def test_each_hint_is_followed_after_its_mistake(
    every: Callable[[], tuple[Told, ...]], left: set[str]
) -> None:
    """A test that names a hint gives it to `follow` or `write_setting`, which check that it was said."""
    followed = {told for where in named_in_tests() for told in told_at(where)}
    others = {told for where in left for told in told_at(where)}
    assert followed & others == set()
    assert {f"{told.module}: {told.text}" for told in {*every()} - followed - others} == set()


def test_there_are_such_commands() -> None:
    assert len(TOLD) > 50


OF_OTHER_PROGRAMS = {
    "--project",
    *("--extra", "--inexact", "--clear", "--python", "--nthreads", "--inputs-as-nchw", "--backend-store-uri"),
    *("--list", "--help", "--reinstall", "--upgrade-package"),
}
"""Options of uv, dask, tf2onnx, MLflow and invoke itself, which hints name, too."""


def test_options_and_settings_that_texts_name_are_those_there_are() -> None:
    """A hint without a command is checked, too: its options are some task's, its keys some file's."""
    flags = {f"--{name}" for task in ns.task_names for one in ns[task].get_arguments() for name in one.names}
    flags |= {flag.replace("--", "--no-", 1) for flag in flags} | OF_OTHER_PROGRAMS
    keys = {key for model in sections() for key in key_names(model)}
    blocks = {key.partition(".")[0] for key in keys if "." in key} - {"model", "detection", "export"}
    wrong: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        for line, text in texts_of(path):
            if " " not in text or text.startswith("@echo off"):
                continue
            named = re.findall(r"(?<![\w-])--[a-z][\w-]*", text)
            wrong += [f"{path.name}:{line}: {one}" for one in named if one.replace("_", "-") not in flags]
            named = re.findall(r"(?<![\w./{])(?![\w.]*\.json)([a-z_]+(?:\.[a-z_]+)+)(?![\w/(])", text)
            unknown = [one for one in named if one.partition(".")[0] in blocks and one not in keys]
            wrong += [f"{path.name}:{line}: {one}" for one in unknown]
    assert wrong == []


def test_hints_of_a_program_that_was_installed_name_what_works_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_calling", [])
    calling.called_as("wildetect")
    hint = calling.as_called(f"Install it: {with_extra('remote')}, then: uv run invoke detect.run")
    assert re.search(
        r'uv tool install "wildetect\[remote\]( @ file://[^"]+)?", then: wildetect detect\.run', hint
    )
    hint = calling.as_called("uv run --extra ultralytics invoke model.train --name herd")
    assert re.match(
        r'uv tool install "wildetect\[ultralytics\][^"]*", then wildetect model\.train --name herd', hint
    )


def test_hints_outside_of_the_project_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_calling", [])
    monkeypatch.setattr(shutil, "which", lambda name: name)
    root = tmp_path / "my project"
    (root / "configs").mkdir(parents=True)
    calling.called_from(root / "configs", root)
    assert calling.as_called("uv run invoke demo") == "uv run invoke demo"  # uv looks for it upward
    calling.called_from(tmp_path, root)
    assert calling.as_called("Take uv run invoke demo; or uv sync --inexact --extra torch") == (
        f'Take uv run --project "{root}" invoke -r "{root}" demo; '
        f'or uv sync --project "{root}" --inexact --extra torch'
    )
    assert calling.as_called("uv run --extra cluster dask worker") == (
        f'uv run --project "{root}" --extra cluster dask worker'
    )


def test_hints_name_a_uv_that_is_not_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_calling", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("UV", "/home/ann/uv/bin/uv")
    calling.called_from(tmp_path, tmp_path)
    assert calling.as_called("stop it: uv run invoke mlflow.stop") == (
        "stop it: /home/ann/uv/bin/uv run invoke mlflow.stop"
    )


def test_hints_where_there_is_no_uv_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_calling", [])
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    calling.called_from(tmp_path, tmp_path)
    python = quoted(sys.executable)
    assert calling.as_called("Take uv run invoke demo") == f"Take {python} -m invoke demo"
    assert calling.as_called("uv run --extra torch invoke demo") == (
        f'{python} -m pip install -e "{tmp_path}[torch]", then {python} -m invoke demo'
    )


@pytest.mark.parametrize(
    ("typed", "hint", "given"),
    [
        (
            "mlflow.serve --host ::1 --port 5000 --detach",
            "mlflow.serve --port 5001",
            "mlflow.serve --host ::1 --detach --port 5001",
        ),
        (
            "mlflow.restart --config=my.yaml --timeout 9",
            "mlflow.serve --wait 240; or not",
            "mlflow.serve --config my.yaml --wait 240; or not",
        ),
        ("mlflow.serve --detach", "mlflow.restart", "mlflow.restart"),
        (
            "mlflow.migrate --dry-run --source old",
            "mlflow.migrate (without --dry-run)",
            "mlflow.migrate --source old (without --dry-run)",
        ),
        (
            "model.evaluate --images s3://me:secret@store/a",
            "model.evaluate --model x",
            "model.evaluate --model x",
        ),
        ("model.train", "model.train --dataset FOLDER", "model.train --dataset FOLDER"),
        ("model.promote --model a@b --undo", "model.promote a/1 b", "model.promote a/1 b"),
        ("model.import --name x", "model.list", "model.list"),
    ],
)
def test_a_hint_that_gives_the_task_again_keeps_what_was_typed(
    typed: str, hint: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meant, "_words", typed.split())
    assert meant.with_typed(f"Give it: uv run invoke {hint}") == f"Give it: uv run invoke {given}"


def test_a_hint_is_called_from_where_the_person_is(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "my project", UV="uv", MLFLOW_TRACKING_URI=unused_uri())
    told = workspace.invoke("-r", workspace.root, "model.shwo", folder=tmp_path).stderr
    assert f'uv run --project "{workspace.root}" invoke -r "{workspace.root}" --list' in told
    workspace.variables["WILDETECT_CALLER_CWD"] = str(tmp_path)  # as the .bat files say it
    told = workspace.invoke("doctor").stdout
    assert f'-> uv run --project "{workspace.root}" invoke -r "{workspace.root}" ' in told
