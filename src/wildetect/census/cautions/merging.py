"""Whether boxes of overlapping photographs that show the same ground were joined as they should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from wildetect import wording
from wildetect.census.cautions.caution import Caution, number_of
from wildetect.census.counting.said import SaidUse
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.corrections import told
from wildetect.census.ground.photographs import Views
from wildetect.census.merging.alike import Alike
from wildetect.census.merging.partners import MergingCheck, Rate
from wildetect.census.result import ToleranceCount
from wildetect.settings.census import Corrections
from wildetect.settings.words import OtherPositions
from wildetect.wording import form, listed, percent

__all__ = ["corrections", "doubled", "hanging", "in_crowds", "merging", "recall", "untested", "unused"]

_POOR = 0.75  # of the animals: a detector that surely finds fewer is told of
_POOR_SEEN = 0.55  # of the boxes: so few have a partner by chance hardly ever
_MOST_FIRST = 3  # photographs that are named in a sentence
_MUCH = 0.3  # of the animals in overlaps, whose partners could be missing without being told
_LEAST_CROWDED, _CROWDED = 5, 0.02  # pairs of boxes, and part of the animals
_HANGING, _LEAST_HANGING = 1.35, 5  # times, and animals, more at the strict tolerance than at the loose one
_LEAST_DOUBLES, _DOUBLES = 5, 0.015  # boxes, and part of all
_OTHER_POSITIONS: dict[OtherPositions, str] = {
    "latitude": "when all latitudes have the other sign: N and S are exchanged, and the track is mirrored",
    "longitude": "when all longitudes have the other sign: E and W are exchanged, and the track is mirrored",
    "both": "when all latitudes and longitudes have the other sign: N and S, and E and W, are exchanged",
    "swapped": "when latitudes and longitudes are swapped: the track is mirrored",
}
_FIX = (
    "Look at the overlaps in the report, the worst first. Check yaw, height (is it in metres, and above the "
    "ground rather than the sea?) and lens of some photographs, and the position error that they state; over "
    "slopes name survey.terrain. Until then use the conservative "
    "count, which takes each spot of ground from one photograph only."
)


def merging(check: MergingCheck, views: Views) -> Iterator[Caution]:
    """What the overlaps say against the number."""
    files = [views.views[row].file for row in sorted({*check.guilty, *(one.view for one in check.turned)})]
    if check.off:
        yield Caution(
            "merging",
            f"{_rates(check)}, and boxes without a partner lie within {check.displaced.metres:.0f} m of each "
            "other far more often than animals that were missed would: places are off by more than the "
            "tolerance, or animals walked. Animals are counted twice or more.",
            _FIX,
            files,
        )
    elif check.low:
        yield Caution(
            "merging",
            f"{_rates(check)}: the photographs do not lie as their tags say, animals walked, or the "
            "detector misses more than half of them. In the first two cases animals are counted twice or "
            "more.",
            _FIX,
            files,
        )
    yield from _single(check, views)
    yield from _alike(check)
    if check.worse_across:
        yield Caution(
            "merging-across",
            f"Along a line of flight {_part(check.along)} of the boxes in overlaps were joined, across "
            f"lines only {_part(check.across)}: what lies longer apart in time, or is seen from farther "
            "aside, fits less. Animals that walked, slopes, or a direction that is off make animals of "
            "neighbouring lines count twice.",
            "Compare the number with the conservative count, which takes each spot of ground from one "
            "photograph only; where animals walk, fly neighbouring lines soon after each other, or without "
            "overlap.",
        )


def hanging(check: MergingCheck, counts: Sequence[ToleranceCount]) -> Iterator[Caution]:
    """A number that hangs on the tolerance: boxes of one animal do not agree as well as positions should.

    In right places, boxes of one animal lie so near each other that half of the tolerance joins nearly all
    of them, and twice of it no more. A wrong height or lens, or slopes, spread them evenly.

    Args:
        check: What the overlaps say: where they tell it already, it is not said again.
        counts: Counts at the strict, the chosen and the loose tolerance.
    """
    strict, chosen, loose = counts
    more = strict.animals - loose.animals
    if check.off or check.low or more < _LEAST_HANGING or strict.animals < _HANGING * loose.animals:
        return
    yield Caution(
        "tolerance",
        f"The number hangs on the tolerance: {strict.animals:,} at {strict.metres:.1f} m, "
        f"{chosen.animals:,} at {chosen.metres:.1f} m, {loose.animals:,} at {loose.metres:.1f} m. Boxes of "
        "one animal do not agree as well as they would if all were right: height or lens may be wrong, the "
        "ground may slope or positions err more than they state, and animals count twice; or animals stand "
        "so dense that neighbours are taken for one.",
        "Check heights (are they in metres, and above the ground rather than the sea?) and focal length of "
        "some photographs, and look at the overlaps in the report; over slopes name survey.terrain. The "
        "truth may lie anywhere between these numbers.",
    )


def unused(said: SaidUse | None) -> Iterator[Caution]:
    """What people said of pairs of animals and could not be used."""
    if said is not None and said.unused:
        total = said.same + said.apart + said.unused
        yield Caution(
            "unused-verdicts",
            f"{said.unused:,} of {total:,} verdicts on pairs of animals could not be used: a box is gone or "
            "below the threshold, one photograph shows both, or people contradict each other.",
            "Look at these animals again with review.open.",
        )


def _single(check: MergingCheck, views: Views) -> Iterator[Caution]:
    """Photographs that fit no other, or only when they are turned."""
    turned = {one.view: one for one in check.turned}
    rows = sorted({*check.guilty, *turned})
    if not rows:
        return
    files = [views.views[row].file for row in rows]
    angles = Counter(one.degrees for one in turned.values())
    agree = sum(one.before for one in turned.values()), sum(one.after for one in turned.values())
    fits = listed(f"{number:,} when turned by {by} degrees" for by, number in sorted(angles.items()))
    turning = f"; {fits} would ({agree[1]:,} boxes agree then, {agree[0]:,} as they are)" if fits else ""
    do = form(len(files), "does", "do")
    yield Caution(
        "merging-photographs",
        f"{number_of(files, verb=False)} {do} not fit what lies around{turning}. Position, direction or "
        "height is not that of the picture, and the animals count twice.",
        "Were they turned or cut in a program after the flight? Put the camera's own files in their place, "
        "or leave them out, and detect again.",
        files,
    )


def _alike(check: MergingCheck) -> Iterator[Caution]:
    """One thing that is wrong in all photographs, as far as the overlaps tell it."""
    found = check.alike
    if found is None:
        return
    either = [_wrong(one) for one in (found, *found.or_else)]
    doubt = " Which of them is right, the overlaps cannot tell." if found.or_else else ""
    keys = listed((_setting(one) for one in (found, *found.or_else)), last="or")
    yield Caution(
        "merging-all",
        f"The photographs fit together {', or '.join(either)} ({found.after:,} boxes of two photographs "
        f"agree then, {found.before:,} as they are).{doubt} Nothing was changed.",  # never one
        f"Where that is what happened, set {keys} in configs/census.yaml and give the command again.",
    )


def _wrong(found: Alike) -> str:
    """When the photographs fit together, and what is wrong then."""
    if found.positions is not None:
        return _OTHER_POSITIONS[found.positions]
    if found.clock:
        when = "later" if found.clock > 0 else "earlier"
        return (
            f"when each position is taken {abs(found.clock):.1f} s {when} on the way flown: they were joined "
            "to the photographs by a clock that is off, or the receiver lagged"
        )
    if found.yaw_reversed:
        return "when all yaws have the other sign: they count counter-clockwise"
    parts = []
    if found.fixed:
        parts.append(f"when all have one and the same yaw of {found.degrees:.0f} degrees")
    elif "yaw" in found.corrections:
        parts.append(
            f"when all are turned by {found.degrees:.0f} degrees clockwise: yaw tag or mounting is off"
        )
    if "scale" in found.corrections:
        parts.append(
            f"when all lengths are taken as {found.scale:.2f} times as long: height or lens is wrong"
        )
    return ", and ".join(parts)


def _setting(found: Alike) -> str:
    return listed(
        f"survey.corrections.{name}: {str(value).lower()}" for name, value in found.corrections.items()
    )


def _rates(check: MergingCheck) -> str:
    return (
        f"Of {check.all.expected:,} boxes that lie well inside another photograph {_part(check.all)} were "
        "joined to a box of it"  # never one
    )


def _part(rate: Rate) -> str:
    return percent(rate.share or 0)


def corrections(chosen: Corrections) -> Iterator[Caution]:
    """That tags are not used as the photographs say."""
    what = listed(told(chosen))
    if what:
        yield Caution(
            "corrections",
            f"The tags of all photographs are corrected as survey.corrections says: {what}.",
            "Take the corrections out once the photographs say what is right.",
        )


def recall(check: MergingCheck, views: Views) -> Iterator[Caution]:
    """A detector that misses many animals, as the overlaps alone tell, or too few boxes to tell that."""
    rate = check.recall
    if rate is not None and rate.share is not None and (rate.upper < _POOR or rate.share < _POOR_SEEN):
        yield Caution(
            "recall",
            f"Of the photographs that show an animal which another one found, only {_part(rate)} found it: "
            "the detector misses about every third animal or more, those in no overlap among them, and no "
            "number allows for it; or photographs do not lie as their tags say, and animals count twice.",
            "Look at the places in the report that a second photograph shows empty. Look at a sample of "
            "photographs with review.plan and review.open: the numbers are then corrected. Or lower "
            "survey.confidence.",
        )
    elif check.untested:
        files = [views.views[row].file for row in check.power.doubtful]
        yield Caution(
            "merging-untested",
            f"{untested(check)}.",
            f"Look at the places in the report that a second photograph shows empty{_first(files)}, at "
            "photographs that were turned or cut after the flight, and at yaw and height of some; and "
            "compare the number with the conservative count, which takes each spot of ground from one "
            "photograph only.",
            files,
        )


def _first(files: Sequence[str]) -> str:
    return f", first of all in {listed(files, most=_MOST_FIRST)}" if files else ""


def untested(check: MergingCheck) -> str:
    """Which mistakes of positions so few animals cannot tell, and what they would do to the number."""
    power, (expected, joined) = check.power, check.all
    if not power.tested:
        return (
            "No animal lies well inside another photograph, so that merging cannot be tested: no mistake of "
            "positions would be seen"
        )
    few = "lie in overlaps" if power.unseen > _MUCH else "lie in single photographs"
    said = (
        f"Too few animals {few} to test the merging: {power.tested:,} "
        f"{form(power.tested, 'lies', 'lie')} well inside other photographs, and of "
        f"{wording.number_of(expected, 'partner')} that they should have there {joined:,} "
        f"{form(joined, 'was', 'were')} found. A mistake of positions that leaves up to "
        f"{percent(power.unseen)} of these animals without one would not be told from animals that the "
        "detector missed"
    )
    if not power.twice:
        return said
    return (
        f"{said}. {power.twice:,} of {power.counted:,} detected {form(power.twice, 'stands', 'stand')} in "
        "one photograph only, on ground that others show, too: if such photographs do not lie as their tags "
        f"say, the number is up to {percent(power.too_many)} too high"
    )


def in_crowds(check: MergingCheck, animals: int) -> Iterator[Caution]:
    """Animals of dense herds that may have been taken for one.

    Args:
        check: What the overlaps say.
        animals: How many were counted.
    """
    found = check.crowded
    if found.joins < max(_LEAST_CROWDED, _CROWDED * animals):
        return
    yield Caution(
        "crowded",
        f"{found.joins:,} of the boxes that were joined lie more than {found.metres:.1f} m from each other, "
        "farther than boxes of one animal mostly do in this survey, and other animals stand about as "
        "near: where an animal was missed and its neighbour was taken for it, two count as one. The number "
        f"may be too low by about {percent(found.joins / (animals + found.joins))} or more.",
        "Look at the pairs in the report that lie farthest apart, and say with review.open whether they are "
        "one animal: the next census counts so. Positions with a stated error (RTK) leave less room for it, "
        "as does a detector that misses fewer animals.",
    )


def doubled(check: MergingCheck, boxes: GroundBoxes, views: Views) -> Iterator[Caution]:
    """Boxes that the detector may have drawn twice: each is an animal of its own.

    Args:
        check: What the overlaps say.
        boxes: All that count.
        views: Views that they were seen from.
    """
    found = check.doubles
    number = found.doubtful
    if number < max(_LEAST_DOUBLES, _DOUBLES * len(boxes)):
        return
    rows = np.unique(boxes.view[found.one[~found.confirmed]]).tolist()
    yield Caution(
        "doubles",
        f"{number:,} of {len(boxes):,} boxes lie nearer to another one of the same photograph than an animal "
        "is long, and no other photograph shows two animals there: where the detector drew one animal "
        "twice, it counts twice, or more in overlaps.",  # never one
        "Look at some of them with review.open. Lower processing.nms_threshold and detect again, if they are "
        "one animal each.",
        [views.views[row].file for row in rows],
    )
