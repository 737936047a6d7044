"""The tasks that carry a version as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoke.context import Context

from wildetect.tasks.model.listing import name_one
from wildetect.tasks.support import emit, export_variables, say, verb
from wildetect.wording import commas, in_bytes, listed, number_of

if TYPE_CHECKING:
    from wildetect.registry.travel.package import Package

__all__ = ["export", "import_"]


@verb(
    help={
        "model": "the version: name@alias, name/version or name/latest",
        "output": "the file; without it NAME-VERSION.zip in the current folder",
    },
    words=["model", "output"],
)
def export(context: Context, model: str | None = None, output: str | None = None) -> None:
    """Write one version as a file, for a USB stick.

    The file holds the network, how it is fed and read, its evaluations and where it comes from. Without a
    server the version is taken from what this machine has fetched.
    """
    del context
    from urllib.parse import quote

    from wildetect.errors import ConfigurationError
    from wildetect.registry.reference import ModelReference
    from wildetect.settings import Project
    from wildetect.settings.project import from_caller
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.versions.travel import export_version

    if model is None:
        raise ConfigurationError("no model is named", hint=name_one("model.export NAME@ALIAS"))
    reference = ModelReference.parse(model)
    project = Project.find()
    export_variables(project)
    which = reference.alias or reference.version
    target = from_caller(output or f"{quote(reference.name, safe=' ')}-{which}.zip")
    package = export_version(project, reference, target, Terminal())
    size = target.stat().st_size
    print(f"{package}: {target} ({number_of(len(package.files), 'file')}, {in_bytes(size)})")
    print(_evaluated(package))


@verb(
    name="import",
    help={
        "source": "the file that model.export wrote",
        "name": "registered name, in place of its own",
        "alias": "a name for the version, such as production; may be given more than once",
        "dry-run": "check the file and say what it holds; no server is needed",
        "json": "the outcome as a JSON document on stdout",
    },
    paths="source",
    iterable=["alias"],
)
def import_(
    context: Context,
    source: str | None = None,
    name: str | None = None,
    alias: list[str] | None = None,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Register a version that came as a file.

    The whole file is checked before anything changes. One that the registry holds already makes no second
    version; evaluations that are new to it are added.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.settings import Project
    from wildetect.settings.project import from_caller
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.versions.travel import checked_package, import_version

    if source is None:
        raise ConfigurationError(
            "no file is named", hint="Name the file that model.export wrote: uv run invoke model.import FILE"
        )
    project = Project.find()
    export_variables(project)
    version, made = None, False
    with checked_package(from_caller(source)) as content:
        package, _ = content
        if not dry_run:
            version, made = import_version(
                project, content, name=name, aliases=alias or (), watcher=Terminal()
            )
    if json:
        document: dict[str, Any] = {
            "name": version.name if version else name or package.name,
            "version": version.version if version else None,
            "made": made,
            "package": package.model_dump(mode="json"),
        }
        emit(document)
        return
    if version is None:
        _show_unregistered(package)
        return
    aliases = f" as {listed(alias)}" if alias else ""
    if made:
        print(f"registered {version} from {package}{aliases}")
    else:
        print(f"{version} is this very version already{aliases}: no second one was made")


def _show_unregistered(package: Package) -> None:
    print(f"{package} of {package.origin or 'an unknown registry'}: the file is whole")
    print(f"{commas(package.manifest.class_names)}; sha256 {package.manifest.sha256[:12]}")
    print(_evaluated(package))
    say("Nothing was registered (--dry-run).")


def _evaluated(package: Package) -> str:
    named = [
        f"{one.summary.dataset} (mAP50 {one.summary.metrics['map50']:.3f})"
        if "map50" in one.summary.metrics
        else one.summary.dataset
        for one in package.evaluations
    ]
    return f"evaluations: {listed(named, none='none')}"
