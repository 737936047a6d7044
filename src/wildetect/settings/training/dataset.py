"""What shapes a training set."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DataSetOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetOptions:
    """How photographs become tiles, and who learns from which.

    Attributes:
        validation: Part of the photographs that a training watches itself on, 0 up to 1.
        test: Part that no training sees, 0 up to 1.
        empty_tiles: Tiles without anything that are taken of each photograph to learn from; those that the
            detector was wrong in are all taken, and to measure with all are.
        shown: Part of an animal that a tile must show to be labelled there, 0 to 1.
        overlap: Overlap of tiles, where the run found its own overlap for each photograph, 0 up to 1.
        quality: Quality of the JPEG files of tiles, 1 to 100.
        seed: Decides between groups of the same size, and which empty tiles are taken.
    """

    validation: float = 0.2
    test: float = 0.2
    empty_tiles: int = 4
    shown: float = 0.3
    overlap: float = 0.2
    quality: int = 95
    seed: int = 0
