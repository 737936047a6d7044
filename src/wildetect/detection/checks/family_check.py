"""What a weights file would find if it were of one family or another, so that eyes can choose.

The shapes of the outputs often fit several families, and a wrong one fails quietly. Here each family that
fits reads the same picture, side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.checks.feeding_check import likelier_feeding
from wildetect.detection.checks.inspection import WeightsFile, candidates
from wildetect.detection.checks.recognition import describe
from wildetect.detection.checks.row_layout import with_layout
from wildetect.detection.families.family import Frame, Reading, Shapes
from wildetect.detection.families.table import TABLE, fits, implausible
from wildetect.detection.network.detector import Detector
from wildetect.detection.tiles.tiling import from_the_middle
from wildetect.detections import Detections
from wildetect.errors import ModelError
from wildetect.geometry import Window
from wildetect.imagery.opening import open_image
from wildetect.imagery.source import Pixels
from wildetect.registry.manifest import Manifest, Source
from wildetect.settings.registration import RegistrationSettings
from wildetect.settings.words import Family
from wildetect.wording import listed, number_of

__all__ = ["Candidate", "FamilyCheck", "Verdict", "check_families"]

Verdict = Literal["plausible", "doubtful", "nothing", "impossible"]
VERDICTS: tuple[Verdict, ...] = ("plausible", "doubtful", "nothing", "impossible")

_MOST_CLASSES = 1000
_FAINTEST = 0.01  # the best confidence is told down to here
_SMALLEST = 2.0  # px; no animal is seen in less


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """What a file finds, read as one family.

    Attributes:
        family: Family that fits the shapes of its outputs.
        verdict: Whether the boxes can be right.
        reason: For the verdict, in a few words.
        detections: Detections at the confidence of the settings, in px of the window; empty where it is
            impossible.
        best: Highest confidence, 0.01 or more; None if there is no box at all.
    """

    family: Family
    verdict: Verdict
    reason: str
    detections: Detections
    best: float | None


@dataclass(frozen=True, slots=True, eq=False)
class FamilyCheck:
    """All candidates on one picture, the most plausible first.

    Attributes:
        candidates: Candidates, at least one.
        pixels: What they looked at, RGB.
        window: Where that lies in the picture.
        class_names: For the labels; numbers where none are given.
        feeding: Feeding with what the first was probably trained, where it is fed otherwise; None: unknown.
    """

    candidates: Sequence[Candidate]
    pixels: Pixels
    window: Window
    class_names: Sequence[str]
    feeding: str | None = None


def check_families(weights: WeightsFile, settings: RegistrationSettings, picture: Path) -> FamilyCheck:
    """Run a file as each family that fits it.

    Args:
        weights: The file.
        settings: What its owner says; the family is not looked at.
        picture: Photograph with animals. Of a large one, where they would be too small for the network, a
            tile of the size of the network's input is looked at: the one closest to the middle in which a
            family finds something.

    Raises:
        InputError: The picture cannot be read.
        ModelError: No family fits, or nothing says the size of the network's input.
    """
    names = tuple(settings.class_names or weights.class_names or ())
    fitting = candidates(weights, len(names) or None)
    if not fitting:
        raise ModelError(
            f"{weights.path.name} fits no family with {number_of(len(names), 'class name')}",
            hint="Give all class names of the model, or none, as class_names: in the settings.",
        )
    shown = names or tuple(f"class {number}" for number in range(_MOST_CLASSES))
    readers = [_Reader(weights, settings, one, shown, picture) for one in fitting]
    source = open_image(picture)
    try:
        check = None
        for window in from_the_middle(source.width, source.height, readers[0].frame):
            pixels = source.read(window).copy()
            found = [reader.look(pixels) for reader in readers]
            ranked = sorted(found, key=lambda one: (VERDICTS.index(one.verdict), -(one.best or 0)))
            if check is None or ranked[0].verdict == "plausible":
                check = FamilyCheck(ranked, pixels, window, shown)
            if ranked[0].verdict in {"plausible", "impossible"}:
                break
    finally:
        source.close()
    if check is None:
        raise ValueError(f"{picture.name} has no tiles")
    first = next(one for one in readers if one.manifest.family == check.candidates[0].family)
    if check.candidates[0].verdict == "impossible":
        return check
    return replace(check, feeding=likelier_feeding(weights.path, first.manifest, picture))


def _manifest(
    weights: WeightsFile, settings: RegistrationSettings, family: Family, names: tuple[str, ...]
) -> Manifest:
    said = settings.model_copy(update={"family": family, "class_names": list(names)})
    source = Source(file=weights.path.name, size=weights.path.stat().st_size, sha256="")
    return describe(weights, said, "", source)


class _Reader:
    """A file read as one family."""

    def __init__(
        self,
        weights: WeightsFile,
        settings: RegistrationSettings,
        family: Family,
        names: tuple[str, ...],
        picture: Path,
    ) -> None:
        self.manifest = _manifest(weights, settings, family, names)
        self.frame = Frame(*self.manifest.feeding.size)
        self._classes = len(names) if len(names) < _MOST_CLASSES else None
        self._detector: Detector | None = None
        try:
            if TABLE[family].columns or TABLE[family].first_label is None:
                self.manifest = with_layout(weights, self.manifest, settings, picture)[0]
            self._detector = Detector(weights.path, self.manifest, "cpu")
        except ModelError as error:
            self._problem = error.message

    def look(self, pixels: Pixels) -> Candidate:
        if self._detector is None:
            return self._impossible(self._problem)
        try:
            outputs = self._detector.forward([pixels])[0][0]
            if problem := self._misfit(outputs):
                return self._impossible(problem)
            found = self._detector.detect([pixels], _FAINTEST)[0]
        except ModelError as error:
            return self._impossible(error.message)
        thresholds = self.manifest.thresholds
        best = float(found.confidence.max()) if len(found) else None
        counted = found.select(found.confidence >= thresholds.confidence)
        verdict, reason = _judge(counted, pixels, thresholds.max_detections, thresholds.confidence)
        return Candidate(self.manifest.family, verdict, reason, counted, best)

    def _misfit(self, outputs: Sequence[NDArray[Any]]) -> str | None:
        family = self.manifest.family
        shapes = [output.shape for output in outputs]
        if not fits(family, Shapes(shapes, self.frame, self._classes)):
            return f"its outputs {listed(shapes)} are not {TABLE[family].outputs}"
        return implausible(family, outputs, Reading.of(self.manifest))

    def _impossible(self, reason: str) -> Candidate:
        return Candidate(self.manifest.family, "impossible", reason, Detections.empty(), None)


def _judge(found: Detections, pixels: Pixels, most: int | None, confidence: float) -> tuple[Verdict, str]:
    """Whether boxes could be of animals, by their number, sizes and places."""
    if not len(found):
        return "nothing", f"no box reaches a confidence of {confidence:g}"
    height, width = pixels.shape[:2]
    sides = found.xyxy[:, 2:] - found.xyxy[:, :2]
    centres = (found.xyxy[:, 2:] + found.xyxy[:, :2]) / 2
    size = np.array([width, height])
    odd = (sides < _SMALLEST).any(axis=1) | (sides > 1.5 * size).any(axis=1)
    odd |= ((centres < 0) | (centres > size)).any(axis=1)
    if 2 * odd.sum() >= len(found):
        return (
            "doubtful",
            f"{odd.sum():,} of {number_of(len(found), 'box', 'boxes')} are tiny, huge or outside the picture",
        )
    if most is not None and len(found) >= most:
        return "doubtful", f"as many boxes as can be ({most})"
    return "plausible", "the boxes have the sizes and places of things in the picture"
