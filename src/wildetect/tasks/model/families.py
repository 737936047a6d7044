"""What `model.register --family auto-check` does: show what each family would find, register nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wildetect.tasks.support import emit, say

if TYPE_CHECKING:
    from wildetect.detection.checks.family_check import FamilyCheck
    from wildetect.settings import Project
    from wildetect.settings.registration import RegistrationSettings

__all__ = ["AUTO_CHECK", "show_families"]

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
        output: Of the picture with the boxes, from the command line.
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
    }


def _print(check: FamilyCheck, path: Path, file: str) -> None:
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
    print(f"picture: {path}")
    say("Nothing was registered. " + _advice(check, file))


def _advice(check: FamilyCheck, file: str) -> str:
    plausible = [one.family for one in check.candidates if one.verdict == "plausible"]
    if not plausible:
        return "No family finds anything sensible here: take a picture with large, clear animals."
    if len(plausible) == 1:
        return f"If the boxes in the picture lie on the animals, write into {file}:  family: {plausible[0]}"
    lines = "  or  ".join(f"family: {family}" for family in plausible)
    return f"Look whose boxes in the picture lie on the animals, and write that line into {file}:  {lines}"
