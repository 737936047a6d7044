"""How the pixels of an image are to be read, where that is a choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wildetect.settings.words import StretchRule

__all__ = ["AS_IT_IS", "Reading", "Stretch"]

Stretch = StretchRule | tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the settings say of bands and values.

    Attributes:
        bands: Bands of a raster, for red, green and blue, or grey: numbers from 1, or their names in the
            file; None: those that the file names.
        stretch: How values of more than 8 bits become 8. "auto": integers by their full range, floating
            point of several bands by the percentiles of each raster; "percentiles": each raster by its own;
            or the two values that become black and white in all images alike.
        use_damaged: Whether what can be decoded of a damaged picture is used; else the image fails.
    """

    bands: tuple[int | str, ...] | None = None
    stretch: Stretch = "auto"
    use_damaged: bool = False

    @property
    def document(self) -> dict[str, object]:
        """What is not as usual, by the names of the settings."""
        said = {
            "bands": None if self.bands is None else list(self.bands),
            "stretch": self.stretch if isinstance(self.stretch, str) else list(self.stretch),
            "on_damage": "use" if self.use_damaged else "skip",
        }
        return {name: value for name, value in said.items() if value != _USUAL[name]}

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Reading:
        """Take it from the settings that a run.json holds."""
        bands, told = settings.get("bands"), settings.get("stretch")
        stretch: Stretch = "percentiles" if told == "percentiles" else "auto"
        if isinstance(told, list | tuple):
            stretch = float(told[0]), float(told[1])
        return cls(
            bands=tuple(bands) if bands else None,
            stretch=stretch,
            use_damaged=settings.get("on_damage") == "use",
        )


_USUAL: dict[str, object] = {"bands": None, "stretch": "auto", "on_damage": "skip"}
AS_IT_IS = Reading()
