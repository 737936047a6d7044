"""Wildlife detection from the air: model registry, detection pipeline and the tasks that drive them.

    import wildetect

    run = wildetect.detect("photographs", model="herd@production", output="results")
    census = wildetect.take_census(run)

The functions are loaded when they are first used, so that `import wildetect` costs nothing; their types
are in __init__.pyi.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["__version__", "detect", "open_run", "take_census"]


def __getattr__(name: str) -> object:
    """Load a function of the surface when it is first used."""
    if name in __all__:
        return getattr(import_module("wildetect.workflows.notebooks"), name)
    raise AttributeError(f"module 'wildetect' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
