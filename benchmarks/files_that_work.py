"""Which detector files just work: those of some folders, as registration takes them.

    uv run python -m benchmarks.files_that_work ../shared/data/models ../shared/data/reports/models \
        --picture ../shared/data/images/bus.jpg

A file works by itself, or once its owner names what it does not say (family, class names), or is refused
with what fixes it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from wildetect.detection.checks.family_check import check_families
from wildetect.detection.checks.inspection import WeightsFile, check, inspect
from wildetect.detection.checks.recognition import describe
from wildetect.detection.checks.row_layout import with_layout
from wildetect.detection.families.table import TABLE
from wildetect.errors import ModelError
from wildetect.registry.manifest import Source
from wildetect.settings.registration import RegistrationSettings

BY_ITSELF, NAMED, REFUSED = "by itself", "once named", "refused"


class Outcome(NamedTuple):
    """How registration took a file, and as what or why not."""

    how: str
    what: str


def main(words: list[str] | None = None) -> int:
    """Print a line a file, and the shares."""
    parser = argparse.ArgumentParser(description="Which detector files just work.")
    parser.add_argument("paths", nargs="+", type=Path, help="ONNX files, or folders with them")
    parser.add_argument("--picture", type=Path, help="a photograph with animals")
    parser.add_argument("--classes", type=int, default=80, help="of files that do not name theirs (COCO: 80)")
    said = parser.parse_args(words)
    files = [
        file for path in said.paths for file in (sorted(path.rglob("*.onnx")) if path.is_dir() else [path])
    ]
    outcomes = {file: outcome_of(file, said.picture, said.classes) for file in files}
    for file, outcome in outcomes.items():
        print(f"{file.name:<36} {outcome.how:<11} {outcome.what}")
    counts = Counter(outcome.how for outcome in outcomes.values())
    for how in (BY_ITSELF, NAMED, REFUSED):
        print(f"{how}: {counts[how]} of {len(files)} ({counts[how] / max(len(files), 1):.0%})")
    return 0


def outcome_of(file: Path, picture: Path | None, classes: int) -> Outcome:
    """Register a file as far as it goes without a server: as it is, then with what is asked for."""
    try:
        weights = inspect(file)
        return Outcome(BY_ITSELF, _registered(weights, RegistrationSettings(), picture))
    except ModelError as error:
        refusal = Outcome(REFUSED, f"{error.message}  hint: {error.hint}")
    try:
        weights = inspect(file)
        return Outcome(NAMED, _registered(weights, _named(weights, picture, classes), picture))
    except ModelError:
        return refusal


def _named(weights: WeightsFile, picture: Path | None, classes: int) -> RegistrationSettings:
    """What an owner would say: the class names, and the family that finds something on the picture."""
    names = list(weights.class_names or (f"class {number}" for number in range(classes)))
    settings = RegistrationSettings(class_names=names)
    if picture is None:
        return settings
    best = check_families(weights, settings, picture).candidates[0]
    return settings.model_copy(update={"family": best.family})


def _registered(weights: WeightsFile, settings: RegistrationSettings, picture: Path | None) -> str:
    source = Source(file=weights.path.name, size=weights.path.stat().st_size, sha256="")
    manifest, layout = with_layout(weights, describe(weights, settings, "", source), settings, picture)
    check(weights.path, manifest)
    kind = TABLE[manifest.family].box_kind
    return f"{manifest.family}, {len(manifest.class_names)} classes, {kind}{f'; {layout}' if layout else ''}"


if __name__ == "__main__":
    sys.exit(main())
