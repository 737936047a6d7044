"""Pictures whose right answer is known: what is read of them, and what is said of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from tests.workspaces import Workspace, unused_uri

REAL = Path("models/yolov8n_int8.onnx")
KNOWN = Path("reports/models/blob2.onnx")  # finds blocks of red (elephant) and of blue (zebra)


def workspace(tmp_path: Path, **settings: str) -> Workspace:
    variables = {
        f"WILDETECT_DETECTION__PROCESSING__{name.upper()}": value for name, value in settings.items()
    }
    return Workspace.make(tmp_path / "project", MLFLOW_TRACKING_URI=unused_uri(), **variables)


def run_of(output: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((output / "run.json").read_text(encoding="utf-8"))
    return document


def test_reflectance_is_named_and_found_with_a_stated_stretch(tmp_path: Path, shared_data: Path) -> None:
    words = ("--source", shared_data / "reports/refl10000.tif", "--model", shared_data / REAL)
    place = workspace(tmp_path)
    said = place.invoke("detect.run", *words, "--tile-size", "0", "--output", tmp_path / "plain")
    assert said.returncode == 0
    assert "warning: 1 of 1 image (refl10000.tif): they use a small part of the range" in said.stderr
    run = run_of(tmp_path / "plain")
    assert [one["files"] for one in run["doubts"]] == [["refl10000.tif"]]
    assert run["counts"]["sheep"] == 0
    assert "1 image in doubt:" in (tmp_path / "plain" / "report.html").read_text(encoding="utf-8")
    place.variables["WILDETECT_DETECTION__PROCESSING__STRETCH"] = "[0, 10000]"
    said = place.invoke("detect.run", *words, "--tile-size", "0", "--output", tmp_path / "stretched")
    run = run_of(tmp_path / "stretched")
    assert "in doubt" not in said.stderr
    assert (run["counts"]["sheep"], run["doubts"]) == (5, [])
    assert "values 0 to 10000 as black to white (processing.stretch)" in [
        one["what"] for one in run["read_as"]
    ]
    # another stretch is another run
    place.variables["WILDETECT_DETECTION__PROCESSING__STRETCH"] = "percentiles"
    error, _ = place.fail(2, "detect.run", *words, "--tile-size", "0", "--output", tmp_path / "stretched")
    assert "its stretch differs" in error


def test_species_do_not_swap_with_the_order_of_bands(tmp_path: Path, shared_data: Path) -> None:
    with rasterio.open(shared_data / "reports/rasters/rgb.tif") as file:
        red, green, blue = file.read()
        profile = file.profile
    profile.update(count=4)
    folder = tmp_path / "survey"
    folder.mkdir()
    for name, names in (("bgrn", "Blue Green Red NIR"), ("nrgb", "NIR Red Green Blue")):
        bands = {"Red": red, "Green": green, "Blue": blue, "NIR": np.full_like(red, 90)}
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as file:
            file.write(np.stack([bands[one] for one in names.split()]))
            file.descriptions = names.split()
    place = workspace(tmp_path)
    words = ("--source", folder, "--model", shared_data / KNOWN, "--tile-size", "0")
    place.succeed("detect.run", *words, "--output", tmp_path / "results")
    run = run_of(tmp_path / "results")
    assert run["counts"] == {"elephant": 4, "zebra": 2}
    assert {tuple(one["files"]) for one in run["read_as"]} == {("bgrn.tif",), ("nrgb.tif",)}
    planned = place.document("detect.run", *words, "--output", tmp_path / "plan", "--dry-run")
    assert [one["files"] for one in planned["doubts"]] == [["bgrn.tif", "nrgb.tif"]]  # GDAL: red first


def test_settings_that_make_no_sense_are_refused_before_the_work(tmp_path: Path) -> None:
    for number, (name, value, reason) in enumerate(
        (
            ("bands", "[1, 2]", "must hold three bands"),
            ("bands", "[0, 1, 2]", "numbers from 1"),
            ("stretch", "[5, 5]", "must be less than the second"),
            ("stretch", "bright", "must be auto, percentiles, or two numbers"),
        )
    ):
        ended = workspace(tmp_path / str(number), **{name: value}).invoke("config.show")
        assert ended.returncode == 2
        assert reason in ended.stdout + ended.stderr


def test_pictures_of_other_kinds_are_read_or_named(tmp_path: Path, shared_data: Path) -> None:
    folder = tmp_path / "kinds"
    shutil.copytree(shared_data / "reports/kinds", folder)
    (folder / "c.psd").write_bytes(b"8BPS")
    place = workspace(tmp_path)
    words = ("--source", folder, "--model", shared_data / KNOWN, "--tile-size", "0")
    ended = place.invoke("detect.run", *words, "--output", tmp_path / "results")
    run = run_of(tmp_path / "results")
    named = [file for one in run["not_read"] for file in one["files"]]
    failed = [one["file"] for one in run["failures"]]
    assert run["images"]["found"] + len(named) == len(list(folder.iterdir()))
    # with the extra, the DNG, which is none, fails; without it, it is named
    assert sorted([*named, *failed]) == ["DJI_0001.DNG", "c.psd"]
    assert "warning: 1 picture is not among the images (c.psd): .psd files are not read" in ended.stderr
    assert "not among the images:" in (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    planned = place.invoke("detect.run", *words, "--output", tmp_path / "plan", "--dry-run", "--json")
    assert any("c.psd" in one["files"] for one in json.loads(planned.stdout)["not_read"])


def test_a_photograph_that_is_there_twice_is_named(tmp_path: Path, shared_data: Path) -> None:
    folder = tmp_path / "card"
    (folder / "again").mkdir(parents=True)
    for name in ("a.png", "a (1).png", "again/a.png"):
        shutil.copy(shared_data / "reports/kinds/ok.png", folder / name)
    place = workspace(tmp_path)
    words = (folder, "--model", shared_data / KNOWN, "--tile-size", "0", "--output", tmp_path / "results")
    planned = place.invoke("detect.run", *words, "--dry-run", "--json")
    (doubt,) = json.loads(planned.stdout)["doubts"]
    assert doubt["what"].startswith("byte for byte the same as another of the images")
    assert "2 of 3 images (a.png and again/a.png): byte for byte" in planned.stderr
    ended = place.invoke("detect.run", *words)
    assert ended.returncode == 0
    assert "warning: 2 of 3 images (a.png and again/a.png): byte for byte the same" in ended.stderr
    assert run_of(tmp_path / "results")["doubts"] == [doubt]
    (folder / "a (1).png").unlink()
    shutil.rmtree(folder / "again")
    place.invoke("detect.run", *words)
    assert run_of(tmp_path / "results")["doubts"] == []


def test_pictures_that_an_earlier_run_drew_are_no_photographs(tmp_path: Path, shared_data: Path) -> None:
    folder = tmp_path / "survey"
    (folder / "overlays").mkdir(parents=True)  # of photographs: no run wrote it
    shutil.copy(shared_data / "reports/kinds/ok.png", folder / "overlays" / "a.png")
    place = workspace(tmp_path)
    words = (folder, "--model", shared_data / KNOWN, "--tile-size", "0", "--output")
    place.invoke("detect.run", *words, folder / "first")
    assert list((folder / "first/overlays").iterdir())
    place.invoke("detect.run", *words, folder / "second")
    first, second = run_of(folder / "first"), run_of(folder / "second")
    assert (second["images"], second["counts"]) == (first["images"], first["counts"])
    assert first["images"]["found"] == 1
    assert second["doubts"] == []


def test_photographs_beyond_a_limit_are_counted_and_named(tmp_path: Path, shared_data: Path) -> None:
    folder = tmp_path / "survey"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        shutil.copy(shared_data / "reports/kinds/ok.png", folder / name)
    place = workspace(tmp_path)
    words = (folder, "--model", shared_data / KNOWN, "--tile-size", "0", "--output", tmp_path / "results")
    ended = place.invoke("detect.run", *words, "--limit", "1")
    assert "warning: 2 pictures are not among the images (b.png and c.png): only 1 asked for" in ended.stderr
    assert [one["files"] for one in run_of(tmp_path / "results")["not_read"]] == [["b.png", "c.png"]]
    place.invoke("detect.run", *words, "--limit", "3")
    assert run_of(tmp_path / "results")["not_read"] == []


def test_the_same_command_goes_past_images_that_failed_for_good(tmp_path: Path, shared_data: Path) -> None:
    folder = tmp_path / "survey"
    folder.mkdir()
    for number in range(6):
        (folder / f"a{number}.jpg").write_bytes(b"no picture")
    shutil.copy(shared_data / "reports/kinds/ok.png", folder / "z.png")
    place = workspace(tmp_path, max_errors="2")
    words = ("--source", folder, "--model", shared_data / KNOWN, "--output", tmp_path / "results")
    place.fail(5, "detect.run", *words)
    assert run_of(tmp_path / "results")["state"] == "stopped"
    place.fail(5, "detect.run", *words)  # the three that failed come last, and do not count
    place.fail(5, "detect.run", *words)
    run = run_of(tmp_path / "results")
    assert run["state"] == "finished"
    assert (run["images"]["done"], run["images"]["failed"]) == (7, 6)


def test_a_photograph_that_is_cut_short_is_found_early_and_used_where_that_is_wished(
    tmp_path: Path, shared_data: Path
) -> None:
    place = workspace(tmp_path)
    words = ("--source", shared_data / "reports/truncated", "--model", shared_data / KNOWN)
    wish = "processing.on_damage: use takes what there is of damaged ones."
    error, hint = place.fail(5, "detect.run", *words, "--output", tmp_path / "plan", "--dry-run")
    assert "1 of 3 images cannot be read" in error
    assert hint.endswith(wish)
    assert place.fail(5, "detect.run", *words, "--output", tmp_path / "results")[1].endswith(wish)
    (failure,) = run_of(tmp_path / "results")["failures"]
    assert failure == {"file": "IMG_002.JPG", "reason": "the file is cut short (truncated)"}
    place.variables["WILDETECT_DETECTION__PROCESSING__ON_DAMAGE"] = "use"
    ended = place.invoke("detect.run", *words, "--output", tmp_path / "results")
    assert ended.returncode == 0
    assert "warning: 1 of 3 images (IMG_002.JPG): damaged: what could be decoded is used" in ended.stderr
    run = run_of(tmp_path / "results")
    assert (run["failures"], run["images"]["done"]) == ([], 3)
    damaged = [one["files"] for one in run["doubts"] if one["what"].startswith("damaged")]
    assert damaged == [["IMG_002.JPG"]]


def test_annotations_under_other_machines_names(tmp_path: Path, shared_data: Path) -> None:
    place = workspace(tmp_path)
    folder = shared_data / "reports/annotations"
    found = {}
    for name in ("ok", "backslash", "abs_win", "labelstudio_local", "zero_box"):
        words = ("--model", shared_data / KNOWN, "--annotations", folder / f"{name}.json")
        ended = place.invoke("model.evaluate", *words, "--output", tmp_path / name, "--json")
        assert ended.returncode == 0, ended.stderr
        document = json.loads(ended.stdout)
        found[name] = (document["counts"], document["classes"])
        assert ("no width or no height" in ended.stderr) == (name == "zero_box")
    assert found["ok"][0] == {"found": 6, "missed": 0, "wrong": 0}
    assert all(one == found["ok"] for one in found.values())


def test_a_labelled_picture_that_is_there_twice_is_named(tmp_path: Path, shared_data: Path) -> None:
    place = workspace(tmp_path)
    folder = tmp_path / "labelled"
    shutil.copytree(shared_data / "reports/annotations", folder)
    labels = json.loads((folder / "ok.json").read_text(encoding="utf-8"))
    first = labels["images"][0]
    source = next(path for path in folder.rglob("*") if path.name == Path(first["file_name"]).name)
    shutil.copy(source, folder / "again.png")
    labels["images"].append({**first, "id": 9999, "file_name": "again.png"})
    (folder / "twice.json").write_text(json.dumps(labels), encoding="utf-8")
    words = ("model.evaluate", "--model", shared_data / KNOWN, "--annotations")
    ended = place.invoke(*words, folder / "twice.json", "--output", tmp_path / "twice")
    assert f"warning: {first['file_name']} and again.png are the same picture" in ended.stderr
    ended = place.invoke(*words, folder / "ok.json", "--output", tmp_path / "ok")
    assert "same picture" not in ended.stderr
