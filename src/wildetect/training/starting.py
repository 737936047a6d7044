"""What a training begins with: a checkpoint that lies on this machine; nothing is ever downloaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wildetect.errors import ModelError
from wildetect.registry.cache import stored_manifest
from wildetect.registry.connection import Connection
from wildetect.registry.reference import ModelReference, names_a_file
from wildetect.registry.versions import Version, resolve
from wildetect.registry.weights.weights_file import check_file, sha256_of
from wildetect.settings.project import from_caller
from wildetect.wording import quoted

__all__ = ["StartingWeights", "starting_weights"]

_WHERE = "Give --weights FILE.pt, a checkpoint that lies on this machine; nothing is downloaded."


@dataclass(frozen=True, slots=True)
class StartingWeights:
    """A checkpoint.

    Attributes:
        path: Absolute.
        sha256: SHA-256 of the file.
        said: What the user gave, for a person.
        version: The registered version, where one was named.
    """

    path: Path
    sha256: str
    said: str
    version: Version | None = None


def starting_weights(text: str, connect: Callable[[], Connection]) -> StartingWeights:
    """Find what a training is to begin with.

    Args:
        text: A .pt file, or a registered version that was made of one that is still there.
        connect: Reaches the server, where a version is named.

    Raises:
        ConfigurationError: The text names neither.
        ModelError: The file is missing or of another kind, or the version has no such file any more.
        ServerError: Where the server fails.
    """
    if not names_a_file(text):
        return _of_version(ModelReference.parse(text), connect())
    path = from_caller(text)
    if not path.is_file():
        raise ModelError(
            f"the starting weights {path} do not exist, and nothing is downloaded",
            hint="Fetch them where there is a network (YOLO: "
            "https://github.com/ultralytics/assets/releases), copy "
            "them here and give their path with --weights.",
        )
    if path.suffix.lower() != ".pt":
        raise ModelError(
            f"{path} cannot be trained further: a training begins with a .pt checkpoint, not with "
            f"{path.suffix or 'a file without a suffix'}",
            hint=_WHERE,
        )
    check_file(path)
    return StartingWeights(path, sha256_of(path), text)


def _of_version(reference: ModelReference, connection: Connection) -> StartingWeights:
    """The checkpoint that a version was exported from: the registry holds ONNX, which does not learn."""
    version = resolve(connection, reference)
    source = stored_manifest(connection, version).source
    if source.format != "pt" or source.path is None:
        raise ModelError(
            f"{version} was made of {source.file}, not of a .pt checkpoint: it cannot be trained further",
            hint=_WHERE,
        )
    path = Path(source.path)
    if not path.is_file():
        raise ModelError(
            f"{version} was made of {path}, which is not there any more; the registry holds its ONNX form "
            "alone, which cannot be trained further",
            hint=_WHERE,
        )
    sha256 = sha256_of(path)
    if sha256 != source.sha256:
        raise ModelError(
            f"{path} is not what {version} was made of any more: its content has changed",
            hint=f"If you mean the file as it is now, give it itself: --weights {quoted(str(path))}",
        )
    return StartingWeights(path, sha256, str(version), version)
