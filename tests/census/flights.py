"""A small survey as detect.run leaves it: photographs with a drone's tags, a finished run, what is true."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageDraw

from wildetect.detections import Detections
from wildetect.results.exports.folder import Wanted, write_exports
from wildetect.results.journal.journal import Journal
from wildetect.results.pictures.stamps import stamp_of
from wildetect.results.records import ImageResult, RunSummary
from wildetect.results.run_file import run_from, write_run_file

NAMES = ("elephant", "zebra", "gnu, <blue>")
LATITUDE, LONGITUDE = -19.23, 23.41
METRES_PER_DEGREE = 110_700.0  # of latitude there; near enough for placing
FILM_WIDTH = 36.0
COLOURS = ((90, 85, 80), (235, 235, 235), (60, 90, 140))


@dataclass
class Flight:
    """A camera that looks straight down, and the photographs that it takes.

    Attributes:
        width: Width of a photograph in px; its height is two thirds of it.
        height: Above ground in m.
        places: Place of the camera in m east and north of the survey's corner.
        yaws: Direction of each photograph's upper edge.
        names: Names of the files.
    """

    width: int = 480
    height: float = 120.0
    places: list[tuple[float, float]] = field(default_factory=list)
    yaws: list[float] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.width * 2 // 3

    @property
    def gsd(self) -> float:
        """m/px with a lens of 36 mm on 35 mm film."""
        return self.height / self.width

    def line(self, name: str, start: tuple[float, float], yaw: float, count: int, step: float) -> None:
        """Fly a line, one photograph every `step` m."""
        east, north = math.sin(math.radians(yaw)), math.cos(math.radians(yaw))
        for number in range(count):
            self.places.append((start[0] + east * step * number, start[1] + north * step * number))
            self.yaws.append(yaw)
            self.names.append(f"{name}/{name}_{number + 1:04}.JPG")

    def pixels(self, number: int, ground: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points on the ground (n, 2) in m lie in a photograph, in px."""
        turn = math.radians(self.yaws[number])
        east, north = (ground - self.places[number]).T
        right = east * math.cos(turn) - north * math.sin(turn)
        up = east * math.sin(turn) + north * math.cos(turn)
        return np.column_stack([right, -up]) / self.gsd + np.array(self.size) / 2


@dataclass(frozen=True)
class Herd:
    """Animals on the ground: places in m, shape (n, 2), and classes."""

    places: NDArray[np.float64]
    class_id: NDArray[np.int64]


