"""All settings files of a project, in one table."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from pathlib import Path, PurePosixPath

from wildetect.errors import ConfigurationError
from wildetect.settings.address import OF_THE_SERVER
from wildetect.settings.keys import SectionKeys, key_names
from wildetect.settings.problems import nearest_first
from wildetect.wording import listed

__all__ = ["file_stem", "section_named", "sections", "variable_meant"]

_WHOLE = {*OF_THE_SERVER, "MLFLOW_REGISTRY_NAME", "MLFLOW_ALIAS"}


def sections() -> list[type[SectionKeys]]:
    """The model of each settings file, by the file's name.

    A module of this package that declares a model of `SectionKeys` is found by itself.
    """
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"{__package__}.{module.name}")
    ours = [model for model in SectionKeys.__subclasses__() if model.__module__.startswith(str(__package__))]
    return sorted(ours, key=lambda model: model.file)


def file_stem(model: type[SectionKeys]) -> str:
    """The name of a settings file without folder and suffix: "detector_registration"."""
    return PurePosixPath(model.file).stem


def variable_meant(name: str) -> str | None:
    """The variable that a name which no one reads was most likely meant to be; null where there is none."""
    plain = re.sub(r"\W+", "_", name.strip("\"'")).upper()
    if plain in _WHOLE:
        return None if name.upper() == plain else plain
    if not plain.startswith("WILDETECT_"):
        close = difflib.get_close_matches(plain, _WHOLE, n=1, cutoff=0.9)
        return close[0] if close else None
    begins = {f"WILDETECT_{model.section}__".upper(): model for model in sections()}
    if plain == name.upper() and plain.startswith(tuple(begins)):
        return None  # whoever reads that section names an unknown key
    known = [
        begin + key.replace(".", "__").upper() for begin, model in begins.items() for key in key_names(model)
    ]
    close = difflib.get_close_matches(plain, known, n=1, cutoff=0.8)
    return close[0] if close else None


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
