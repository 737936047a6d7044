"""Archives of others, made and forged: a version on a USB stick, a backup of a store."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import stat
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from wildetect.archives import seal, sealed_comment
from wildetect.registry.manifest import Feeding, Manifest, Source
from wildetect.registry.travel.package import DOCUMENT, Package, pack, unpacked
from wildetect.server.process.plan import Plan, plan_server
from wildetect.server.upkeep.backup import MANIFEST, back_up
from wildetect.server.upkeep.restore import restore
from wildetect.settings import Project
from wildetect.settings.mlflow import MlflowSettings

__all__ = ["FORGERIES", "backup", "read_backup", "read_version_file", "version_file"]

NETWORK = b"not a network, but its bytes count" * 20
SHA256 = hashlib.sha256(NETWORK).hexdigest()
MOST_WRITTEN = 20_000_000  # bytes; the good archives hold less than 1 MB
NAMES = (
    "../outside", "/outside", "model/../../outside", "artifacts/../../outside", "C:/outside", "model/C:/x",
    "artifacts\\..\\..\\outside", "model/nul.txt", "artifacts/con", "model/trailing.", "model/a\nb", "",
    "artifacts/" + "x" * 300, "model/" + "y/" * 2000 + "z", "model/MODEL.onnx", "artifacts/../mlflow.db",
    "artifacts/-rf", "model/\u202egpj.exe", "artifacts/\x1b[2J",
)  # fmt: skip


def version_file(path: Path) -> None:
    """Write a good archive of a version."""
    manifest = Manifest(
        family="yolov8",
        feeding=Feeding(width=640, height=640),
        class_names=("zebra", "gnu"),
        sha256=SHA256,
        source=Source(file="herd.onnx", size=len(NETWORK), sha256=SHA256),
    )
    described = {
        "flavors": {
            "onnx": {"data": "model.onnx", "code": None},
            "python_function": {"data": "model.onnx", "loader_module": "mlflow.onnx"},
        },
        "metadata": {"wildetect": manifest.model_dump(mode="json")},
    }
    package = Package(name="herd", version="3", manifest=manifest, exported=datetime(2026, 5, 1, tzinfo=UTC))
    with tempfile.TemporaryDirectory() as place:
        Path(place, "model.onnx").write_bytes(NETWORK)
        Path(place, "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
        pack(package, Path(place), path)


def read_version_file(path: Path) -> None:
    """Read it as `model.import` does."""
    with _watched(path.parent) as workplace:
        unpacked(path, workplace)


def backup(path: Path) -> None:
    """Write a good backup of a small store."""
    with tempfile.TemporaryDirectory() as place:
        plan = _plan(Path(place))
        plan.folder.mkdir(parents=True)
        with closing(sqlite3.connect(plan.folder / "mlflow.db")) as connection, connection:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
            connection.execute("INSERT INTO alembic_version VALUES (?)", (_newest(),))
            connection.execute("CREATE TABLE runs (artifact_uri TEXT)")
            connection.execute("CREATE TABLE model_versions (source TEXT)")
        file = plan.folder / "artifacts" / "1" / "weights.onnx"
        file.parent.mkdir(parents=True)
        file.write_bytes(NETWORK)
        back_up(plan, path)


def read_backup(path: Path) -> None:
    """Bring it back as `mlflow.restore` does, into an empty project."""
    with _watched(path.parent) as workplace:
        plan = _plan(workplace)
        plan.folder.mkdir(parents=True)
        restore(plan, path)


def _plan(root: Path) -> Plan:
    return plan_server(Project(root), MlflowSettings())


def _newest() -> str:
    from wildetect.server.store.schema import STORE_SCHEMA, _revisions

    return str(_revisions(STORE_SCHEMA)[1])


@dataclass
class _watched:  # noqa: N801 - used as a function
    """An empty folder to unpack into; afterwards nothing may lie beside it, and not too much in it."""

    folder: Path

    def __enter__(self) -> Path:
        self.before = set(self.folder.iterdir())
        self.workplace = Path(tempfile.mkdtemp(dir=self.folder))
        return self.workplace

    def __exit__(self, *_: object) -> None:
        written = sum(file.stat().st_size for file in self.workplace.rglob("*") if file.is_file())
        links = [entry for entry in self.workplace.rglob("*") if entry.is_symlink()]
        shutil.rmtree(self.workplace)
        strangers = set(self.folder.iterdir()) - self.before
        if strangers or links or written > MOST_WRITTEN:
            raise AssertionError(f"wrote {written} bytes, links {links}, elsewhere {strangers}")


Members = dict[str, bytes]
Forgery = Callable[[dict[str, Any], Members, random.Random], object]


def _renamed(document: dict[str, Any], members: Members, dice: random.Random) -> None:
    """One more file, under a name that leads elsewhere."""
    name = dice.choice(NAMES)
    members[name] = b"x"
    document["files"][name] = {"size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}


def _bomb(document: dict[str, Any], members: Members, dice: random.Random) -> None:
    """100 MB of zeros in some kB: more than is stated, or as much as is stated by a liar."""
    name = dice.choice(list(document["files"]))
    members[name] = bytes(100_000_000)
    document["files"][name] = {"size": dice.choice((10, -1, 0)), "sha256": "0" * 64}


def _stated(document: dict[str, Any], members: Members, dice: random.Random) -> None:
    """A size or digest of another kind."""
    del members
    odd: object = dice.choice(
        (-1, 1 << 62, 1e300, float("nan"), "12", None, [], {}, True, "0" * 64, "\ud800")
    )
    document["files"][dice.choice(list(document["files"]))][dice.choice(("size", "sha256"))] = odd


def _reshaped(document: dict[str, Any], members: Members, dice: random.Random) -> None:
    """A key of the document gone, or of another kind."""
    del members
    key = dice.choice(list(document))
    if dice.random() < 0.3:  # noqa: PLR2004
        del document[key]
    else:
        document[key] = dice.choice((None, 7, "x", [], {}, [[]], {"a": 1}, "../up", 1e999))


def _swapped(document: dict[str, Any], members: Members, dice: random.Random) -> None:
    """Another content than the document's, for a file with the digest of its own."""
    name = dice.choice(list(document["files"]))
    content = dice.choice(
        (b"", b"flavors: 3", b"!!python/object/apply:os.system ['true']", b"\0" * 4096, NETWORK)
    )
    members[name] = content
    document["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _code(document: dict[str, Any], members: Members, dice: random.Random) -> None:
    """An MLmodel that has other programs run code, or read a file elsewhere."""
    if "model/MLmodel" not in members:
        _swapped(document, members, dice)
        return
    described = yaml.safe_load(members["model/MLmodel"])
    flavor = dice.choice(
        (
            {"python_function": {"loader_module": "os", "data": "model.onnx"}},
            {"python_function": {"loader_module": "mlflow.onnx", "code": "code", "data": "model.onnx"}},
            {"onnx": {"data": "../../../etc/passwd"}},
            {"sklearn": {"pickled_model": "model.pkl"}},
        )
    )
    described["flavors"] |= flavor
    content = yaml.safe_dump(described).encode()
    members["model/MLmodel"] = content
    document["files"]["model/MLmodel"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


FORGED: tuple[Forgery, ...] = (_renamed, _stated, _reshaped, _swapped, _code)


def _forged(data: bytes, dice: random.Random) -> bytes:
    return _written(data, dice, dice.choice(FORGED))


def _bombed(data: bytes, dice: random.Random) -> bytes:
    return _written(data, dice, _bomb)


def _written(data: bytes, dice: random.Random, forgery: Forgery) -> bytes:
    """An archive with another content, packed and sealed as if it were a good one."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = DOCUMENT if DOCUMENT in members else MANIFEST
    document = json.loads(members.pop(name))
    forgery(document, members, dice)
    ways = (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    way = ways[0] if forgery is _bomb else dice.choice(ways)
    with tempfile.TemporaryDirectory() as place:
        target = Path(place, "forged.zip")
        with zipfile.ZipFile(target, "w", way, compresslevel=1) as archive:
            archive.comment = sealed_comment()
            for member, content in members.items():
                archive.writestr(_entry(member, dice), content, way)
            archive.writestr(name, json.dumps(document))
        _encrypted(target, dice)
        seal(target)
        return target.read_bytes()


def _entry(name: str, dice: random.Random) -> zipfile.ZipInfo:
    """A member, now and then marked as a symbolic link or a device."""
    entry = zipfile.ZipInfo(name or "x")
    kind = dice.choice((stat.S_IFREG, stat.S_IFREG, stat.S_IFREG, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFDIR))
    entry.external_attr = (kind | 0o777) << 16
    entry.create_system = 3
    return entry


def _encrypted(path: Path, dice: random.Random) -> None:
    """Now and then mark all members as encrypted."""
    if dice.random() < 0.9:  # noqa: PLR2004
        return
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(mark, place + 4)
    path.write_bytes(data)


FORGERIES: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "forged": _forged, "forged again": _forged, "forged once more": _forged, "bomb": _bombed,
}  # fmt: skip
"""Beside what is done to any file."""
