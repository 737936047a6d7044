"""What the numbers in a detector's outputs mean: told by the owner or the file, or found out on a picture.

Order and unit of the columns of a table of boxes, and the number of the first class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wildetect.detection.checks.inspection import WeightsFile, made_up_picture
from wildetect.detection.families.exporter_notes import noted_layout
from wildetect.detection.families.family import Reading
from wildetect.detection.families.rows.columns import MOST_ODD, Layout, layouts, misfit, real_rows, xyxy_of
from wildetect.detection.families.table import TABLE, implausible
from wildetect.detection.network.detector import Detector
from wildetect.detection.tiles.tiling import from_the_middle
from wildetect.errors import ModelError
from wildetect.geometry import iou
from wildetect.imagery.opening import open_image
from wildetect.imagery.source import Pixels
from wildetect.registry.manifest import Manifest
from wildetect.settings.registration import RegistrationSettings
from wildetect.wording import commas, form, listed, number_of

__all__ = ["with_layout"]

CONFIG = RegistrationSettings.file
_UNCHECKED = "not checked: no box was found; check it with model.register --picture FILE, one with animals"
_UNSURE = "set first_label: 0 if its first class is 0"
_MIRRORED = 0.3  # mean IoU by which one layout must beat all others on the mirrored picture
_SHARES = (0.02, 0.1, 0.3)  # of the rows that may be odd
_FAINTEST = 0.01
_ENOUGH = 20  # rows
_MATCHED = 20  # rows, the surest ones


def with_layout(
    weights: WeightsFile, manifest: Manifest, settings: RegistrationSettings, picture: Path | None = None
) -> tuple[Manifest, str | None]:
    """Say in a manifest how its table's rows are laid out, where its family's come in several orders.

    Args:
        weights: The file, whose metadata may tell.
        manifest: Manifest from `describe`.
        settings: What the owner says.
        picture: A photograph with animals; a made-up picture is looked at besides.

    Returns:
        The manifest, and what was taken and why; None for other families.

    Raises:
        InputError: The picture cannot be read.
        ModelError: The rows are not laid out as was told, or nothing tells how they are.
    """
    own = TABLE[manifest.family].columns
    manifest = manifest.model_copy(update={"first_label": settings.first_label})
    if not own:
        _refuse_columns(manifest, settings)
        manifest = manifest.model_copy(update={"box_unit": settings.box_unit})
        manifest, numbered = _with_first_label(weights, manifest, picture)
        doubts = _looked_at(weights, manifest, picture)
        said = "; ".join(filter(None, (numbered, *doubts)))
        return manifest.doubted("; ".join(doubts) or None), said or None
    told, teller = _told(weights, manifest, settings)
    detector = Detector(weights.path, manifest, "cpu")
    looks = _looks(detector, manifest, picture, _table)
    seen = np.concatenate([look.rows for look in looks])
    reading = Reading.of(manifest)
    if told is None:
        layout, why = _found_out(detector, manifest, looks, with_picture=picture is not None)
    elif not len(seen):
        layout, why = told, f"{teller}, {_UNCHECKED}"
        manifest = manifest.doubted(f"{told} ({why})")
    else:
        _check_told(detector, looks, told, teller, reading)
        layout, why = told, f"{teller}; {number_of(len(seen), 'row')} {form(len(seen), 'agrees', 'agree')}"
    is_own = layout == Layout(own)
    laid_out = {"columns": None, "box_unit": None} if is_own else layout._asdict()
    return manifest.model_copy(update=laid_out), f"{layout} ({why})"


def _refuse_columns(manifest: Manifest, settings: RegistrationSettings) -> None:
    family = TABLE[manifest.family]
    for key in ("columns", "box_unit"):
        if getattr(settings, key) is None or (key == "box_unit" and family.box_units):
            continue
        units = key == "box_unit"
        takers = [name for name, one in TABLE.items() if one.columns or (units and one.box_units)]
        raise ModelError(
            f"{key}: is for {listed(takers)}; the outputs of {manifest.family} come in one form",
            hint=f"Remove {key}: from {CONFIG}.",
        )


def _looked_at(weights: WeightsFile, manifest: Manifest, picture: Path | None) -> list[str]:
    """Hold the outputs for a picture against the family; say what they put in doubt, or that none came."""
    family, reading = TABLE[manifest.family], Reading.of(manifest)
    if picture is None and not family.lists_animals:
        return []
    doubts: dict[str, None] = {}  # each once, in their order

    def confidences(outputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        if problem := implausible(manifest.family, outputs, reading):
            raise ModelError(
                f"{weights.path.name} does not behave as {manifest.family}: {problem}",
                hint=f"Check family, feeding and class names in {CONFIG}.",
            )
        if family.doubt is not None and (doubt := family.doubt(outputs, reading)):
            doubts[doubt] = None
        return family.decode(outputs, reading, _FAINTEST).confidence

    detector = Detector(weights.path, manifest, "cpu")
    seen = sum(len(look.rows) for look in _looks(detector, manifest, picture, confidences))
    return [*doubts] if seen else [*doubts, _UNCHECKED]


def _told(
    weights: WeightsFile, manifest: Manifest, settings: RegistrationSettings
) -> tuple[Layout | None, str]:
    own = TABLE[manifest.family].columns
    if settings.columns is not None:
        if len(settings.columns) != len(own):
            raise ModelError(
                f"columns: names {number_of(len(settings.columns), 'column')}, but {manifest.family} "
                f"has {len(own)}",
                hint=f"Name {number_of(len(own), 'column')} in {CONFIG}, such as {commas(own)}.",
            )
        return Layout(tuple(settings.columns), settings.box_unit or "px"), "as the settings say"
    noted = noted_layout(weights.metadata)
    if noted is not None and len(noted[0]) == len(own):
        layout = Layout(*noted)
        return layout._replace(box_unit=settings.box_unit or layout.box_unit), "as the file's metadata say"
    if settings.box_unit is not None:
        return Layout(own, settings.box_unit), "as the settings say"
    return None, ""


def _with_first_label(
    weights: WeightsFile, manifest: Manifest, picture: Path | None
) -> tuple[Manifest, str | None]:
    """Say in a manifest which number the first class has, where files of its family differ."""
    if TABLE[manifest.family].first_label is not None or manifest.first_label is not None:
        told = manifest.first_label is not None
        return manifest, f"first_label: {manifest.first_label} (as the settings say)" if told else None
    names = manifest.detected_names
    if names[0].strip("_").lower() == "background":
        return manifest.model_copy(update={"first_label": 0}), "first_label: 0 (its name is background)"
    detector = Detector(weights.path, manifest, "cpu")
    labels = np.concatenate([look.rows for look in _looks(detector, manifest, picture, _labels)])
    if not len(labels):
        raise ModelError(
            f"{weights.path.name} finds nothing on {'the' if picture else 'a made-up'} picture: it cannot be "
            "told whether its classes are numbered from 0 or from 1",
            hint="Give model.register --picture FILE, a photograph with animals that it finds; or set "
            f"first_label: in {CONFIG}: 1 where 0 is the background (torchvision), 0 for DeepForest",
        )
    seen = listed(np.unique(labels)[:5])
    first = 0 if labels.min() == 0 else 1
    if labels.max() - first >= len(names):
        raise ModelError(
            f"{weights.path.name} gives classes {seen}, but has {number_of(len(names), 'class name')} "
            f"from {first} on",
            hint=f"List all its classes as class_names: in {CONFIG}",
        )
    sure = first == 0 or labels.max() == len(names)
    said = f"first_label: {first} (it gave {seen}{'' if sure else f'; {_UNSURE}'})"
    manifest = manifest.model_copy(update={"first_label": first})
    return manifest.doubted(None if sure else said), said


def _labels(outputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return next(output for output in outputs if output.ndim == 1 and output.dtype.kind in "iu")


class _Look(NamedTuple):
    """What a network gave for a picture or a part of one."""

    pixels: Pixels
    rows: NDArray[Any]


def _table(outputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return real_rows(outputs[0])


def _looks(
    detector: Detector,
    manifest: Manifest,
    picture: Path | None,
    read: Callable[[Sequence[NDArray[Any]]], NDArray[Any]],
) -> list[_Look]:
    """Run the network on a made-up picture, and on tiles of the user's until it has given some rows."""
    pixels = made_up_picture(manifest)
    looks = [_Look(pixels, read(detector.forward([pixels])[0][0]))]
    if picture is None:
        return looks
    source = open_image(picture)
    found = 0
    try:
        for window in from_the_middle(source.width, source.height, manifest.feeding.size):
            pixels = source.read(window).copy()
            looks.append(_Look(pixels, read(detector.forward([pixels])[0][0])))
            found += len(looks[-1].rows)
            if found >= _ENOUGH:
                break
    finally:
        source.close()
    return looks


