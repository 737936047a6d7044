"""What of a run is done already, when it is started again."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wildetect.detection.network.detector import Detector
from wildetect.imagery.discovery import ImageFile
from wildetect.remote.place import Place, of_each
from wildetect.results.journal.command import SOURCE
from wildetect.results.journal.record import Record
from wildetect.results.pictures.stamps import Stamp, stamp_of
from wildetect.results.run import DetectionRun
from wildetect.results.run_parts import Logged
from wildetect.wording import number_of

__all__ = ["Continuation", "logged_before", "shape_of"]

logger = logging.getLogger(__name__)

# they decide how far a run goes; what is used of a damaged file is named with it
_SHAPELESS = frozenset({"max_errors", "on_damage"})


@dataclass(frozen=True, slots=True)
class Continuation:
    """The images of a run, as its journal knows them.

    Attributes:
        done: Have a result that holds: nothing of them failed, and their files are as they were.
        left: The others, those last that failed before and have the same file still: a drive may be back,
            and a file that is still broken costs little.
        stamps: Size and time of each image's file, before any was read.
        left_out: Names of the images that the journal knows and that are not among those of the run now.
        left_out_done: How many of them were read, and how many detections they have.
        failed_before: Names of the images that failed at an earlier start and have the same file still.
        end: Where the lines of earlier starts end in the journal, in bytes.
    """

    done: Sequence[ImageFile]
    left: Sequence[ImageFile]
    stamps: Mapping[str, Stamp | None]
    left_out: frozenset[str] = frozenset()
    left_out_done: tuple[int, int] = (0, 0)
    failed_before: frozenset[str] = frozenset()
    end: int = 0

    @classmethod
    def of(cls, images: Sequence[ImageFile], record: Record) -> Continuation:
        """Compare the images that are there with the journal."""
        stamps = _stamps_of(images)
        done = [image for image in images if record.holds(image.name, stamps[image.name])]
        held = {image.name for image in done}
        failed = frozenset(image.name for image in images if record.failed(image.name, stamps[image.name]))
        left = [image for image in images if image.name not in held]
        left.sort(key=lambda image: image.name in failed)
        gone = record.missing_from(images)
        found = [tally for name in gone if (tally := record.entries[name].tally).failure is None]
        counts = len(found), sum(len(tally.class_ids) for tally in found)
        return cls(done, left, stamps, gone, counts, failed, record.end)

    def finished(self, record: Record) -> tuple[set[str], list[str]]:
        """Names of the images that have a result in the end, and of those where an earlier start's stands."""
        standing = list[str]()
        finished = {image.name for image in self.done}
        for name in (image.name for image in self.left if image.name in record.entries):
            if record.entries[name].offset >= self.end:
                finished.add(name)
            elif record.stands(name, self.stamps[name]):
                standing.append(name)
        return finished.union(standing), standing

    def warn_of_left_out(self) -> None:
        """Results of images that are not there any more do not count; who relies on them must hear of it."""
        images, detections = self.left_out_done
        if images:
            logger.warning(
                "%s done before and not found now (moved, deleted, or beyond --limit): left out of "
                "all results, with %s",
                number_of(images, "image"),
                number_of(detections, "detection"),
            )


def _stamps_of(images: Sequence[ImageFile]) -> dict[str, Stamp | None]:
    """Size and time of each image's file; of pictures at addresses each may be one question to a server."""
    stamps = of_each(lambda image: stamp_of(image.path), images)
    return {image.name: stamp for image, stamp in zip(images, stamps, strict=True)}


def shape_of(
    detector: Detector, settings: Mapping[str, object], sources: Sequence[Place]
) -> dict[str, object]:
    """What two starts must share to be one run: weights, how they are read, settings, source.

    Not the device, the number of threads and the size of batches.
    """
    manifest = detector.manifest
    shape = {
        "model sha256": manifest.sha256,
        "manifest of the model": manifest.reading_digest[:16],
        SOURCE: [str(source) for source in sources],
        **{name: value for name, value in settings.items() if name not in _SHAPELESS},
    }
    plain: dict[str, object] = json.loads(json.dumps(shape))  # as the journal gives it back
    return plain


def logged_before(earlier: DetectionRun | None, run: DetectionRun) -> Logged | None:
    """Where MLflow has a run, if its earlier run.json says the same as the new one; else None."""
    return earlier.mlflow if earlier is not None and earlier.same_results(run) else None