def degrees(places: NDArray[np.float64] | Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Longitude and latitude of places in m, near enough."""
    east, north = np.asarray(places, np.float64).reshape(-1, 2).T
    across = 111_320.0 * math.cos(math.radians(LATITUDE))
    return np.column_stack([LONGITUDE + east / across, LATITUDE + north / METRES_PER_DEGREE])


def make_run(folder: Path, flight: Flight, herd: Herd, *, drift: float = 0.0, seed: int = 3) -> Path:
    """Take the photographs, and leave what detect.run would: `folder`/photographs and `folder`/run.

    Args:
        folder: Is made.
        flight: The camera.
        herd: Animals; those whose middle lies in a photograph are found there.
        drift: Standard deviation of the boxes' places in m, in each direction.
        seed: Seed of the random drift and confidences.

    Returns:
        The output folder of the run.
    """
    dice = np.random.default_rng(seed)
    results = []
    for number, name in enumerate(flight.names):
        path = folder / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        found, rows = boxes_in(flight, number, herd, dice, drift)
        save_photograph(path, flight, number, found)
        width, height = flight.size
        longitude, latitude = degrees([flight.places[number]])[0].tolist()
        results.append(
            ImageResult(
                name=name,
                path=path,
                detections=found,
                width=width,
                height=height,
                tiles=1,
                longitude=longitude,
                latitude=latitude,
            )
        )
        del rows
    output = folder / "run"
    write_run(output, results)
    return output


def boxes_in(
    flight: Flight, number: int, herd: Herd, dice: np.random.Generator, drift: float
) -> tuple[Detections, NDArray[np.intp]]:
    """The boxes of a photograph, and which animals they are."""
    middles = flight.pixels(number, herd.places)
    rows = np.flatnonzero(((middles > 0) & (middles < flight.size)).all(axis=1))
    moved = middles[rows] + dice.normal(0, drift / flight.gsd, (len(rows), 2))
    half = 2.0 / flight.gsd
    found = Detections(
        np.hstack([moved - half, moved + half]), dice.uniform(0.3, 1, len(rows)), herd.class_id[rows]
    )
    kept = found.clip(*flight.size)
    return kept, rows


def save_photograph(path: Path, flight: Flight, number: int, found: Detections) -> None:
    """A picture with an ellipse for each animal, and a DJI drone's tags."""
    dice = np.random.default_rng(number)
    ground = np.array([120, 118, 84]) + dice.integers(-12, 12, (flight.size[1] // 8, flight.size[0] // 8, 1))
    image = Image.fromarray(ground.astype(np.uint8)).resize(flight.size, Image.Resampling.BICUBIC)
    canvas = ImageDraw.Draw(image)
    for box, class_id in zip(found.xyxy.tolist(), found.class_id.tolist(), strict=True):
        canvas.ellipse(box, fill=COLOURS[class_id % len(COLOURS)], outline=(40, 40, 30))
    image.save(path, exif=_exif(flight, number), xmp=_xmp(flight, number), quality=80)


def _exif(flight: Flight, number: int) -> Image.Exif:
    longitude, latitude = degrees([flight.places[number]])[0].tolist()
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "DJI", "FC6310"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N" if latitude >= 0 else "S"
    gps[ExifTags.GPS.GPSLatitude] = _sexagesimal(latitude)
    gps[ExifTags.GPS.GPSLongitudeRef] = "E" if longitude >= 0 else "W"
    gps[ExifTags.GPS.GPSLongitude] = _sexagesimal(longitude)
    gps[ExifTags.GPS.GPSAltitude] = 950.0 + flight.height
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    tags[ExifTags.Base.FocalLengthIn35mmFilm] = 36
    taken = datetime(2026, 8, 14, 7, tzinfo=UTC) + timedelta(seconds=4 * number)
    tags[ExifTags.Base.DateTimeOriginal] = taken.strftime("%Y:%m:%d %H:%M:%S")
    return exif


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes, seconds = divmod(abs(degrees) * 3600, 60)
    whole, minutes = divmod(minutes, 60)
    return whole, minutes, round(seconds, 6)


def _xmp(flight: Flight, number: int) -> bytes:
    yaw = (flight.yaws[number] + 180) % 360 - 180
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" '
        f'drone-dji:RelativeAltitude="{flight.height:+.2f}" '
        f'drone-dji:AbsoluteAltitude="{950 + flight.height:+.2f}" '
        f'drone-dji:GimbalYawDegree="{yaw:+.2f}" drone-dji:GimbalPitchDegree="-90.00" '
        f'drone-dji:GimbalRollDegree="+0.00" drone-dji:FlightYawDegree="{yaw:+.2f}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def write_run(folder: Path, results: Sequence[ImageResult], *, state: str = "finished") -> None:
    """Leave in a folder what detect.run leaves of these results."""
    folder.mkdir(parents=True)
    with Journal(folder, {"tile_size": 640}) as journal:
        for result in results:
            journal.add(result, stamp_of(result.path), 1.0)
    run = run_from(document_of(results, state=state))
    files = write_exports(folder, run, results, Wanted(exports=("megadetector", "csv"))).files
    write_run_file(folder, replace(run, files=tuple(files)))


def document_of(results: Sequence[ImageResult], *, state: str = "finished") -> dict[str, object]:
    """What run.json says of them."""
    summary = RunSummary.of(results)
    return json.loads(  # type: ignore[no-any-return]
        json.dumps(
            {
                "state": state,
                "model": {
                    "name": "herd",
                    "version": None,
                    "file": "herd.onnx",
                    "sha256": "0123456789abcdef" * 4,
                    "family": "yolov8",
                    "class_names": list(NAMES),
                },
                "settings": {"tile_size": 640, "confidence": 0.25, "overlap_metric": "IOU"},
                "device": "cpu",
                "images": {
                    "found": summary.expected,
                    "done": summary.done,
                    "failed": summary.failed,
                    "left": 2 if state != "finished" else 0,
                    "with_detections": summary.with_detections,
                },
                "detections": summary.detections,
                "counts": summary.per_class(NAMES),
                "tiles": summary.tiles,
                "tiles_failed": [],
                "failures": [{"file": name, "reason": reason} for name, reason in summary.failures.items()],
                "times": {"started": "2026-11-23T04:12:09+00:00", "seconds": 40.5, "tiles_per_second": 2.0},
                "versions": {"wildetect": "0.1.0", "python": "3.11.2"},
                "mlflow": None,
            }
        )
    )


def two_strata(folder: Path) -> tuple[Path, Flight, Herd]:
    """Six transects through two strata, and a herd in each."""
    flight = Flight()
    for number in range(6):
        start = (150.0 + 400 * number, 100.0) if number % 2 == 0 else (150.0 + 400 * number, 1500.0)
        flight.line(f"DJI_{number + 1}", start, 0.0 if number % 2 == 0 else 180.0, 26, 56.0)
    dice = np.random.default_rng(11)
    herds = [
        (dice.uniform((0, 0), (2400, 1600), (260, 2)), 1),
        (dice.normal((900, 900), 160, (120, 2)), 0),
        (dice.normal((1900, 500), 90, (60, 2)), 2),
    ]
    places = np.concatenate([places for places, _ in herds])
    classes = np.concatenate([np.full(len(places), class_id) for places, class_id in herds])
    strata = {
        "type": "FeatureCollection",
        "features": [
            _stratum("river & plain", 0, 1200, 1600),
            _stratum("hills <north>", 1200, 2400, 1600),
        ],
    }
    path = folder / "strata.geojson"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(strata), encoding="utf-8")
    return path, flight, Herd(places, classes)


def _stratum(name: str, west: float, east: float, depth: float) -> dict[str, object]:
    corners = degrees([(west, 0), (east, 0), (east, depth), (west, depth), (west, 0)]).tolist()
    return {
        "type": "Feature",
        "properties": {"name": name},
        "geometry": {"type": "Polygon", "coordinates": [corners]},
    }
