"""The task that registers a detector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from wildetect.tasks.support import emit, export_variables, say, say_hint, verb
from wildetect.wording import listed, quoted

if TYPE_CHECKING:
    from wildetect.detection.checks.examination import Examined
    from wildetect.detection.checks.family_check import FamilyCheck
    from wildetect.detection.checks.recognition import UnclearFamilyError
    from wildetect.registry.connection import Connection
    from wildetect.registry.registration import Registration
    from wildetect.registry.versions import Version
    from wildetect.settings import Project
    from wildetect.settings.registration import RegistrationSettings

__all__ = ["AUTO_CHECK", "register", "show_families"]

AUTO_CHECK = "auto-check"
FILE = Path("results", "family_check.jpg")


def show_families(
    project: Project,
    settings: RegistrationSettings,
    picture: str | None,
    output: str | None = None,
    *,
    json: bool = False,
) -> None:
    """Run the weights on a picture as each family that fits, draw and print what each finds.

    Args:
        project: Where the picture with the boxes goes.
        settings: Name the weights.
        picture: The user's, from the command line.
        output: Path of the picture with the boxes, from the command line.
        json: Print a JSON document.

    Raises:
        ConfigurationError: No picture or no weights are given.
        InputError: The picture cannot be read, or the output not be written.
        ModelError: The weights cannot be used.
    """
    from wildetect.detection.checks.family_check import check_families
    from wildetect.detection.checks.family_picture import write_comparison
    from wildetect.detection.checks.inspection import inspect
    from wildetect.errors import ConfigurationError
    from wildetect.registry.weights.intake import check_is_onnx
    from wildetect.settings.project import from_caller

    if picture is None:
        raise ConfigurationError(
            "no picture is given to check the families on",
            hint="Give --picture FILE, a photograph with animals that the detector should find.",
        )
    if settings.weights_path is None:
        raise ConfigurationError("no weights are given", hint="Give them with --weights FILE.onnx.")
    weights = project.path(settings.weights_path)
    check_is_onnx(weights)
    check = check_families(inspect(weights), settings, from_caller(picture))
    path = from_caller(output) if output else project.root / FILE
    write_comparison(path, check)
    if json:
        emit(_document(check, path))
    else:
        _print(check, path, settings.file)


def _document(check: FamilyCheck, path: Path) -> dict[str, Any]:
    window = check.window
    return {
        "picture": str(path),
        "window": {"x": window.x, "y": window.y, "width": window.width, "height": window.height},
        "candidates": [
            {
                "family": one.family,
                "verdict": one.verdict,
                "reason": one.reason,
                "boxes": len(one.detections),
                "best_confidence": one.best,
            }
            for one in check.candidates
        ],
        "feeding": check.feeding,
    }


def _print(check: FamilyCheck, path: Path, file: str) -> None:
    _print_candidates(check)
    print(f"picture: {path}")
    say("Nothing was registered. " + _advice(check, file))


def _print_candidates(check: FamilyCheck) -> None:
    from wildetect.tasks.table import print_table

    rows = [
        [
            one.family,
            one.verdict,
            str(len(one.detections)),
            "-" if one.best is None else f"{one.best:.2f}",
            one.reason,
        ]
        for one in check.candidates
    ]
    print_table(["family", "verdict", "boxes", "best", "why"], rows)


def _advice(check: FamilyCheck, file: str) -> str:
    fed = f"As {check.candidates[0].family} {check.feeding}. " if check.feeding else ""
    return fed + _which_family(check, file)


def _which_family(check: FamilyCheck, file: str) -> str:
    plausible = [one.family for one in check.candidates if one.verdict == "plausible"]
    if not plausible:
        return "No family finds anything sensible here: take a picture with large, clear animals."
    if len(plausible) == 1:
        return f"If the boxes in the picture lie on the animals, write into {file}:  family: {plausible[0]}"
    lines = "  or  ".join(f"family: {family}" for family in plausible)
    return f"Look whose boxes in the picture lie on the animals, and write that line into {file}:  {lines}"


@verb(
    help={
        "config": "settings file; without it configs/detector_registration.yaml",
        "weights": "the weights file (.onnx, .pt, .torchscript), in place of the one that the settings name",
        "name": "registered name, in place of the one that the settings name",
        "alias": "a name for the new version, such as production; may be given more than once",
        "family": "in place of that of the settings; auto-check shows on --picture what each would find",
        "picture": "a photograph with animals, to check on it what the outputs mean",
        "output": "with --family auto-check: where the picture with all boxes goes",
        "training-run": "id of the MLflow run in which the weights were trained elsewhere",
        "trained-on": "folder of the training set that the weights were trained on elsewhere",
        "force": "make a new version even of a file that is registered already",
        "dry-run": "check everything, register nothing",
        "json": "the outcome as a JSON document on stdout",
    },
    shim="register_model.bat",
    paths="weights",
    iterable=["alias"],
)
def register(
    context: Context,
    config: str | None = None,
    weights: str | None = None,
    name: str | None = None,
    alias: list[str] | None = None,
    family: str | None = None,
    picture: str | None = None,
    output: str | None = None,
    training_run: str | None = None,
    trained_on: str | None = None,
    force: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Check a detector by running it once, then register it.

    The weights are an ONNX file; a .pt or .torchscript file is exported to one. How they are fed and read
    comes from the settings, else from the file's own metadata; it is stored with the version, so that a
    detection run needs to know no more than the name. So is the classifier that the settings name.
    """
    del context
    from wildetect.detection.checks.recognition import UnclearFamilyError
    from wildetect.errors import ConfigurationError
    from wildetect.settings import Project
    from wildetect.settings.project import from_caller, given_path
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.learning.lineage import taught_elsewhere
    from wildetect.workflows.registration import checked
    from wildetect.workflows.registration import register as register_version

    project = Project.find()
    export_variables(project)
    if family == AUTO_CHECK:
        settings = _settings(project, config, weights, name)
        show_families(project, settings, picture, output, json=json)
        return
    if output:
        raise ConfigurationError(
            "--output is for --family auto-check alone", hint="Leave it out, or add --family auto-check."
        )
    settings = _settings(project, config, weights, name, family)
    looked_at = given_path(picture)
    try:
        registration, found = checked(project, settings, alias or settings.aliases, looked_at)
    except UnclearFamilyError as error:
        raise _with_families_shown(project, settings, looked_at, error, json=json) from error
    if trained_on:
        registration = taught_elsewhere(registration, from_caller(trained_on))
    _say_checked(registration, found)
    version, made = None, False
    if training_run or not dry_run:
        connection = _connection(project, settings, training_run)
        if not dry_run:
            version, made = register_version(project, connection, registration, Terminal(), force=force)
            _link(connection, version, training_run)
    _report(registration, version, found.read_as, made=made, json=json)


