"""Packages of the names of Ultralytics and PyTorch, for what comes before and after a training.

Whatever is trained or exported is the demo's detector. tests/torch has the real ones.
"""

from __future__ import annotations

from pathlib import Path

from tests.workspaces import REPOSITORY, Workspace

_ULTRALYTICS = """
import shutil
from pathlib import Path
from types import SimpleNamespace

settings = {{}}


class YOLO:
    task, model = "detect", None

    def __init__(self, weights):
        self.weights, self.called = Path(weights), {{}}

    def add_callback(self, name, function):
        self.called[name] = function

    def train(self, *, epochs, save_dir, **options):
        folder = Path(save_dir) / "weights"
        folder.mkdir(parents=True)
        for epoch in range(epochs):
            for name in ("last.pt", "best.pt"):
                shutil.copyfile(self.weights, folder / name)
            self.trainer = SimpleNamespace(
                epoch=epoch,
                fitness=1,
                best_fitness=1,
                tloss=0.5,
                label_loss_items=lambda loss: {{"train/box_loss": loss}},
                metrics={{"metrics/recall(B)": 0.5}},
                lr={{"lr/pg0": 0.1}},
            )
            self.called["on_model_save"](self.trainer)

    def export(self, **options):
        return str(shutil.copyfile({detector!r}, self.weights.with_suffix(".onnx")))
"""
_TORCH = """
from types import SimpleNamespace

cuda = SimpleNamespace(is_available=lambda: False)
"""


def with_stand_in(workspace: Workspace, folder: Path) -> Workspace:
    """A workspace whose tasks find the stand-ins, which are written into a folder."""
    detector = str(REPOSITORY / "demo/detector.onnx")
    for name, code in (("ultralytics", _ULTRALYTICS.format(detector=detector)), ("torch", _TORCH)):
        written = {
            f"{name}/__init__.py": code,
            f"{name}-0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n",
        }
        for path, text in written.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    return Workspace(workspace.root, {**workspace.variables, "PYTHONPATH": str(folder)})
