"""A version as a file: nothing in it can change unnoticed, and no hostile one gets anywhere."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from wildetect.archives import seal, sealed_comment
from wildetect.errors import ConfigurationError, WildDetectError
from wildetect.registry.evaluations import Evaluated
from wildetect.registry.manifest import Feeding, Manifest, Source
from wildetect.registry.travel.package import Package, PackedEvaluation, pack, unpacked

NETWORK = b"not a network, but its bytes count"
SHA256 = hashlib.sha256(NETWORK).hexdigest()
DAY = datetime(2026, 5, 1, tzinfo=UTC)


def manifest() -> Manifest:
    return Manifest(
        family="yolov8",
        feeding=Feeding(width=640, height=640),
        class_names=("zebra", "斑马"),
        sha256=SHA256,
        source=Source(file="herd.onnx", size=len(NETWORK), sha256=SHA256),
    )


def description(**onnx: Any) -> dict[str, Any]:
    return {
        "flavors": {
            "onnx": {"data": "model.onnx", "code": None, **onnx},
            "python_function": {"data": "model.onnx", "loader_module": "mlflow.onnx"},
        },
        "metadata": {"wildetect": manifest().model_dump(mode="json")},
    }


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(NETWORK)
    (folder / "MLmodel").write_text(yaml.safe_dump(description()), encoding="utf-8")
    (folder / "registered_model_meta").write_text("model_name: herd", encoding="utf-8")
    return folder


def package() -> Package:
    summary = Evaluated(dataset="camp", at=DAY, run_id="0" * 32, metrics={"map50": 0.7})
    return Package(
        name="herd",
        version="3",
        origin="http://server:5000",
        description="**big** one",
        tags={"registered_by": "ann"},
        evaluations=(PackedEvaluation(summary=summary, metrics={"recall/斑马": 0.8}),),
        manifest=manifest(),
        exported=DAY,
    )


@pytest.fixture
def packed(tmp_path: Path, files: Path) -> Path:
    pack(package(), files, tmp_path / "herd.zip")
    return tmp_path / "herd.zip"


def workplace(tmp_path: Path) -> Path:
    folder = tmp_path / "workplace" / "inner"
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_what_goes_in_comes_out(packed: Path, tmp_path: Path) -> None:
    found, folder = unpacked(packed, workplace(tmp_path))
    assert (folder / "model.onnx").read_bytes() == NETWORK
    assert {path.name for path in folder.iterdir()} == {"model.onnx", "MLmodel"}
    assert found.model_dump(exclude={"files", "exported"}) == package().model_dump(
        exclude={"files", "exported"}
    )


def test_no_byte_changes_unnoticed(packed: Path, tmp_path: Path) -> None:
    whole = packed.read_bytes()
    damaged = tmp_path / "damaged.zip"
    for place in [*range(0, len(whole), 17), *range(len(whole) - 120, len(whole))]:
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        with pytest.raises(WildDetectError, match="damaged"):
            unpacked(damaged, workplace(tmp_path))
    for cut in (whole[:-1], whole[:100], b"", whole + b"\0", b"PK" + whole):
        damaged.write_bytes(cut)
        with pytest.raises(WildDetectError, match="damaged"):
            unpacked(damaged, workplace(tmp_path))
    assert not any(workplace(tmp_path).iterdir())


def test_a_file_is_never_replaced_and_nothing_half_is_left(packed: Path, files: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="exists already"):
        pack(package(), files, packed)
    with pytest.raises(WildDetectError, match="could not be written"):
        pack(package(), files, files / "MLmodel" / "herd.zip")
    assert not list(tmp_path.glob("*.part"))


def forged(packed: Path, change: Callable[[dict[str, Any], dict[str, bytes]], object]) -> Path:
    """The archive with another content, and checksums that fit it."""
    with zipfile.ZipFile(packed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(members.pop("version.json"))
    change(document, members)
    for name, content in members.items():
        if name in document["files"] and "keep" not in document:
            entry = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            document["files"][name] = entry
    document.pop("keep", None)
    target = packed.with_name("forged.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = sealed_comment()
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("version.json", json.dumps(document))
    seal(target)
    return target


def listed(name: str) -> Callable[[dict[str, Any], dict[str, bytes]], object]:
    def change(document: dict[str, Any], members: dict[str, bytes]) -> None:
        members[name] = b"x"
        document["files"][name] = {}

    return change


def described(**onnx: Any) -> Callable[[dict[str, Any], dict[str, bytes]], object]:
    def change(document: dict[str, Any], members: dict[str, bytes]) -> None:
        del document
        members["model/MLmodel"] = yaml.safe_dump(description(**onnx)).encode()

    return change


def bomb(document: dict[str, Any], members: dict[str, bytes]) -> None:
    members["model/big"] = bytes(50_000_000)
    document["files"]["model/big"] = {"size": 10, "sha256": "0" * 64}
    document["keep"] = True


@pytest.mark.parametrize(
    "change",
    [
        bomb,
        *(
            listed(name)
            for name in (
                "../outside",
                "/outside",
                "model/../../outside",
                "model/C:/x",
                "model\\..\\x",
                "model/nul.txt",
                "model/trailing.",
                "model/a\nb",
                "model/MODEL.onnx",
                "outside",
            )
        ),
        lambda _, members: members.update({"model/not_listed": b"x"}),
        lambda _, members: members.pop("model/model.onnx"),
        lambda document, _: document.update(format=2),
        lambda document, _: document.update(name="a/b"),
        lambda document, _: document.pop("manifest"),
        lambda document, _: document["manifest"].update(class_names=["lion", "dog"]),
        lambda document, _: document["tags"].update({"a\nb": "x"}),
        lambda _, members: members.update({"model/model.onnx": b"another network"}),
        described(code="code"),
        described(data="../../secret"),
        lambda _, members: members.update({"model/MLmodel": b"flavors: 3"}),
    ],
)
def test_a_forged_archive_is_refused_and_writes_nowhere_else(
    packed: Path, tmp_path: Path, change: Callable[[dict[str, Any], dict[str, bytes]], object]
) -> None:
    before = {path for path in tmp_path.rglob("*") if "workplace" not in path.parts}
    target = forged(packed, change)
    with pytest.raises(WildDetectError):
        unpacked(target, workplace(tmp_path))
    after = {path for path in tmp_path.rglob("*") if "workplace" not in path.parts}
    assert after - before == {target}
    written = sum(path.stat().st_size for path in workplace(tmp_path).rglob("*") if path.is_file())
    assert written < 5_000_000


def test_a_forgery_that_changes_nothing_is_taken(packed: Path, tmp_path: Path) -> None:
    """Else the refusals above would prove nothing."""
    unpacked(forged(packed, lambda _, __: None), workplace(tmp_path))