def _connection(project: Project, settings: RegistrationSettings, training_run: str | None) -> Connection:
    """The server, which must have the run in which the weights were trained, where one is named."""
    from wildetect.registry.learning.runs import require_run
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.connecting import connect_for

    connection = connect_for(project, Terminal(), configured=settings.processing.mlflow_tracking_uri)
    if training_run:
        require_run(connection, training_run)
    return connection


def _link(connection: Connection, version: Version, training_run: str | None) -> None:
    """Name the MLflow run in which a version was trained, in its card, too."""
    from wildetect.registry.learning.card import refresh_card
    from wildetect.registry.learning.runs import link

    if training_run:
        link(connection, version, training_run)
        refresh_card(connection, version.name, version.version)


def _say_checked(registration: Registration, found: Examined) -> None:
    file = registration.manifest.source.file
    say(f"checked {file}: {_summary(registration)}, runs in {found.seconds * 1000:.0f} ms")
    doubtful = registration.manifest.unchecked is not None
    say(f"{'warning: ' if doubtful else ''}read as {found.read_as}")


def _with_families_shown(
    project: Project,
    settings: RegistrationSettings,
    picture: Path | None,
    error: UnclearFamilyError,
    *,
    json: bool,
) -> UnclearFamilyError:
    """Show what each family finds on a picture, the user's or one at hand, and say so in the error."""
    from wildetect.detection.checks.family_check import check_families
    from wildetect.detection.checks.family_picture import write_comparison
    from wildetect.detection.checks.inspection import inspect
    from wildetect.detection.checks.recognition import UnclearFamilyError
    from wildetect.errors import WildDetectError

    shown = picture or _picture_at_hand(project)
    if shown is None or settings.weights_path is None:
        return error
    path = project.root / FILE
    try:
        check = check_families(inspect(project.path(settings.weights_path)), settings, shown)
        write_comparison(path, check)
    except WildDetectError:
        if picture is not None:
            raise
        return error
    if not json:
        say(f"what each family finds on {shown.name}:")
        _print_candidates(check)
    return UnclearFamilyError(error.message, hint=f"{_advice(check, settings.file)}  (boxes: {path})")


def _picture_at_hand(project: Project) -> Path | None:
    """The first of the pictures that the detection settings name."""
    from wildetect.errors import WildDetectError
    from wildetect.imagery.discovery import discover
    from wildetect.settings import load_settings
    from wildetect.settings.detection import DetectionSettings

    try:
        named = load_settings(DetectionSettings, project).sources
        paths = [project.path(path) for paths in named.values() for path in paths if isinstance(path, Path)]
        found = discover(paths)[0].path if paths else None
        return found if isinstance(found, Path) else None
    except WildDetectError:
        return None


def _settings(
    project: Project,
    config: str | None,
    weights: str | None,
    name: str | None,
    family: str | None = None,
) -> RegistrationSettings:
    from wildetect.settings import Option, load_settings
    from wildetect.settings.project import given_path
    from wildetect.settings.registration import RegistrationSettings

    path = given_path(weights)
    return load_settings(
        RegistrationSettings,
        project,
        file=given_path(config),
        options={
            ("localizer", "yolo", "weights"): Option("--weights", path),
            ("processing", "name"): Option("--name", name),
            ("family",): Option("--family", family),
        },
    )


def _summary(registration: Registration) -> str:
    manifest = registration.manifest
    names = manifest.class_names
    shown = listed(names, most=5)
    return f"{manifest.family}, {manifest.feeding.width} x {manifest.feeding.height} px, {shown}"


def _report(
    registration: Registration, version: Version | None, read_as: str, *, made: bool, json: bool
) -> None:
    document: dict[str, Any] = {
        "name": registration.name,
        "version": version.version if version else None,
        "made": made,
        "aliases": list(registration.aliases),
        "sha256": registration.manifest.sha256,
        "read_as": read_as,
        "manifest": registration.manifest.model_dump(mode="json"),
    }
    if json:
        emit(document)
    elif version is None:
        wrong = "nothing is wrong" if registration.manifest.unchecked is None else "nothing else is wrong"
        print(f"{registration.name}: {wrong}; not registered (--dry-run)")
    else:
        aliases = f" as {listed(registration.aliases)}" if registration.aliases else ""
        if made:
            print(f"registered {registration.name} version {version.version}{aliases}")
            if not registration.aliases:
                words = f"--name {quoted(registration.name)} --version {version.version} --alias production"
                say_hint(f"To use it as production: uv run invoke model.promote {words}")
        else:
            print(f"{registration.name} version {version.version} holds this very file already{aliases}")
            say_hint("No new version was made; --force makes one.")
