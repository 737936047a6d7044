"""Wildlife detection from the air: model registry, detection pipeline and the tasks that drive them."""

__version__ = "0.1.0"
__all__ = ["__version__"]
