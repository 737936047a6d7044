"""Animals, merges, photographs and transects as rows of plain values, for every file alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wildetect.census.output.parts import (
    AnimalRecord,
    BoxRecord,
    LineRecord,
    MergeRecord,
    PhotographRecord,
    TransectRecord,
)
from wildetect.census.result import Census
from wildetect.results.rows import CONFIDENCE_DIGITS, DEGREE_DIGITS, PX_DIGITS

__all__ = [
    "AREA_DIGITS",
    "METRE_DIGITS",
    "AnimalRow",
    "animal_records",
    "animal_rows",
    "box_record",
    "class_counts",
    "merge_records",
    "photograph_records",
    "transect_records",
]

METRE_DIGITS = 2
AREA_DIGITS = 6  # km²: a square metre
_ANGLE_DIGITS = 2


class AnimalRow(NamedTuple):
    """One animal.

    Attributes:
        animal: Its number, from 1.
        species: Its class.
        confidence: The highest of its boxes.
        longitude: Longitude in degrees, WGS 84.
        latitude: Latitude in degrees, WGS 84.
        stratum: Where it stands; null outside all strata, or without strata.
        transect: Transect that it counts for; null for none.
        boxes: Rows of the boxes it was seen in.
        photographs: Their photographs.
        apart_m: The largest distance of a pair of its boxes that was taken for one animal; null for one box.
        id: Id of its surest detection: the same in each census in which that one is of this animal.
    """

    animal: int
    species: str
    confidence: float
    longitude: float
    latitude: float
    stratum: str | None
    transect: str | None
    boxes: tuple[int, ...]
    photographs: tuple[str, ...]
    apart_m: float | None
    id: str


def animal_rows(census: Census) -> list[AnimalRow]:
    """All animals, in the order that their numbers give."""
    animals, views = census.animals, census.views
    degrees = views.projection.to_degrees(animals.xy).round(DEGREE_DIGITS).tolist()
    apart: dict[int, float] = {}
    for merge in animals.merges:
        apart[merge.animal] = max(apart.get(merge.animal, 0.0), round(merge.metres, METRE_DIGITS))
    strata, transects = _whereabouts(census)
    seen_in = census.boxes.view.tolist()
    return [
        AnimalRow(
            number + 1,
            census.class_names[class_id],
            round(confidence, CONFIDENCE_DIGITS),
            longitude,
            latitude,
            strata.get(number),
            transects.get(number),
            tuple(members),
            tuple(views.views[seen_in[row]].file for row in members),
            apart.get(number),
            _surest(census, members, seen_in),
        )
        for number, (class_id, confidence, (longitude, latitude), members) in enumerate(
            zip(
                animals.class_id.tolist(),
                animals.confidence.tolist(),
                degrees,
                animals.members,
                strict=True,
            )
        )
    ]


def _surest(census: Census, rows: Sequence[int], seen_in: Sequence[int]) -> str:
    """Id of the surest of some boxes; of equal ones that of the photograph whose name comes last."""
    boxes, views = census.boxes, census.views.views

    def rank(row: int) -> tuple[float, str]:
        return round(float(boxes.confidence[row]), CONFIDENCE_DIGITS), views[seen_in[row]].file

    return str(boxes.id[max(rows, key=rank)])  # each is of another photograph


def _whereabouts(census: Census) -> tuple[dict[int, str], dict[int, str]]:
    """Stratum and transect of each animal that has one."""
    strata: dict[int, str] = {}
    transects: dict[int, str] = {}
    for stratum in census.sample.strata:
        if stratum.polygon is not None:
            strata |= dict.fromkeys(stratum.animals, stratum.name)
        for transect in stratum.transects:
            transects |= dict.fromkeys(transect.animals, transect.name)
    return strata, transects


def class_counts(census: Census, counts: dict[int, int]) -> dict[str, int]:
    """Numbers by class name, of the classes that are reported."""
    return {census.class_names[class_id]: counts.get(class_id, 0) for class_id in census.wanted}


def animal_records(census: Census) -> Iterator[AnimalRecord]:
    """Each animal with its boxes."""
    for row in animal_rows(census):
        boxes = tuple(box_record(census, box) for box in row.boxes)
        yield AnimalRecord(**{**row._asdict(), "boxes": boxes})


def box_record(census: Census, row: int) -> BoxRecord:
    """Where a box is."""
    boxes = census.boxes
    x_min, y_min, x_max, y_max = (round(float(edge), PX_DIGITS) for edge in boxes.xyxy[row])
    return BoxRecord(
        census.views.views[int(boxes.view[row])].file,
        (x_min, y_min, x_max, y_max),
        round(float(boxes.confidence[row]), CONFIDENCE_DIGITS),
        str(boxes.id[row]),
    )


def merge_records(census: Census) -> Iterator[MergeRecord]:
    """Each pair of boxes that was taken for one animal."""
    for merge in census.animals.merges:
        boxes = box_record(census, merge.box_a), box_record(census, merge.box_b)
        yield MergeRecord(merge.animal + 1, round(float(merge.metres), METRE_DIGITS), boxes, merge.told)


def transect_records(census: Census) -> Iterator[TransectRecord]:
    """Each transect in each stratum."""
    class_id = census.animals.class_id
    for stratum in census.sample.strata:
        for transect in stratum.transects:
            yield TransectRecord(
                name=transect.name,
                stratum=transect.stratum,
                photographs=len(transect.views),
                length_km=round(transect.length_km, AREA_DIGITS),
                strip_m=round(transect.strip_m, METRE_DIGITS),
                searched_km2=round(transect.searched_km2, AREA_DIGITS),
                animals=len(transect.animals),
                per_class=class_counts(census, Counter(int(class_id[row]) for row in transect.animals)),
            )


def photograph_records(census: Census) -> Iterator[PhotographRecord]:
    """Where each photograph looks, and what says so."""
    held = Counter(census.boxes.view.tolist())
    lines = _lines(census)
    for number, view in enumerate(census.views.views):
        yield PhotographRecord(
            file=view.file,
            longitude=round(float(view.longitude), DEGREE_DIGITS),
            latitude=round(float(view.latitude), DEGREE_DIGITS),
            height_m=_rounded(view.height_above_ground, METRE_DIGITS),
            yaw=_rounded(view.yaw, _ANGLE_DIGITS),
            pitch=_rounded(view.pitch, _ANGLE_DIGITS),
            roll=_rounded(view.roll, _ANGLE_DIGITS),
            gsd_cm=round(float(view.gsd) * 100, 3),
            position_error_m=_rounded(view.position_error, METRE_DIGITS),
            taken=None if view.taken is None else view.taken.isoformat(),
            sources=dict(view.sources),
            boxes=held[number],
            lines=tuple(lines.get(number, ())),
        )


def _lines(census: Census) -> dict[int, list[LineRecord]]:
    """The transects of each view that has any."""
    found: dict[int, list[LineRecord]] = {}
    for stratum in census.sample.strata:
        for transect in stratum.transects:
            for view in transect.views:
                found.setdefault(view, []).append(LineRecord(transect.stratum, transect.name))
    return found


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
