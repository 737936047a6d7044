"""What of a run is done already, when it is started again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildetect.detection.detector import Detector
from wildetect.imagery.discovery import ImageFile
from wildetect.results.journal_lines import Stamp, stamp_of
from wildetect.results.journal_record import Record

__all__ = ["Continuation", "logged_before", "shape_of"]

_COMPARED = ("state", "model", "images", "detections", "counts", "failures")
# they decide how far a run goes, not what it finds in an image
_SHAPELESS = frozenset({"max_errors"})


@dataclass(frozen=True, slots=True)
class Continuation:
    """The images of a run, as its journal knows them.

    Attributes:
        done: Have a result that holds: nothing of them failed, and their files are as they were.
        left: The others, failed ones among them: a drive may be back, a file mended; and a file that is
            still broken costs little.
        stamps: Size and time of each image's file, before any was read.
    """

    done: Sequence[ImageFile]
    left: Sequence[ImageFile]
    stamps: Mapping[str, Stamp | None]

    @classmethod
    def of(cls, images: Sequence[ImageFile], record: Record) -> Continuation:
        """Compare the images that are there with the journal."""
        stamps = {image.name: stamp_of(image.path) for image in images}
        done = [image for image in images if record.holds(image.name, stamps[image.name])]
        held = {image.name for image in done}
        return cls(done, [image for image in images if image.name not in held], stamps)


def shape_of(
    detector: Detector, settings: Mapping[str, object], sources: Sequence[Path]
) -> dict[str, object]:
    """What two starts must share to be one run: weights, how they are read, settings, source.

    Not the device, the number of threads and the size of batches.
    """
    manifest = detector.manifest
    reading = manifest.model_dump(mode="json", exclude={"source", "thresholds", "sha256"})
    digest = hashlib.sha256(json.dumps(reading, sort_keys=True).encode()).hexdigest()
    shape = {
        "model sha256": manifest.sha256,
        "manifest of the model": digest[:16],
        "source": [str(source) for source in sources],
        **{name: value for name, value in settings.items() if name not in _SHAPELESS},
    }
    plain: dict[str, object] = json.loads(json.dumps(shape))  # as the journal gives it back
    return plain


def logged_before(folder: Path, document: Mapping[str, Any]) -> Any:
    """Where MLflow has the run of a folder, if its run.json says the same as a new one; else None."""
    try:
        earlier = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        same = all(earlier[key] == document[key] for key in _COMPARED)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return earlier.get("mlflow") if same else None
