"""plan.json: which units a person is to look at, drawn by chance, with what is needed to weigh them.

A unit is a photograph, or the part of one that lies nearer to its centre than to that of any other: so
units do not overlap, and each animal belongs to one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from wildetect.errors import InputError
from wildetect.results.files import make_folder, write_text
from wildetect.review.verdict_file import review_folder
from wildetect.tables.writing import table_pieces
from wildetect.wording import quoted

__all__ = [
    "PLAN",
    "PLAN_TABLE",
    "Outline",
    "Plan",
    "PlanStratum",
    "Purpose",
    "Unit",
    "read_plan",
    "write_plan",
]

PLAN, PLAN_TABLE = "plan.json", "plan.csv"
_NAMES = {"estimate": (PLAN, PLAN_TABLE), "training": ("training.json", "training.csv")}
_VERSION = 1

Purpose = Literal["estimate", "training"]
Outline = tuple[tuple[float, float], ...]
"""Corners of a polygon in px of the upright image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A photograph, or the part of it that is nearest to its centre.

    Attributes:
        image: Name of the photograph in its run.
        stratum: Name of its PlanStratum.
        detected: Detections in it, when the plan was made.
        place: Place in the order of review, from 1; null: not drawn.
        outline: Its own ground in px; null: the whole photograph; without corners: it has none.
        double: Whether every reviewer is to look at it, each without what the others said.
        why: What it is chosen for, in a plan for training.
    """

    image: str
    stratum: str
    detected: int
    place: int | None = None
    outline: Outline | None = None
    double: bool = False
    why: str = ""

    @property
    def drawn(self) -> bool:
        """Whether a person is to look at it."""
        return self.place is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStratum:
    """Units with about the same number of detections.

    Attributes:
        name: Such as "1-2".
        least: Detections in a unit.
        most: Detections in a unit; null: no limit.
        units: How many there are (N_h).
        drawn: How many of them were drawn (m_h).
    """

    name: str
    least: int
    most: int | None
    units: int
    drawn: int

    @property
    def inclusion(self) -> float:
        """The chance that each of its units had to be drawn."""
        return self.drawn / self.units if self.units else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was drawn.

    Attributes:
        seed: Seed of the random numbers.
        purpose: "estimate": drawn by chance, for numbers; "training": chosen, and never extrapolated.
        created: When, as ISO 8601.
        run_digest: Digest of the run's detections when the plan was made.
        strata: Strata from few detections to many.
        units: Every unit of the run, drawn or not.
        species: Whose detections make the strata; null: all.
    """

    seed: int
    purpose: Purpose
    created: str
    run_digest: str
    strata: tuple[PlanStratum, ...]
    units: tuple[Unit, ...]
    species: str | None = None

    @property
    def to_review(self) -> list[Unit]:
        """The units that were drawn, in the order of review."""
        return sorted((unit for unit in self.units if unit.place is not None), key=_place)


def _place(unit: Unit) -> int:
    return unit.place or 0


def write_plan(run: Path, plan: Plan) -> None:
    """Write plan.json and plan.csv into the run's folder `review`; for training, training.json and .csv.

    Raises:
        InputError: They cannot be written.
    """
    folder = review_folder(run)
    make_folder(folder, hint="Check the drive and its free space.", what="the folder of the review")
    document, table = _NAMES[plan.purpose]
    write_text(folder / table, _table(plan))
    write_text(folder / document, json.dumps(_document(plan), ensure_ascii=True, indent=1) + "\n")


def read_plan(run: Path, purpose: Purpose = "estimate") -> Plan | None:
    """Read the plan of a run; None where there is none.

    Args:
        run: Its output folder.
        purpose: Which of its plans.

    Raises:
        InputError: There is one that cannot be read.
    """
    path = review_folder(run) / _NAMES[purpose][0]
    try:
        return _plan(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read as a plan: {error}",
            hint="Bring it back from a copy, or remove it and draw again: "
            f"uv run invoke review.plan --run {quoted(str(run))}",
        ) from error


def _document(plan: Plan) -> dict[str, Any]:
    return {
        "plan": _VERSION,
        "seed": plan.seed,
        "for": plan.purpose,
        "created": plan.created,
        "run_digest": plan.run_digest,
        **({} if plan.species is None else {"species": plan.species}),
        "strata": [asdict(one) | {"inclusion": one.inclusion} for one in plan.strata],
        "units": [
            {
                "image": unit.image,
                "stratum": unit.stratum,
                "detected": unit.detected,
                "place": unit.place,
                "outline": None if unit.outline is None else [list(corner) for corner in unit.outline],
                **({"double": True} if unit.double else {}),
                **({"why": unit.why} if unit.why else {}),
            }
            for unit in plan.units
        ],
    }


def _plan(document: Mapping[str, Any]) -> Plan:
    if document["plan"] != _VERSION:
        raise ValueError("it is of another version of the program")
    return Plan(
        seed=int(document["seed"]),
        purpose=document["for"],
        created=str(document["created"]),
        run_digest=str(document["run_digest"]),
        strata=tuple(
            PlanStratum(**{name: one[name] for name in ("name", "least", "most", "units", "drawn")})
            for one in document["strata"]
        ),
        units=tuple(_unit(one) for one in document["units"]),
        species=None if document.get("species") is None else str(document["species"]),
    )


def _unit(document: Mapping[str, Any]) -> Unit:
    outline: Iterable[Iterable[float]] | None = document["outline"]
    return Unit(
        image=str(document["image"]),
        stratum=str(document["stratum"]),
        detected=int(document["detected"]),
        place=None if document["place"] is None else int(document["place"]),
        outline=None if outline is None else tuple((float(x), float(y)) for x, y in outline),
        double=document.get("double") is True,
        why=str(document.get("why", "")),
    )


def _table(plan: Plan) -> Iterator[str]:
    """One line for each unit that was drawn, to be ticked off."""
    if plan.purpose == "training":  # no chances: nothing is to be weighed by them
        head = ["place", "image", "detected", "why"]
        return table_pieces(head, ([one.place, one.image, one.detected, one.why] for one in plan.to_review))
    inclusion = {one.name: one.inclusion for one in plan.strata}
    head = ["place", "image", "stratum", "detected", "inclusion", "part", "double"]
    return table_pieces(
        head,
        (
            [
                unit.place,
                unit.image,
                unit.stratum,
                unit.detected,
                f"{inclusion[unit.stratum]:.6f}",
                "all" if unit.outline is None else "own ground",
                "yes" if unit.double else "no",
            ]
            for unit in plan.to_review
        ),
    )
