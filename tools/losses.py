"""Which prediction answers for which animal, and how far it is from right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

CANDIDATES = 8
"""Predictions that may answer for one animal."""

BOX_WEIGHT = 4.0


@dataclass(frozen=True)
class Targets:
    """Animals of a batch, padded to the largest number m.

    Attributes:
        boxes: (b, m, 4) x1, y1, x2, y2, px.
        class_ids: (b, m).
        real: (b, m), False for padding.
        ignored: (b, m), True where the animal is neither to be found nor to be missed.
    """

    boxes: Tensor
    class_ids: Tensor
    real: Tensor
    ignored: Tensor


def corners(boxes: Tensor) -> Tensor:
    """(..., 4) middle and size -> x1, y1, x2, y2."""
    half = boxes[..., 2:] / 2
    return torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], dim=-1)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of broadcast x1, y1, x2, y2 boxes."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inside = (high - low).clamp(min=0).prod(dim=-1)
    areas = (a[..., 2:] - a[..., :2]).prod(dim=-1) + (b[..., 2:] - b[..., :2]).prod(dim=-1)
    return inside / (areas - inside + 1e-7)


def complete_iou(a: Tensor, b: Tensor) -> Tensor:
    """CIoU of x1, y1, x2, y2 boxes (Zheng et al. 2020, Distance-IoU Loss, equation 10)."""
    overlap = iou(a, b)
    low, high = torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:])
    diagonal = (high - low).square().sum(dim=-1) + 1e-7
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]).square().sum(dim=-1) / 4
    size_a, size_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    slant_a = torch.atan(size_a[..., 0] / (size_a[..., 1] + 1e-7))
    slant_b = torch.atan(size_b[..., 0] / (size_b[..., 1] + 1e-7))
    aspect = 4 / math.pi**2 * (slant_a - slant_b).square()
    with torch.no_grad():
        weight = aspect / (1 - overlap + aspect + 1e-7)
    return overlap - apart / diagonal - weight * aspect


def _near(middles: Tensor, strides: Tensor, boxes: Tensor) -> Tensor:
    """(b, m, n): whether a cell's middle lies in a box, widened to 1.5 cells at least."""
    centre = (boxes[..., None, :2] + boxes[..., None, 2:]) / 2
    half = (boxes[..., None, 2:] - boxes[..., None, :2]) / 2
    half = torch.maximum(half, 0.75 * strides[:, None])
    return ((middles - centre).abs() < half).all(dim=-1)


def assign(
    boxes: Tensor, scores: Tensor, cells: tuple[Tensor, Tensor], targets: Targets
) -> tuple[Tensor, Tensor]:
    """Gives each animal its best-aligned predictions (after Feng et al. 2021, TOOD).

    Args:
        boxes: (b, n, 4) predicted x1, y1, x2, y2, px.
        scores: (b, n, c) predicted, 0 to 1.
        cells: middles (n, 2) px and strides (n,).
        targets: the animals.

    Returns:
        The animal each prediction answers for (b, n), -1 for none, and the score it
        should have (b, n), 0 to 1.
    """
    overlaps = iou(targets.boxes[:, :, None], boxes[:, None]).clamp(min=0)
    index = targets.class_ids[:, :, None].expand(-1, -1, scores.shape[1])
    chosen = scores.transpose(1, 2).gather(1, index)
    wanted = (targets.real & ~targets.ignored)[..., None]
    possible = _near(*cells, targets.boxes) & wanted
    alignment = (chosen.sqrt() * overlaps.pow(4) + 1e-9) * possible
    best, where = alignment.topk(CANDIDATES, dim=-1)
    picked = torch.zeros_like(alignment, dtype=torch.bool).scatter_(-1, where, best > 0)
    owner = (overlaps + 1e-6).masked_fill(~picked, 0.0).max(dim=1)
    answers = torch.where(owner.values > 0, owner.indices, -1)
    mine = picked & (owner.indices[:, None] == torch.arange(picked.shape[1])[:, None])
    alignment, overlaps = alignment * mine, overlaps * mine
    top = alignment.amax(dim=-1, keepdim=True) + 1e-9
    quality = (alignment / top * overlaps.amax(dim=-1, keepdim=True)).amax(dim=1)
    return answers, quality


def detection_loss(boxes: Tensor, logits: Tensor, cells: tuple[Tensor, Tensor], targets: Targets) -> Tensor:
    """Loss of a batch.

    Args:
        boxes: (b, 4, n) as `Detector.raw` gives them.
        logits: (b, c, n).
        cells: middles (n, 2) px and strides (n,).
        targets: the animals.

    Returns:
        A scalar: score error plus box error.
    """
    found, logits = corners(boxes.transpose(1, 2)), logits.transpose(1, 2)
    with torch.no_grad():
        answers, quality = assign(found, logits.sigmoid(), cells, targets)
    positive = answers >= 0
    index = answers.clamp(min=0)
    class_ids = targets.class_ids.gather(1, index)
    wanted = functional.one_hot(class_ids, logits.shape[2]) * (quality * positive)[..., None]
    spared = (_near(*cells, targets.boxes) & targets.ignored[..., None]).any(dim=1) & ~positive
    errors = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    hard = (wanted - logits.detach().sigmoid()).abs().pow(0.5)
    errors = errors * torch.where(wanted > 0, torch.ones_like(hard), hard) * ~spared[..., None]
    total = wanted.sum().clamp(min=1.0)
    right = targets.boxes.gather(1, index[..., None].expand(-1, -1, 4))
    misses = (1 - complete_iou(found[positive], right[positive])) * quality[positive]
    return errors.sum() / total + BOX_WEIGHT * misses.sum() / total
