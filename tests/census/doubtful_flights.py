"""Surveys of 84 photographs, 60% overlap ahead and 30% aside, of which something is not as the tags say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.census.simulator import Flown, Herd, Survey, fly

from wildetect.census.cautions.findings import cautions
from wildetect.census.cautions.merging import doubled, hanging, in_crowds, merging, recall
from wildetect.census.counting.animals import count_once, default_tolerance
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Views, make_views
from wildetect.census.merging.partners import MergingCheck, check_merging
from wildetect.census.merging.single import on_own_ground
from wildetect.census.result import ToleranceCount
from wildetect.imagery.camera.optics import Flight
from wildetect.settings.census import Corrections

RTK: dict[str, Any] = {"position_error": 0.03, "stated_error": 0.04}  # m
PLAIN: dict[str, Any] = {"position_error": 2.0, "yaw_error": 0.5}  # m in each direction: 3 m in all; degrees
ANIMALS = 300


@dataclass(frozen=True)
class Case:
    """One kind of mistake.

    Attributes:
        name: For people.
        changes: Changes of the simulated survey.
        mounted: Degrees by which the camera is turned against the way flown; null: fixed to the north.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    mounted: float | None = 0.0

    def flown(self, seed: int, herd: Herd | None = None) -> Flown:
        """Fly it."""
        survey = Survey(**{**RTK, "jitter": 0.1, **self.changes}).mown(6, 14, ahead=0.6, aside=0.3)
        if self.mounted != 0.0:
            turned = self.mounted
            shots = [replace(shot, yaw=0.0 if turned is None else shot.yaw + turned) for shot in survey.shots]
            survey = replace(survey, shots=tuple(shots))
        return fly(survey, Herd.apart(4, 460, 440, ANIMALS, seed) if herd is None else herd, seed)


CASES = (
    Case("yaw tag off by 10 degrees", {"yaw_bias": 10.0}),
    Case("yaw tag off by 20 degrees", {"yaw_bias": 20.0}),
    Case("yaw tag off by 90 degrees", {"yaw_bias": 90.0}),
    Case("no yaw tag, camera fixed to the north", {"tells_yaw": False}, mounted=None),
    Case("no yaw tag, camera mounted across", {"tells_yaw": False}, mounted=90.0),
    Case("3 m GPS stated as 4 cm", {"position_error": 2.1}),
    Case("RTK, tilt of 1 degree", {"tilt": 1.0}),
    Case("height +20%", {"height_factor": 1.2}),
    Case("height -20%", {"height_factor": 0.8}),
    Case("slope 10% without terrain", {"slope": 0.1}),
    Case("slope 20% without terrain", {"slope": 0.2}),
    Case("animals walk 0.5 m/s", {"walking": 0.5}),
    Case("animals walk 1.5 m/s", {"walking": 1.5}),
)
_GPS: dict[str, Any] = {**PLAIN, "stated_error": None}
PLAIN_CASES = (
    Case("3 m GPS, height +20%", {**_GPS, "height_factor": 1.2}),
    Case("3 m GPS, height -20%", {**_GPS, "height_factor": 0.8}),
    Case("3 m GPS, height -30%", {**_GPS, "height_factor": 0.7}),
)
HONEST = (
    Case("RTK, all right"),
    Case("3 m GPS, all right", {**PLAIN, "stated_error": None}),
    Case("RTK, recall 0.8", {"recall": 0.8}),
    Case("3 m GPS, recall 0.8", {**PLAIN, "stated_error": None, "recall": 0.8}),
    Case("RTK, recall 0.6", {"recall": 0.6}),
)


@dataclass(frozen=True)
class Told:
    """What a census says of a survey whose truth is known.

    Attributes:
        error: Animals counted / animals that were photographed - 1.
        conservative: The same of the conservative count.
        rate: The partner rate.
        kinds: Kinds of its cautions about merging.
        others: Kinds of its cautions about the detector.
        fit: Kinds of its cautions that all photographs are too large, too small or turned: numbers of
            animals allow for it, areas do not.
        check: All that it says of the overlaps.
        views: Where the photographs look.
    """

    error: float
    conservative: float
    rate: float
    kinds: tuple[str, ...]
    others: tuple[str, ...]
    fit: tuple[str, ...]
    check: MergingCheck
    views: Views

    @property
    def warned(self) -> bool:
        """Whether anything is said of where the photographs lie."""
        return bool(self.kinds or self.fit)


def told_of(case: Case, seed: int, herd: Herd | None = None) -> Told:
    """Fly, count, and look for cautions."""
    return told(case.flown(seed, herd))


def told(flown: Flown, chosen: Corrections | None = None) -> Told:
    """Count what was flown, and look for cautions."""
    views = make_views(flown.photographs, Flight(), corrections=chosen)
    boxes = boxes_on_ground(flown.photographs, views)
    tolerance = default_tolerance(views)
    animals = count_once(boxes, views, tolerance)
    check = check_merging(boxes, animals, views, tolerance)
    true = len(flown.seen)
    counts = [
        ToleranceCount.of("strict", tolerance / 2, count_once(boxes, views, tolerance / 2)),
        ToleranceCount.of("chosen", tolerance, animals),
        ToleranceCount.of("loose", 2 * tolerance, count_once(boxes, views, 2 * tolerance)),
    ]
    return Told(
        len(animals.members) / true - 1,
        int(on_own_ground(boxes, views).sum()) / true - 1,
        check.all.share or 0.0,
        tuple(caution.kind for caution in (*merging(check, views), *hanging(check, counts))),
        tuple(
            caution.kind
            for caution in (
                *doubled(check, boxes, views),
                *recall(check, views),
                *in_crowds(check, len(animals.members)),
            )
        ),
        tuple({one.kind for one in cautions(flown.photographs, views, None, animals)} & {"scale", "turn"}),
        check,
        views,
    )
