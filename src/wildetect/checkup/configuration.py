""".env, the settings files and the .bat files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from wildetect.checkup.finding import Finding, fine, of_error, problem, warning, warnings_kept
from wildetect.checkup.subject import Subject
from wildetect.errors import ConfigurationError
from wildetect.wording import listed

if TYPE_CHECKING:
    from wildetect.settings.keys import SectionKeys

__all__ = ["check_dotenv", "check_settings", "check_shims"]

OWN = "WILDETECT_"


def check_dotenv(subject: Subject) -> list[Finding]:
    """Whether .env is there and can be read, and which names it sets; never what they are set to."""
    project = subject.project
    if isinstance(subject.dotenv_error, ConfigurationError):
        return of_error(".env", subject.dotenv_error)
    if subject.dotenv_error is not None:
        return [problem(".env", f"cannot be read: {subject.dotenv_error}", fix="uv sync")]
    values = project.dotenv.values
    if not project.dotenv_path.exists():
        says = "there is none: the environment and the defaults count"
    elif not values:
        says = "sets nothing"
    else:
        says = "sets " + listed(sorted(values))
        differing = sorted(name for name in values if os.environ.get(name, values[name]) != values[name])
        if differing:
            says += f"; the environment has another {listed(differing)}, which counts"
    return [fine(".env", says), *_unread({**values, **os.environ})]


def _unread(variables: Mapping[str, str]) -> list[Finding]:
    """Variables that look like settings and are none."""
    try:
        from wildetect.settings.sections import sections
    except ImportError:  # a check of its own says so
        return []
    known = [f"{OWN}{model.section.upper()}" for model in sections()]
    unread = [
        name
        for name in sorted(variables)
        if _looks_like_a_setting(name.upper(), known)
        and not name.upper().startswith(tuple(f"{prefix}__" for prefix in known))
    ]
    forms = listed(f"{prefix}__" for prefix in known)
    return [
        warning(".env", f"nothing reads the variable {name}", fix=f"Let it begin with one of {forms}")
        for name in unread
    ]


def _looks_like_a_setting(name: str, known: list[str]) -> bool:
    return name.startswith(OWN) and ("__" in name or name.startswith(tuple(f"{one}_" for one in known)))


def check_settings(subject: Subject) -> list[Finding]:
    """Whether each settings file can be used, with all layers above it."""
    from wildetect.settings.sections import sections

    return [finding for model in sections() for finding in _of_section(subject, model)]


def _of_section(subject: Subject, model: type[SectionKeys]) -> list[Finding]:
    from wildetect.settings import load_settings

    path = subject.project.root / model.file
    with warnings_kept() as said:
        try:
            load_settings(model, subject.project)
        except ConfigurationError as error:
            found = of_error("settings", error)
        else:
            says = (
                f"{model.file} is valid" if path.exists() else f"{model.file} does not exist: defaults count"
            )
            found = [fine("settings", says)]
    fix = f"Fix it in {model.file}; a key without effect may stay"
    return [*found, *(warning("settings", text, fix=fix) for text in said)]


def check_shims(subject: Subject) -> list[Finding]:
    """Whether the .bat files are what the tasks say."""
    from wildetect import shims

    folder = subject.project.root / "scripts"
    if not folder.is_dir():
        return [fine("shims", "there are no .bat files here: no folder scripts")]
    try:
        shims.check_shims(folder, subject.shims)
    except ConfigurationError as error:
        return of_error("shims", error)
    return [fine("shims", f"the {len(subject.shims)} .bat files in scripts are up to date")]
