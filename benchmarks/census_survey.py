"""A census of 10,000 photographs with 100,000 detections: wall time and peak memory, in a process of its own.

`survey_and_report` is what benchmarks/census.py prints. By itself:

    uv run python -m benchmarks.census_survey [--photographs N]

The tags of all photographs are read from real files; those that the report shows crops of are of real size.
One line of JSON: seconds of the survey and of writing, their sum, peak_mb, animals.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.material import make_photograph
from benchmarks.memory import peak_mb
from numpy.typing import NDArray
from PIL import ExifTags, Image

from wildetect.census.design.survey_files import SurveyFiles
from wildetect.census.output.document import CensusFacts
from wildetect.census.output.outputs import CensusWanted, write_census
from wildetect.census.output.pairs import MOST_PAIRS
from wildetect.census.output.parts import Campaign
from wildetect.census.result import Census
from wildetect.census.survey import SurveyPlan, survey
from wildetect.detections import Detections
from wildetect.results.exports.folder import Wanted, write_exports
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.journal.journal import Journal
from wildetect.results.pictures.stamps import stamp_of
from wildetect.results.records import ImageResult, RunSummary
from wildetect.results.run_file import run_from, write_run_file
from wildetect.settings.census import SurveyKeys
from wildetect.settings.detection import FlightSpecs

SIZE = (5472, 3648)
HEIGHT = 100.0  # m
FOCAL_LENGTH = 24  # mm, as if on 35 mm film
GSD = HEIGHT * math.hypot(36, 24) / (FOCAL_LENGTH * math.hypot(*SIZE))
STEP = 0.7 * SIZE[1] * GSD  # m along a line: 30% overlap
APART = 300.0  # m between the lines
IN_A_LINE = 100
LATITUDE, LONGITUDE = -19.2, 23.4
NAMES = ("elephant", "zebra", "antelope")
PER_PHOTOGRAPH = 10
BOX = 60.0  # px


def survey_and_report(photographs: int = 10_000) -> list[tuple[str, float, float]]:
    """De-duplication, estimates, files and report; each as a text, the value and its limit."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.census_survey", "--photographs", str(photographs)],
        cwd=Path(__file__).parents[1],
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    found = json.loads(done.stdout)
    what = f"census of {photographs:,} photographs, {found['boxes']:,} boxes"
    return [(f"{what}, s", found["seconds"], 60.0), (f"{what}, peak MB", found["peak_mb"], 1500.0)]


def make_run(folder: Path, photographs: int) -> Path:
    """What detect.run would leave of a survey in a regular pattern; the pictures are tiny."""
    dice = np.random.default_rng(7)
    lines = math.ceil(photographs / IN_A_LINE)
    ground = SIZE[0] * GSD * SIZE[1] * GSD
    extent = (lines * APART, IN_A_LINE * STEP)
    number = round(extent[0] * extent[1] * PER_PHOTOGRAPH / ground)
    herd = dice.uniform((-APART / 2, 0), (extent[0] - APART / 2, extent[1]), (number, 2))
    herd = herd[np.argsort(herd[:, 0])]
    class_id = dice.integers(0, len(NAMES), number)
    (folder / "photographs").mkdir()
    results = []
    for row in range(photographs):
        line, place = divmod(row, IN_A_LINE)
        camera = np.array([line * APART, (place if line % 2 == 0 else IN_A_LINE - place) * STEP])
        path = folder / "photographs" / f"DJI_{row:05}.JPG"
        _save(path, camera, row)
        results.append(_result(path, camera, herd, class_id, dice))
    _write_run(folder / "run", results)
    return folder / "run"


def _result(
    path: Path,
    camera: NDArray[np.float64],
    herd: NDArray[np.float64],
    class_id: NDArray[np.int64],
    dice: np.random.Generator,
) -> ImageResult:
    near = slice(*np.searchsorted(herd[:, 0], (camera[0] - 200, camera[0] + 200)).tolist())
    pixels = (herd[near] - camera) / GSD * (1, -1) + np.array(SIZE) / 2
    pixels += dice.normal(0, 1.0 / GSD, pixels.shape)  # boxes lie within some m of their animals
    inside = ((pixels > BOX) & (pixels < np.array(SIZE) - BOX)).all(axis=1)
    middles = pixels[inside]
    found = Detections(
        np.hstack([middles - BOX / 2, middles + BOX / 2]),
        dice.uniform(0.3, 1, len(middles)),
        class_id[near][inside],
    )
    return ImageResult(
        name=path.name, path=path, detections=found, width=SIZE[0], height=SIZE[1], tiles=35, seconds=1.0
    )


