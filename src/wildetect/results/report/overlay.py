"""Pictures with the boxes drawn in."""

from __future__ import annotations

import colorsys
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.geometry import Boxes, intersections
from wildetect.imagery.source import Pixels
from wildetect.results.files import replacing

__all__ = ["Colour", "class_colour", "draw", "overlay_name", "save_overlay"]

_JPEG_QUALITY = 88
_LONGEST_NAME = 100
_SIDES_PER_LINE = (
    900  # the longer side in line widths: the lines stay visible in a picture shrunk to a screen
)
_SIDES_PER_LETTER = 130
_PLATE_HEIGHT = 1.5  # in heights of its text
_MIDDLE_GREY = 110
_SMALLEST_LETTER = 11
_MOST_LABELS = 500  # more could not be read, and each is placed with a look at all others

# Told apart by most people with colour-vision deficiency, first of all (Okabe and Ito 2008).
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167))
_GOLDEN_ANGLE = 0.381966

Colour = tuple[int, int, int]


def draw(pixels: Pixels, detections: Detections, class_names: Sequence[str]) -> Image.Image:
    """A copy of a picture (h, w, 3) with boxes and labels, placed so that they hide few animals.

    All boxes are drawn; the most confident ones have labels.
    """
    image = Image.fromarray(pixels)
    canvas = ImageDraw.Draw(image)
    side = max(image.size)
    width = max(round(side / _SIDES_PER_LINE), 2)
    font = ImageFont.load_default(max(side / _SIDES_PER_LETTER, _SMALLEST_LETTER))
    # the line lies around the animal, not on it
    outlines = detections.xyxy + np.array([-width, -width, width, width], dtype=np.float32)
    taken = outlines
    for row in detections.ranking()[:_MOST_LABELS].tolist():
        class_id = int(detections.class_id[row])
        text = f"{class_names[class_id]} {detections.confidence[row]:.2f}"
        plate = _plate(canvas.textbbox((0, 0), text, font=font), outlines[row], taken, image.size)
        taken = np.vstack([taken, plate])
        canvas.rectangle(tuple(plate.tolist()), fill=class_colour(class_id))
        ink = "white" if _is_dark(class_colour(class_id)) else "black"
        canvas.text(tuple((plate[:2] + plate[2:]) / 2), text, font=font, fill=ink, anchor="mm")
    for row in detections.ranking()[::-1].tolist():
        colour = class_colour(int(detections.class_id[row]))
        if detections.corners is None:
            canvas.rectangle(tuple(outlines[row].tolist()), outline=colour, width=width)
        else:
            canvas.polygon(detections.corners[row].tolist(), outline=colour, width=width)
    return image


def overlay_name(name: str) -> str:
    """File name for the overlay of an image: safe on every system, and unique.

    A plain JPEG's name stays as it is. Else what is left out (folders, other extensions, odd characters)
    comes back as a few signs of its hash: two folders can hold files of the same name.
    """
    safe = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._")[-_LONGEST_NAME:]
    if safe == name and PurePosixPath(name).suffix.lower() in {".jpg", ".jpeg"}:
        return name
    digest = hashlib.sha256(name.encode("utf-8", errors="surrogatepass")).hexdigest()[:8]
    return f"{PurePosixPath(safe).stem or 'image'}-{digest}.jpg"


def save_overlay(folder: Path, name: str, image: Image.Image) -> Path:
    """Save the overlay of the image `name` as a JPEG file; the folder is made if it is not there.

    Raises:
        InputError: The folder or the file cannot be written.
    """
    path = folder / overlay_name(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder {folder}: {error.strerror or error}", hint="Give another --output"
        ) from error
    with replacing(path) as file:
        image.save(file, format="JPEG", quality=_JPEG_QUALITY)
    return path


def _plate(
    text: tuple[float, float, float, float], box: Boxes, taken: Boxes, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Where a label goes, xyxy: above, below or beside its box, where it covers least of others."""
    height = (text[3] - text[1]) * _PLATE_HEIGHT
    width = text[2] - text[0] + height - (text[3] - text[1])
    x_min, y_min, x_max, y_max = box.tolist()
    corners = [
        (x_min, y_min - height),
        (x_max - width, y_min - height),
        (x_min, y_max),
        (x_max - width, y_max),
        (x_max, y_min),
        (x_min - width, y_min),
    ]
    inside = [
        (min(max(x, 0), max(size[0] - width, 0)), min(max(y, 0), max(size[1] - height, 0)))
        for x, y in corners
    ]
    plates = np.array([(x, y, x + width, y + height) for x, y in inside], dtype=np.float32)
    covered = intersections(plates, taken).sum(axis=1)
    return np.asarray(plates[covered.argmin()])


def _is_dark(colour: Colour) -> bool:
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue < _MIDDLE_GREY  # luma of ITU-R BT.601


def class_colour(class_id: int) -> Colour:
    """The same colour for a class in every picture."""
    if class_id < len(_COLOURS):
        return _COLOURS[class_id]
    red, green, blue = colorsys.hsv_to_rgb(class_id * _GOLDEN_ANGLE % 1, 0.75, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)
