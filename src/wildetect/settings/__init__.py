"""Settings: YAML files, .env and environment read into one checked object.

`load_settings` merges the layers of `PRECEDENCE`, reports every problem at once with its place, and
returns a pydantic model. `Project` knows the root folder and the variables of .env.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wildetect.settings.layer import Option
    from wildetect.settings.layers import PRECEDENCE, load_settings
    from wildetect.settings.project import Project

__all__ = ["PRECEDENCE", "Option", "Project", "load_settings"]


def __getattr__(name: str) -> object:
    """Each name when it is first asked for: `doctor` has to run where pydantic or yaml is broken."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "project" if name == "Project" else "layers"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
