"""Whether two machines have the same program, so that they find the same in the same photograph."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import platform
from collections.abc import Mapping
from pathlib import Path

from wildetect import __version__

__all__ = ["differences", "versions_here"]

# what decodes photographs, runs networks and carries both
_PACKAGES = ("onnxruntime", "numpy", "pillow", "simplejpeg", "rasterio", "distributed")
_OF_EXTRAS = ("pillow-heif", "rawpy")
_FIGURES = 12


def versions_here() -> dict[str, str]:
    """The versions of this process: of the program and of what decides on its results."""
    minor = ".".join(platform.python_version_tuple()[:2])
    found = {"wildetect": f"{__version__} (code {_code()})", "python": minor}
    for package in (*_PACKAGES, *_OF_EXTRAS):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            if package == "onnxruntime" and importlib.util.find_spec(package) is not None:
                import onnxruntime  # the build for GPUs goes by another name

                found[package] = str(onnxruntime.__version__)
    return found


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """What a worker has in another version; what it has besides does not matter.

    Args:
        here: Versions of the parent.
        there: Versions of the worker.
    """
    return [
        f"{name} {version} here, {there.get(name, 'none')} there"
        for name, version in here.items()
        if there.get(name) != version
    ]


@functools.cache
def _code() -> str:
    """A digest of the program's text: a checkout keeps its version between releases.

    Ends of lines do not count, as git changes them on Windows.
    """
    import wildetect

    folder = Path(wildetect.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:_FIGURES]
