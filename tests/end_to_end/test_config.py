"""The tasks about settings files through the real program, and completion in a real shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.make(tmp_path / "project")


def test_show(workspace: Workspace) -> None:
    (workspace.root / "configs/mlflow.yaml").unlink()
    (workspace.root / ".env").write_text(
        "WILDETECT_DETECTION__LABELSTUDIO__API_KEY=geheim\n", encoding="utf-8"
    )
    text = workspace.succeed("config.show")
    assert "geheim" not in text
    titles = [line for line in text.splitlines() if line.partition(": ")[2].startswith("configs/")]
    assert titles == [
        "census: configs/census.yaml",
        "detection: configs/detection.yaml",
        "detector_registration: configs/detector_registration.yaml",
        "mlflow: configs/mlflow.yaml does not exist: defaults count",
    ]
    rows = [line.split() for line in text.splitlines()]
    assert ["labelstudio.api_key", "***", ".env:1"] in [row[:3] for row in rows]
    assert ["workers", "1", "default"] in rows
    (pinned,) = [line for line in text.splitlines() if line.startswith("processing.pin_memory ")]
    assert pinned.endswith("default (no effect: onnxruntime copies tiles to the device itself)")


def test_show_one_section_as_json(workspace: Workspace) -> None:
    workspace.variables["WILDETECT_MLFLOW__WORKERS"] = "3"
    document = workspace.document("config.show", "--section", "mlflow")
    assert set(document) == {"sections"}
    (section,) = document["sections"]
    assert set(section) == {"section", "file", "exists", "variables", "keys"}
    assert (section["section"], section["exists"]) == ("mlflow", True)
    (workers,) = [key for key in section["keys"] if key["key"] == "workers"]
    assert workers == {
        "key": "workers",
        "value": 3,
        "origin": "environment",
        "place": f"environment variable {section['variables']}WORKERS",
        "no_effect": None,
    }


def test_a_wrong_file_does_not_hide_the_others(workspace: Workspace) -> None:
    (workspace.root / "configs/mlflow.yaml").write_text("hosts: x\n", encoding="utf-8")
    ended = workspace.invoke("config.show")
    assert ended.returncode == 2
    assert "error: configs/mlflow.yaml:1: hosts = 'x': unknown key; did you mean host?" in ended.stderr
    assert "processing.tile_size" in ended.stdout
    error, _ = workspace.fail(2, "config.show", "--config", "mine.yaml")
    assert error == "error: --config is given without --section"


def test_schema(workspace: Workspace) -> None:
    schema = workspace.root / "configs/schema/detection.schema.json"
    schema.unlink()
    error, hint = workspace.fail(2, "config.schema", "--check")
    assert (error, hint) == (
        "error: 1 of the schema files differ from the settings",
        "hint: uv run invoke config.schema",
    )
    assert "configs/schema/detection.schema.json" in workspace.succeed("config.schema").splitlines()
    assert json.loads(schema.read_text(encoding="utf-8"))["title"] == "configs/detection.yaml"
    workspace.succeed("config.schema", "--check")


# The documented command for each shell, then what its Tab key runs.
TAB = {
    "bash": "source <(invoke --print-completion-script bash); "
    "COMP_WORDS=(invoke detect.run --ov); COMP_CWORD=2; _complete_invoke invoke --ov; echo ${COMPREPLY[@]}",
    "zsh": "source <(invoke --print-completion-script zsh); "
    "words=(invoke detect.run --ov); _complete_invoke; print -l -- $reply",
    "fish": "invoke --print-completion-script fish | source; complete --do-complete 'invoke detect.run --ov'",
}


@pytest.mark.parametrize("shell", sorted(TAB))
def test_completion(workspace: Workspace, shell: str) -> None:
    program = shutil.which(shell)
    if program is None or os.name == "nt":
        pytest.skip(f"there is no {shell} on this machine")
    command = TAB[shell]
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    assert any(command.partition("; ")[0] in page.read_text(encoding="utf-8") for page in pages)
    bin_folder = Path(sys.executable).parent
    ended = subprocess.run(
        [program, "-c", command],
        cwd=workspace.root,
        env={**workspace.environment, "PATH": os.pathsep.join([str(bin_folder), os.environ["PATH"]])},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert {"--overlap", "--overlays"} <= set(ended.stdout.split()), ended.stdout + ended.stderr
