"""The demo's detector: a small convolutional network without anchor boxes, in plain torch.

Five halvings of the picture, two mergings back up, and one prediction for each cell
at strides 8, 16 and 32: where the animal's middle is, its size, and a score for each
class. What comes out is laid out as YOLOv8's exports are, so whatever reads those
reads this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)
"""Px of the input per cell of each prediction level."""


@dataclass(frozen=True)
class Widths:
    """Channels of the stages at strides 2, 4, 8, 16, 32 and of the merged levels."""

    stages: tuple[int, int, int, int, int] = (12, 24, 40, 64, 96)
    merged: int = 40


class ConvUnit(nn.Sequential):  # type: ignore[misc]
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs, momentum=0.03),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):  # type: ignore[misc]
    """Half the channels pass through convolutions, then everything is mixed again."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        hidden = channels // 2
        self.enter = ConvUnit(channels, hidden, 1)
        self.steps = nn.ModuleList(
            nn.Sequential(ConvUnit(hidden, hidden), ConvUnit(hidden, hidden)) for _ in range(depth)
        )
        self.leave = ConvUnit(channels + hidden, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(b, channels, h, w) -> the same shape."""
        inner = self.enter(features)
        for step in self.steps:
            inner = inner + step(inner)
        return self.leave(torch.cat([features, inner], dim=1))


class Detector(nn.Module):  # type: ignore[misc]
    """Finds animals of `classes` kinds in RGB pictures whose sides are multiples of 32 px."""

    def __init__(self, classes: int, widths: Widths | None = None) -> None:
        super().__init__()
        a, b, c, d, e = (widths or Widths()).stages
        merged = (widths or Widths()).merged
        self.stem = nn.Sequential(ConvUnit(3, a, 3, 2), ConvUnit(a, b, 3, 2), Residual(b, 1))
        self.stage8 = nn.Sequential(ConvUnit(b, c, 3, 2), Residual(c, 1))
        self.stage16 = nn.Sequential(ConvUnit(c, d, 3, 2), Residual(d, 2))
        self.stage32 = nn.Sequential(ConvUnit(d, e, 3, 2), Residual(e, 1))
        self.side = nn.ModuleList(ConvUnit(width, merged, 1) for width in (c, d, e))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.merge16 = ConvUnit(merged, merged)
        self.towers = nn.ModuleList(ConvUnit(merged, merged) for _ in STRIDES)
        self.boxes = nn.ModuleList(nn.Conv2d(merged, 4, 1) for _ in STRIDES)
        self.scores = nn.ModuleList(nn.Conv2d(merged, classes, 1) for _ in STRIDES)
        for box, score in zip(self.boxes, self.scores, strict=True):
            nn.init.zeros_(box.bias)
            nn.init.constant_(box.bias[2:], math.log(3.0))
            nn.init.constant_(score.bias, -math.log(99.0))

    def levels(self, picture: Tensor) -> list[Tensor]:
        """Merged features at the three strides."""
        fine = self.stage8(self.stem(picture))
        middle = self.stage16(fine)
        coarse = self.side[2](self.stage32(middle))
        middle = self.merge16(self.side[1](middle) + self.up(coarse))
        return [self.side[0](fine) + self.up(middle), middle, coarse]

    def raw(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes and scores before the sigmoid.

        Args:
            picture: (b, 3, h, w) RGB, 0 to 1.

        Returns:
            Boxes (b, 4, n): middle x, y, width, height in px; logits (b, classes, n).
        """
        boxes, logits = [], []
        for i, features in enumerate(self.levels(picture)):
            tower = self.towers[i](features)
            box, stride = self.boxes[i](tower).flatten(2), STRIDES[i]
            middle = (box[:, :2] + cell_middles(tower)) * stride
            size = torch.exp(box[:, 2:].clamp(-4.0, 4.0)) * stride
            boxes.append(torch.cat([middle, size], dim=1))
            logits.append(self.scores[i](tower).flatten(2))
        return torch.cat(boxes, dim=2), torch.cat(logits, dim=2)

    def forward(self, picture: Tensor) -> Tensor:
        """(b, 3, h, w) RGB, 0 to 1 -> (b, 4 + classes, n): cx, cy, w, h in px, scores."""
        boxes, logits = self.raw(picture)
        return torch.cat([boxes, logits.sigmoid()], dim=1)


def cell_middles(features: Tensor) -> Tensor:
    """Middles (1, 2, h * w) of the cells of (b, c, h, w) features, in cells."""
    rows, columns = features.shape[2], features.shape[3]
    y = torch.arange(rows, dtype=features.dtype, device=features.device) + 0.5
    x = torch.arange(columns, dtype=features.dtype, device=features.device) + 0.5
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([grid_x.flatten(), grid_y.flatten()])[None]


def all_middles(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Middles (n, 2) px and strides (n,) of every prediction for a picture of that size."""
    middles, strides = [], []
    for stride in STRIDES:
        cells = cell_middles(torch.empty(1, 1, height // stride, width // stride))[0].T
        middles.append(cells * stride)
        strides.append(torch.full((len(cells),), float(stride)))
    return torch.cat(middles), torch.cat(strides)
