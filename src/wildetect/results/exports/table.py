"""All forms of results, one record each.

A new form is one file with its record in formats/, and its word in settings/words.py.
"""

from __future__ import annotations

from wildetect.catalogue import gathered
from wildetect.results.exports.format import ExportFormat
from wildetect.settings.words import EXPORTS, Export

__all__ = ["ALWAYS", "FORMATS", "PICTURES"]

PICTURES: tuple[Export, ...] = ("report", "overlays")
"""Forms that are drawn from the photographs, together: each of these is opened once for both."""
FORMATS: dict[Export, ExportFormat] = gathered(
    "wildetect.results.exports.formats", ExportFormat, [one for one in EXPORTS if one not in PICTURES]
)
"""The records by the words of the settings, in their order."""
ALWAYS: tuple[Export, ...] = tuple(one for one in EXPORTS if one in PICTURES or FORMATS[one].always)
"""What each run writes; overlays as many as are asked for, GeoJSON where a position is known."""
