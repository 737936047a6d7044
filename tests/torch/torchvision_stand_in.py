"""What Ultralytics needs of torchvision, where torchvision itself cannot be loaded.

The wheels of torchvision on PyPI are built for CUDA: beside a CPU build of torch their import fails. For
detection Ultralytics calls one function of it, `torchvision.ops.nms`, which is given here: the greedy
suppression that torchvision documents, box by box.
"""

from __future__ import annotations

import sys
import types
from typing import Any

__all__ = ["ensure_torchvision"]


def nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    import torch

    order = scores.argsort(descending=True)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        top_left = torch.maximum(boxes[best, :2], boxes[order, :2])
        bottom_right = torch.minimum(boxes[best, 2:], boxes[order, 2:])
        common = (bottom_right - top_left).clamp(min=0).prod(dim=1)
        order = order[common / (areas[best] + areas[order] - common) <= iou_threshold]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.int64)


def ensure_torchvision() -> None:
    """Import torchvision, or put the stand-in in its place."""
    import torch

    del torch  # its own import must have succeeded, or torchvision's error says nothing
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        package, ops = types.ModuleType("torchvision"), types.ModuleType("torchvision.ops")
        vars(ops)["nms"] = nms
        vars(package).update(ops=ops, __version__="0.0.0")
        sys.modules.update({"torchvision": package, "torchvision.ops": ops})
