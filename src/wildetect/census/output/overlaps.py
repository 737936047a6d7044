"""What census.json says of the overlaps: partner rates of all, of lines, of photographs and of each pair."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import numpy as np

from wildetect.census.cautions.merging import untested
from wildetect.census.merging.alike import Alike
from wildetect.census.merging.empty import empty_places
from wildetect.census.merging.partners import FEWEST, MergingCheck, Rate
from wildetect.census.merging.records import (
    AllTurnedRecord,
    ConservativeCount,
    DisplacedRecord,
    DoublesRecord,
    EmptyPlaceRecord,
    GapRecord,
    MergingRecord,
    NearMissRecord,
    OverlapRecord,
    PowerRecord,
    RateRecord,
    RecallRecord,
    SaidRecord,
    TurnedRecord,
)
from wildetect.census.merging.single import on_own_ground
from wildetect.census.output.rows import box_record, class_counts
from wildetect.census.result import Census

__all__ = ["empty_place_records", "merging_record", "near_miss_records", "overlap_records"]

_DIGITS = 4
_MOST_NEAR = 1_000
_FEW = f"fewer than {FEWEST} boxes lie well inside another photograph"
_CAVEATS = (
    "an upper bound: animals that no photograph found are not in it, such as those hidden in all; two "
    "different animals that were taken for one raise it; a partner that walked away lowers it"
)


def merging_record(census: Census) -> MergingRecord:
    """How well boxes were joined, under `merging`."""
    check, own = census.merging, on_own_ground(census.boxes, census.views)
    per_class = class_counts(census, Counter(census.boxes.class_id[own].tolist()))
    return MergingRecord(
        expected=check.all.expected,
        joined=check.all.joined,
        partner_rate=_rounded(check.all.share),
        tested=check.told and not check.untested,
        reason=untested(check) if check.untested else None if check.told else _FEW,
        along=_rate(check.along),
        across=_rate(check.across),
        margin_m=round(check.margin, 2),
        displaced=DisplacedRecord(
            round(check.displaced.share, _DIGITS),
            round(check.displaced.deviations, 2),
            round(check.displaced.metres, 2),
        ),
        off=check.off,
        low=check.low,
        worse_across=check.worse_across,
        guilty=tuple(census.views.views[row].file for row in check.guilty),
        turned=tuple(_turned(census)),
        all_turned=_alike(check.alike),
        conservative=ConservativeCount(int(own.sum()), per_class),
        gaps=tuple(_gaps(check)),
        recall=_recall(census),
        near_misses=len(check.near.one),
        empty=check.near.empty,
        doubles=_doubles(census),
        doubtful_joins=check.crowded.joins,
        said=None if census.said is None else SaidRecord(*census.said),
        power=_power(check),
    )


def _power(check: MergingCheck) -> PowerRecord:
    power = check.power
    return PowerRecord(
        power.tested,
        round(power.unseen, _DIGITS),
        int(power.blind.sum()),
        power.twice,
        round(power.too_many, _DIGITS),
    )


def _turned(census: Census) -> Iterator[TurnedRecord]:
    for one in census.merging.turned:
        yield TurnedRecord(census.views.views[one.view].file, one.degrees, one.before, one.after)


def _gaps(check: MergingCheck) -> Iterator[GapRecord]:
    for low, high, rate in check.gaps:
        yield GapRecord(
            expected=rate.expected,
            joined=rate.joined,
            partner_rate=_rounded(rate.share),
            from_s=low,
            below_s=None if math.isinf(high) else high,
        )


def overlap_records(census: Census) -> Iterator[OverlapRecord]:
    """Each two photographs with boxes on common ground, under `overlaps`: the most partners missing first."""
    pairs, views = census.merging.pairs, census.views.views
    for row in np.lexsort((pairs.other, pairs.one, pairs.joined - pairs.expected)).tolist():
        seconds = float(pairs.seconds[row])
        rate = Rate(int(pairs.expected[row]), int(pairs.joined[row]))
        yield OverlapRecord(
            expected=rate.expected,
            joined=rate.joined,
            partner_rate=_rounded(rate.share),
            photographs=(views[int(pairs.one[row])].file, views[int(pairs.other[row])].file),
            line="along" if pairs.along[row] else "across",
            seconds=None if math.isnan(seconds) else round(seconds, 3),
        )


def near_miss_records(census: Census) -> Iterator[NearMissRecord]:
    """The nearest boxes that did not become one animal, under `near_misses`."""
    near = census.merging.near
    for number in range(min(len(near.one), _MOST_NEAR)):
        one, other = (box_record(census, int(rows[number])) for rows in (near.one, near.other))
        seconds = float(near.seconds[number])
        yield NearMissRecord(
            (one.file, other.file),
            (one.xyxy, other.xyxy),
            round(float(near.metres[number]), 2),
            None if math.isnan(seconds) else round(seconds, 3),
            (one.id, other.id),
        )


def empty_place_records(census: Census) -> Iterator[EmptyPlaceRecord]:
    """Animals that a second photograph should show and does not, under `empty_places`."""
    places = empty_places(census.merging, census.boxes, census.animals, census.views)
    for one in islice(places, _MOST_NEAR):
        shown = box_record(census, one.row)
        x_min, y_min, x_max, y_max = (round(edge, 1) for edge in one.xyxy)
        yield EmptyPlaceRecord(
            (shown.file, census.views.views[one.view].file),
            (shown.xyxy, (x_min, y_min, x_max, y_max)),
            None if math.isnan(one.seconds) else round(one.seconds, 3),
        )


def _alike(found: Alike | None) -> AllTurnedRecord | None:
    if found is None:
        return None
    return AllTurnedRecord(
        round(found.degrees, 1),
        round(found.scale, 3),
        found.fixed,
        found.before,
        found.after,
        yaw_reversed=found.yaw_reversed,
        positions=found.positions,
        clock_s=round(found.clock, 2),
        corrections=found.corrections,
        or_else=tuple(one.corrections for one in found.or_else),
    )


def _recall(census: Census) -> RecallRecord | None:
    rate = census.merging.recall
    if rate is None or rate.share is None:
        return None
    of_class = census.merging.of_class
    per_class = {
        census.class_names[number]: _rounded(of_class[number].share)
        if number in of_class and of_class[number].expected >= FEWEST
        else None
        for number in census.wanted
    }
    return RecallRecord(round(rate.share, _DIGITS), per_class, _CAVEATS)


def _doubles(census: Census) -> DoublesRecord:
    found, views = census.merging.doubles, census.views.views
    doubtful = ~found.confirmed
    rows = np.unique(census.boxes.view[found.one[doubtful]]).tolist()
    return DoublesRecord(len(found.one), found.doubtful, tuple(views[row].file for row in rows))


def _rate(rate: Rate) -> RateRecord:
    return RateRecord(rate.expected, rate.joined, _rounded(rate.share))


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, _DIGITS)
