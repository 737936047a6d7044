"""Effort for a wanted precision, from the census.json of a pilot census."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildetect.census.estimates.effort import Effort, PilotStratum, effort_for
from wildetect.errors import InputError

__all__ = ["SpeciesPlan", "plans_of", "read_census"]


@dataclass(frozen=True, slots=True)
class SpeciesPlan:
    """What a wanted precision takes for one species, or why that cannot be told.

    Attributes:
        species: Its name; null for all together.
        effort: Null where the pilot cannot tell.
        refusal: Why not; null where it can.
        doubt: Why the pilot's spread is not to be relied on; null if nothing says so.
    """

    species: str | None
    effort: Effort | None
    refusal: str | None = None
    doubt: str | None = None


def read_census(folder: Path) -> dict[str, Any]:
    """The census.json that `census.run` left.

    Args:
        folder: Of the census; the file itself will do.

    Raises:
        InputError: There is none, or it is none of a census.
    """
    path = folder if folder.is_file() else folder / "census.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"there is no census in {folder}: {path.name} cannot be read",
            hint="Take one first: uv run invoke census.run",
        ) from error
    except ValueError:
        document = None
    if not isinstance(document, dict) or not {"estimates", "transects", "strata"} <= set(document):
        raise InputError(
            f"{path} is not the census.json of a census", hint="Take one: uv run invoke census.run"
        )
    return document


def plans_of(document: Mapping[str, Any], wanted_cv: float) -> Iterator[SpeciesPlan]:
    """A plan for each species of a pilot census, and one for all together.

    Args:
        document: Of `read_census`.
        wanted_cv: Standard error / estimate that is wanted, above 0.
    """
    of_species: dict[str | None, list[Mapping[str, Any]]] = {}
    for one in document["estimates"]:
        of_species.setdefault(one["species"], []).append(one)
    km = _lengths(document["transects"])
    for species, estimates in of_species.items():
        *strata, total = estimates
        refusal = _why_not(strata, total)
        if refusal is not None:
            yield SpeciesPlan(species, None, refusal)
            continue
        pilot = [_pilot(one, km) for one in strata if one["method"] != "total count"]
        doubts = [one["doubt"] for one in strata if one.get("doubt")]
        known = math.fsum(one["estimate"] for one in strata if one["method"] == "total count")
        yield SpeciesPlan(species, effort_for(pilot, wanted_cv, known), None, doubts[0] if doubts else None)


def _why_not(strata: Sequence[Mapping[str, Any]], total: Mapping[str, Any]) -> str | None:
    """Why a pilot says nothing of the effort."""
    if not strata or total["estimate"] is None:
        return str(total["refusal"] or "the pilot has no estimate")
    if all(one["method"] == "total count" for one in strata):
        return "everything was searched: there is no sampling error to lower"
    if not any(one["standard_error"] for one in strata):
        return str(total["refusal"] or "the pilot's transects show no spread")
    return None


def _pilot(one: Mapping[str, Any], km: Mapping[str, float]) -> PilotStratum:
    return PilotStratum(
        one["stratum"],
        one["sampled"],
        float(one["possible"] or one["sampled"]),
        float(one["estimate"] or 0.0),
        float(one["standard_error"] or 0.0),
        float(one["degrees_of_freedom"] or max(one["sampled"] - 1, 1)),
        km.get(one["stratum"], 0.0),
    )


def _lengths(transects: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Mean length of a transect in each stratum in km."""
    found: dict[str, list[float]] = {}
    for one in transects:
        found.setdefault(one["stratum"], []).append(float(one["length_km"]))
    return {name: math.fsum(lengths) / len(lengths) for name, lengths in found.items()}
