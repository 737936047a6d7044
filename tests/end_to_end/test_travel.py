"""A version on a USB stick: out of one registry, into another name, with no server in between."""

from __future__ import annotations

import concurrent.futures
import json
from pathlib import Path
from typing import Any

from tests.hinted import follow
from tests.workspaces import REPOSITORY, Workspace, unused_uri

WEIGHTS = REPOSITORY / "demo" / "detector.onnx"
PICTURE = REPOSITORY / "demo" / "pictures" / "B2.jpg"


def client_of(workspace: Workspace) -> Any:
    import mlflow

    return mlflow.MlflowClient(workspace.variables["MLFLOW_TRACKING_URI"])


def test_a_version_travels_with_all_that_is_known_of_it(served: Workspace) -> None:
    served.succeed("model.register", "--weights", WEIGHTS, "--name", "pilgrim", "--alias", "production")
    truth = REPOSITORY / "demo" / "truth.json"
    words = (
        "--annotations",
        truth,
        "--images",
        truth.parent / "pictures",
        "--tile-size",
        "640",
        "--limit",
        "1",
    )
    served.succeed("model.evaluate", "--model", "pilgrim/1", *words)
    served.succeed("model.export", "pilgrim@production", "--output", "stick/pilgrim.zip")
    served.fail(2, "model.export", "pilgrim@production", "--output", "stick/pilgrim.zip")

    # without a server: made from what was fetched, and checked
    offline = Workspace(served.root, {"MLFLOW_TRACKING_URI": unused_uri()})
    made = offline.invoke("model.export", "pilgrim@production", "--output", "stick/offline.zip")
    assert made.returncode == 0, made.stderr
    assert "taking pilgrim version 1 from this machine" in made.stderr
    for file in ("stick/pilgrim.zip", "stick/offline.zip"):
        found = offline.document("model.import", file, "--dry-run")
        assert found["version"] is None
        assert [one["summary"]["dataset"] for one in found["package"]["evaluations"]] == ["truth"]
    offline.fail(3, "model.import", "stick/pilgrim.zip")
    offline.fail(3, "model.export", "pilgrim@never", "--output", "stick/never.zip")

    _, hint = served.fail(2, "model.import", "--dry-run")
    follow(served, hint, "tasks/model/travel.py: model.import FILE", FILE="stick/pilgrim.zip")

    # where it comes from, a second one is not made
    assert not served.document("model.import", "stick/pilgrim.zip")["made"]
    arrive = ("model.import", "stick/pilgrim.zip", "--name", "arrived")
    assert served.document(*arrive, "--alias", "field")["made"]
    again = served.document(*arrive)
    assert (again["made"], again["version"]) == (False, "1")

    known, shown = (served.document("model.show", name) for name in ("pilgrim/1", "arrived@field"))
    assert shown["manifest"] == known["manifest"]
    assert shown["metrics"] == known["metrics"]
    assert {"map50", "recall/elephant", "truth/map50"} <= set(shown["metrics"])
    assert shown["tags"]["registered_at"] == known["tags"]["registered_at"]
    assert shown["tags"]["imported_from"].startswith("pilgrim/1 of http")
    assert "last_detection" not in shown["tags"]
    counts = [
        served.document("detect.run", PICTURE, "--model", name, "--output", f"results/{name[:5]}")["counts"]
        for name in ("pilgrim/1", "arrived@field")
    ]
    assert counts[0] == counts[1]
    assert sum(counts[0].values()) > 0
    served.succeed("model.export", "arrived/1", "--output", "stick/onward.zip")


def test_a_changed_byte_is_refused_and_nothing_is_registered(served: Workspace, tmp_path: Path) -> None:
    served.succeed("model.register", "--weights", WEIGHTS, "--name", "bitten")
    served.succeed("model.export", "bitten/1", "--output", tmp_path / "whole.zip")
    content = bytearray((tmp_path / "whole.zip").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "changed.zip").write_bytes(content)
    for more in (["--dry-run"], ["--name", "victim"]):
        error, _ = served.fail(5, "model.import", tmp_path / "changed.zip", *more)
        assert "damaged" in error
    served.fail(5, "model.import", "--source", tmp_path / "missing.zip", "--dry-run")
    served.fail(5, "model.import", PICTURE, "--dry-run")
    served.fail(4, "model.import", tmp_path / "whole.zip", "--name", "a/b")
    served.fail(4, "model.import", tmp_path / "whole.zip", "--alias", "v2")
    names = [one["name"] for one in served.document("model.list")["models"]]
    assert "victim" not in names


def test_one_file_registered_eight_times_at_once_is_one_version(served: Workspace) -> None:
    words = ("model.register", "--weights", WEIGHTS, "--name", "crowd", "--alias", "production", "--json")

    def one(_: int) -> dict[str, Any]:
        ended = served.invoke(*words, timeout=280)
        assert ended.returncode == 0, ended.stderr
        document: dict[str, Any] = json.loads(ended.stdout)
        return document

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(8)))
    assert [one["version"] for one in found] == ["1"] * 8
    assert sum(one["made"] for one in found) == 1
    assert len(client_of(served).search_model_versions("name = 'crowd'")) == 1
    assert len(served.document("model.history", "crowd")["moves"]) == 1
