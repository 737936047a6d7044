"""How far people agree who looked at the same photographs, each on their own, and where they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from wildetect.results.ids import BoxCorners
from wildetect.results.records import ImageResult
from wildetect.review.ids import find_again
from wildetect.review.marks import ImageReview, by_image, review_of
from wildetect.review.verdicts import Verdict

__all__ = ["NO_ANIMAL", "Agreement", "Conflict", "agreement_of", "conflicts_of", "kappa"]

NO_ANIMAL = "no animal"
_UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement of two people, over the photographs that both completed.

    Attributes:
        reviewers: Who.
        photographs: How many both completed.
        boxes: Detections in them, and animals that either of them added.
        same: Number of these boxes of which both said the same.
        kappa: J. Cohen's; null where chance alone makes them agree, or there is no box.
    """

    reviewers: tuple[str, str]
    photographs: int
    boxes: int
    same: int
    kappa: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A box of which two people say different things.

    Attributes:
        image: Its photograph.
        xyxy: Corners in px of the upright image.
        said: Word of each reviewer: a class, "no animal" or "unsure".
        settled: Whether somebody gave a verdict on it after both had completed the photograph.
    """

    image: str
    xyxy: BoxCorners
    said: Mapping[str, str]
    settled: bool


@dataclass(frozen=True, slots=True)
class _Box:
    """What two people say of one box."""

    image: str
    xyxy: BoxCorners
    said: tuple[str, str]
    ids: frozenset[str]


def agreement_of(
    results: Iterable[ImageResult], class_names: Sequence[str], verdicts: Iterable[Verdict]
) -> tuple[list[Agreement], list[Conflict]]:
    """Compare people pair by pair over the photographs that both completed.

    Args:
        results: Results of the run.
        class_names: Names of the model's classes, by class id.
        verdicts: All, in the order in which they were given.
    """
    given = by_image(verdicts)
    photographs: Counter[tuple[str, str]] = Counter()
    boxes: dict[tuple[str, str], list[_Box]] = {}
    conflicts: list[Conflict] = []
    for result in results:
        of_image = given.get(result.name, [])
        reviews = {} if result.failed else _first_words(result, class_names, of_image)
        for pair in combinations(sorted(reviews), 2):
            found = list(_boxes(reviews[pair[0]], reviews[pair[1]]))
            photographs[pair] += 1
            boxes.setdefault(pair, []).extend(found)
            conflicts += conflicts_of(pair, found, of_image)
    return [_agreement(pair, photographs[pair], boxes[pair]) for pair in sorted(photographs)], conflicts


def _first_words(
    result: ImageResult, class_names: Sequence[str], verdicts: Sequence[Verdict]
) -> dict[str, ImageReview]:
    """What each person who completed a photograph had said of it by then: later words settle conflicts."""
    found = {}
    for who, end in _completed(verdicts).items():
        own = [one for one in verdicts[: end + 1] if one.reviewer == who]
        found[who] = review_of(result, class_names, own)
    return found


def _completed(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Find for each reviewer the place of the verdict with which they first completed the photograph."""
    found: dict[str, int] = {}
    for place, verdict in enumerate(verdicts):
        if verdict.kind == "nothing-here":
            found.setdefault(verdict.reviewer, place)
    return found


def _boxes(one: ImageReview, other: ImageReview) -> Iterator[_Box]:
    """The detections of an image, then what was added: boxes at one place are one."""
    theirs = {mark.id: mark for mark in other.marks}
    for mark in one.marks:
        if mark.detected is not None:
            said = tuple(_word(each.standing, each.box.class_name) for each in (mark, theirs[mark.id]))
            yield _Box(one.image, mark.detected.xyxy, (said[0], said[1]), frozenset({mark.id}))
    added = [[mark for mark in each.marks if mark.detected is None] for each in (one, other)]
    found = find_again([mark.box.xyxy for mark in added[0]], [mark.box.xyxy for mark in added[1]])
    for mark, place in zip(added[0], found, strict=True):
        match = None if place is None else added[1][place]
        word = NO_ANIMAL if match is None else match.box.class_name
        ids = frozenset({mark.id} if match is None else {mark.id, match.id})
        yield _Box(one.image, mark.box.xyxy, (mark.box.class_name, word), ids)
    for place, mark in enumerate(added[1]):
        if place not in found:
            yield _Box(one.image, mark.box.xyxy, (NO_ANIMAL, mark.box.class_name), frozenset({mark.id}))


def _word(standing: str, class_name: str) -> str:
    return {"wrong": NO_ANIMAL, "unsure": _UNSURE}.get(standing, class_name)


def conflicts_of(
    pair: tuple[str, str], boxes: Iterable[_Box], verdicts: Sequence[Verdict]
) -> Iterator[Conflict]:
    """The boxes of an image of which two people say different things.

    Args:
        pair: Who.
        boxes: What they say.
        verdicts: On the image, in the order in which they were given.
    """
    completed = _completed(verdicts)
    after = verdicts[max(completed[who] for who in pair) + 1 :]
    spoken = {one.detection for one in after}
    for box in boxes:
        if box.said[0] != box.said[1]:
            said = dict(zip(pair, box.said, strict=True))
            yield Conflict(image=box.image, xyxy=box.xyxy, said=said, settled=not spoken.isdisjoint(box.ids))


def _agreement(pair: tuple[str, str], photographs: int, boxes: Sequence[_Box]) -> Agreement:
    said = [box.said for box in boxes]
    same = sum(one == other for one, other in said)
    return Agreement(reviewers=pair, photographs=photographs, boxes=len(said), same=same, kappa=kappa(said))


def kappa(said: Sequence[tuple[str, str]]) -> float | None:
    """Agreement beyond chance: (p_o - p_e) / (1 - p_e); null where p_e is 1, or nothing was said.

    Cohen, J. 1960. A coefficient of agreement for nominal scales. Educational and Psychological Measurement
    20, 37-46.

    Args:
        said: What each of two people said of the same things.
    """
    if not said:
        return None
    number = len(said)
    first, second = Counter(one for one, _ in said), Counter(other for _, other in said)
    observed = sum(one == other for one, other in said) / number
    expected = sum(count * second[word] for word, count in first.items()) / number**2
    return None if expected == 1 else (observed - expected) / (1 - expected)
