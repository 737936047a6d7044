"""What each column of each table means, and its unit: one place for pages, workbooks and columns.csv.

A test holds the names to the columns that the program really writes. A name that ends in a star stands for
all that begin so: one for each class, or for each value of a photograph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["COLUMN_HEAD", "TABLES", "Column", "column_of", "columns_of"]

COLUMN_HEAD = ("table", "column", "unit", "meaning")


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        name: Name as the table has it.
        unit: Unit of its numbers; empty of texts and counts.
        meaning: For a person.
    """

    name: str
    unit: str
    meaning: str


_KNOWN: dict[str, tuple[str, str]] = {
    "animal": ("", "number of the animal, from 1; each is counted once"),
    "animals": ("", "different animals detected there"),
    "apart_m": (
        "m",
        "largest distance of two boxes that were taken for this animal; empty for one box",
    ),
    "area_km2": ("km²", "area that the number is for; empty where it is unknown"),
    "boxes": ("", "boxes that the detector drew there"),
    "class": ("", "class that the detector gives"),
    "confidence": ("0 to 1", "how sure the detector is; of several boxes the highest"),
    "counted": ("", "animals that the formula rests on"),
    "detected": ("", "different animals that the detector found, in or out of transects"),
    "density_per_km2": (
        "animals/km²",
        "estimate by area; without an estimate animals by searched ground",
    ),
    "degrees_of_freedom": ("", "of the limits; empty for a total count"),
    "doubt": ("", "why the limits hold the truth less often than 95 times in 100; empty if nothing says so"),
    "estimate": ("animals", "number of animals in the area; empty if it is refused"),
    "fraction": ("0 to 1", "part of the area that was searched"),
    "id": ("", "name of a detection or animal, the same in every file"),
    "image": ("", "photograph, relative to the source folder"),
    "latitude": ("degrees", "north of the equator, WGS 84"),
    "longitude": ("degrees", "east of Greenwich, WGS 84"),
    "lower": ("animals", "lower 95% limit"),
    "upper": ("animals", "upper 95% limit"),
    "method": ("", 'name of the formula; "strata added" where it is the sum of strata, or none'),
    "name": ("", "name of the stratum or transect; empty for several together"),
    "notes": ("", "what a reader must know of the number"),
    "photograph": ("", "photograph, relative to the source folder"),
    "photographs": ("", "number of photographs"),
    "possible": ("transects", "transects that the area has room for (N)"),
    "position_of": ("", "whose position it is: detection, photograph (the camera) or cell (coarsened)"),
    "probability": ("0 to 1", "how sure the detector is"),
    "refusal": ("", "why there is no estimate, or no limits; empty if there are both"),
    "sampled": ("transects", "transects flown (n)"),
    "searched_km2": ("km²", "ground searched"),
    "species": ("", "class; empty for all together"),
    "standard_error": (
        "animals",
        "of the estimate; 0 for a total count, empty where there is none",
    ),
    "stratum": ("", "part of the survey area; all: of all together; empty outside of all"),
    "strip_m": ("m", "mean width of the searched strip"),
    "transect": ("", "flight line that it counts for; empty for none"),
    "verdict": ("", "to be filled in: right, wrong, unsure; of a photograph nothing-here"),
    **dict.fromkeys(
        ("x_min", "y_min", "x_max", "y_max"), ("px", "edge of the box in the upright photograph")
    ),
    **dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), ("px", "edge of the box, upright photograph")),
}
_LIST = ("", "photographs that show the animal")
_BOXES = ("", "number of boxes that show it")

_PLACE = ("", "order of review, from 1")
_DETECTED = ("", "detections in it, as the detector gives them")
_PICTURE = ("", "labelled picture, relative to the data set")
_SCORED = {
    "found": ("", "labelled animals that were found"),
    "missed": ("", "labelled animals that were not found"),
    "wrong": ("", "boxes without an animal of the class"),
}
_BOX_OF_A_PERSON = {
    "image": None,
    "class": ("", "class, as a person calls it"),
    "confidence": ("0 to 1", "how sure the detector is; empty of an animal that it missed"),
    **dict.fromkeys(("x_min", "y_min", "x_max", "y_max")),
}

