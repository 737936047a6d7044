"""Detection on a GPU: photographs a second, as a share of what its forward passes alone allow.

The pure passes have their inputs and outputs in the GPU's memory: nothing is decoded, copied or read.
They are taken in turn with the pipeline, in this process. Run in an environment whose onnxruntime is
built for the GPU (docs/settings/detection.md):

    python -m benchmarks.gpu [--device cuda] [--photographs N] [--turns N] [--batch N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import get_args

import numpy as np
import onnxruntime
from benchmarks.material import make_photograph
from benchmarks.networks import detector_of, make_network

from wildetect.detection.network.detector import BATCH_SIZE, Detector
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.imagery.discovery import ImageFile
from wildetect.results.records import ImageResult
from wildetect.settings.words import Device

PHOTOGRAPH = (5472, 3648)
FILES = 4  # decoded again and again under other names
PASSES = 30


class PureForward:
    """The network as its file holds it, fed from the GPU's own memory.

    Args:
        detector: Whose file and device to take.
        batch: Tiles in a forward pass.
    """

    def __init__(self, detector: Detector, batch: int) -> None:
        backend = detector.session.backend
        session = onnxruntime.InferenceSession(
            detector.session.weights, providers=[(backend.provider, dict(backend.options))]
        )
        feeding = detector.manifest.feeding
        values = np.random.default_rng(0).random((batch, 3, feeding.height, feeding.width), np.float32)
        self._binding = session.io_binding()
        place = "cpu" if backend.device == "cpu" else "cuda"
        self._input = onnxruntime.OrtValue.ortvalue_from_numpy(values, place, 0)
        self._binding.bind_ortvalue_input(session.get_inputs()[0].name, self._input)
        self._binding.bind_output(session.get_outputs()[0].name, place, 0)
        self._session, self._batch = session, batch
        self.tiles_a_second(3)

    def tiles_a_second(self, passes: int = PASSES) -> float:
        """Its rate over some passes."""
        begun = time.perf_counter()
        for _ in range(passes):
            self._session.run_with_iobinding(self._binding)
        return passes * self._batch / (time.perf_counter() - begun)


def boxes_apart(first: list[ImageResult], second: list[ImageResult]) -> tuple[int, int, float, float]:
    """How far the results of two devices differ.

    Returns:
        Boxes of the first; boxes of either that have no partner within 2 px and 0.02 in the other; of
        the rest the largest difference in px and in confidence.
    """
    boxes, alone, px, confidence = 0, 0, 0.0, 0.0
    for one, other in zip(first, second, strict=True):
        if one.detections is None or other.detections is None:
            raise RuntimeError(f"{one.name} failed: {one.failure or other.failure}")
        a, b = one.detections, other.detections
        boxes += len(a)
        far = np.abs(a.xyxy[:, None] - b.xyxy[None]).max(axis=2)
        sure = np.abs(a.confidence[:, None] - b.confidence[None])
        near = (far <= 2) & (sure <= 0.02) & (a.class_id[:, None] == b.class_id[None])  # noqa: PLR2004
        alone += int((~near.any(axis=1)).sum() + (~near.any(axis=0)).sum())
        px = max(px, float(far[near].max(initial=0)))
        confidence = max(confidence, float(sure[near].max(initial=0)))
    return boxes, alone, px, confidence


def main() -> int:
    """Make everything, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=get_args(Device), default="cuda")
    parser.add_argument("--photographs", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--batch", type=int, default=BATCH_SIZE)
    arguments = parser.parse_args()
    options = PipelineOptions()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        network = make_network(folder / "network.onnx")
        files = [make_photograph(folder / f"{number}.jpg", *PHOTOGRAPH, number) for number in range(FILES)]
        detector = detector_of(network, arguments.device, arguments.batch)
        each = [ImageFile(path, path.name) for path in files]
        on_cpu = list(detect_images(each, detector_of(network, "cpu"), options))
        apart = boxes_apart(on_cpu, list(detect_images(each, detector, options)))
        pure = PureForward(detector, arguments.batch)
        images = [ImageFile(files[n % FILES], f"{n}.jpg") for n in range(arguments.photographs)]
        rates, shares, wrong = [], [], 0
        before = pure.tiles_a_second()
        for _ in range(arguments.turns):
            begun = time.perf_counter()
            results = list(detect_images(images, detector, options))
            seconds = time.perf_counter() - begun
            tiles = sum(result.tiles for result in results)
            wrong += sum(
                len(result.detections or ()) != len(on_cpu[n % FILES].detections or ())
                for n, result in enumerate(results)
            )
            after = pure.tiles_a_second()
            rates.append(len(images) / seconds)
            shares.append(tiles / seconds / ((before + after) / 2))
            print(
                f"  {len(images) / seconds:.1f} photographs/s, {tiles / seconds:.0f} tiles/s; "
                f"pure forward {before:.0f} and {after:.0f} tiles/s",
                file=sys.stderr,
            )
            before = after
    boxes, alone, px, confidence = apart
    print(f"device                                  {detector.device}, {detector.workers} threads")
    print(f"photographs of 20 MP a second, median   {statistics.median(rates):.1f}")
    print(f"share of the pure forward rate, median  {statistics.median(shares):.3f}")
    print(f"boxes; without a partner on the CPU     {boxes:,}; {alone}")
    print(f"the others differ by at most            {px:.3f} px, {confidence:.5f}")
    print(f"photographs with other counts           {wrong} of {len(images) * arguments.turns}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
