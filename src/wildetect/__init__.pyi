from wildetect.workflows.notebooks import detect as detect
from wildetect.workflows.notebooks import open_run as open_run
from wildetect.workflows.notebooks import take_census as take_census

__version__: str
__all__ = ["__version__", "detect", "open_run", "take_census"]
