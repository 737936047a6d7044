"""run.json as a file: written whole or not at all, and read, those of earlier versions, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from wildetect.errors import InputError
from wildetect.results.blurring import BLURRED, Grid
from wildetect.results.dataset import DataSet
from wildetect.results.files import make_folder, write_text
from wildetect.results.run import DetectionRun
from wildetect.results.run_parts import (
    BlurredFiles,
    BrokenImage,
    CutBoxes,
    Failure,
    FullImage,
    ImageCounts,
    LeftOut,
    Logged,
    Remark,
    RunModel,
    ScaledTiles,
    Times,
)

__all__ = ["mark_running", "read_run_file", "run_before", "run_from", "write_run_file"]

_Made = TypeVar("_Made")


def write_run_file(folder: Path, run: DetectionRun) -> None:
    """Write run.json, whole or not at all; that of the files with coarsened places, too."""
    _write(folder, run)
    if run.blurred is not None:
        inner = folder / BLURRED
        make_folder(inner, hint="Give another folder with --output.")
        places = str(Grid(run.blurred.km))
        _write(inner, replace(run, files=run.blurred.files, digests={}, blurred=None, places=places))


def _write(folder: Path, run: DetectionRun) -> None:
    write_text(folder / "run.json", json.dumps(run.document(), indent=2, ensure_ascii=False) + "\n")


def mark_running(folder: Path) -> DetectionRun | None:
    """Have the run.json in a folder say that its run goes on: what it counts is no longer true.

    Returns:
        What it held; None where there is no readable one.
    """
    run = run_before(folder)
    if run is not None:
        write_run_file(folder, replace(run, state="running"))
    return run


def run_before(folder: Path) -> DetectionRun | None:
    """What the run.json in a folder holds; null where there is none, or it is damaged."""
    with suppress(InputError):
        return read_run_file(folder)
    return None


def read_run_file(folder: Path) -> DetectionRun:
    """Read the run.json in a folder.

    Raises:
        InputError: There is none, or it is damaged.
    """
    try:
        return run_from(json.loads((folder / "run.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{folder} holds no run.json of a run",
            hint="Name the output folder of a run; give the command of a run that was killed again.",
        ) from error


def run_from(document: Mapping[str, Any]) -> DetectionRun:
    """Take a run from what its run.json holds; what an earlier version did not write has its default.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: It is not the content of a run.json.
    """
    logged, left_out, dataset, cut, blurred = (
        document.get(name) for name in ("mlflow", "left_out", "dataset", "cut_boxes", "blurred")
    )
    return _made(
        DetectionRun,
        document,
        model=_made(RunModel, document["model"], class_names=tuple(document["model"]["class_names"])),
        images=_made(ImageCounts, document.get("images", {})),
        tiles_failed=tuple(
            BrokenImage(one["file"], tuple(one["tiles"])) for one in document.get("tiles_failed", ())
        ),
        dark_images=tuple(document.get("dark_images", ())),
        doubts=_remarks_from(document, "doubts"),
        read_as=_remarks_from(document, "read_as"),
        not_read=_remarks_from(document, "not_read"),
        full_images=tuple(_made(FullImage, one) for one in document.get("full_images", ())),
        cut_boxes=_made(CutBoxes, cut, files=tuple(cut["files"])) if cut else CutBoxes(),
        scaled_tiles=_made(ScaledTiles, document.get("scaled_tiles") or {}),
        left_out=_made(LeftOut, left_out or {}),
        dataset=_made(DataSet, dataset, sources=tuple(dataset["sources"])) if dataset else DataSet(),
        failures=tuple(_made(Failure, one) for one in document.get("failures", ())),
        times=_made(Times, document["times"]),
        mlflow=_made(Logged, logged) if logged else None,
        files=tuple(document.get("files", ())),
        sensitive=tuple(document.get("sensitive", ())),
        blurred=_made(BlurredFiles, blurred, files=tuple(blurred["files"])) if blurred else None,
    )


def _remarks_from(document: Mapping[str, Any], name: str) -> tuple[Remark, ...]:
    return tuple(Remark(one["what"], tuple(one["files"])) for one in document.get(name, ()))


def _made(kind: type[_Made], document: Mapping[str, Any], **parts: object) -> _Made:
    """A dataclass from those items that are its fields; what a later version added is left out."""
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in document.items() if name in known} | parts)
