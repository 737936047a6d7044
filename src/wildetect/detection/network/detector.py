"""A detector: a network together with the manifest that says how it is fed and read."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.families.family import Frame, Reading
from wildetect.detection.families.table import TABLE
from wildetect.detection.network.classifier import Classifier
from wildetect.detection.network.devices import cores
from wildetect.detection.network.own_limits import OwnLimits, own_limits
from wildetect.detection.network.preprocess import Placement, network_input
from wildetect.detection.network.session import (
    NoMemoryError,
    Session,
    check_numbers,
    no_numbers,
    open_session,
    picture_inputs,
    rows_of,
    size_of_input,
)
from wildetect.detection.tiles.stitching import nms_each
from wildetect.detection.tiles.tiling import LargeWindows
from wildetect.detections import Detections
from wildetect.errors import ModelError
from wildetect.imagery.source import Pixels
from wildetect.registry.manifest import Feeding, Manifest
from wildetect.settings.words import Device, OverlapMetric
from wildetect.wording import listed, number_of

__all__ = ["BATCH_SIZE", "Detector", "Found"]

Array = NDArray[Any]

BATCH_SIZE = 32
_DECODERS = 2
_DECODERS_OF_GPU = 8  # a core decodes some 10 photographs a second, each takes 60 MB

logger = logging.getLogger(__name__)


_ALMOST_ALIKE = 0.9  # IoU; two animals never have boxes so nearly alike
_STRIDE = 64  # px; of the coarsest grid of usual networks
_MOST_DOUBLES = 0.2  # of the boxes of a tile; more are no accident
# Numbers of boxes after which exporters' NMS stops.
_USUAL_LIMITS = frozenset((100, 200, 300, 500, 1000))


class Found(NamedTuple):
    """What a network found in a tile.

    Attributes:
        detections: Detections in px of the tile.
        full: Whether a limit was reached, the settings' or the network's own, so that there may be more.
        failure: Why what the network gave for this tile cannot be read; there are no detections then.
    """

    detections: Detections
    full: bool = False
    failure: ModelError | None = None


class Detector:
    """Finds animals in tiles; may be used by `workers` threads at once.

    Args:
        weights: ONNX file.
        manifest: How to feed and read it, and the classifier behind it.
        device: One of words.Device; the attribute says which was picked.
        classifier: ONNX file of the second stage; needed where the manifest has one.
        batch_size: Tiles in a forward pass on a GPU, where the network takes any number.

    Raises:
        ConfigurationError: The device cannot be used.
        ModelError: The weights cannot be used, or do not fit the manifest.
    """

    def __init__(
        self,
        weights: Path,
        manifest: Manifest,
        device: Device = "auto",
        *,
        classifier: Path | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        self.manifest = manifest
        # what a file is made to take pixels for has fixed sides
        feeding = manifest.feeding if manifest.windows is None else None
        self.session: Session = open_session(weights, device, feeding=feeding)
        self._family = TABLE[manifest.family]
        self._reading = Reading.of(manifest)
        own = self._family.first_label
        if manifest.first_label is not None:
            own = manifest.first_label
        self._first_label = 1 if own is None else own  # 0 is the background in most of those that differ
        self._image, self._alone, self._sizes = picture_inputs(self.session, manifest.feeding)
        self._outputs = [spec.name for spec in self.session.outputs]
        if not self._family.every_output:
            self._outputs = self._outputs[:1]
        self._rows = rows_of(self.session)
        self.limits = own_limits(weights) if self._lists else OwnLimits()
        self.batch = self._largest_batch()
        # on a GPU each pass has so many tiles: its libraries prepare again for another number (1 to 3 s)
        self._full = batch_size if self.batched else None
        self.classifier = _second_stage(manifest, classifier, device)

    @property
    def device(self) -> str:
        """What was picked: cpu, cuda, directml or openvino."""
        return self.session.backend.device

    @property
    def may_count_from_1(self) -> bool:
        """Whether boxes carry numbers of classes, and neither the file nor its owner says from which on."""
        told = self.manifest.first_label is not None or "task" in self.session.metadata
        return bool(self._family.columns or self._family.box_units) and not told

    @property
    def workers(self) -> int:
        """Number of threads that make full use of the device."""
        return self.session.backend.threads or cores()

    @property
    def decode_threads(self) -> int:
        """Number of threads that decode photographs as fast as the device takes their tiles."""
        return min(cores(), _DECODERS_OF_GPU) if self.batched else _DECODERS

    @property
    def batched(self) -> bool:
        """Whether the device works on many tiles at once."""
        return self.session.backend.batched

    @property
    def tiles_per_pass(self) -> int:
        """Tiles to hand over at once: batches speed up a GPU; a CPU they only cost memory."""
        return self.batch or (self._full if self.batched else None) or 1

    def detect(self, tiles: Sequence[Pixels], confidence: float | None = None) -> list[Detections]:
        """Run the network on tiles, as `find` does; the detections alone.

        Raises:
            ModelError: As in `find`, or what the network gave for one of them cannot be read.
        """
        found = self.find(tiles, confidence)
        for one in found:
            if one.failure is not None:
                raise one.failure
        return [one.detections for one in found]

    def find(
        self,
        tiles: Sequence[Pixels],
        confidence: float | None = None,
        sharp: Sequence[bool] = (),
        side: int = 0,
    ) -> list[Found]:
        """Run the network on tiles.

        Args:
            tiles: RGB, each of shape (height, width, 3); any number, sizes may differ.
            confidence: Lowest to report; by default the manifest's.
            sharp: For each tile whether it is resized with as much detail as can be; by default none is.
            side: Side of a tile in px, where they may be windows of several tiles (manifest.windows); else 0.

        Returns:
            For each tile its detections in px of that tile, most confident first, each animal once, and
            whether there may be more. They are not cut to the tile: a box may reach beyond the part of
            the animal that was seen. A tile for which the network failed, or gave something else than
            its family gives, has a failure, and costs no other.

        Raises:
            NoMemoryError: The memory of the device is too small for one tile.
        """
        lowest = self.manifest.thresholds.confidence if confidence is None else confidence
        found: list[Found] = []
        while len(found) < len(tiles):
            size = self.batch or self._full or len(tiles)
            some = slice(len(found), len(found) + size)
            part = tiles[some]
            try:
                outputs, placements = self.forward(part, sharp[some], side)
            except NoMemoryError:
                if self.batch or size == 1:
                    raise
                self._full = min(self._full or size, size // 2)  # another thread may have been faster
                logger.warning("the memory of the device is full: %d tiles at once from now on", self._full)
                continue
            except ModelError as error:
                found += self._one_by_one(part, confidence, sharp[some], side, error)
                continue
            reading = self._reading_of(self._fed(part[0], side))
            read = [
                self._read_or_failed(one, place, lowest, reading)
                for one, place in zip(outputs, placements, strict=True)
            ]
            if self._family.marks_pictures and self._rows is not None:
                # one list of fixed length for the whole pass, which the last tile fills up
                copies = max((self.batch or self._full or 0) - len(part), 0)
                listed = sum(len(one.detections) for one in [*read, *read[-1:] * copies])
                read = [one._replace(full=one.full or listed >= self._rows) for one in read]
            found += self._each_animal_once(read)
        return found

    def _one_by_one(
        self,
        tiles: Sequence[Pixels],
        confidence: float | None,
        sharp: Sequence[bool],
        side: int,
        error: ModelError,
    ) -> list[Found]:
        """Find out which of the tiles a pass fails for: what a graph does may depend on the picture."""
        if len(tiles) == 1:
            return [Found(Detections.empty(), failure=error)]
        alone = [slice(one, one + 1) for one in range(len(tiles))]
        return [self.find(tiles[one], confidence, sharp[one], side)[0] for one in alone]

    def _read_or_failed(
        self, outputs: Sequence[Array], placement: Placement, confidence: float, reading: Reading
    ) -> Found:
        """What the outputs for one tile hold, its doubles among them."""
        try:
            found = self._read(outputs, placement, confidence, reading)
        except ModelError as error:
            return Found(Detections.empty(), failure=error)
        return Found(found, self._filled(outputs, found, confidence, reading))

    def forward(
        self, tiles: Sequence[Pixels], sharp: Sequence[bool] = (), side: int = 0
    ) -> tuple[list[list[Array]], list[Placement]]:
        """One forward pass: each tile's outputs, without batch dimension, and its place in the input."""
        size = self.batch or self._full
        feeding = self._fed(tiles[0], side)
        pixels, placements = network_input(
            tiles, feeding, size, as_pixels=self.session.takes_pixels, sharp=sharp
        )
        feeds: dict[str, Array] = {self._image.name: pixels[0] if self._alone else pixels}
        for spec in self._sizes:
            given = size_of_input(spec, len(pixels), feeding.width, feeding.height)
            if given is not None:
                feeds[spec.name] = given
        outputs = self.session.run(feeds, self._outputs)
        return [self._of(index, outputs, len(pixels)) for index in range(len(tiles))], placements

    @property
    def windows(self) -> LargeWindows | None:
        """How large a pass may be; None: each is a tile."""
        windows, feeding = self.manifest.windows, self.manifest.feeding
        if windows is None:
            return None
        return LargeWindows(windows.most, max(feeding.size) // self._stride)

    @property
    def _stride(self) -> int:
        return math.gcd(*self.manifest.feeding.size, _STRIDE)

    def _fed(self, tile: Pixels, side: int) -> Feeding:
        """How a tile is fed: the input of a window grows with it."""
        feeding = self.manifest.feeding
        height, width = tile.shape[:2]
        if self.windows is None or not side or max(width, height) <= side:
            return feeding
        # a little longer or shorter, so that nothing is padded
        cells = (max(round(length / side * self.windows.parts), 1) for length in (width, height))
        grown_width, grown_height = (number * self._stride for number in cells)
        return feeding.model_copy(update={"width": grown_width, "height": grown_height, "resize": "stretch"})

    def _reading_of(self, feeding: Feeding) -> Reading:
        return replace(self._reading, frame=Frame(*feeding.size))

    def _read(
        self, outputs: Sequence[Array], placement: Placement, confidence: float, reading: Reading
    ) -> Detections:
        check_numbers(outputs)
        try:
            found = self._family.decode(outputs, reading, confidence)
        except (ValueError, IndexError, StopIteration) as error:
            shapes = listed(str(output.shape) for output in outputs)
            raise ModelError(
                f"outputs of shape {shapes} cannot be read as {self.manifest.family}: {error}",
                hint="Register the model again with its right family",
            ) from error
        names = len(self.manifest.detected_names)
        found = found.relabelled(found.confidence, found.class_id - self._first_label)
        if len(found) and not 0 <= found.class_id.min() <= found.class_id.max() < names:
            odd = found.class_id.max() if found.class_id.max() >= names else found.class_id.min()
            raise ModelError(
                f"the model reports class {odd + self._first_label}, but has "
                f"{number_of(names, 'class name')}",
                hint="Register the model again with all its class names, and first_label: "
                f"{1 - self._first_label} if its first class has that number",
            )
        corners = None if found.corners is None else placement.to_tile(found.corners.reshape(-1, 4))
        found = Detections(placement.to_tile(found.xyxy), found.confidence, found.class_id, corners)
        if not (np.isfinite(found.xyxy).all() and np.isfinite(found.confidence).all()):
            raise no_numbers()
        return found

    @property
    def _lists(self) -> bool:
        """Whether outputs may be a list of animals, of which a graph gives so many at most."""
        return self._family.lists_animals or self._family.listed is not None

    def _filled(
        self, outputs: Sequence[Array], found: Detections, confidence: float, reading: Reading
    ) -> bool:
        """Whether all rows that the network can give hold an animal, so that it may have left out others."""
        number = len(found) if self._family.lists_animals else 0
        if self._family.listed is not None:
            number = self._family.listed(outputs, reading, confidence) or 0
        if not number:
            return False
        limits = self.limits
        of_classes = np.unique(found.class_id, return_counts=True)[1].tolist()
        if limits.of_class & {number, *of_classes}:
            return True
        if self._rows is not None:
            return number >= self._rows
        if number in limits.boxes:
            return True
        # of a free number of rows, as NMS in a graph gives them: its own limit is a round one
        return number in _USUAL_LIMITS and number == max(len(output) for output in outputs)

    def _each_animal_once(self, tiles: Sequence[Found]) -> list[Found]:
        """Remove doubles, and only then apply the limit."""
        thresholds = self.manifest.thresholds
        most = thresholds.max_detections
        found = [tile.detections for tile in tiles]
        once = self._without_doubles(found, thresholds.iou, thresholds.overlap_metric)
        return [
            Found(one.select(slice(most)), tile.full or (most is not None and len(one) > most), tile.failure)
            for one, tile in zip(once, tiles, strict=True)
        ]

    def _without_doubles(
        self, tiles: Sequence[Detections], threshold: float, metric: OverlapMetric
    ) -> list[Detections]:
        """Leave one box on each animal.

        A network that lists animals has decided which boxes that overlap are two of them, so that only
        boxes almost alike are doubles. A file that leaves many of those was exported without its NMS.
        """
        if self._family.removes_doubles:
            return [tile.ranked() for tile in tiles]
        if not self._family.lists_animals:
            return nms_each(tiles, threshold, metric)
        listed = nms_each(tiles, max(_ALMOST_ALIKE, threshold), metric)
        raw = [
            number
            for number, (tile, kept) in enumerate(zip(tiles, listed, strict=True))
            if len(kept) < (1 - _MOST_DOUBLES) * len(tile)
        ]
        for number, kept in zip(raw, nms_each([tiles[one] for one in raw], threshold, metric), strict=True):
            listed[number] = kept
        return listed

    def _of(self, index: int, outputs: Sequence[Array], size: int) -> list[Array]:
        """The outputs for one picture of a batch."""
        own = self._family.one_picture(outputs, index, size, self._family.rank)
        if own is not None:
            return own
        if size > 1:
            raise ModelError(
                "the outputs have no batch dimension, so that a batch cannot be told apart",
                hint="Register the model again: the check then sets its batch to 1",
            )
        return list(outputs)

    def _largest_batch(self) -> int | None:
        """Number of tiles a forward pass must have; None: any."""
        if self.manifest.windows is not None:
            return 1  # they differ in size, and one holds many tiles
        fixed = self._image.shape[0]
        if fixed is not None:
            return fixed
        if self.manifest.feeding.batch is not None:
            return self.manifest.feeding.batch
        ranks = [len(spec.shape) for spec in self.session.outputs if spec.name in self._outputs]
        batched = self._family.marks_pictures or max(ranks) > self._family.rank
        return None if batched else 1


def _second_stage(manifest: Manifest, weights: Path | None, device: Device) -> Classifier | None:
    if manifest.classifier is None:
        return None
    if weights is None:
        raise ModelError(
            "the file of the second stage (the classifier) is missing", hint="Register the model again"
        )
    return Classifier(weights, manifest.classifier, device)
