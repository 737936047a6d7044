"""What shapes a training."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TrainingOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """How a detector learns.

    Attributes:
        epochs: Number of times that the whole set is gone through, 1 or more.
        imgsz: Side of the network's input in px; null: that of the tiles.
        batch: Tiles in each step, 1 or more.
        seed: Seed of all that is left to chance.
        trainer: Who trains; its extra has the same name.
    """

    epochs: int = 50
    imgsz: int | None = None
    batch: int = 8
    seed: int = 0
    trainer: str = "ultralytics"
