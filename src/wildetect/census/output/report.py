"""census_report.html: the number with its limits, and all that it rests on, in one file without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wildetect.census.output.charts import Whisker, confidence_chart, whiskers
from wildetect.census.output.drawing import census_map
from wildetect.census.output.pairs import Pair
from wildetect.census.result import Census
from wildetect.results.files import write_text
from wildetect.results.report.numbers import colour_code
from wildetect.results.report.page import TEMPLATES, environment, policy, text_of

__all__ = ["distinct_estimates", "write_census_report"]

_OWN = Path(__file__).with_name("templates")
_MOST_FILES = 200
_MOST_TRANSECTS = 500
_FEW_TRANSECTS = 30
_ALL = "all"


class _Refusal(NamedTuple):
    """Why some numbers are not given."""

    what: str
    text: str


def write_census_report(
    path: Path,
    document: Mapping[str, Any],
    census: Census,
    pairs: Sequence[Pair],
    *,
    with_map: bool = True,
) -> None:
    """Write the report of a census.

    Args:
        path: The file.
        document: The content of census.json, which gives every number.
        census: Gives what is drawn.
        pairs: Merged boxes side by side.
        with_map: Draw the map.

    Raises:
        InputError: The file cannot be written.
    """
    style = text_of(TEMPLATES / "report.css", _OWN / "census_report.css")
    headlines = [one for one in document["estimates"] if one["stratum"] == _ALL]
    order = _Order(document)
    estimates = sorted(distinct_estimates(document["estimates"]), key=order)
    page = environment(_OWN).get_template("census_report.html.j2")
    pieces = page.generate(
        census=document,
        headlines=_with_whiskers(headlines, order),
        any_estimate=any(one["estimate"] is not None for one in headlines),
        refusals=list(_refusals(headlines)),
        methods=_methods(document),
        used_jolly=any("Jolly" in one["method"] for one in document["estimates"]),
        used_total=any(one["method"] == "total count" for one in document["estimates"]),
        estimates=estimates,
        has_strata=any(one["stratum"] != _ALL for one in estimates),
        notes=list(_notes(document["estimates"])),
        any_limits=any(one["lower"] is not None for one in headlines),
        doubtful=any(one["doubt"] for one in headlines),
        other_limits=[(one, limits) for one in estimates for limits in one["limits"]],
        searched=sum(one["searched_km2"] for one in document["strata"]),
        taken=_taken(document["photographs"]),
        map=census_map(census) if with_map else None,
        chart=_chart(document),
        colours={name: colour_code(number) for number, name in enumerate(census.class_names)},
        pairs=pairs,
        merges=len(document["merges"]),
        sources=list(_sources(document["photographs"])),
        ranges=list(_ranges(document["photographs"])),
        files=[name for name in document["files"] if name != path.name],
        most_files=_MOST_FILES,
        most_transects=_MOST_TRANSECTS,
        few_transects=_FEW_TRANSECTS,
        style=style,
        policy=policy(style),
    )
    write_text(path, pieces)


def distinct_estimates(estimates: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without rows that say the same again: the sum of one stratum, and all species where there is one."""
    strata = {one["stratum"] for one in estimates} - {_ALL}
    species = {one["species"] for one in estimates} - {None}
    return [
        one
        for one in estimates
        if not (len(strata) == 1 and one["stratum"] == _ALL)
        and not (len(species) == 1 and one["species"] is None)
    ]


def _with_whiskers(headlines: Sequence[Mapping[str, Any]], order: _Order) -> list[dict[str, Any]]:
    drawn: Sequence[Whisker] = whiskers(headlines)
    rows = [{**one, "whisker": whisker} for one, whisker in zip(headlines, drawn, strict=True)]
    species = [row for row in rows if row["species"] is not None]
    if len(species) == 1:
        return species  # all species together are that one
    return sorted(rows, key=order)


def _refusals(headlines: Sequence[Mapping[str, Any]]) -> Iterator[_Refusal]:
    """Each reason once, with what it is about."""
    about: dict[str, list[Mapping[str, Any]]] = {}
    for one in headlines:
        if one["refusal"]:
            about.setdefault(one["refusal"], []).append(one)
    for reason, estimates in about.items():
        what = "No estimate" if all(one["estimate"] is None for one in estimates) else "No limits"
        names = [one["species"] for one in estimates if one["species"] is not None]
        whose = f" for {', '.join(names)}" if names and len(estimates) < len(headlines) else ""
        yield _Refusal(what + whose, reason)


def _notes(estimates: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Each note once, with the species that it is about; none where it is about all that are counted."""
    about: dict[str, set[str | None]] = {}
    for one in estimates:
        for note in one["notes"]:
            about.setdefault(note, set()).add(one["species"])
    species = {one["species"] for one in estimates}
    for note, names in about.items():
        yield note, [] if names >= species else sorted(name for name in names if name is not None)


class _Order:
    """Sorts estimates for the page: the species of which most were seen first, all together last."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        counts = document["counts"]["per_class"]
        ordered = sorted(counts, key=lambda name: -counts[name])
        self._places = {name: place for place, name in enumerate(ordered)}

    def __call__(self, estimate: Mapping[str, Any]) -> int:
        return self._places.get(estimate["species"], len(self._places))


def _methods(document: Mapping[str, Any]) -> str:
    used = dict.fromkeys(one["method"] for one in document["estimates"])
    names = {"Jolly 2": "Jolly's method 2", "Jolly 1": "Jolly's method 1", "total count": "a total count"}
    return " and ".join(names[method] for method in used if method in names)


def _taken(photographs: Sequence[Mapping[str, Any]]) -> str:
    days = sorted({one["taken"][:10] for one in photographs if one["taken"]})
    return "" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _chart(document: Mapping[str, Any]) -> Any:
    chosen = document["settings"].get("confidence")
    if chosen is None:
        chosen = document["detections"]["settings"].get("confidence")
    number = float(chosen) if isinstance(chosen, int | float) else None
    return confidence_chart(document["confidence"], document["model"]["class_names"], number)


def _sources(photographs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """For each value where it came from, with the number of photographs."""
    found: dict[str, Counter[str]] = {}
    for photograph in photographs:
        for value, origin in photograph["sources"].items():
            found.setdefault(value, Counter())[origin] += 1
    for value, origins in found.items():
        yield value, origins.most_common()


def _ranges(photographs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    for name, key, unit, digits in (
        ("height above ground", "height_m", "m", 0),
        ("pixel on the ground", "gsd_cm", "cm", 1),
        ("position error", "position_error_m", "m", 1),
    ):
        values = [one[key] for one in photographs if one[key] is not None]
        if values:
            yield name, f"{min(values):.{digits}f}", f"{max(values):.{digits}f}", unit
