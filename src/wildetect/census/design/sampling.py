"""What was searched and seen in each stratum and transect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from wildetect.census.counting.animals import Animals
from wildetect.census.design.searched import SearchedStratum, searched_ground
from wildetect.census.design.transect_files import MOST_NAMED, Transects
from wildetect.census.design.vector_files import Area
from wildetect.census.estimates.sample_records import (
    Sample,
    SampledStratum,
    SampledTransect,
)
from wildetect.census.ground.boxes import GroundBoxes
from wildetect.census.ground.photographs import Views
from wildetect.how_far import doing
from wildetect.wording import form, listed, number_of

__all__ = ["place_animals", "sample_survey"]


@doing("transects are made of the photographs")
def sample_survey(
    animals: Animals, boxes: GroundBoxes, views: Views, strata: Sequence[Area] | None, transects: Transects
) -> Sample:
    """Searched areas and animals per stratum and transect: `searched_ground` and `place_animals` in one.

    Args:
        animals: An Animals.
        boxes: The GroundBoxes that its members are rows of.
        views: The Views that the boxes are seen from.
        strata: Outcome of `read_areas`; null if no file was given.
        transects: Transects of these views.

    Raises:
        InputError: As `searched_ground`.
    """
    searched = searched_ground(views, strata, transects)
    sample = place_animals(searched, animals, boxes, views)
    return replace(sample, notes=(*sample.notes, *_transects_outside(searched, transects)))


def place_animals(
    searched: Sequence[SearchedStratum], animals: Animals, boxes: GroundBoxes, views: Views
) -> Sample:
    """Put each animal into the stratum that holds its place, and into a transect that shows it.

    Of several transects it is that of the photograph in which the animal is most central.

    Args:
        searched: Outcome of `searched_ground`; the same for any set of animals, as at another tolerance.
        animals: An Animals.
        boxes: The GroundBoxes that its members are rows of.
        views: The Views that the boxes are seen from.
    """
    places = np.asarray(animals.xy, np.float64).reshape(-1, 2)
    sightings = _most_central_first(animals.members, boxes, views)
    stratum_of = np.full(len(places), -1)
    for number, stratum in enumerate(searched):
        inside = (
            np.ones(len(places), bool)
            if stratum.polygon is None
            else shapely.contains_xy(stratum.polygon, places)
        )
        stratum_of[inside & (stratum_of < 0)] = number
    strata, off = [], []
    for number, stratum in enumerate(searched):
        rows = np.flatnonzero(stratum_of == number).tolist()
        sampled, missed = _sampled(stratum, rows, sightings)
        strata.append(sampled)
        off += missed
    outside = np.flatnonzero(stratum_of < 0).tolist()
    systematic = any(stratum.systematic for stratum in searched)
    return Sample(tuple(strata), tuple(outside), tuple(sorted(off)), systematic, _notes(len(outside)))


def _most_central_first(
    members: Sequence[Sequence[int]], boxes: GroundBoxes, views: Views
) -> list[list[int]]:
    """For each animal the rows of the views that show it, by how near it is to their middle.

    The distance is in parts of a view's sides, so that photographs of any size and shape compare.
    """
    animal = np.repeat(np.arange(len(members)), [len(rows) for rows in members])
    rows = np.fromiter((row for some in members for row in some), np.intp, len(animal))
    seen_from = np.asarray(boxes.view)[rows]
    sides = np.array([(view.width, view.height) for view in views.views], np.float64).reshape(-1, 2)
    xyxy = np.asarray(boxes.xyxy, np.float64)[rows]
    off_centre = np.abs((xyxy[:, :2] + xyxy[:, 2:]) / 2 / sides[seen_from] - 0.5).max(axis=1, initial=0)
    found: list[list[int]] = [[] for _ in members]
    for nearest in np.lexsort((off_centre, animal)):
        found[animal[nearest]].append(int(seen_from[nearest]))
    return found


def _sampled(
    stratum: SearchedStratum, rows: Sequence[int], sightings: Sequence[Sequence[int]]
) -> tuple[SampledStratum, list[int]]:
    """The stratum with its animals, and those of them that lie on none of its transects."""
    transect_of = {
        view: number for number, each in enumerate(stratum.transects) for view in each.transect.views
    }
    members: list[list[int]] = [[] for _ in stratum.transects]
    missed = []
    for row in rows:
        number = next((transect_of[view] for view in sightings[row] if view in transect_of), None)
        if number is None:
            missed.append(row)
        else:
            members[number].append(row)
    transects = tuple(
        SampledTransect(
            each.transect.name,
            stratum.name,
            each.transect.views,
            each.area_km2,
            each.length_km,
            each.area_km2 / each.length_km * 1000,
            tuple(found),
            each.across_km,
        )
        for each, found in zip(stratum.transects, members, strict=True)
    )
    sampled = SampledStratum(
        stratum.name,
        stratum.polygon,
        stratum.area_km2,
        stratum.searched_km2,
        stratum.possible,
        transects,
        tuple(rows),
        stratum.systematic,
        stratum.reach,
        stratum.notes,
    )
    return sampled, missed


def _transects_outside(searched: Sequence[SearchedStratum], transects: Transects) -> tuple[str, ...]:
    inside = {each.transect.name for stratum in searched for each in stratum.transects}
    outside = [transect.name for transect in transects if transect.name not in inside]
    return (
        (f"These transects lie outside all strata: {listed(outside, most=MOST_NAMED)}.",) if outside else ()
    )


def _notes(outside: int) -> tuple[str, ...]:
    if not outside:
        return ()
    animals = f"{number_of(outside, 'animal')} {form(outside, 'lies', 'lie')}"
    return (f"{animals} outside all strata: detected, but in no estimate.",)