TABLES: dict[str, dict[str, tuple[str, str] | None]] = {
    "detections.csv": dict.fromkeys(
        ("image", "class", "confidence", "x_min", "y_min", "x_max", "y_max", "latitude", "longitude", "id")
    ),
    "reviewed.csv": {**_BOX_OF_A_PERSON, **dict.fromkeys(("latitude", "longitude", "id"))},
    "wisdam.csv": {
        "image_path": ("", "photograph, with its path on the machine of the run"),
        "type": ("", "class that the detector gives"),
        **dict.fromkeys(("probability", "xmin", "ymin", "xmax", "ymax")),
    },
    "detections.gpkg: detections": dict.fromkeys(
        (
            *("image", "class", "confidence", "x_min", "y_min", "x_max", "y_max"),
            *("position_of", "id", "verdict"),
        )
    ),
    "detections.gpkg: outlines": dict.fromkeys(("image", "class", "confidence", "id")),
    "detections.geojson": {
        **dict.fromkeys(("image", "class", "confidence", "x_min", "y_min", "x_max", "y_max")),
        "corners": ("px", "corners of an oriented box in the upright photograph: x and y of each"),
        **dict.fromkeys(("position_of", "id")),
    },
    "detections.gpkg: reviewed": {**_BOX_OF_A_PERSON, **dict.fromkeys(("position_of", "id"))},
    "reviewed.geojson": {**_BOX_OF_A_PERSON, **dict.fromkeys(("position_of", "id"))},
    "detections.gpkg: photographs": {
        "image": None,
        "detections": ("", "number of detections; empty of a photograph that failed"),
        "failure": ("", "why the photograph failed; empty if it did not"),
        "verdict": None,
    },
    "animals.csv": {
        **dict.fromkeys(("animal", "species", "confidence", "latitude", "longitude", "stratum", "transect")),
        "boxes": _BOXES,
        "apart_m": None,
        "photographs": _LIST,
        "id": None,
    },
    "transects.csv": {
        "Region.Label": ("", "stratum"),
        "Area": ("km²", "area of the stratum; 0 where it is unknown"),
        "Sample.Label": ("", "transect"),
        "Effort": ("km", "length of the transect"),
        "object": ("", "number of the animal; NA where none of the species is on the transect"),
        "distance": ("m", "of the animal from the line of flight; NA as above"),
        "size": ("animals", "1: each animal is a row; NA as above"),
        "species": None,
        "strip_m": None,
        "searched_km2": None,
        "photographs": None,
        "id": None,
    },
    "animals.geojson": {
        "kind": ("", "what the shape is: animal, photograph, transect, stratum or cell"),
        **dict.fromkeys(("animal", "id", "species", "confidence", "stratum", "transect")),
        "boxes": _BOXES,
        "apart_m": None,
        "photographs": ("", "of an animal those that show it, with semicolons; of others their number"),
        "photograph": None,
        "animals": None,
        "area_km2": None,
        "searched_km2": None,
    },
    "animals.gpkg: animals": {
        **dict.fromkeys(("animal", "id", "species", "confidence", "stratum", "transect")),
        "boxes": _BOXES,
        "apart_m": None,
        "photographs": _LIST,
    },
    "animals.gpkg: photographs": dict.fromkeys(("photograph", "transect", "boxes")),
    "animals.gpkg: transects": dict.fromkeys(("transect", "photographs", "animals")),
    "animals.gpkg: strata": dict.fromkeys(("stratum", "area_km2", "searched_km2", "animals")),
    "animals.gpkg: cells": dict.fromkeys(("photographs", "animals")),
    "aed.csv": {
        "input_zone": ("", "the survey's id"),
        "species": None,
        "cause_of_change": ("", "to be filled in: RS, RS', NP, DT, DA, NG, PL, DD or NA"),
        "survey_type": ("", "AS: aerial sample, AT: aerial total count"),
        "reliability": ("", "A: total count, B: sample with limits, D: without limits"),
        "year": ("", "of the newest photograph"),
        "estimate": None,
        "limits_95": ("animals", "half of the width of the 95% limits by t (+-)"),
        "lower": None,
        "upper": None,
        "seen": ("animals", "animals that people confirmed; empty without a review"),
        "definite": ("animals", "sure to be there, by the rules of the database"),
        "probable": ("animals", "estimate less definite"),
        "possible": ("animals", "what the upper limit adds"),
        "source": ("", "to be filled in: the report that is quoted"),
        "pfs": ("", "to be filled in by the database"),
        "area_km2": None,
        "longitude": ("degrees", "of the middle of the photographs, WGS 84"),
        "latitude": ("degrees", "of the middle of the photographs, WGS 84"),
        "remark": ("", "why something is missing, or what makes the limits doubtful"),
    },
    "plan.csv": {
        "place": _PLACE,
        "image": None,
        "stratum": ("", "group that it was drawn from, by its number of detections"),
        "detected": _DETECTED,
        "inclusion": ("0 to 1", "chance with which each photograph of the group was drawn"),
        "part": ("", "what is to be looked at: all of it, or its own ground, which no other shows better"),
        "double": ("", "yes: every reviewer looks at it, each on their own"),
    },
    "training.csv": {
        "place": _PLACE,
        "image": None,
        "detected": _DETECTED,
        "why": ("", "why it teaches the detector"),
    },
    "classes.csv": {
        "name": ("", "class"),
        "animals": ("", "labelled animals"),
        **_SCORED,
        "precision": ("0 to 1", "part of the boxes that are animals; empty without boxes"),
        "recall": ("0 to 1", "part of the animals that were found; empty without animals"),
        "ap50": ("0 to 1", "area under the precision-recall curve at IoU 0.5"),
        "ap50_95": ("0 to 1", "mean of such areas at IoU 0.5 to 0.95"),
    },
    "pictures.csv": {
        "picture": _PICTURE,
        "sha256": ("", "of the picture's file"),
        "name": ("", "class"),
        **_SCORED,
        "photograph": ("", "that the picture is a tile of; empty if it is one itself"),
        "place": ("", "same for pictures of common ground or of one flight line; empty if unknown"),
    },
    "boxes.csv": {
        "picture": _PICTURE,
        "name": ("", "class"),
        "confidence": None,
        "hits": (
            "",
            "at IoU 0.5, 0.55 to 0.95: 1 hits an animal, 0 does not, i ignored on an uncounted herd",
        ),
    },
    "census.xlsx: totals": {
        **dict.fromkeys(
            (
                *("species", "stratum", "method", "name", "detected", "counted", "estimate"),
                *("standard_error", "lower", "upper", "degrees_of_freedom", "density_per_km2"),
                *("searched_km2", "area_km2", "fraction", "sampled", "possible", "refusal"),
            )
        ),
        "limits": ("", "number of the ways in which limits are given, in the sheet limits"),
        "doubt": None,
        "notes": None,
        "limits_hold": ("", "which errors the limits hold"),
    },
    "census.xlsx: limits": {
        "species": None,
        "stratum": None,
        "spread": ("", "how lines are compared: neighbouring lines, random lines, or strata"),
        "shape": ("", "log-normal or t"),
        **dict.fromkeys(("standard_error", "degrees_of_freedom", "lower", "upper")),
        "chosen": ("", "whether these are the limits of the sheet totals"),
        "hold": ("", "which errors they hold"),
    },
    "census.xlsx: strata": {
        "name": None,
        "area_km2": None,
        "searched_km2": None,
        "possible_transects": ("transects", "transects that the stratum has room for (N)"),
        "transects": ("transects", "transects flown"),
        "animals": None,
        "searched_share": ("0 to 1", "part of the stratum that was searched"),
        "reach.spacing_km": ("km", "distance of neighbouring transects"),
        "reach.far_share": ("0 to 1", "part of the stratum that is far from all searched ground"),
        "reach.short": ("", "transects that stop short of the stratum's edge"),
        "reach.unflown_share": ("0 to 1", "part of the lengths of the transects that was not flown"),
        "reach": ("", "how far the transects reach; empty where it is unknown"),
        "notes": None,
    },
    "census.xlsx: transects": {
        "name": None,
        "stratum": None,
        "photographs": None,
        "length_km": ("km", "length of the searched strip"),
        "strip_m": None,
        "searched_km2": None,
        "animals": None,
        "per_class.*": ("", "different animals of the class"),
    },
    "census.xlsx: animals": {
        **dict.fromkeys(("animal", "species", "confidence", "longitude", "latitude", "stratum", "transect")),
        "boxes": _BOXES,
        "photographs": _LIST,
        "apart_m": None,
        "id": None,
    },
    "census.xlsx: photographs": {
        "file": ("", "photograph, relative to the source folder"),
        "longitude": ("degrees", "of the camera, WGS 84"),
        "latitude": ("degrees", "of the camera, WGS 84"),
        "height_m": ("m", "of the camera above the ground; empty of a raster"),
        "yaw": ("degrees", "direction of the upper edge, clockwise from north"),
        "pitch": ("degrees", "of the camera"),
        "roll": ("degrees", "of the camera"),
        "gsd_cm": ("cm/px", "size of a pixel on the ground"),
        "position_error_m": ("m", "usual error of the position; empty where nothing states it"),
        "taken": ("", "time of exposure by the camera's clock, ISO 8601"),
        "sources.*": ("", "where the value comes from"),
        "boxes": None,
        "lines": ("", "number of transects whose ground it shows"),
    },
    "census.xlsx: cautions": {
        "kind": ("", "kind of the caution, one word"),
        "what": ("", "what to know before the numbers are used"),
        "files": ("", "photographs that it is about"),
        "fix": ("", "what to do"),
    },
    "census.xlsx: settings": {
        "what": ("", "name of the setting or fact, as census.json has it"),
        "value": ("", "its value; empty for none"),
    },
}
"""Columns of each table; those without a text of their own mean the same in every table."""


def column_of(table: str, name: str) -> Column | None:
    """What a column means; null where nothing is known of it."""
    known = TABLES.get(table, {})
    star = next((one for one in known if one.endswith("*") and name.startswith(one[:-1])), None)
    for one in (name, star):
        if one is not None and one in known:
            return Column(name, *(known[one] or _KNOWN[one]))
    return None


def columns_of(tables: Sequence[str] = ()) -> Iterator[tuple[str, Column]]:
    """Every column of some tables, with the table's name; of all without any."""
    for table in tables or TABLES:
        for name in TABLES[table]:
            found = column_of(table, name)
            if found is not None:
                yield table, found
