"""Make stores as MLflow servers of earlier versions wrote them, for the tests of upgrades.

    uv run python -m tools.old_stores 2.9.2:2023-12-16 3.0.1:2025-06-26 [--files 2.9.2:2023-12-16]

Behind each version stands the day after it came out: packages of later days may not fit it. It is installed
into an environment of its own, with the packages that there were by that day, and its own server writes.
What comes out is an archive of mlflow.db (or mlruns/) and artifacts/, in tests/old_stores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.networks import make_network, plain
from tests.workspaces import free_port

from wildetect.detection.checks.inspection import inspect
from wildetect.detection.checks.recognition import describe
from wildetect.registry.manifest import Source
from wildetect.registry.weights.weights_file import sha256_of
from wildetect.settings.registration import RegistrationSettings

ROOT = Path(__file__).resolve().parents[1]
STORES = ROOT / "tests" / "old_stores"
FILL = Path(__file__).with_name("write_store.py")
PATIENCE = 120.0  # s
EARLIEST = "2023-07-01"
"""Before, some packages that are needed were not there for Python 3.11; Python 3.10 takes its place."""


def install(version: str, day: str, folder: Path) -> Path:
    """Make an environment with the packages that there were by a day; its Python."""
    interpreter = "3.11" if day >= EARLIEST else "3.10"
    subprocess.run(["uv", "venv", "--quiet", "--python", interpreter, str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    packages = [f"mlflow=={version}", "onnx", "onnxruntime", "setuptools<81"]
    newest = ("--exclude-newer", day)
    subprocess.run(
        [
            "uv",
            "pip",
            "install",
            "--quiet",
            "--only-binary",
            ":all:",
            "--python",
            str(python),
            *newest,
            *packages,
        ],
        check=True,
        cwd=folder,
    )
    return python


def write(python: Path, folder: Path, network: Path, described: Path, *, files: bool) -> None:
    """Start a server in a folder, fill its store, end it."""
    port = free_port()
    store = "./mlruns" if files else "sqlite:///mlflow.db"
    options = ["--backend-store-uri", store, "--artifacts-destination", "./artifacts", "--workers", "1"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment |= {"LOGNAME": "wildetect"}  # who logs, whoever makes the store
    with subprocess.Popen(
        [str(python), "-m", "mlflow", "server", *options, "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env={**environment, "PATH": f"{python.parent}{os.pathsep}{environment['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            uri = f"http://127.0.0.1:{port}"
            until = time.monotonic() + PATIENCE
            while not _healthy(uri):
                if time.monotonic() > until or server.poll() is not None:
                    sys.exit(f"the server of {python} does not answer")
                time.sleep(0.3)
            # beside the network: MLflow keeps the path of the script, and the commit of its checkout
            script = shutil.copy(FILL, network.parent)
            subprocess.run(
                [str(python), "-W", "ignore", Path(script).name, uri, str(network), str(described)],
                check=True,
                cwd=network.parent,
                env=environment,
            )
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, 15)


def _healthy(uri: str) -> bool:
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)  # noqa: PLR2004
    except OSError:
        return False


def pack(folder: Path, target: Path) -> None:
    """Put a store into an archive, its database as one file without gaps."""
    database = folder / "mlflow.db"
    if database.exists():
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("VACUUM")
    target.parent.mkdir(exist_ok=True)
    with tarfile.open(target, "w:xz") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.add(path, path.relative_to(folder))


def main() -> None:
    """Make the stores that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("versions", nargs="*", help="such as 3.0.1:2025-06-26")
    parser.add_argument(
        "--files", nargs="*", default=[], help="versions whose server is to write a file store"
    )
    asked = parser.parse_args()
    wanted = [
        *((version, False) for version in asked.versions),
        *((version, True) for version in asked.files),
    ]
    for one, files in wanted:
        version, _, day = one.partition(":")
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            network = make_network(Path(place, "model.onnx"), plain(8, 2), side=64)
            sha256 = sha256_of(network)
            source = Source(file=network.name, size=network.stat().st_size, sha256=sha256)
            manifest = describe(inspect(network), RegistrationSettings(), sha256, source)
            tags = {"sha256": sha256, "manifest_sha256": manifest.fingerprint, "family": manifest.family}
            described = Path(place, "described.json")
            document = {"manifest": manifest.model_dump(mode="json"), "tags": tags}
            described.write_text(json.dumps(document), encoding="utf-8")
            folder = Path(place, "store")
            folder.mkdir()
            write(install(version, day, Path(place, "venv")), folder, network, described, files=files)
            name = f"{version}-files.tar.xz" if files else f"{version}.tar.xz"
            pack(folder, STORES / name)
            print(f"{name}: {(STORES / name).stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
