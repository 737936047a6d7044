"""What a run says before it begins, and a dry run instead of it, through the real program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.detection.networks import save_network
from tests.detection.test_decoders import yolov8
from tests.hinted import write_setting
from tests.workspaces import Workspace, unused_uri

WORDS = ("detect.run", "--config", "survey.yaml", "--model", "network.onnx", "--output", "found")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    names = "{0: 'elephant', 1: 'kob', 2: 'topi'}"
    save_network(made.root / "network.onnx", yolov8()[0], metadata={"names": names, "task": "detect"})
    (made.root / "camp").mkdir()
    for name in ("1.png", "2.png"):
        Image.new("RGB", (200, 100), "tan").save(made.root / "camp" / name)
    return made


def configure(workspace: Workspace, **blocks: dict[str, object]) -> None:
    settings = {"image_dir": "camp", **blocks}
    (workspace.root / "survey.yaml").write_text(json.dumps(settings), encoding="utf-8")


def test_automatic_overlap_is_told_with_what_is_assumed(workspace: Workspace) -> None:
    # 24 mm / 35 mm * 10 m / 100 px = 6.9 cm/px
    configure(workspace, flight_specs={"flight_height": 10})
    words = (*WORDS, "--overlap", "auto", "--tile-size", "64")
    says = "0.39 of a tile (auto); height or lens assumed from flight_specs for 2 of 2 images"
    config = json.loads((workspace.root / "survey.yaml").read_text(encoding="utf-8"))
    configure(workspace, **config | {"processing": {"largest_animal": 1.5}})
    planned = workspace.invoke(*words, "--dry-run")
    assert f"overlap  {says}\n" in planned.stdout
    assert workspace.document(*words, "--dry-run")["overlap"] == {
        "images": 2,
        "least": 0.391,
        "most": 0.391,
        "assumed": 2,
        "unknown": 0,
        "capped": 0,
    }
    ended = workspace.invoke(*words)
    assert ended.returncode == 0
    assert f"tiles overlap by {says}\n" in ended.stderr
    assert "should overlap" not in ended.stderr
    # what is said is not part of what a second start is compared by
    assert workspace.document(*words)["resumed_images"] == 2


def test_a_dry_run_compares_the_usual_overlap_with_the_automatic_one(workspace: Workspace) -> None:
    configure(workspace, flight_specs={"gsd": 3}, processing={"largest_animal": 0.2})
    words = (*WORDS, "--tile-size", "16", "--dry-run")
    fixed, auto = workspace.document(*words)["overlaps"]
    assert (fixed["overlap_ratio"], auto["overlap_ratio"]) == ("0.2", "auto")

    assert fixed["tiles"] == workspace.document(*words, "--overlap", "0.2")["tiles"]
    assert auto["tiles"] == workspace.document(*words, "--overlap", "auto")["tiles"] != fixed["tiles"]
    assert auto["seconds"] > fixed["seconds"] > 0
    shown = workspace.invoke(*words).stdout
    assert f"with overlap 0.2: {fixed['tiles']}, about " in shown
    assert f"with auto: {auto['tiles']}, about " in shown


def test_tiles_too_small_for_the_largest_animal_are_told(workspace: Workspace) -> None:
    configure(workspace, flight_specs={"gsd": 3})
    words = (*WORDS, "--overlap", "auto", "--tile-size", "64")
    warning = (
        "warning: for an animal of 6 m tiles should overlap by up to 221 px, but those of 64 px overlap by "
        "half at most: it may be cut at their edges in 2 of 2 images. Set processing.tile_size to 500 or "
        "more, or processing.largest_animal to less, or fix flight_specs.gsd, which is in cm/px.\n"
    )
    for more in ((), ("--dry-run",)):
        ended = workspace.invoke(*words, *more)
        assert ended.returncode == 0
        assert warning in ended.stderr
    configure(workspace, flight_specs={"gsd": 3}, processing={"tile_size": 64, "overlap_ratio": "auto"})
    said = workspace.invoke(*WORDS, "--dry-run").stderr
    where = "workflows/detection.py: Set processing.tile_size to FILLER"
    write_setting(workspace.root / "survey.yaml", said, where, largest_animal=6)
    assert "should overlap" not in workspace.invoke(*WORDS, "--dry-run").stderr
    # one tile sees the whole image: no animal is cut by tiles
    ended = workspace.invoke(*WORDS[:-1], "whole", "--overlap", "auto", "--tile-size", "500")
    assert ended.returncode == 0
    assert "overlap" not in ended.stderr


def test_a_given_overlap_needs_no_words(workspace: Workspace) -> None:
    configure(workspace)
    assert workspace.document(*WORDS, "--dry-run")["overlap"] is None
    assert "overlap" not in workspace.invoke(*WORDS).stderr


@pytest.mark.parametrize(
    ("most", "says", "fix"),
    [
        (2, "3 of 5 images cannot be read; the run would stop after 3", "processing.max_errors to 3 or more"),
        (3, "3 of 5 images cannot be read", "The others would be done"),
    ],
)
def test_a_dry_run_says_whether_broken_files_would_stop_the_run(
    workspace: Workspace, most: int, says: str, fix: str
) -> None:
    for number in range(3):
        (workspace.root / f"camp/{number} broken.jpg").write_bytes(b"no picture")
    configure(workspace, processing={"max_errors": most})
    error, hint = workspace.fail(5, *WORDS, "--dry-run")
    assert says in error
    assert fix in hint
    if most == 2:
        write_setting(
            workspace.root / "survey.yaml", hint, "detection/run/dry_run.py: or set processing.max_errors"
        )
        assert "would stop" not in workspace.fail(5, *WORDS, "--dry-run")[0]
        configure(workspace, processing={"max_errors": most})
    _, hint = workspace.fail(5, *WORDS)
    assert ("processing.max_errors" in hint) == (most == 2)  # as the dry run said


@pytest.mark.parametrize(
    ("good", "hint"),
    [
        (0, "hint: Fix or remove this file and run again."),
        (1, "hint: The other is done and written; fix or remove this file and run again."),
    ],
)
def test_of_other_photographs_is_spoken_where_there_are_any(
    workspace: Workspace, good: int, hint: str
) -> None:
    configure(workspace)
    for photograph in sorted((workspace.root / "camp").iterdir())[good:]:
        photograph.unlink()
    (workspace.root / "camp/broken.jpg").write_bytes(b"no picture")
    error, said = workspace.fail(5, *WORDS)
    assert f"1 of {good + 1} image" in error
    assert said == hint
