"""Whether a detector is fed as it was trained, shown on a picture of its owner.

A wrong feeding fails quietly: the wrong order of colours, scale or shape gives fewer boxes, or many that are
nonsense and very sure. So numbers of boxes tell nothing, and the picture is mirrored: whoever sees animals
sees them there, too, at the mirrored place; what only looks like a box does not come back. Where the boxes of
the declared feeding come back poorly, the usual others are tried, and one that is clearly better is named.

Measured with six public detectors and the demo's (benchmarks.feedings): fed rightly, another feeding was
named on none of 50 pairs of a detector and an everyday or drone picture; of 74 with maps and aerial
photographs on one, a raster without any data, and such pictures are passed over since. Fed in the other order
of colours, at the other scale or with a mean, the demo's detector was told on all of its eight pictures, in
the right words. Of two others a wrong scale or mean was on five of six, on pictures of what they know; the
order of colours and the shape changed too little there to be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wildetect.detection.network.detector import Detector
from wildetect.detection.network.preprocess import place
from wildetect.detection.tiles.tiling import from_the_middle
from wildetect.detections import Detections
from wildetect.errors import ModelError
from wildetect.geometry import Window, iou
from wildetect.imagery.opening import open_image
from wildetect.imagery.source import ImageSource, Pixels
from wildetect.registry.manifest import Feeding, Manifest
from wildetect.settings.registration import RegistrationSettings
from wildetect.wording import commas, number_of, percent

__all__ = ["feeding_doubt", "likelier_feeding"]

CONFIG = RegistrationSettings.file
_FAINTEST = 0.01
_MOST_TILES = 60  # of a picture in which nothing sure is found
_LARGEST_WHOLE = 100_000_000  # px

_SURE = 0.2
_MOST_LOOKS = 8  # tiles of the picture, each once more mirrored
_FLAT = 20  # values between the darkest and the brightest: less shows nothing
_ALIKE = 0.6  # IoU of a box with the mirrored one
_SUREST = 1000  # boxes of a tile that are compared
_ENOUGH, _FEWEST = 3.0, 4  # confidences that come back, and boxes: below, a picture tells nothing
_MEAN = 0.5  # confidence of a box: fainter ones, that come back or not, are found in pictures without animals
_SOUND = 0.85  # of the confidence comes back where a picture is seen as in training
_BETTER, _MORE = 0.2, 1.6  # of the share that comes back, or times as much

Triple = tuple[float, float, float]
_PLAIN: Mapping[str, Triple] = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
_VALUES: Sequence[Mapping[str, Any]] = (
    {"scale": 1 / 255, **_PLAIN},
    {"scale": 1.0, **_PLAIN},
    {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
    {"scale": 1 / 127.5, "mean": (1.0, 1.0, 1.0), "std": (1.0, 1.0, 1.0)},
)
"""What networks take: 0 to 1, 0 to 255, ImageNet's mean and deviation, -1 to 1."""


class _Seen(NamedTuple):
    """What a feeding gives on pictures.

    Attributes:
        boxes: Their number.
        confidence: Theirs together.
        returned: How much of it comes back where the pictures are mirrored.
    """

    boxes: int = 0
    confidence: float = 0.0
    returned: float = 0.0

    @property
    def share(self) -> float:
        """Share of the confidence that comes back, 0 to 1."""
        return self.returned / self.confidence if self.confidence else 0.0

    @property
    def tells(self) -> bool:
        """Whether it shows that the model sees what is there."""
        enough = self.boxes >= _FEWEST and self.returned >= _ENOUGH
        return enough and self.share >= _SOUND and self.confidence >= _MEAN * self.boxes

    def beats(self, other: _Seen) -> bool:
        """Whether it shows that, and clearly more than another feeding."""
        more = self.returned >= _MORE * other.returned
        return self.tells and (more or self.share >= other.share + _BETTER)

    def plus(self, other: _Seen) -> _Seen:
        """Both together."""
        return _Seen(
            self.boxes + other.boxes, self.confidence + other.confidence, self.returned + other.returned
        )


def feeding_doubt(weights: Path, manifest: Manifest, picture: Path | None) -> str | None:
    """Say so where a picture shows that a detector may be fed in another way than it was trained.

    Args:
        weights: ONNX file.
        manifest: How it is fed and read.
        picture: A photograph with animals; None tells nothing.

    Raises:
        InputError: The picture cannot be read.
    """
    if picture is None:
        return None
    return likelier_feeding(weights, manifest, picture) or _faint(weights, manifest, picture)


