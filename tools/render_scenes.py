"""Renders the demo's aerial photographs and the truth about the animals in them.

Two flight lines of four photographs each. Each line is cut from one landscape, so
an animal in the overlap of two photographs stands at one place on the ground.
Every pixel follows from `--seed`. Run: python tools/render_scenes.py
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, TiffImagePlugin

from animals import CLASS_NAMES
from ground import Palette
from landscape import Animal, Box, Growth, Herd, Landscape, Plan, render
from plants import GSD
from solids import Array, Sun

DEFAULT_SEED = 7100
WIDTH, HEIGHT = 3600, 2400
ADVANCE = 1680
"""Rows from one photograph of a line to the next: 30% forward overlap."""

FRAMES = 4
NORTH, SOUTH = 0, 180
"""Courses of the lines, degrees."""

FOCAL_LENGTH_MM = 35.0
HEIGHT_ABOVE_GROUND_M = 180.0
GROUND_ELEVATION_M = 942.0
LEAST_VISIBLE = 0.6
JPEG_QUALITY = 66

_SEMI_MAJOR_M, _ECCENTRICITY_2 = 6_378_137.0, 6.694_379_990_14e-3


@dataclass(frozen=True)
class Line:
    """A flight line.

    Attributes:
        name: first letters of its pictures' names.
        plan: its landscape, north up.
        north_west: (latitude, longitude) of the landscape's corner, degrees.
        course: 0 when flown north, 180 when flown south, degrees.
        start: seconds after midnight of the first photograph.
    """

    name: str
    plan: Plan
    north_west: tuple[float, float]
    course: int
    start: int


def flight_lines(seed: int = DEFAULT_SEED) -> tuple[Line, Line]:
    """The two lines of the demo; their landscapes have the seeds `seed` + 1 and `seed` + 2."""
    rows = HEIGHT + (FRAMES - 1) * ADVANCE
    pan = Plan(
        seed=seed + 1,
        width=WIDTH,
        height=rows,
        gsd=GSD,
        sun=Sun(azimuth=52.0, elevation=42.0),
        palette=Palette(exposure=1.07, bareness=0.1),
        growth=Growth(trees=9, bushes=100, rocks=6, mounds=2.5, logs=5),
        waters=((0.60, 0.31, 17.0),),
        vehicle_tracks=1,
        trails=5,
        herds=(
            Herd(0, 0.45, 0.335, 9, 9.0),
            Herd(0, 0.22, 0.72, 7, 8.0),
            Herd(1, 0.76, 0.395, 16, 9.0),
            Herd(1, 0.70, 0.60, 9, 10.0),
            Herd(2, 0.30, 0.255, 14, 8.0),
            Herd(2, 0.62, 0.70, 22, 10.0),
            Herd(0, 0.50, 0.50, 3, 45.0),
            Herd(2, 0.50, 0.70, 6, 40.0),
            Herd(0, 0.80, 0.85, 8, 9.0),
            Herd(0, 0.99, 0.13, 6, 8.0),
            Herd(2, 0.01, 0.45, 12, 9.0),
        ),
    )
    grey = Palette(
        grass=(176.0, 158.0, 122.0),
        fresh=(146.0, 142.0, 98.0),
        soil=(200.0, 180.0, 152.0),
        exposure=1.03,
        bareness=0.5,
    )
    flats = Plan(
        seed=seed + 2,
        width=WIDTH,
        height=rows,
        gsd=GSD,
        sun=Sun(azimuth=46.0, elevation=47.0),
        palette=grey,
        growth=Growth(trees=5, bushes=70, rocks=9, mounds=4, logs=4),
        waters=((0.2, 0.86, 8.0),),
        vehicle_tracks=1,
        trails=6,
        herds=(
            Herd(1, 0.30, 0.255, 18, 9.0),
            Herd(1, 0.62, 0.10, 11, 9.0),
            Herd(1, 0.70, 0.49, 10, 8.0),
            Herd(2, 0.74, 0.29, 24, 10.0),
            Herd(2, 0.33, 0.515, 18, 9.0),
            Herd(2, 0.52, 0.88, 20, 12.0),
            Herd(0, 0.28, 0.805, 6, 8.0),
            Herd(1, 0.5, 0.3, 5, 50.0),
            Herd(0, 0.64, 0.745, 7, 8.0),
            Herd(1, 0.99, 0.42, 9, 8.0),
        ),
    )
    return (
        Line("A", pan, (-19.2310, 23.4120), NORTH, 9 * 3600 + 41 * 60 + 12),
        Line("B", flats, (-19.2310, 23.4168), SOUTH, 9 * 3600 + 44 * 60 + 30),
    )


SHIPPED_SEEDS = frozenset(line.plan.seed for line in flight_lines())


@dataclass(frozen=True)
class Frame:
    """One photograph: its line, its place in the flight, its first landscape row."""

    line: Line
    order: int

    @property
    def name(self) -> str:
        """File name."""
        return f"{self.line.name}{self.order + 1}.jpg"

    @property
    def top(self) -> int:
        """First landscape row, px: flown north, the first photograph is the southernmost."""
        step = self.order if self.line.course == SOUTH else FRAMES - 1 - self.order
        return step * ADVANCE

    @property
    def position(self) -> tuple[float, float]:
        """Latitude and longitude of the photograph's middle, degrees (WGS 84)."""
        latitude, longitude = self.line.north_west
        radians = math.radians(latitude)
        bulge = 1 - _ECCENTRICITY_2 * math.sin(radians) ** 2
        meridian = _SEMI_MAJOR_M * (1 - _ECCENTRICITY_2) / bulge**1.5
        parallel = _SEMI_MAJOR_M / math.sqrt(bulge) * math.cos(radians)
        south, east = (self.top + HEIGHT / 2) * GSD, WIDTH / 2 * GSD
        return latitude - math.degrees(south / meridian), longitude + math.degrees(east / parallel)

    def seen(self, box: Box) -> Box:
        """The part of a landscape box inside the photograph, north-up picture px."""
        return (
            max(box[0], 0),
            min(max(box[1] - self.top, 0), HEIGHT),
            min(box[2], WIDTH),
            min(max(box[3] - self.top, 0), HEIGHT),
        )

    def turned(self, box: Box) -> Box:
        """A north-up box as it lies in the photograph, whose top is the direction of flight."""
        if self.line.course == NORTH:
            return box
        return WIDTH - box[2], HEIGHT - box[3], WIDTH - box[0], HEIGHT - box[1]


