"""Which files can be registered, before anything tries to load them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from tests.detection.networks import save_network

from wildetect.errors import ModelError
from wildetect.registry.weights import intake
from wildetect.registry.weights.intake import (
    ExportOptions,
    check_is_onnx,
    load_for_storage,
    prepared,
    prepared_classifier,
)

OPTIONS = ExportOptions()
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n" + b" " * 64


def refused(path: Path) -> ModelError:
    with pytest.raises(ModelError) as caught, prepared(path, OPTIONS):
        raise AssertionError("it was not refused")
    assert caught.value.hint
    return caught.value


def test_onnx_as_it_is(tmp_path: Path) -> None:
    path = save_network(tmp_path / "d.ONNX", [np.zeros((1, 7, 99), np.float32)], metadata={"date": "now"})
    with prepared(path, OPTIONS) as weights:
        stored = load_for_storage(weights)
    assert weights.onnx == path
    assert (weights.source.file, weights.source.path) == ("d.ONNX", str(path))
    assert weights.source.format == "onnx"
    assert weights.source.exported_by is None
    assert stored.sha256 == weights.source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.onnx", None, "gone.onnx does not exist"),
        ("gone.pt", None, "gone.pt does not exist"),
        ("a.ckpt", b"x" * 99, "pickled checkpoint of a kind that cannot be exported"),
        ("a.pth", b"x" * 99, "pickled checkpoint of a kind that cannot be exported"),
        ("a.txt", b"x" * 99, "is not an ONNX file"),
        ("a.pt", b"", "a.pt is empty"),
        ("a.pt", POINTER, "Git LFS pointer"),
        ("a.torchscript", POINTER, "Git LFS pointer"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert says in refused(tmp_path / name).message


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path).message


@pytest.mark.parametrize(("name", "extra"), [("a.pt", "ultralytics"), ("a.torchscript", "torch")])
def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, extra: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    (tmp_path / name).write_bytes(b"weights" * 20)
    error = refused(tmp_path / name)
    assert f"without the extra '{extra}'" in error.message
    assert f"uv run --extra {extra} invoke model.register" in error.hint
    assert "yolo export" in error.hint


def test_only_onnx_runs_where_it_lies(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"best\.pt does not exist"):
        check_is_onnx(tmp_path / "best.pt")
    (tmp_path / "best.pt").write_bytes(b"weights")
    with pytest.raises(ModelError, match="must be registered first"):
        check_is_onnx(tmp_path / "best.pt")
    with pytest.raises(ModelError, match="is not an ONNX file"):
        prepared_classifier(tmp_path / "best.ckpt")


def test_an_exporter_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(intake.NEEDED, "pt", "json")  # a package that is there
    monkeypatch.setattr("sys.executable", "git")
    (tmp_path / "a.pt").write_bytes(b"weights" * 20)
    assert (
        "a.pt cannot be exported to ONNX: the exporter ended with code" in refused(tmp_path / "a.pt").message
    )
