"""Pairs of detections in different images of which people said whether they are one animal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wildetect.results.ids import BoxCorners, ids_of
from wildetect.results.records import ImageResult
from wildetect.review.ids import ids_now
from wildetect.review.verdicts import Verdict, standing

__all__ = ["PairSaid", "PairsSaid", "pair_key", "pairs_said"]

PairKey = tuple[str, str]
"""Ids of both detections, in order."""


class PairSaid(NamedTuple):
    """What was said last of a pair.

    Attributes:
        ids: Identifiers of both detections in this run.
        same: Whether they are one animal.
        reviewer: Who said so.
    """

    ids: PairKey
    same: bool
    reviewer: str


class PairsSaid(NamedTuple):
    """What stands of all pairs.

    Attributes:
        said: One for each pair of this run.
        lost: How many pairs have a box that this run has nowhere.
    """

    said: tuple[PairSaid, ...]
    lost: int


def pair_key(one: str, other: str) -> PairKey:
    """The pair, whichever comes first."""
    return (one, other) if one <= other else (other, one)


def pairs_said(results: Iterable[ImageResult], verdicts: Iterable[Verdict]) -> PairsSaid:
    """Gather what people said of pairs; of each the last word counts.

    A detection of an earlier run is the one that lies at its place now.

    Args:
        results: Results of the run.
        verdicts: On it, in the order in which they were given, undone ones among them.
    """
    given = [verdict for verdict in standing(verdicts) if verdict.other is not None]
    places: dict[str, dict[str, BoxCorners]] = {}
    for verdict in given:
        if verdict.other is None or verdict.detection is None or verdict.before is None:
            continue
        places.setdefault(verdict.image, {})[verdict.detection] = verdict.before.xyxy
        places.setdefault(verdict.other.image, {})[verdict.other.detection] = verdict.other.box.xyxy
    now: dict[tuple[str, str], str] = {}
    for result in results:
        if result.name in places:
            found = _ids_now(result, places[result.name])
            now |= {(result.name, then): key for then, key in found.items()}
    said: dict[PairKey, PairSaid] = {}
    lost = set()
    for verdict in given:
        if verdict.other is None or verdict.detection is None:
            continue
        one = now.get((verdict.image, verdict.detection))
        other = now.get((verdict.other.image, verdict.other.detection))
        if one is None or other is None:
            lost.add(pair_key(verdict.detection, verdict.other.detection))
        else:
            key = pair_key(one, other)
            said[key] = PairSaid(key, verdict.kind == "same", verdict.reviewer)
    return PairsSaid(tuple(said.values()), len(lost))


def _ids_now(result: ImageResult, places: dict[str, BoxCorners]) -> dict[str, str]:
    """For ids of this run or an earlier one the detection that is meant, where there is one."""
    boxes = [] if result.detections is None else result.detections.xyxy.tolist()
    here: dict[str, BoxCorners] = dict(zip(ids_of(result), map(tuple, boxes), strict=True))
    return {key: key for key in places if key in here} | ids_now(places, here)
