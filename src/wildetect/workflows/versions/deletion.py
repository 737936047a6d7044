"""Delete a registered version that nothing cites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wildetect.census.output.record import cited_model
from wildetect.errors import ConfigurationError, ModelError
from wildetect.registry.connection import Connection
from wildetect.registry.reference import ModelReference
from wildetect.registry.retention import Citations, citations_of
from wildetect.registry.versions import Version, resolve
from wildetect.settings import Project
from wildetect.wording import quoted

__all__ = ["deletable"]


def deletable(
    project: Project, connection: Connection, reference: ModelReference
) -> tuple[Version, Citations]:
    """Find a version that may be deleted.

    Args:
        project: Its results are looked through for a census that was never logged.
        connection: The server.
        reference: Name and version number: an alias may have moved since somebody looked.

    Raises:
        ConfigurationError: The reference is not a version number.
        ModelError: The registry does not hold the version, or something cites it; `details` names what.
        ServerError: Where the server fails.
    """
    if not reference.is_fixed:
        raise ConfigurationError(
            f"{reference} is not the number of a version, and may mean another one tomorrow",
            hint=f"Name it by its number: uv run invoke model.delete {quoted(f'{reference.name}/NUMBER')}",
        )
    version = resolve(connection, reference)
    citations = citations_of(connection, version)
    logged = {name for name in citations.keeping if "experiment census" in name}
    if not logged:
        found = [f"the census in {project.shown(file)}" for file in _censuses(project, version)]
        citations = replace(citations, keeping=(*citations.keeping, *found))
    if citations.keeping:
        raise ModelError(
            f"{version} is cited by {citations.keeping[0]}: nothing was deleted",
            hint="Move the alias away (model.promote), or delete what cites it in MLflow's page, if it is "
            "not needed any more.",
            details=citations.keeping[1:],
        )
    return version, citations


def _censuses(project: Project, version: Version) -> Iterator[Path]:
    """The census files of this project that cite a version of this very registry: its sha256 tells."""
    for file in sorted((project.root / "results").rglob("census.json")):
        model = cited_model(file)
        cited = model and (model.name, model.version, model.sha256)
        if cited == (version.name, version.version, version.tags.get("sha256")):
            yield file