def frames_of(line: Line) -> list[Frame]:
    """The photographs of a line in the order of flight."""
    return [Frame(line, order) for order in range(FRAMES)]


def visible_share(box: Box, cover: NDArray[np.bool_], top: int) -> float:
    """Share of an animal inside the photograph that begins at row `top`.

    Args:
        box: x1, y1, x2, y2 in landscape px.
        cover: (h, w) the animal's pixels, from the box's corner.
        top: first row of the photograph.

    Returns:
        The smaller of the shares of its pixels and of its box, 0 to 1.
    """
    rows = slice(max(top - box[1], 0), max(min(top + HEIGHT - box[1], cover.shape[0]), 0))
    columns = slice(max(-box[0], 0), max(min(WIDTH - box[0], cover.shape[1]), 0))
    inside = cover[rows, columns]
    return min(float(inside.sum()) / float(cover.sum()), inside.size / cover.size)


def may_stay(box: Box, cover: NDArray[np.bool_]) -> bool:
    """Whether every photograph shows the animal for the most part or not at all."""
    shares = [visible_share(box, cover, step * ADVANCE) for step in range(FRAMES)]
    return all(share == 0 or share >= LEAST_VISIBLE for share in shares)


def _vignette() -> Array:
    """Brightness (h, w, 1) of the lens, falling to 0.93 in the corners."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    far = ((x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2) / (WIDTH**2 / 4 + HEIGHT**2 / 4)
    brightness: Array = 1 - np.float32(0.07) * far
    return brightness[..., None]


def _sexagesimal(degrees: float) -> tuple[TiffImagePlugin.IFDRational, ...]:
    """Degrees, minutes and seconds (to 0.00001) as EXIF stores them."""
    units = round(abs(degrees) * 3600 * 100_000)
    minutes, seconds = divmod(units, 60 * 100_000)
    whole, minutes = divmod(minutes, 60)
    rational = TiffImagePlugin.IFDRational
    return rational(whole, 1), rational(minutes, 1), rational(seconds, 100_000)


def _exif(frame: Frame) -> Image.Exif:
    """What a camera would write: make, time, lens, position."""
    exif = Image.Exif()
    hours, rest = divmod(frame.line.start + 8 * frame.order, 3600)
    taken = f"2024:08:14 {hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    base, gps = ExifTags.Base, ExifTags.GPS
    exif[base.Make], exif[base.Model] = "WildDetect", "rendered scene"
    exif[base.ImageDescription] = "Rendered scene, not a photograph"
    exif[base.Orientation], exif[base.DateTime] = 1, taken
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[base.ExifVersion] = b"0232"
    details[base.DateTimeOriginal] = taken
    details[base.FocalLength] = TiffImagePlugin.IFDRational(Fraction(FOCAL_LENGTH_MM))
    details[base.FocalLengthIn35mmFilm] = round(FOCAL_LENGTH_MM)
    details[base.ExifImageWidth], details[base.ExifImageHeight] = WIDTH, HEIGHT
    latitude, longitude = frame.position
    altitude = round((GROUND_ELEVATION_M + HEIGHT_ABOVE_GROUND_M) * 1000)
    position = exif.get_ifd(ExifTags.IFD.GPSInfo)
    position[gps.GPSVersionID] = b"\x02\x03\x00\x00"
    position[gps.GPSLatitudeRef] = "N" if latitude >= 0 else "S"
    position[gps.GPSLatitude] = _sexagesimal(latitude)
    position[gps.GPSLongitudeRef] = "E" if longitude >= 0 else "W"
    position[gps.GPSLongitude] = _sexagesimal(longitude)
    position[gps.GPSAltitudeRef] = b"\x00"
    position[gps.GPSAltitude] = TiffImagePlugin.IFDRational(altitude, 1000)
    position[gps.GPSMapDatum] = "WGS-84"
    return exif


def _xmp(frame: Frame) -> bytes:
    """Height and attitude in the layout of DJI's cameras."""
    yaw = float(frame.line.course)
    values = {
        "AbsoluteAltitude": GROUND_ELEVATION_M + HEIGHT_ABOVE_GROUND_M,
        "RelativeAltitude": HEIGHT_ABOVE_GROUND_M,
        "GimbalRollDegree": 0.0,
        "GimbalYawDegree": yaw,
        "GimbalPitchDegree": -90.0,
        "FlightRollDegree": 0.0,
        "FlightYawDegree": yaw,
        "FlightPitchDegree": 0.0,
    }
    lines = "\n".join(f'   drone-dji:{name}="{value:+.2f}"' for name, value in values.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about=""\n'
        '   xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"\n'
        f"{lines}/>\n </rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    ).encode()


def _save_picture(frame: Frame, landscape: Landscape, path: Path) -> None:
    """Cuts a photograph from its landscape and writes it with its metadata."""
    north_up = landscape.picture[frame.top : frame.top + HEIGHT]
    turned = north_up if frame.line.course == NORTH else north_up[::-1, ::-1]
    noise = np.random.default_rng([frame.line.plan.seed, frame.order])
    grain = noise.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32)
    exposed = turned * _vignette() + np.float32(0.6) * grain
    picture = Image.fromarray(np.clip(exposed + np.float32(0.5), 0, 255).astype(np.uint8))
    picture.save(path, "JPEG", quality=JPEG_QUALITY, optimize=True, exif=_exif(frame), xmp=_xmp(frame))


