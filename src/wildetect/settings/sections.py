"""All settings files of a project, in one table."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import PurePosixPath

from wildetect import settings
from wildetect.errors import ConfigurationError
from wildetect.settings.keys import SectionKeys
from wildetect.settings.problems import nearest_first
from wildetect.wording import listed

__all__ = ["file_stem", "section_named", "sections"]


def sections() -> list[type[SectionKeys]]:
    """The model of each settings file, by the file's name.

    A module of this package that declares a model of `SectionKeys` is found by itself.
    """
    for module in pkgutil.iter_modules(settings.__path__):
        importlib.import_module(f"{settings.__name__}.{module.name}")
    ours = [model for model in SectionKeys.__subclasses__() if model.__module__.startswith(settings.__name__)]
    return sorted(ours, key=lambda model: model.file)


def file_stem(model: type[SectionKeys]) -> str:
    """The name of a settings file without folder and suffix: "detector_registration"."""
    return PurePosixPath(model.file).stem


def section_named(name: str) -> type[SectionKeys]:
    """The model that a user means by the name of a section or of its file.

    Raises:
        ConfigurationError: Where there is none of that name.
    """
    known = sections()
    wanted = PurePosixPath(name.replace("\\", "/")).stem.lower()
    for model in known:
        if wanted in (model.section, file_stem(model)):
            return model
    names = listed(nearest_first(wanted, [file_stem(model) for model in known]), last="or")
    raise ConfigurationError(f"there is no section {name!r}", hint=f"Give --section {names}.")
