"""A census as Darwin Core: events, occurrences, and the effort behind them.

Terms: https://dwc.tdwg.org/terms/ and https://eco.tdwg.org/terms/ (the Humboldt Extension). An attribute
here is a term there in camel case: `decimal_latitude` is decimalLatitude. Ids hold the names of the survey,
the strata, the transects and the files, and the edges of a box in whole px: taken again
with other settings, a census gives an animal the same id as long as its surest box is the same.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wildetect.census.estimates.sample_records import ALL_STRATA
from wildetect.census.exports.form import Publication
from wildetect.census.output.parts import AnimalRecord, BoxRecord, LineRecord, PhotographRecord
from wildetect.census.output.record import CensusRecord
from wildetect.wording import form, listed, number_of

__all__ = [
    "ANY_ANIMAL",
    "Event",
    "Inventory",
    "Occurrence",
    "events_of",
    "inventories_of",
    "occurrences_of",
]

ANY_ANIMAL = "Animalia"
"""The scientific name of a class for which nobody gave one: true, and known to GBIF."""

PROTOCOL = "aerial photographs along transects, searched by a detector"
_DATUM = "EPSG:4326"
_AREA = "square kilometre"
_TILT = math.radians(0.5)  # the usual error of a camera's direction, as in counting
_NO_ZONE = "The time is that of the camera's clock, whose zone is not known."


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row of event.txt: the survey, a stratum, a transect or a photograph."""

    event_id: str
    parent_event_id: str = ""
    event_type: str
    event_date: str = ""
    sampling_protocol: str = PROTOCOL
    sample_size_value: float | None = None
    sample_size_unit: str = ""
    sampling_effort: str = ""
    location_id: str = ""
    locality: str = ""
    decimal_latitude: float | None = None
    decimal_longitude: float | None = None
    geodetic_datum: str = ""
    coordinate_uncertainty_in_meters: int | None = None
    recorded_by: str = ""
    event_remarks: str = ""
    data_generalizations: str = ""
    information_withheld: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A row of occurrence.txt: one animal, at the photograph that shows it best."""

    event_id: str
    occurrence_id: str
    catalog_number: str = ""
    basis_of_record: str = "MachineObservation"
    occurrence_status: str = "present"
    individual_count: int = 1
    scientific_name: str
    kingdom: str = ANY_ANIMAL
    vernacular_name: str
    identified_by: str
    date_identified: str
    identification_verification_status: str
    identification_remarks: str
    event_date: str
    decimal_latitude: float
    decimal_longitude: float
    geodetic_datum: str = _DATUM
    coordinate_uncertainty_in_meters: int | None
    occurrence_remarks: str
    data_generalizations: str = ""
    information_withheld: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """A row of humboldt.txt: how a survey, stratum or transect was searched, and what was not found there."""

    event_id: str
    site_count: int
    geospatial_scope_area_value: float | None = None
    geospatial_scope_area_unit: str = ""
    total_area_sampled_value: float
    total_area_sampled_unit: str = _AREA
    sampling_effort_value: float
    sampling_effort_unit: str = "kilometre flown"
    is_sampling_effort_reported: str = "true"
    sampling_effort_protocol: str = "length of the searched strips along the line of flight"
    target_taxonomic_scope: str
    is_taxonomic_scope_fully_reported: str = "true"
    is_abundance_reported: str = "true"
    is_absence_reported: str = "true"
    absent_taxa: str
    inventory_types: str = "restrictedSearch"
    protocol_names: str = PROTOCOL
    protocol_descriptions: str
    sampling_performed_by: str


def events_of(publication: Publication) -> Iterator[Event]:
    """The survey first, then strata, transects and photographs, each after what it belongs to."""
    yield _survey(publication.record)
    yield from _strata(publication.record)
    yield from _transects(publication.record)
    for photograph in publication.record.photographs:
        yield _photograph(publication, photograph)


def _survey(record: CensusRecord) -> Event:
    searched = math.fsum(one.searched_km2 for one in record.transects)
    return Event(
        event_id=_id(record),
        event_type="Survey",
        event_date=_dates(record.photographs),
        sample_size_value=round(searched, 6) if searched else len(record.photographs),
        sample_size_unit=_AREA if searched else "photographs",
        sampling_effort=(
            f"{number_of(len(record.photographs), 'photograph')}, "
            f"{number_of(len(record.transects), 'transect')}"
        ),
        locality=record.campaign.id,
        recorded_by=record.campaign.pilot_name or "",
        event_remarks=_left_out(record),
    )


def _strata(record: CensusRecord) -> Iterator[Event]:
    for stratum in record.strata:
        if stratum.name != ALL_STRATA:
            yield Event(
                event_id=_id(record, "stratum", stratum.name),
                parent_event_id=_id(record),
                event_type="Stratum",
                event_date=_dates([one for one in record.photographs if _lies_in(one, stratum.name)]),
                sample_size_value=stratum.searched_km2,
                sample_size_unit=_AREA,
                sampling_effort=f"{number_of(stratum.transects, 'transect')}",
                locality=stratum.name,
                recorded_by=record.campaign.pilot_name or "",
            )


def _transects(record: CensusRecord) -> Iterator[Event]:
    for transect in record.transects:
        line = LineRecord(transect.stratum, transect.name)
        whole = line.stratum == ALL_STRATA
        yield Event(
            event_id=_line_id(record, line),
            parent_event_id=_id(record) if whole else _id(record, "stratum", transect.stratum),
            event_type="Transect",
            event_date=_dates([one for one in record.photographs if line in one.lines]),
            sample_size_value=transect.searched_km2,
            sample_size_unit=_AREA,
            sampling_effort=f"{number_of(transect.photographs, 'photograph')}, {transect.length_km} km",
            locality=f"{transect.name}, {transect.stratum}",
            recorded_by=record.campaign.pilot_name or "",
        )


def _photograph(publication: Publication, one: PhotographRecord) -> Event:
    record = publication.record
    remarks = ["The coordinates are those of the camera."] if one.height_m is not None else []
    remarks += [f"It shows ground of {line.transect} in {line.stratum}, too." for line in one.lines[1:]]
    if one.taken and not _has_zone(one.taken):
        remarks.append(_NO_ZONE)
    return Event(
        event_id=_id(record, "photograph", one.file),
        parent_event_id=_line_id(record, one.lines[0]) if one.lines else _id(record),
        event_type="Photograph",
        event_date=one.taken or "",
        sample_size_value=1,
        sample_size_unit="photograph",
        location_id=one.file,
        decimal_latitude=one.latitude,
        decimal_longitude=one.longitude,
        geodetic_datum=_DATUM,
        coordinate_uncertainty_in_meters=publication.uncertainty(
            one.position_error_m, one.longitude, one.latitude
        ),
        recorded_by=record.campaign.pilot_name or "",
        event_remarks=" ".join(remarks),
        data_generalizations=publication.generalized,
        information_withheld=publication.withheld,
    )


def occurrences_of(publication: Publication) -> Iterator[Occurrence]:
    """One for each animal in which people did not see something else."""
    record = publication.record
    photographs = {one.file: one for one in record.photographs}
    taken: Counter[str] = Counter()
    for animal in publication.animals:
        best = _best(animal)
        name = _animal_id(record, best)
        taken[name] += 1
        shown = photographs[best.file]
        said = publication.identified.get(animal.animal)
        species = publication.species_of(animal)
        others = sorted({one.file for one in animal.boxes} - {best.file})
        yield Occurrence(
            event_id=_id(record, "photograph", best.file),
            occurrence_id=name if taken[name] == 1 else f"{name}-{taken[name]}",
            catalog_number=animal.id,
            scientific_name=publication.taxa.get(species, ANY_ANIMAL),
            vernacular_name=species,
            identified_by=" | ".join(said.by) if said else _detector(record),
            date_identified="" if said else record.detections.started,
            identification_verification_status="verified by a person" if said else "unverified",
            identification_remarks=f"{_detector(record)}: {animal.species}, confidence {animal.confidence}",
            event_date=shown.taken or "",
            decimal_latitude=animal.latitude,
            decimal_longitude=animal.longitude,
            coordinate_uncertainty_in_meters=publication.uncertainty(
                _error(shown), animal.longitude, animal.latitude
            ),
            occurrence_remarks=f"also in {listed(others)}" if others else "",
            data_generalizations=publication.generalized,
            information_withheld=publication.withheld,
        )


def inventories_of(publication: Publication) -> Iterator[Inventory]:
    """Effort and absences of the survey, of each stratum and of each transect.

    An absence says that the detector, or the people who looked after it, found none.
    """
    record = publication.record
    transects = record.transects
    if not transects:
        return
    areas = [one.area_km2 for one in record.strata]
    whole = None if None in areas else math.fsum(area or 0.0 for area in areas)
    seen = _Seen(publication)
    yield _inventory(seen, _id(record), None, whole or None)
    for stratum in record.strata:
        if stratum.name != ALL_STRATA:
            event = _id(record, "stratum", stratum.name)
            yield _inventory(seen, event, (stratum.name, None), stratum.area_km2)
    for one in transects:
        line = LineRecord(one.stratum, one.name)
        yield _inventory(seen, _line_id(record, line), (one.stratum, one.name), None)


class _Seen:
    """The species of a census by where they were seen, so that animals are gone through once."""

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        self._at: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        for one in publication.animals:
            self._at[one.stratum or ALL_STRATA, one.transect].add(publication.species_of(one))

    def within(self, where: tuple[str, str | None] | None) -> set[str]:
        """Species of a transect; without one those of its stratum, without both all."""
        if where is not None and where[1] is not None:
            return self._at.get(where, set())
        parts = (seen for (stratum, _), seen in self._at.items() if where is None or stratum == where[0])
        return set().union(*parts)


def _inventory(
    seen: _Seen, event: str, where: tuple[str, str | None] | None, area: float | None
) -> Inventory:
    """Describe the survey of a transect; without one that of its stratum, without both that of all."""
    publication, found = seen.publication, seen.within(where)
    record = publication.record
    lines = [
        one
        for one in record.transects
        if where is None or (one.stratum == where[0] and where[1] in (None, one.name))
    ]
    targets = record.searched_for
    return Inventory(
        event_id=event,
        site_count=len(lines),
        geospatial_scope_area_value=area,
        geospatial_scope_area_unit="" if area is None else _AREA,
        total_area_sampled_value=round(math.fsum(one.searched_km2 for one in lines), 6),
        sampling_effort_value=round(math.fsum(one.length_km for one in lines), 6),
        target_taxonomic_scope=_names(publication, targets),
        absent_taxa=_names(publication, [name for name in targets if name not in found]),
        protocol_descriptions=(
            f"{_detector(record)}; an absence means that nothing was found; {_quality(record)}"
        ),
        sampling_performed_by=record.campaign.pilot_name or "",
    )


def _names(publication: Publication, classes: Sequence[str]) -> str:
    return " | ".join(publication.taxa.get(name, name) for name in classes)


def _quality(record: CensusRecord) -> str:
    newest = record.detector.newest if record.detector else None
    if newest is None or newest.overall.recall is None:
        return "how many animals the detector misses was never measured"
    return f"the detector's recall was {newest.overall.recall:.2f} on {newest.where}"


def _detector(record: CensusRecord) -> str:
    version = record.versions.get("wildetect", "")
    return f"{record.model} (sha256 {record.model.sha256[:12]}, WildDetect {version})"


def _left_out(record: CensusRecord) -> str:
    number = len(record.left_out)
    return (
        f"{number_of(number, 'photograph')} without a place on the ground {form(number, 'is', 'are')} "
        "left out."
        if number
        else ""
    )


def _best(animal: AnimalRecord) -> BoxRecord:
    return max(animal.boxes, key=lambda box: (box.confidence, box.file))


def _error(photograph: PhotographRecord) -> float | None:
    """The usual error of a place on the ground, in m: of the camera's position and its direction."""
    error = photograph.position_error_m
    return None if error is None else math.hypot(error, (photograph.height_m or 0.0) * math.tan(_TILT))


def _lies_in(photograph: PhotographRecord, stratum: str) -> bool:
    return any(line.stratum == stratum for line in photograph.lines)


def _dates(photographs: Sequence[PhotographRecord]) -> str:
    """The day, or the first and the last one (ISO 8601)."""
    days = sorted(one.taken[:10] for one in photographs if one.taken)
    if not days:
        return ""
    return days[0] if days[0] == days[-1] else f"{days[0]}/{days[-1]}"


def _has_zone(time: str) -> bool:
    return time.endswith("Z") or any(sign in time[10:] for sign in "+-")


def _id(record: CensusRecord, *parts: str) -> str:
    return ":".join((record.campaign.id, *parts))


def _line_id(record: CensusRecord, line: LineRecord) -> str:
    return _id(record, "stratum", line.stratum, "transect", line.transect)


def _animal_id(record: CensusRecord, box: BoxRecord) -> str:
    # whole px: the same weights on another processor move a box by a hundredth
    edges = "-".join(str(round(edge)) for edge in box.xyxy)
    return _id(record, "photograph", box.file, "animal", edges)
