"""The task that deletes a version."""

from __future__ import annotations

from invoke.context import Context

from wildetect.tasks.asking import confirmed
from wildetect.tasks.model.listing import connected, name_one
from wildetect.tasks.support import say, verb
from wildetect.wording import in_bytes, number_of, quoted

__all__ = ["delete"]


@verb(
    help={"model": "the version, as name/number", "yes": "do not ask"},
    words=["model"],
)
def delete(context: Context, model: str | None = None, yes: bool = False) -> None:
    """Delete a version that nothing cites, with its files.

    A version that an alias, a census, an evaluation, a training run or another version cites stays. Its
    number is not given to another version.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.cache import forget
    from wildetect.registry.reference import ModelReference
    from wildetect.registry.retention import delete_version
    from wildetect.settings import Project
    from wildetect.workflows.versions.deletion import deletable

    if model is None:
        raise ConfigurationError("no version is named", hint=name_one("model.delete NAME/NUMBER"))
    reference = ModelReference.parse(model)
    project = Project.find()
    connection = connected(project)
    version, citations = deletable(project, connection, reference)
    if citations.detections:
        say(
            f"{number_of(citations.detections, 'detection run')} used {version}: their results stay, "
            "but cannot be "
            "repeated without it"
        )
    if not confirmed(
        f"Delete {version} and its files for ever", yes=yes, command=f"model.delete {quoted(str(version))}"
    ):
        return
    freed = delete_version(connection, version)
    forget(project.runs / "models", version)
    print(f"deleted {version}: {freed:,} bytes freed ({in_bytes(freed)})")
