"""animals.csv, and transects.csv as the R package Distance reads it.

Distance's flat file has a row for each observation and one for each transect without any, in which what
belongs to an observation is NA: https://search.r-project.org/CRAN/refmans/Distance/html/flatfile.html
Here each species that is counted has such a row on each transect without it, so that the rows of one
species are a survey of their own with the whole effort.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wildetect.census.estimates.sample_records import SampledStratum, SampledTransect
from wildetect.census.output.rows import METRE_DIGITS, AnimalRow
from wildetect.census.result import Census
from wildetect.results.files import write_text
from wildetect.results.rows import CONFIDENCE_DIGITS, DEGREE_DIGITS
from wildetect.tables.writing import table_pieces

__all__ = [
    "ANIMAL_COLUMNS",
    "TRANSECT_COLUMNS",
    "flight_distances",
    "write_animals",
    "write_table",
    "write_transects",
]

ANIMAL_COLUMNS = (
    "animal",
    "id",
    "species",
    "confidence",
    "latitude",
    "longitude",
    "stratum",
    "transect",
    "boxes",
    "apart_m",
    "photographs",
)
TRANSECT_COLUMNS = (
    "Region.Label",
    "Area",
    "Sample.Label",
    "Effort",
    "object",
    "distance",
    "size",
    "species",
    "strip_m",
    "searched_km2",
    "photographs",
    "id",
)
_NOT_THERE = "NA"


def write_animals(path: Path, animals: Iterable[AnimalRow]) -> None:
    """Write animals.csv: one row an animal.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, table_pieces(ANIMAL_COLUMNS, map(_animal, animals)))


def write_transects(path: Path, census: Census, animals: Sequence[AnimalRow]) -> None:
    """Write transects.csv. Area is in km² (0 where it is not known), Effort in km, distance in m.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, table_pieces(TRANSECT_COLUMNS, _transects(census, animals)))


def _animal(row: AnimalRow) -> tuple[object, ...]:
    return (
        row.animal,
        row.id,
        row.species,
        f"{row.confidence:.{CONFIDENCE_DIGITS}f}",
        f"{row.latitude:.{DEGREE_DIGITS}f}",
        f"{row.longitude:.{DEGREE_DIGITS}f}",
        row.stratum or "",
        row.transect or "",
        len(row.boxes),
        "" if row.apart_m is None else f"{row.apart_m:.{METRE_DIGITS}f}",
        "; ".join(row.photographs),
    )


def _transects(census: Census, animals: Sequence[AnimalRow]) -> Iterator[tuple[object, ...]]:
    names = [census.class_names[class_id] for class_id in census.wanted] or [_NOT_THERE]
    for stratum in census.sample.strata:
        for transect in stratum.transects:
            sample = _sample(stratum, transect)
            about = (
                f"{transect.strip_m:.{METRE_DIGITS}f}",
                f"{transect.searched_km2:.6f}",
                len(transect.views),
            )
            distances = flight_distances(census, transect)
            seen = set()
            for row, distance in zip(transect.animals, distances.tolist(), strict=True):
                animal = animals[row]
                seen.add(animal.species)
                yield (
                    *sample,
                    animal.animal,
                    f"{distance:.{METRE_DIGITS}f}",
                    1,
                    animal.species,
                    *about,
                    animal.id,
                )
            for name in names:
                if name not in seen:
                    yield *sample, _NOT_THERE, _NOT_THERE, _NOT_THERE, name, *about, _NOT_THERE


def _sample(stratum: SampledStratum, transect: SampledTransect) -> tuple[object, ...]:
    area = 0 if stratum.area_km2 is None else f"{stratum.area_km2:.6f}"
    return stratum.name, area, transect.name, f"{transect.length_km:.6f}"


def flight_distances(census: Census, transect: SampledTransect) -> NDArray[np.float64]:
    """Distance of each of a transect's animals from its line, in m, shape (n,).

    The line is the one that the middles of the footprints lie nearest to (their first principal axis);
    of a single photograph it is the direction in which it was taken.
    """
    views = [census.views.views[number] for number in transect.views]
    middles = np.array([view.footprint.mean(axis=0) for view in views])
    from_middle = census.animals.xy[list(transect.animals)].reshape(-1, 2) - middles.mean(axis=0)
    if len(views) > 1:
        direction = np.linalg.svd(middles - middles.mean(axis=0), full_matrices=False)[2][0]
    else:
        yaw = np.radians(views[0].yaw or 0.0)
        direction = np.array([np.sin(yaw), np.cos(yaw)])
    return np.asarray(np.abs(from_middle @ np.array([-direction[1], direction[0]])), np.float64)


def write_table(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file; no text in it is taken for a formula.

    Args:
        path: The file.
        head: Titles of the columns.
        rows: Values of the cells.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, table_pieces(head, rows))