def _possible(rows: NDArray[np.float32], reading: Reading, shares: Sequence[float] = _SHARES) -> list[Layout]:
    """The layouts in which the fewest rows are odd."""
    for share in shares:
        fitting = [one for one in layouts(rows.shape[1]) if misfit(rows, one, reading, share) is None]
        if fitting:
            return fitting
    return []


def _found_out(
    detector: Detector, manifest: Manifest, looks: Sequence[_Look], *, with_picture: bool
) -> tuple[Layout, str]:
    """The one layout that the values of the rows allow."""
    seen = np.concatenate([look.rows for look in looks])
    name = detector.session.weights.name
    if not len(seen):
        raise ModelError(
            f"{name} finds nothing on {'the' if with_picture else 'a made-up'} picture: the order and unit "
            "of its columns cannot be told",
            hint="Give model.register --picture FILE, a photograph with animals that it finds; or set "
            f"columns: in {CONFIG}, such as {Layout(TABLE[manifest.family].columns)}",
        )
    reading = Reading.of(manifest)
    possible = _possible(seen, reading)
    if len(possible) > 1:
        busiest = max(looks, key=lambda look: len(look.rows))
        possible = _same_when_mirrored(detector, busiest, possible, reading)
    if len(possible) == 1:
        return possible[
            0
        ], f"as {number_of(len(seen), 'row')} on a picture {form(len(seen), 'shows', 'show')}"
    if not possible:
        problem = misfit(seen, Layout(TABLE[manifest.family].columns), reading)
        raise ModelError(
            f"{name}: no known order of columns fits its rows; read as {manifest.family}, {problem}",
            hint="Check class names, scale and channel_order; its rows must hold a box, a score and a class.",
        )
    raise ModelError(
        f"{name}: {number_of(len(seen), 'row')} {form(len(seen), 'fits', 'fit')} several orders of columns",
        hint="Give model.register --picture FILE, a photograph with several animals, or write one of these "
        f"into {CONFIG}: {'  or  '.join(str(one) for one in possible[:4])}",
    )


