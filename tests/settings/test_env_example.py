""".env.example: whole, readable, and every line of it does something."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY

from wildetect.settings import Project, load_settings
from wildetect.settings.keys import FromVariable, fields_of
from wildetect.settings.project import Variables
from wildetect.settings.sections import sections
from wildetect.tasks.support import EXPORTED_PREFIXES

EXAMPLE = REPOSITORY / ".env.example"
# What the system or another program sets, and what our programs tell one another.
NOT_FOR_USERS = {
    "CI",
    "COLUMNS",
    "DISPLAY",
    "PYTHONPATH",
    "PYTHONWARNINGS",
    "UV",
    "WAYLAND_DISPLAY",
    "WILDETECT_CALLER_CWD",
    "WILDETECT_COMMAND_LINE",
    "WILDETECT_SERVER_FOLDER",
}
LINE = re.compile(r"#?([A-Z][A-Z0-9_]*)=")


def named() -> set[str]:
    """The variables that stand in the example, set or as a remark."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_+[A-Z0-9]+)+", text))


def read_by_the_code() -> Iterator[str]:
    """Each variable that is asked for by its name: of the project, or of the environment."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (REPOSITORY / "src").rglob("*.py")]
    constants = {
        target.id: node.value.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in (node for tree in trees for node in ast.walk(tree)):
        asked = _asked_for(node)
        if isinstance(asked, ast.Name):
            asked = ast.Constant(constants.get(asked.id))
        if isinstance(asked, ast.Constant) and isinstance(asked.value, str):
            yield asked.value


def _asked_for(node: ast.AST) -> ast.expr | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        of = ast.unparse(node.func.value)
        if node.func.attr in ("variable", "origin_of") or (of == "os.environ" and node.func.attr != "update"):
            return node.args[0]
        return node.args[0] if (of, node.func.attr) == ("os", "getenv") else None
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
        return node.slice
    return None


def test_the_scan_sees_how_variables_are_read() -> None:
    found = set(read_by_the_code())
    assert {"MLFLOW_TRACKING_URI", "MLFLOW_ALIAS", "MLFLOW_TRACKING_PASSWORD", "WILDETECT_DEBUG"} <= found


def test_every_variable_that_is_read_is_explained() -> None:
    markers = {
        marker.name
        for model in sections()
        for _, info in fields_of(model)
        for marker in info.metadata
        if isinstance(marker, FromVariable)
    }
    assert markers >= {"MLFLOW_REGISTRY_NAME", "MLFLOW_ALIAS", "MLFLOW_TRACKING_URI"}
    assert {*read_by_the_code(), *markers} - NOT_FOR_USERS <= named()


def test_names_of_existing_files_and_every_kind_are_there() -> None:
    """facts: the keys that users' .env files hold."""
    assert named() >= {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "CUDA_VISIBLE_DEVICES",
        "DATA_ROOT",
        "LABEL_STUDIO_API_KEY",
        "LABEL_STUDIO_URL",
        "MLFLOW_S3_ENDPOINT_URL",
    }
    for prefix in (*EXPORTED_PREFIXES, *(f"WILDETECT_{model.section.upper()}__" for model in sections())):
        assert any(name.startswith(prefix) for name in named()), prefix


def test_each_line_can_be_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    taken = [line.removeprefix("#") for line in lines if LINE.match(line)]
    (tmp_path / ".env").write_text("\n".join(taken), encoding="utf-8")
    project = Project(tmp_path, Variables.read(tmp_path / ".env"))
    assert len(project.dotenv.lines) == len(taken) > 15
    monkeypatch.setenv("WILDETECT_CENSUS__CAMPAIGN__ID", "x")
    settings = {model.section: load_settings(model, project).model_dump() for model in sections()}
    assert settings["detection"]["processing"]["tile_size"] == 640
    assert settings["registration"]["processing"]["name"] == "elephants"
    assert settings["mlflow"]["open_browser"] is False
    assert settings["census"]["survey"]["tolerance"] == 5


def test_it_sets_no_secret() -> None:
    values = Variables.read(EXAMPLE).values
    assert dict(values) == {"MLFLOW_TRACKING_URI": "http://localhost:5000"}
