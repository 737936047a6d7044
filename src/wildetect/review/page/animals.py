"""Animals of a census on the page: whether boxes of several photographs show the same one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from wildetect.results.finished_run import FinishedRun
from wildetect.review.marks import detected
from wildetect.review.pairs import PairKey, pair_key, pairs_said
from wildetect.review.verdicts import Kind, Other, Verdict

__all__ = ["NO_CENSUS", "AnimalCase", "AnimalCases", "Comparing", "Neighbour"]

_MOST_PAIRS = 300  # in one verdict: what fits into a request


class Neighbour(NamedTuple):
    """An animal that may be the same.

    Attributes:
        case: Its place among the cases.
        metres: Between both.
    """

    case: int
    metres: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalCase:
    """An animal of a census that people can judge.

    Attributes:
        number: Number in the census.
        species: Its class.
        boxes: Ids of its detections, the surest first; each is of another image.
        apart_m: The largest distance of two of them; null for one.
        neighbours: Other animals that it may be, the nearest first.
    """

    number: int
    species: str
    boxes: tuple[str, ...]
    apart_m: float | None = None
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalCases:
    """What a census has for people to judge.

    Attributes:
        animals: All of them.
        tolerance: Within which its boxes were joined, in m.
        missing: Why there is nothing; null where there is a census.
    """

    animals: tuple[AnimalCase, ...] = ()
    tolerance: float = 0.0
    missing: str | None = "take a census first (census.run), then open this page again"


NO_CENSUS = AnimalCases()


class Comparing:
    """Knows the animals, and what was said of pairs of their boxes.

    Args:
        run: Run that the census counted in.
        reviewer: Who sits at the page.
        cases: The animals.
        verdicts: All that were given so far.
    """

    def __init__(
        self, run: FinishedRun, reviewer: str, cases: AnimalCases, verdicts: Sequence[Verdict]
    ) -> None:
        self._run = run
        self._reviewer = reviewer
        self._cases = cases
        wanted = {key for case in cases.animals for key in case.boxes}
        self._of_id = dict(_marks(run, wanted)) if wanted else {}
        self._said = self._all_said(verdicts)

    def document(self) -> dict[str, Any]:
        """What the page begins with."""
        return {
            "missing": self._cases.missing,
            "tolerance": self._cases.tolerance,
            "animals": [
                {
                    "number": case.number,
                    "species": case.species,
                    "boxes": list(case.boxes),
                    "apart": case.apart_m,
                    "neighbours": [[one.case, one.metres] for one in case.neighbours],
                }
                for case in self._cases.animals
            ],
            "pairs": {_text(key): same for key, same in self._said.items()},
        }

    def verdicts(self, document: Any) -> list[Verdict]:
        """Make verdicts of what the page sent, all of one moment.

        Raises:
            ValueError: It does not fit the run.
        """
        kind, pairs = _sent(document)
        time = datetime.now(UTC)
        time = time.replace(microsecond=time.microsecond // 1000 * 1000)  # as the file has it
        found = []
        for one, other in pairs:
            if one not in self._of_id or other not in self._of_id:
                raise ValueError("there is no such box in the census")
            here, there = self._of_id[one], self._of_id[other]
            found.append(
                Verdict(
                    kind=kind,
                    image=here.image,
                    reviewer=self._reviewer,
                    time=time,
                    detection=one,
                    before=here.box,
                    other=there,
                )
            )
        return found

    def given(self, verdicts: Iterable[Verdict]) -> dict[str, bool | None]:
        """Remember verdicts on pairs, the newest ones.

        Returns:
            Whether each pair is one animal.
        """
        changed = {_key_of(one): one.kind == "same" for one in verdicts}
        self._said |= changed
        return {_text(key): same for key, same in changed.items()}

    def taken_back(self, undone: Iterable[Verdict], verdicts: Sequence[Verdict]) -> dict[str, bool | None]:
        """Forget verdicts on pairs: what was said of these before stands again.

        Args:
            undone: Verdicts that do not count any more.
            verdicts: All, with what undid them.

        Returns:
            Whether each pair is one animal; null: nobody says.
        """
        self._said = self._all_said(verdicts)
        return {_text(key): self._said.get(key) for key in map(_key_of, undone)}

    def _all_said(self, verdicts: Sequence[Verdict]) -> dict[PairKey, bool]:
        if not self._of_id:
            return {}
        return {one.ids: one.same for one in pairs_said(self._run.results, verdicts).said}


def _key_of(verdict: Verdict) -> PairKey:
    assert verdict.detection is not None  # noqa: S101 - a pair has both
    assert verdict.other is not None  # noqa: S101 - a pair has both
    return pair_key(verdict.detection, verdict.other.detection)


def _text(key: PairKey) -> str:
    return "|".join(key)


def _sent(document: Any) -> tuple[Kind, list[tuple[str, str]]]:
    try:
        kind: Kind = {"same": "same", "not-same": "not-same"}[document["verdict"]]  # type: ignore[assignment]
        pairs = [(str(one), str(other)) for one, other in document["pairs"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("this is not a verdict") from error
    if not 0 < len(pairs) <= _MOST_PAIRS:
        raise ValueError("this is not a verdict")
    return kind, pairs


def _marks(run: FinishedRun, wanted: set[str]) -> Iterator[tuple[str, Other]]:
    for result in run.results:
        for mark in detected(result, run.class_names):
            if mark.id in wanted:
                yield mark.id, Other(result.name, mark.id, mark.box)
