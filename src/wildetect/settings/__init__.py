"""Settings: YAML files, .env and environment read into one checked object.

`load_settings` merges the layers of `PRECEDENCE`, reports every problem at once with its place, and
returns a pydantic model. `Project` knows the root folder and the variables of .env.
"""

from wildetect.settings.layers import PRECEDENCE, Option, load_settings
from wildetect.settings.project import Project

__all__ = ["PRECEDENCE", "Option", "Project", "load_settings"]