def _save(path: Path, camera: NDArray[np.float64], row: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "DJI", "FC6310"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    latitude = LATITUDE + camera[1] / 110_700
    longitude = LONGITUDE + camera[0] / (111_320 * math.cos(math.radians(LATITUDE)))
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "S", _parts(latitude)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", _parts(longitude)
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    tags[ExifTags.Base.FocalLengthIn35mmFilm] = FOCAL_LENGTH
    taken = datetime(2026, 8, 14, 6, tzinfo=UTC) + timedelta(seconds=3 * row)
    tags[ExifTags.Base.DateTimeOriginal] = taken.strftime("%Y:%m:%d %H:%M:%S")
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" '
        f'drone-dji:RelativeAltitude="+{HEIGHT:.2f}" drone-dji:GimbalYawDegree="+0.00" '
        'drone-dji:GimbalPitchDegree="-90.00" drone-dji:GimbalRollDegree="+0.00"/></rdf:RDF></x:xmpmeta>'
    )
    Image.new("RGB", (8, 8)).save(path, exif=exif, xmp=xmp.encode())


def _parts(degrees: float) -> tuple[float, float, float]:
    minutes, seconds = divmod(abs(degrees) * 3600, 60)
    return (*divmod(minutes, 60), round(seconds, 5))


def _write_run(folder: Path, results: list[ImageResult]) -> None:
    folder.mkdir()
    with Journal(folder, {"tile_size": 800}) as journal:
        for result in results:
            journal.add(result, stamp_of(result.path), 1.0)
    summary = RunSummary.of(results)
    document: dict[str, Any] = {
        "state": "finished",
        "model": {
            "name": "herd",
            "version": "1",
            "file": "herd.onnx",
            "sha256": "0" * 64,
            "family": "yolov8",
            "class_names": list(NAMES),
        },
        "settings": {"tile_size": 800, "confidence": 0.3},
        "device": "cpu",
        "images": {"found": summary.done, "done": summary.done, "failed": 0, "left": 0},
        "detections": summary.detections,
        "counts": summary.per_class(NAMES),
        "failures": [],
        "times": {"started": "2026-11-23T04:12:09+00:00", "seconds": 1.0, "tiles_per_second": 2.0},
    }
    run = run_from(document)
    files = write_exports(folder, run, results, Wanted(exports=("megadetector",))).files
    write_run_file(folder, replace(run, files=tuple(files)))


def real_pictures(census: Census, folder: Path) -> None:
    """Put pictures of real size in place of those that the report will decode."""
    merges = sorted(census.animals.merges, key=lambda merge: (-merge.metres, merge.animal))[:MOST_PAIRS]
    rows = sorted({row for merge in merges for row in (merge.box_a, merge.box_b)})
    made = make_photograph(folder / "real.jpg", *SIZE, 1).read_bytes()
    for file in {census.views.views[int(census.boxes.view[row])].file for row in rows}:
        (folder / "photographs" / file).write_bytes(made)


def main() -> None:
    """Make the run, take the census, print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        made = make_run(folder, options.photographs)
        begun = time.perf_counter()
        run = read_finished_run(made)
        census = survey(_plan(run))
        surveyed = time.perf_counter() - begun
        real_pictures(census, folder)
        begun = time.perf_counter()
        (folder / "census").mkdir()
        write_census(folder / "census", census, _facts(run), CensusWanted())
        written = time.perf_counter() - begun
        size = (folder / "census" / "census_report.html").stat().st_size
    print(
        json.dumps(
            {
                "photographs": options.photographs,
                "boxes": len(census.boxes.class_id),
                "animals": len(census.animals.class_id),
                "survey_s": round(surveyed, 2),
                "files_s": round(written, 2),
                "seconds": round(surveyed + written, 2),
                "report_mb": round(size / 1e6, 2),
                "peak_mb": round(peak_mb()),
            }
        )
    )


def _plan(run: FinishedRun) -> SurveyPlan:
    return SurveyPlan(
        run=run,
        keys=SurveyKeys(),
        species=None,
        specs=FlightSpecs(),
        files=SurveyFiles(),
    )


def _facts(run: FinishedRun) -> CensusFacts:
    return CensusFacts(
        campaign=Campaign("benchmark"),
        settings={"tolerance": None, "confidence": None},
        run=run.record,
        run_folder=run.folder,
        started=datetime.now(UTC),
        seconds=0.0,
    )


if __name__ == "__main__":
    main()
