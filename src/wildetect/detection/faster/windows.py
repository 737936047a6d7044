"""Larger windows for a network with free sides: what tiles overlap by is then computed less often."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

from wildetect.detection.network.detector import Detector
from wildetect.detection.network.session import picture_input
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.errors import ModelError
from wildetect.imagery.discovery import ImageFile
from wildetect.registry.manifest import Manifest, Windows

__all__ = ["LONGEST", "check_sides", "run_ratio", "with_windows"]

LONGEST = (2, 3, 4)
"""Longest sides of a window, in tiles, that are tried; larger ones save little more and take gigabytes."""
_ROUNDS = 2


def check_sides(detector: Detector, options: PipelineOptions) -> None:
    """Refuse a network that cannot take windows of other sizes than its tiles.

    Args:
        detector: Detector with larger windows.
        options: Options of the run.

    Raises:
        ModelError: Its sides are fixed, or pictures are stretched to fit them or taken whole.
    """
    found = picture_input(detector.session.inputs)
    name = detector.session.weights.name
    if found is None or any(side is not None for side in found[0].shape[-2:]):
        raise ModelError(
            f"{name} has fixed sides: it takes tiles of one size only",
            hint="Export it again with free height and width (Ultralytics: dynamic=True), and register that.",
        )
    if detector.manifest.feeding.resize == "stretch" or not options.tile_size:
        raise ModelError(
            f"{name} is fed with pictures that are stretched or whole, which cannot be joined to windows",
            hint="Give --tile-size as for detect.run; a family that stretches its tiles stays as it is.",
        )


def with_windows(manifest: Manifest, most: int, agreement: float = 1.0) -> Manifest:
    """The same detector with windows of up to so many tiles a side."""
    return manifest.model_copy(update={"windows": Windows(most=most, agreement=agreement)})


def run_ratio(
    first: tuple[Detector, PipelineOptions],
    second: tuple[Detector, PipelineOptions],
    images: Sequence[ImageFile],
) -> float:
    """Time that the second takes for images as a share of the first's, in turn."""
    ratios = []
    for _ in range(_ROUNDS):
        seconds = []
        for detector, options in (first, second):
            begun = time.perf_counter()
            for _result in detect_images(images, detector, replace(options, max_errors=None)):
                pass
            seconds.append(time.perf_counter() - begun)
        ratios.append(seconds[1] / seconds[0])
    return statistics.median(ratios)
