"""Makes the server's processes start a quarter faster; Python runs this file before anything else.

Importing MLflow makes some millions of objects and no garbage. Looking through them again and again
takes 1 s of the 4 s of processor time of each of the two processes (measured with MLflow 3.17), so the
search for garbage begins once the start is over.
"""

from __future__ import annotations

import gc
import importlib.machinery
import importlib.util
import sys
import threading
from pathlib import Path

START_IS_OVER = 30.0  # s


def pause_collection() -> None:
    """Switch garbage collection off, and on again when the server has long started."""
    gc.disable()
    timer = threading.Timer(START_IS_OVER, resume_collection)
    timer.daemon = True
    timer.start()


def resume_collection() -> None:
    """Collect from now on, but leave aside what the imports have made: it stays anyway."""
    gc.freeze()
    gc.enable()


def run_next() -> None:
    """Run the sitecustomize.py that this one hides, if the environment has one."""
    here = Path(__file__).parent
    others = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "sitecustomize":
    pause_collection()
    run_next()
