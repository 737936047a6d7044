"""The picture of a family check: what each candidate finds, side by side."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from wildetect.detection.checks.family_check import Candidate, FamilyCheck
from wildetect.errors import InputError
from wildetect.results.files import replacing
from wildetect.results.report.overlay import draw
from wildetect.wording import number_of

__all__ = ["write_comparison"]

_PANEL = 900  # px
_BAND = 64  # px, above each panel
_GAP = 12  # px
_LONGEST_REASON = 110
_JPEG_QUALITY = 88


def write_comparison(path: Path, check: FamilyCheck) -> None:
    """Draw the boxes of all candidates side by side into a JPEG file.

    Raises:
        InputError: The file cannot be written.
    """
    panels = [_panel(one, check) for one in check.candidates]
    width = sum(panel.width for panel in panels) + _GAP * (len(panels) - 1)
    sheet = Image.new("RGB", (width, panels[0].height), "white")
    left = 0
    for panel in panels:
        sheet.paste(panel, (left, 0))
        left += panel.width + _GAP
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {path.parent} cannot be made: {error.strerror or error}",
            hint="Give another file with --output.",
        ) from error
    with replacing(path) as file:
        sheet.save(file, format="JPEG", quality=_JPEG_QUALITY)


def _panel(candidate: Candidate, check: FamilyCheck) -> Image.Image:
    height, width = check.pixels.shape[:2]
    boxes = candidate.detections.clip(width, height)
    drawn = draw(check.pixels, boxes, check.class_names)
    scale = _PANEL / max(width, height)
    drawn = drawn.resize((max(round(width * scale), 1), max(round(height * scale), 1)))
    panel = Image.new("RGB", (_PANEL, drawn.height + _BAND), "white")
    panel.paste(drawn, (0, _BAND))
    canvas = ImageDraw.Draw(panel)
    best = "" if candidate.best is None else f", best {candidate.best:.2f}"
    title = (
        f"{candidate.family}: {candidate.verdict}, "
        f"{number_of(len(candidate.detections), 'box', 'boxes')}{best}"
    )
    canvas.text((6, 4), title, fill="black", font=ImageFont.load_default(24))
    canvas.text((6, 36), candidate.reason[:_LONGEST_REASON], fill="black", font=ImageFont.load_default(16))
    return panel