def _same_when_mirrored(
    detector: Detector, look: _Look, possible: Sequence[Layout], reading: Reading
) -> list[Layout]:
    """Those whose boxes are found in the mirrored picture where they are in the picture.

    Few boxes can be corners as well as centres. On the mirrored picture the right reading gives mirrored
    boxes; a wrong one does not, as it takes a width for a place.
    """
    mirrored = _table(detector.forward([np.ascontiguousarray(look.pixels[:, ::-1])])[0][0])
    if not len(mirrored):
        return list(possible)
    agreements = []
    for layout in possible:
        score = layout.columns.index("score")
        surest = look.rows[np.argsort(-look.rows[:, score], kind="stable")[:_MATCHED]]
        boxes = xyxy_of(surest, layout, reading.frame)
        others = xyxy_of(mirrored, layout, reading.frame)
        others[:, [0, 2]] = reading.frame.width - others[:, [2, 0]]
        agreements.append(float(iou(boxes, others).max(axis=1).mean()))
    best = int(np.argmax(agreements))
    if all(agreements[best] - one >= _MIRRORED for place, one in enumerate(agreements) if place != best):
        return [possible[best]]
    return list(possible)


def _check_told(
    detector: Detector, looks: Sequence[_Look], told: Layout, teller: str, reading: Reading
) -> None:
    """Hold what was told against the rows."""
    seen = np.concatenate([look.rows for look in looks])
    problem = misfit(seen, told, reading, MOST_ODD)
    possible = _possible(seen, reading, _SHARES[:1])
    if problem is None and possible and told not in possible:
        problem = misfit(seen, told, reading)
    if problem is None and len(possible) > 1:
        busiest = max(looks, key=lambda look: len(look.rows))
        possible = _same_when_mirrored(detector, busiest, possible, reading)
        if told not in possible:
            problem = "its boxes are not mirrored when the picture is"
    if problem:
        fix = f"Write into {CONFIG}:  {possible[0]}" if possible else "Check family, feeding and class names"
        name = detector.session.weights.name
        raise ModelError(f"{name} is not laid out {teller} ({told}): {problem}", hint=fix)
