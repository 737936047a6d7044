"""Peak memory of one kind of work, in a process of its own: `benchmarks.memory KIND SOURCE NETWORK`.

The source is what benchmarks/detection.py made. One line of JSON: peak_mb, and for small images
growth, the memory at the end over that after the first fifth.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
from benchmarks.networks import detector_of

from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.imagery.discovery import ImageFile, discover
from wildetect.results.journal.journal import Journal
from wildetect.results.pictures.stamps import stamp_of

MB = 1e6
SMALL_IMAGES = 1000


def peak_mb() -> float:
    """Most memory that this process held so far."""
    memory = psutil.Process().memory_info()
    peak = getattr(memory, "peak_wset", None)  # Windows
    if peak is None:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return float(peak / MB)


def whole(source: Path, network: Path) -> dict[str, Any]:
    """Detect in photographs or a raster."""
    results = list(detect_images(discover([source]), detector_of(network), PipelineOptions()))
    failures = [result.failure for result in results if result.failed]
    if failures:
        raise RuntimeError(str(failures))
    return {"peak_mb": peak_mb(), "tiles": sum(result.tiles for result in results)}


def small(folder: Path, network: Path) -> dict[str, Any]:
    """Detect in many small images, and keep them in a journal as a run does."""
    files = discover([folder])
    images = [ImageFile(files[n % len(files)].path, f"{n}.jpg") for n in range(SMALL_IMAGES)]
    early = 0
    with tempfile.TemporaryDirectory() as output, Journal(Path(output), {}) as journal:
        detector = detector_of(network)
        for number, result in enumerate(detect_images(images, detector, PipelineOptions(tile_size=64))):
            journal.add(result, stamp_of(result.path), 0)
            if number == SMALL_IMAGES // 5:
                early = psutil.Process().memory_info().rss
    return {"peak_mb": peak_mb(), "growth": psutil.Process().memory_info().rss / early}


def main() -> None:
    """Do the work that the command line names."""
    kind, source, network = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps(small(source, network) if kind == "small" else whole(source, network)))


if __name__ == "__main__":
    main()
