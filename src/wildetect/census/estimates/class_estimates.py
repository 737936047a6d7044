"""Estimates of each class and of all together, in each stratum and in all."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from wildetect.census.counting.animals import Animals
from wildetect.census.estimates import notes as say
from wildetect.census.estimates.limits import refused
from wildetect.census.estimates.methods.method import Counted
from wildetect.census.estimates.methods.table import method_for
from wildetect.census.estimates.records import Estimate
from wildetect.census.estimates.sample_records import ALL_STRATA, ClassEstimate, Sample, SampledStratum
from wildetect.census.estimates.sums import combine

__all__ = ["FARTHEST_SHARE", "NO_STRATA", "estimate_of_stratum", "estimates_of"]

FARTHEST_SHARE = 0.5  # of a stratum, far from searched ground or beyond the lines: above it is no number
NO_STRATA = (
    "the area that a number would stand for is unknown, so only what was detected is given; name a file with "
    "the outline of the survey area (survey.strata)"
)


def estimates_of(sample: Sample, animals: Animals, wanted: Sequence[int]) -> list[ClassEstimate]:
    """Estimates per wanted class and for all of them, per stratum and for all strata.

    Each stratum is estimated by the first method that applies (`methods.table`).

    Args:
        sample: Outcome of `sample_survey`.
        animals: The Animals that its rows are of.
        wanted: Class ids.

    Returns:
        All wanted classes together first (class_id null), then each; for each its strata, then "all" if
        there are several strata or none.
    """
    class_ids = [int(class_id) for class_id in animals.class_id]
    found = []
    for class_id in (None, *wanted):
        counts = set(wanted) if class_id is None else {class_id}
        rows = {row for row, of_row in enumerate(class_ids) if of_row in counts}
        each = [_of_stratum(stratum, rows) for stratum in sample.strata]
        if sample.strata[0].area_km2 is not None:
            found += [ClassEstimate(class_id, one.name, one) for one in each]
        found.append(ClassEstimate(class_id, ALL_STRATA, combine(each)))
    return found


def _of_stratum(stratum: SampledStratum, rows: Collection[int]) -> Estimate:
    counts = [sum(row in rows for row in each.animals) for each in stratum.transects]
    return estimate_of_stratum(stratum, counts, sum(row in rows for row in stratum.animals))


def estimate_of_stratum(stratum: SampledStratum, counts: Sequence[float], seen: float) -> Estimate:
    """Estimate how many animals a stratum holds.

    Args:
        stratum: What was searched of it.
        counts: Animals on each of its transects; those that a review corrected are no whole numbers.
        seen: Animals in the stratum, on and off transects.
    """
    number = round(seen)
    if stratum.area_km2 is None:
        return refused(NO_STRATA, number, stratum.searched_km2)
    counted = Counted(stratum, stratum.area_km2, counts, seen)
    method = method_for(counted)
    reach = stratum.reach
    if not method.complete and reach is not None and reach.worst_share > FARTHEST_SHARE:
        if reach.far_share > FARTHEST_SHARE:
            reason = say.too_far(stratum.name, reach.far_share, reach.spacing_km)
        else:
            reason = say.too_short(stratum.name, reach.unflown_share)
        return refused(reason, number, stratum.searched_km2, stratum.area_km2, stratum.name)
    return method.estimate(counted)
