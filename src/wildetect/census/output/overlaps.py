"""What census.json says of the overlaps: partner rates of all, of lines, of photographs and of each pair."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from wildetect.census.merging.partners import FEWEST, Rate
from wildetect.census.merging.records import (
    ConservativeCount,
    DisplacedRecord,
    MergingRecord,
    OverlapRecord,
    RateRecord,
)
from wildetect.census.merging.single import on_own_ground
from wildetect.census.output.rows import class_counts
from wildetect.census.result import Census

__all__ = ["merging_record", "overlap_records"]

_DIGITS = 4


def merging_record(census: Census) -> MergingRecord:
    """How well boxes were joined, under `merging`."""
    check, own = census.merging, on_own_ground(census.boxes, census.views)
    few = f"only {check.all.expected} boxes lie well inside another photograph; it takes {FEWEST}"
    per_class = class_counts(census, Counter(census.boxes.class_id[own].tolist()))
    return MergingRecord(
        expected=check.all.expected,
        joined=check.all.joined,
        partner_rate=_rounded(check.all.share),
        tested=check.told,
        reason=None if check.told else few,
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
        conservative=ConservativeCount(int(own.sum()), per_class),
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


def _rate(rate: Rate) -> RateRecord:
    return RateRecord(rate.expected, rate.joined, _rounded(rate.share))


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, _DIGITS)
