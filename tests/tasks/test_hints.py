"""Every command that the code hands to a person can be typed: tasks, options and values are those there are.

tests/end_to_end/test_hints.py gives the commands of hints on the mistakes that they belong to.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke.main import program
from tests.hinted import commands_in
from tests.workspaces import REPOSITORY, Workspace

from wildetect.settings.keys import key_names
from wildetect.settings.sections import sections
from wildetect.tasks import calling, ns
from wildetect.tasks.command_line import corrected_words
from wildetect.wording import quoted, with_extra

FILLED = "FILLER"
"""What stands for a value that is known only when the program runs."""
SOURCE = REPOSITORY / "src"


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """The strings of a module, f-strings whole, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in parts | said:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            pieces = [part.value if isinstance(part, ast.Constant) else FILLED for part in node.values]
            yield node.lineno, "".join(map(str, pieces))


def told_in_code() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for line, text in texts_of(path):
            for words in commands_in(text):
                if words[0] != FILLED and words[0] != "TASK":
                    found.setdefault(" ".join(words), []).append(f"{path.relative_to(SOURCE)}:{line}")
    return found


TOLD = told_in_code()


@pytest.mark.parametrize("command", TOLD)
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
    r"|extra|package|by_hand"
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
                    begun = begun or re.search(r"uv run .*invoke ", str(part.value)) is not None
                elif begun and isinstance(part, ast.FormattedValue):
                    value = ast.unparse(part.value)
                    if not PLAIN.fullmatch(value):
                        bare.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {value}")
    assert bare == []


NOT_PASTED = {
    *("config.show", "dataset.build", "doctor", "mlflow.clean", "mlflow.logs", "mlflow.migrate"),
    *("mlflow.restart", "mlflow.status", "mlflow.users", "model.delete", "model.import", "model.optimize"),
    *("model.register", "model.train", "review.import", "review.open"),
}
"""Tasks of hints that no test gives after the mistake; the list only gets shorter."""


def test_a_task_that_a_hint_names_is_given_after_its_mistake() -> None:
    tests = (REPOSITORY / "tests/end_to_end/test_hints.py").read_text(encoding="utf-8")
    given = set(re.findall(r'(?:\d|check"), "([a-z]+\.[a-z]+)"\)', tests))
    given |= set(re.findall(r'pasted\(.*\) == \["([a-z.]+)"\]', tests))
    given |= set(re.findall(r'(?:words(?:\[0\])?|commands_in\(hint\)) == \[*"([a-z.]+)"', tests))
    given |= {"mlflow.serve", "mlflow.stop", "mlflow.restore"}  # in tests of their own there
    assert {command.split()[0] for command in TOLD} - given == NOT_PASTED


def test_there_are_such_commands() -> None:
    assert len(TOLD) > 50


OF_OTHER_PROGRAMS = {
    "--project",
    *("--extra", "--inexact", "--clear", "--python", "--nthreads", "--inputs-as-nchw", "--backend-store-uri"),
    *("--list", "--help"),
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


def test_a_hint_is_called_from_where_the_person_is(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "my project", UV="uv")
    told = workspace.invoke("-r", workspace.root, "model.shwo", folder=tmp_path).stderr
    assert f'uv run --project "{workspace.root}" invoke -r "{workspace.root}" --list' in told
    workspace.variables["WILDETECT_CALLER_CWD"] = str(tmp_path)  # as the .bat files say it
    told = workspace.invoke("doctor").stdout
    assert f'-> uv run --project "{workspace.root}" invoke -r "{workspace.root}" ' in told