def _annotations(frame: Frame, animals: list[Animal]) -> Iterator[dict[str, object]]:
    """COCO annotations of a photograph, without their ids."""
    for number, animal in enumerate(animals, start=1):
        share = visible_share(animal.box, animal.cover, frame.top)
        if share < LEAST_VISIBLE:
            continue
        x1, y1, x2, y2 = frame.turned(frame.seen(animal.box))
        yield {
            "category_id": animal.class_id + 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": 0,
            "animal_id": f"{frame.line.name}-{number:03d}",
        }


def _truth(pictures: list[tuple[Frame, list[Animal]]], seed: int) -> dict[str, Any]:
    """The COCO document."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for image_id, (frame, animals) in enumerate(pictures, start=1):
        size = {"width": WIDTH, "height": HEIGHT}
        images.append({"id": image_id, "file_name": frame.name, **size})
        for annotation in _annotations(frame, animals):
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, **annotation})
    return {
        "info": {
            "description": "Rendered scenes, not photographs: WildDetect's demo pictures",
            "seed": seed,
            "gsd_m": round(GSD, 9),
            "animal_id": "the same for one animal seen in two pictures",
        },
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": index, "name": name, "supercategory": "animal"}
            for index, name in enumerate(CLASS_NAMES, start=1)
        ],
    }


def _write_truth(document: dict[str, Any], path: Path) -> None:
    """Writes the document with one image or annotation a line."""
    parts = []
    for key, value in document.items():
        if isinstance(value, list):
            rows = ",\n".join(f"  {json.dumps(row)}" for row in value)
            parts.append(f' "{key}": [\n{rows}\n ]')
        else:
            parts.append(f' "{key}": {json.dumps(value)}')
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("{\n" + ",\n".join(parts) + "\n}\n")


def main() -> None:
    """Renders everything and says what was written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    demo = Path(__file__).resolve().parent.parent / "demo"
    parser.add_argument("--output", type=Path, default=demo, help="folder (default: demo)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="default: %(default)s")
    arguments = parser.parse_args()
    folder = arguments.output / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for line in flight_lines(arguments.seed):
        landscape = render(line.plan, may_stay)
        for frame in frames_of(line):
            _save_picture(frame, landscape, folder / frame.name)
            pictures.append((frame, landscape.animals))
            size = (folder / frame.name).stat().st_size
            print(f"{folder.name}/{frame.name}: {size / 1e6:.2f} MB")
    document = _truth(pictures, arguments.seed)
    _write_truth(document, arguments.output / "truth.json")
    print(f"truth.json: {len(document['annotations'])} animals in {len(pictures)} pictures")


if __name__ == "__main__":
    main()
