"""A hint's command fixes what it stands under: each is pasted after the mistake that it belongs to."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.hinted import can_be_pasted, commands_in, commands_told, follow
from tests.workspaces import REPOSITORY, Workspace, unused_uri

MODEL = "hinted@production"


@pytest.fixture(scope="module")
def surveyed(served: Workspace) -> Iterator[Workspace]:
    """A project with a model, a finished run, its census and one photograph."""
    (served.root / "pictures").mkdir()
    shutil.copy(REPOSITORY / "demo/pictures/A1.jpg", served.root / "pictures")
    register = ("model.register", "--weights", REPOSITORY / "demo/detector.onnx", "--name", "hinted")
    served.succeed(*register, "--alias", "production")
    detect = ("detect.run", "pictures", "--model", MODEL, "--tile-size", "640")
    served.succeed(*detect, "--output", "results")
    served.succeed("census.run", "results", "--output", "census")
    yield served
    shutil.rmtree(served.root / "pictures")


def pasted(workspace: Workspace, hint: str) -> list[str]:
    """Give each whole command of a hint as it stands there, and demand that it does what it should."""
    given = [words for words in commands_in(hint) if can_be_pasted(words)]
    for words in given:
        ended = workspace.invoke(*words)
        assert ended.returncode == 0, f"{hint}\n{ended.stdout}{ended.stderr}"
    return [words[0] for words in given]


DETECTOR = REPOSITORY / "demo/detector.onnx"
TRUTH = REPOSITORY / "demo/truth.json"
LISTED = "tasks/model/listing.py: shows the models and their versions"
HELP = "tasks/command_line.py: FILLERuv run invoke FILLER --help lists the options."


@pytest.mark.parametrize(
    ("mistake", "code", "where"),
    [
        ("detect.run picturs", 2, HELP),
        ("detect.run pictures --model nobody@production", 4, "registry/versions.py: It holds"),
        ("detect.run pictures --model hinted", 2, "registry/reference.py: shows its versions"),
        ("model.evaluate hinted", 2, "registry/reference.py: shows its versions"),
        ("model.optimize hinted --pictures pictures", 2, "registry/reference.py: shows its versions"),
        ("detect.run pictures --model a:b", 2, "registry/reference.py: shows what there is"),
        ("detect.run --outptu x", 2, "tasks/command_line.py: uv run invoke FILLER --help lists the options."),
        (
            "review.import results pictures pictures",
            2,
            "tasks/command_line.py: Leave it out, or name",
        ),
        ("model.show", 2, LISTED),
        ("model.promote", 2, LISTED),
        ("model.compare", 2, LISTED),
        ("model.compare hinted/1 other/1", 2, "registry/reference.py: has those of"),
        (
            "model.promote hinted/1",
            2,
            "tasks/model/promotion.py: uv run invoke model.promote FILLER production",
        ),
        (
            "model.promote hinted/1 --name hinted --alias field",
            2,
            "tasks/model/promotion.py: uv run invoke model.promote FILLER FILLER",
        ),
        ("model.promote hinted --undo", 2, "tasks/model/promotion.py: shows its aliases"),
        (
            "model.promote hinted/1 field --better-than hinted/1",
            4,
            "tasks/model/promotion.py: See the other versions",
        ),
        ("model.history nobody", 4, "registry/connection.py: See what it holds"),
        (
            f"model.optimize '{REPOSITORY}/demo/detector.onnx' --pictures pictures",
            2,
            "workflows/optimizing.py: shows those there are",
        ),
        ("mlflow.restore", 2, "tasks/mlflow/store.py: Name the file with --source"),
    ],
)
def test_a_hint_can_be_pasted(surveyed: Workspace, mistake: str, code: int, where: str) -> None:
    follow(surveyed, surveyed.fail(code, *shlex.split(mistake))[1], where)


@pytest.mark.parametrize(
    ("mistake", "code", "where", "known"),
    [
        (
            "review.plan",
            2,
            "tasks/review/review.py: uv run invoke FILLER --run FOLDER",
            {"FOLDER": "results"},
        ),
        (
            "model.promote hinted/1 field --require map50>=0",
            4,
            "registry/requirement.py: Measure it",
            {"FILE": TRUTH},
        ),
        (
            "model.evaluate hinted/1 --dataset seen --limit 1 --tile-size 640",
            2,
            "tasks/model/quality.py: --annotations FILE",
            {"FILE": TRUTH},
        ),
        (
            "model.optimize --kind windows --agree 0.9 --dry-run --pictures absent",
            2,
            "tasks/model/optimize.py: model.optimize",
            {"NAME@ALIAS": MODEL, "FOLDER": "pictures"},
        ),
    ],
)
def test_a_hint_can_be_pasted_with_what_only_the_reader_knows(
    surveyed: Workspace, mistake: str, code: int, where: str, known: dict[str, Any]
) -> None:
    follow(surveyed, surveyed.fail(code, *shlex.split(mistake))[1], where, **known)


def test_the_hint_where_the_server_is_off(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    _, hint = workspace.fail(3, "model.list")
    status = workspace.invoke("mlflow.status").stderr
    found = workspace.invoke("doctor").stdout
    background = ("--detach", "--no-browser")
    try:
        follow(workspace, hint, "registry/probe.py: uv run invoke mlflow.serve", *background)
        for said, where in (
            (status, "server/process/status.py: Start it: uv run invoke mlflow.serve"),
            (found, "checkup/server.py: uv run invoke mlflow.serve"),
            (found, "checkup/model.py: uv run invoke mlflow.serve, or fix"),
        ):
            assert commands_told(said, where) == [["mlflow.serve"]]
        _, hint = workspace.fail(4, "model.show", "detector@production")
        where = "registry/versions.py: Nothing is registered yet"
        assert commands_told(hint, where, FILE=DETECTOR) == [["model.register", "--weights", str(DETECTOR)]]
        listed = workspace.invoke("model.list")
        found = workspace.invoke("doctor").stdout
        known: dict[str, Any] = {"FILE": DETECTOR}
        words = commands_told(found, "checkup/model.py: model.register --weights FILE", **known)
        assert words[0][-4:] == ["--name", "detector", "--alias", "production"]
        follow(
            workspace,
            listed.stderr,
            "tasks/model/listing.py: nothing is registered yet",
            *words[0][-4:],
            **known,
        )
        assert "problem  model" not in workspace.invoke("doctor").stdout
        unmeasured = workspace.invoke("model.compare", "detector")
        known = {"...": "detector/1", "FILE": TRUTH}
        limit = ("--limit", "1", "--tile-size", "640")
        follow(
            workspace,
            unmeasured.stderr,
            "tasks/model/comparison.py: None of them was measured",
            *limit,
            **known,
        )
        assert "None of them" not in workspace.invoke("model.compare", "detector").stderr
        newer = ("--port", str(int(workspace.variables["MLFLOW_TRACKING_URI"].rpartition(":")[2]) + 1))
        kept = workspace.invoke("mlflow.serve", *background, *newer)
        words = commands_told(kept.stderr, "tasks/mlflow/start.py: It keeps its settings")
        assert words == [["mlflow.restart", "--no-browser", *newer]]
    finally:
        workspace.succeed("mlflow.stop")


def test_the_hint_of_a_run_that_was_broken_off_names_its_settings_file(
    surveyed: Workspace, tmp_path: Path
) -> None:
    """The command goes on with the run: with the file that shaped it, in a folder with a space."""
    settings = surveyed.root / "my camp.yaml"
    settings.write_text("processing: {tile_size: 640, overlap_ratio: 0.3}\n", encoding="utf-8")
    output = tmp_path / "broken off"
    words = ("detect.run", "pictures", "--model", MODEL, "--config", settings, "--output", output)
    surveyed.succeed(*words)
    (output / "run.json").unlink()  # as after a power cut
    _, hint = surveyed.fail(5, "census.run", output, "--output", tmp_path / "census")
    assert "--config" in hint
    follow(surveyed, hint, "results/journal/command.py: uv run invoke FILLER")
    surveyed.succeed("census.run", output, "--output", tmp_path / "census")


def test_the_hint_of_a_run_gives_its_own_options_again(surveyed: Workspace, tmp_path: Path) -> None:
    """What shapes no result is kept with it, too: the part of the photographs, what else is written."""
    output = tmp_path / "some of them"
    words = ("detect.run", "pictures", "--model", MODEL, "--tile-size", "640", "--output", output)
    surveyed.succeed(*words, "--limit", "2", "--overlays", "none")
    surveyed.succeed(*words, "--limit", "1", "--overlays", "none", "--export", "gpkg", "--blur", "5")
    (output / "run.json").unlink()
    _, hint = surveyed.fail(5, "detect.export", output, "--export", "coco")
    assert pasted(surveyed, hint) == ["detect.run"]
    for given in ("--limit 1", "--overlays none", "--export gpkg", "--blur 5"):
        assert given in hint


@pytest.mark.parametrize("damage", ["power cut", "damaged line"])
def test_the_hint_of_a_run_that_a_census_began_is_that_census(
    surveyed: Workspace, tmp_path: Path, damage: str
) -> None:
    """No command of detect.run has the settings of a census."""
    settings = surveyed.root / "my census.yaml"
    document = {
        "campaign": {"id": "hinted"},
        "detection": {
            "image_dir": "pictures",
            "model": {"mlflow_model_name": "hinted", "mlflow_model_alias": "production"},
            "processing": {"tile_size": 640, "confidence": 0.35, "nms_threshold": 0.4},
        },
    }
    settings.write_text(yaml.safe_dump(document), encoding="utf-8")
    output = tmp_path / "of a census"
    words = ("census.run", "--config", settings, "--output", output)
    surveyed.succeed(*words)
    detections = output / "detections"
    if damage == "power cut":
        (detections / "run.json").unlink()
    else:
        journal = detections / "journal.jsonl"
        first, *others = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(b"".join([first, *(line.replace(b"1", b"2") for line in others)]))
    _, hint = surveyed.fail(5, "detect.export", detections, "--export", "gpkg")
    assert pasted(surveyed, hint) == ["census.run"]
    surveyed.succeed("detect.export", detections, "--export", "gpkg")
    # other settings into the same folder: what the hint offers is there
    settings.write_text(settings.read_text(encoding="utf-8").replace("640", "800"), encoding="utf-8")
    _, hint = surveyed.fail(2, *words)
    assert "--restart" in hint
    surveyed.succeed(*words, "--restart")
    assert json.loads((detections / "run.json").read_text(encoding="utf-8"))["settings"]["tile_size"] == 800


def test_a_run_stands_for_the_one_census_in_its_folder(surveyed: Workspace) -> None:
    inside = surveyed.root / "results/census"
    shutil.copytree(surveyed.root / "census", inside)
    try:
        _, hint = surveyed.fail(2, "census.export", "results")
        assert hint.endswith("results/census --format aed")
        (written,) = surveyed.document("census.export", "results", "--format", "citation")["files"]
        assert Path(written).parent == inside / "export"
        shutil.copytree(surveyed.root / "census", surveyed.root / "results/other")  # which is it, then?
        error, _ = surveyed.fail(5, "census.export", "results", "--format", "citation")
        assert "there is no census in" in error
    finally:
        for name in ("census", "other"):
            shutil.rmtree(surveyed.root / "results" / name, ignore_errors=True)
    _, hint = surveyed.fail(5, "census.export", "results", "--format", "aed")
    follow(surveyed, hint, "census/output/record.py: Take the census of this run")
    surveyed.succeed("census.export", "results/census", "--format", "aed")
    shutil.rmtree(inside)
    _, hint = surveyed.fail(5, "census.export", "pictures", "--format", "aed")
    follow(surveyed, hint, "census/output/record.py: Take one first", "--output", "another", FOLDER="results")


def test_a_census_of_a_finished_run_has_nothing_to_restart(surveyed: Workspace) -> None:
    error, _ = surveyed.fail(2, "census.run", "results", "--restart")
    assert "--restart" in error


def test_the_newest_backup_is_named(surveyed: Workspace, tmp_path: Path) -> None:
    workspace = replace(surveyed, root=tmp_path / "project")
    Workspace.make(workspace.root)
    (workspace.root / "runs/backups").mkdir(parents=True)
    (workspace.root / "runs/backups/mlflow-1.zip").touch()
    _, hint = workspace.fail(2, "mlflow.restore")
    assert hint.endswith("uv run invoke mlflow.restore --source runs/backups/mlflow-1.zip")


def test_a_hint_is_about_the_settings_file_that_was_given(surveyed: Workspace) -> None:
    """With --config nobody changes the file in configs/, which is not read."""
    (surveyed.root / "my camp.yaml").write_text("processing: {tile_size: 640}\n", encoding="utf-8")
    _, hint = surveyed.fail(2, "detect.run", "--config", "my camp.yaml", "--model", MODEL)
    assert "in my camp.yaml" in hint
    assert "configs/" not in hint


def test_settings_with_mistakes_are_named_beside_a_version(surveyed: Workspace) -> None:
    file = surveyed.root / "configs/detection.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text("modle: {}\n" + text, encoding="utf-8")
    try:
        shown = surveyed.succeed("model.show", MODEL)
        where = "tasks/model/listing.py: thresholds unknown"
        assert "modle" in follow(surveyed, shown, where, code=2).stderr
    finally:
        file.write_text(text, encoding="utf-8")


def test_a_hint_on_env_says_where_the_environment_comes_first(tmp_path: Path) -> None:
    uri = unused_uri()
    workspace = Workspace.make(tmp_path / "project")
    (workspace.root / ".env").write_text(f"MLFLOW_TRACKING_URI={uri}\n", encoding="utf-8")
    _, hint = workspace.fail(3, "model.list")
    assert "environment" not in hint
    workspace = replace(workspace, variables={"MLFLOW_TRACKING_URI": uri})
    _, hint = workspace.fail(3, "model.list")
    assert "MLFLOW_TRACKING_URI is set in the environment here, which comes before .env" in hint


@pytest.fixture(scope="module")
def offered(served: Workspace) -> Workspace:
    """A project with one version of a model."""
    register = ("model.register", "--weights", REPOSITORY / "demo/detector.onnx", "--name", "filled")
    served.succeed(*register, "--alias", "production")
    return served


def filled(hint: str, **known: str | Path) -> list[str]:
    """The one command of a hint, with what only the reader knows in the place of words in capitals."""
    (words,) = commands_in(hint)
    for word, value in known.items():
        words = [one.replace(word, str(value)) for one in words]
    assert can_be_pasted(words), hint
    return words


def test_the_hint_of_a_measure_without_labels(offered: Workspace) -> None:
    _, hint = offered.fail(2, "model.evaluate", "--model", "filled/1", "--limit", "1")
    words = filled(hint, FILE=REPOSITORY / "demo/truth.json")
    assert words == ["model.evaluate", "--limit", "1", "--model", "filled/1", "--annotations", str(TRUTH)]


@pytest.mark.parametrize(
    ("mistake", "fixed_by"),
    [
        ("config.schema --check", "settings/schema.py: uv run invoke config.schema"),
        ("docs.write --check", "docs/pages.py: then read the pages"),
        ("shims.write --check", "shims.py: uv run invoke shims.write"),
    ],
)
def test_the_hint_of_a_check_makes_it_pass(tmp_path: Path, mistake: str, fixed_by: str) -> None:
    workspace = Workspace.make(tmp_path / "project")
    (workspace.root / "configs/schema/detection.schema.json").unlink()
    _, hint = workspace.fail(2, *mistake.split())
    follow(workspace, hint, fixed_by)
    workspace.succeed(*mistake.split())


def test_env_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project")
    env = workspace.root / ".env"
    env.write_bytes("# ours\nMLFLOW_ALIAS=é\n".encode("latin-1"))
    error, _ = workspace.fail(2, "model.list")
    assert error == "error: .env:2: cannot be read as UTF-8 text"