def likelier_feeding(weights: Path, manifest: Manifest, picture: Path) -> str | None:
    """Name the feeding with which a detector sees clearly more of a picture than as it is fed; None if none.

    Args:
        weights: ONNX file.
        manifest: How it is fed and read.
        picture: A photograph with animals.

    Raises:
        InputError: The picture cannot be read.
    """
    source = open_image(picture)
    try:
        looks = list(_looks(source, manifest.feeding))
    finally:
        source.close()
    own = _seen(weights, manifest, looks)
    if own.tells:
        return None
    tried = [(other, _seen(weights, _fed(manifest, other), looks)) for other in _others(manifest, looks)]
    other, best = max(tried, key=lambda one: (one[1].tells, one[1].returned))
    if not best.beats(own):
        return None
    now = f"{number_of(own.boxes, 'box', 'boxes')} and {percent(own.share)}" if own.boxes else "nothing"
    boxes = number_of(best.boxes, "box", "boxes")
    return (
        f"it was probably trained with {_words(other)}: fed so it finds {boxes} on {picture.name}, and "
        f"{percent(best.share)} of them again where it is mirrored; as it is fed now, {now}. Set that in "
        f"{CONFIG}"
    )


def _looks(source: ImageSource, feeding: Feeding) -> Iterator[Pixels]:
    for window in islice(from_the_middle(source.width, source.height, feeding.size), _MOST_LOOKS):
        pixels = source.read(window).copy()
        if np.ptp(pixels) >= _FLAT:
            yield pixels


def _fed(manifest: Manifest, other: Mapping[str, Any]) -> Manifest:
    return manifest.model_copy(update={"feeding": manifest.feeding.model_copy(update=dict(other))})


def _others(manifest: Manifest, looks: Sequence[Pixels]) -> Iterator[dict[str, Any]]:
    """The usual feedings that differ from a detector's in one thing, by the fields that differ."""
    feeding = manifest.feeding
    yield {"channel_order": "bgr" if feeding.channel_order == "rgb" else "rgb"}
    if feeding.dtype != "uint8":  # pixels are fed as they are
        for values in _VALUES:
            differing = {key: value for key, value in values.items() if getattr(feeding, key) != value}
            if differing:
                yield differing
    other = {"resize": "letterbox" if feeding.resize == "stretch" else "stretch"}
    changed = feeding.model_copy(update=other)
    sizes = [(pixels.shape[1], pixels.shape[0]) for pixels in looks]
    if any(place(width, height, feeding) != place(width, height, changed) for width, height in sizes):
        yield other


def _words(other: Mapping[str, Any]) -> str:
    """Fields of a feeding as they are written into the settings."""
    return commas(f"{key}: {_value(value)}" for key, value in other.items())


def _value(value: str | float | Triple) -> str:
    if isinstance(value, tuple):
        return f"[{commas(f'{one:g}' for one in value)}]"
    return value if isinstance(value, str) else f"{value:.7g}"


def _seen(weights: Path, manifest: Manifest, looks: Sequence[Pixels]) -> _Seen:
    """What a detector gives on pictures, and what of it on the mirrored ones."""
    seen = _Seen()
    try:
        detector = Detector(weights, manifest, "cpu")
        for pixels in looks:
            found = detector.detect([pixels], _SURE)[0].select(slice(_SUREST))
            again = detector.detect([np.ascontiguousarray(pixels[:, ::-1])], _SURE / 4)[0]
            seen = seen.plus(_coming_back(found, again.select(slice(2 * _SUREST)), pixels.shape[1]))
    except ModelError:
        return _Seen()  # what cannot be read is no animal
    return seen


def _coming_back(found: Detections, again: Detections, width: int) -> _Seen:
    """How much of the confidence of boxes comes back from a mirrored picture that is so wide."""
    confidence = float(found.confidence.sum())
    if not len(found) or not len(again):
        return _Seen(len(found), confidence)
    mirrored = again.xyxy.copy()
    mirrored[:, [0, 2]] = width - again.xyxy[:, [2, 0]]
    shared = iou(found.xyxy, mirrored) * (found.class_id[:, None] == again.class_id)
    best = shared.argmax(axis=1)
    back = np.minimum(found.confidence, again.confidence[best])
    return _Seen(len(found), confidence, float(back[shared.max(axis=1) >= _ALIKE].sum()))


def _faint(weights: Path, manifest: Manifest, picture: Path) -> str | None:
    """Say so where nothing sure is found on the owner's picture: a wrong feeding fails so, quietly."""
    detector, lowest = Detector(weights, manifest, "cpu"), manifest.thresholds.confidence
    best, source = 0.0, open_image(picture)
    try:
        tiles = from_the_middle(source.width, source.height, manifest.feeding.size)
        windows = tiles[:_MOST_TILES]
        if source.width * source.height <= _LARGEST_WHOLE:
            windows.append(Window(0, 0, source.width, source.height))
        for window in windows:
            (found,) = detector.find([source.read(window).copy()], min(lowest, _FAINTEST))
            best = max(best, float(found.detections.confidence.max(initial=0)))
            if best >= lowest or found.failure is not None:  # what it fails for is told by the checks
                return None
    finally:
        source.close()
    surest = f"its surest box has a confidence of {best:.2g}, below {lowest:g}"
    return (
        f"{surest if best else 'it finds nothing'} on {picture.name}: there is no animal in it, or the model "
        "is fed in another way than it was trained (scale, channel_order, mean, std)"
    )
