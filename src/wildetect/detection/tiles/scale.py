"""The scale that a model knows: what its network sees of the ground, and tiles cut so that it is the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from wildetect.detection.tiles.overlap import AutoOverlap
from wildetect.geometry import Window
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.source import ImageFacts

__all__ = ["ModelScale", "ScaleSummary", "ScaledTile"]

_FAR = 1.5  # times the scale of training
_MOST = 4.0  # times the network's input: more enlarged shows nothing more, larger tiles fill memory
# What benchmarks.scale measures, for whoever reads a doubt: nobody knows it of another detector or landscape.
_COARSE = (
    "on rendered scenes the demo's detector missed 3 to 5 more of 100 animals at half the px of training, "
    "and more than half of them at a quarter"
)
_OFF = (
    "on rendered scenes the demo's detector missed 21 to 26 more of 100 animals where they looked 1.3 to 1.5 "
    "times too small or too large, and 86 where it was twice"
)
_ROUND = 20  # px: images of one flight get one advice


class ScaledTile(NamedTuple):
    """Longer side of the tiles of an image, and what it comes from.

    Attributes:
        side: Longer side in px of the image; None: they are not cut for the scale.
        assumed: Whether that is so since height or lens come from the settings, as the image does not tell.
    """

    side: int | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScale:
    """The scale at which a model was trained.

    A tile is resized to the network's input, so that one pixel there is `gsd * tile / input` on the ground.

    Attributes:
        trained: Ground resolution of the network's input in training, in cm/px.
        width: Width of the network's input in px.
        height: Height of the network's input in px.
        flight: Camera and flight, where an image does not tell its ground resolution.
        cut: Whether tiles are cut for the scale.
    """

    trained: float
    width: int
    height: int
    flight: Flight = field(default_factory=Flight)
    cut: bool = False

    def measure(self, source: ImageFacts) -> ScaledTile:
        """Longer side of tiles that show the ground as in training, once resized to the network's input.

        It is a quarter of the input at least and four times the input at most. A height or lens that is
        assumed is no measure: a wrong one would bring all animals to a wrong size.

        Args:
            source: The image.
        """
        if not self.cut:
            return ScaledTile()
        known = AutoOverlap(flight=self.flight).resolution(source)
        if known is None or known.assumed:
            return ScaledTile(assumed=known is not None)
        times = min(max(self.trained / (100 * known.gsd), 1 / _MOST), _MOST)
        return ScaledTile(max(round(max(self.width, self.height) * times), 1))

    def doubt(self, source: ImageFacts, tile: Window) -> str | None:
        """Say so where the network sees the ground at a scale far from that of its training.

        What rests on an assumed height or lens says nothing, unless tiles were to be cut for the scale.

        Args:
            source: The image.
            tile: One of its tiles.
        """
        known = AutoOverlap(flight=self.flight).resolution(source)
        if known is None or known.assumed:
            return self._not_cut(assumed=known is not None) if self.cut else None
        times = self._times(known.gsd, tile)
        far = self.far_off(known.gsd, tile)
        if far is None:
            return self._coarse if 100 * known.gsd > _FAR * self.trained else None
        if self.cut:
            return f"{far}: processing.scale: auto cannot make up for that, as the image is too {_why(times)}"
        side = max(round(max(tile.width, tile.height) / times / _ROUND) * _ROUND, _ROUND)
        return f"{far}; set processing.scale to auto, or processing.tile_size to about {side}"

    def far_off(self, gsd: float, tile: Window) -> str | None:
        """Say so where a tile shows the ground at a scale far from that of the model's training.

        Args:
            gsd: Ground resolution of the image in m/px.
            tile: Resized to the network's input.
        """
        times = self._times(gsd, tile)
        if 1 / _FAR <= times <= _FAR:
            return None
        look = "small" if times > 1 else "large"
        return (
            f"animals look more than {_FAR:g} times too {look} to the model, which was trained on "
            f"{self.trained:g} cm/px ({_OFF})"
        )

    def _times(self, gsd: float, tile: Window) -> float:
        """How many times too small animals in a tile look to the model."""
        return 100 * gsd / min(self.width / tile.width, self.height / tile.height) / self.trained

    def _not_cut(self, *, assumed: bool) -> str:
        why = "its height or lens is not told but assumed" if assumed else "its ground resolution is unknown"
        return (
            f"{why}, so that tiles are not cut for the {self.trained:g} cm/px of the model's training "
            "(processing.scale: auto) and animals may look too small or too large to it; set flight_specs.gsd"
        )

    @property
    def _coarse(self) -> str:
        return (
            f"their pixels are more than {_FAR:g} times coarser than those of the model's training "
            f"({self.trained:g} cm/px): enlarged they show no more detail, and small or striped animals are "
            f"easily missed ({_COARSE}); fly lower, or take a model that was trained on such photographs"
        )

    @property
    def document(self) -> dict[str, object]:
        """What shapes the result, by the names of the settings; nothing where tiles are not cut for it."""
        if not self.cut:
            return {}
        flight = self.flight
        return {
            "scale": "auto",
            "resampling": "lanczos, sharpened where enlarged",  # of tiles that are cut for it
            "trained_gsd_cm": self.trained,
            "flight_specs.sensor_height": flight.sensor_height,
            "flight_specs.focal_length": flight.focal_length,
            "flight_specs.flight_height": flight.flight_height,
            "flight_specs.gsd": flight.gsd,
        }


def _why(times: float) -> str:
    """Why tiles cannot be cut so that animals look as large as in training."""
    return "coarse" if times > 1 else "small, or too fine"


@dataclass(slots=True)
class ScaleSummary:
    """What `ModelScale` comes to over images.

    Attributes:
        trained: Ground resolution in training, in cm/px.
        images: How many are cut for it.
        least: Smallest side of their tiles in px; 0 where there are none.
        most: Largest side of their tiles in px.
        unknown: Images whose ground resolution is unknown or rests on an assumed height or lens.
    """

    trained: float
    images: int = 0
    least: int = 0
    most: int = 0
    unknown: int = 0

    def add(self, tile: ScaledTile) -> None:
        """Count one more image."""
        if tile.side is None:
            self.unknown += 1
            return
        self.images += 1
        self.least = min(self.least or tile.side, tile.side)
        self.most = max(self.most, tile.side)
