"""A model knows the scale of its training; a run far off it says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.hinted import write_setting
from tests.workspaces import Workspace, unused_uri


@pytest.mark.parametrize(("times", "look"), [(1.0, None), (1.3, None), (2.0, "small"), (0.5, "large")])
def test_a_run_far_off_the_scale_of_training_says_so(
    tmp_path: Path, shared_data: Path, times: float, look: str | None
) -> None:
    workspace = Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri())
    file = workspace.root / "configs/detector_registration.yaml"
    trained = 4 / times  # the run is at 4 cm/px
    weights = shared_data / "reports/models/blob2.onnx"  # its input has 640 px
    file.write_text(f"model_path: {weights}\ntrained_gsd_cm: {trained}\n", encoding="utf-8")
    config = workspace.root / "configs/scaled.yaml"
    config.write_text(
        "flight_specs: {gsd: 4}\nprocessing: {tile_size: 640, overlap_ratio: auto}\n", encoding="utf-8"
    )
    picture = shared_data / "reports/colony.png"
    ended = workspace.invoke("detect.run", picture, "--model", weights, "--config", config)
    assert ended.returncode == 0, ended.stderr
    run = json.loads((workspace.root / "results/run.json").read_text(encoding="utf-8"))
    told = [one["what"] for one in run["doubts"] if "cm/px" in one["what"]]
    assert len(told) == (look is not None)
    if look is not None:
        assert f"too {look} to the model, which was trained on {trained:g} cm/px" in told[0]
        assert f"processing.tile_size to about {640 / times:.0f}" in told[0]
        assert told[0] in ended.stderr
        write_setting(config, told[0], "detection/tiles/scale.py: set processing.scale to auto")
        ended = workspace.invoke("detect.run", picture, "--model", weights, "--config", config, "--restart")
        assert ended.returncode == 0, ended.stderr
        assert told[0] not in ended.stderr
