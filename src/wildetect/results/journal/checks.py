"""What a line of a journal must say before it counts.

A line that was changed on the disk is known by its checksum; lines of earlier versions have none, and
another program may have written a file with our name. What does not have the shape of ours is damaged: it
costs the image that it is of, and never ends the program.
"""

from __future__ import annotations

import math
from dataclasses import fields
from datetime import datetime
from itertools import chain
from typing import Any

from wildetect.results.journal.lines import place_from, tiles_from
from wildetect.results.records import PLAIN, ImageResult

__all__ = ["check_header", "check_line"]

_NONE = type(None)
# what JSON has for the type of a fact; `type` of a value, as a bool is an int to isinstance
_TYPES_OF_JSON: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "int | None": (int, _NONE),
    "float": (float, int),
    "float | None": (float, int, _NONE),
    "str | None": (str, _NONE),
    "tuple[str, ...]": (list,),
}
_FACTS = {one.name: _TYPES_OF_JSON[str(one.type)] for one in fields(ImageResult) if one.name in PLAIN}
_MOST_CLASSES = 2**31


def check_header(document: dict[str, Any]) -> None:
    """Look at what the first line of a journal says.

    Raises:
        ValueError: It is not such a line; the text says why, for a person.
    """
    if not isinstance(document.get("shape"), dict):
        raise ValueError("it does not say which run it is of")  # noqa: TRY004 - a file's content
    for name in ("model", "config"):
        if not isinstance(document.get(name), str | None):
            raise ValueError(f"its {name} is not a text")  # noqa: TRY004 - a file's content
    if "command" in document:
        try:
            _command(document["command"])
        except (KeyError, TypeError) as error:
            raise ValueError("its command is not one") from error
    try:
        started = datetime.fromisoformat(document["started"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("it does not say when the run began") from error
    if started.tzinfo is None:
        raise ValueError("its time has no zone")


def check_line(document: dict[str, Any]) -> None:
    """Look at what another line of a journal says.

    Raises:
        ValueError: It is not such a line; the text says why, for a person.
    """
    try:
        if "left_out" in document:
            _texts("left_out", document["left_out"])
        elif "command" in document:
            _command(document["command"])
        elif "damaged" in document:
            _typed("damaged", document["damaged"], (int,))
        elif "moved" in document:
            _texts("source", document["source"])
            for place in document["moved"].values():
                place_from(place)
        else:
            _work(document)
    except KeyError as error:
        raise ValueError(f"it does not say its {error.args[0]}") from error
    except (TypeError, OverflowError, AttributeError) as error:
        raise ValueError(f"it has another shape: {error}") from error


def _command(document: dict[str, Any]) -> None:
    _texts("task", [document["task"]])
    for option in document["options"]:
        flag, value = option
        _texts("options", [flag, value])


def _work(document: dict[str, Any]) -> None:
    """Look at the result of an image, or of some of its tiles."""
    of_tiles = "part_of" in document
    name = document["part_of" if of_tiles else "image"]
    if not isinstance(name, str) or not name:
        raise ValueError("it names no image")
    stamp = document["stamp"]
    if stamp is not None and [type(one) for one in stamp] not in ([int, int], [int, int, str]):
        raise ValueError("its stamp is not a size, a time and a server's tag")
    _typed("elapsed", document["elapsed"], _FACTS["seconds"])
    if of_tiles:
        _boxes(document)
        _windows(document)
        return
    for fact, types in _FACTS.items():
        if fact in document:
            _typed(fact, document[fact], types)
    _texts("tiles_failed", document.get("tiles_failed", []))
    found = _boxes(document) if document["failure"] is None else 0
    for name, width in (("positions", 2), ("outlines", 8)):
        if document.get(name) is not None:
            _rows(name, document[name], width, found)
    place_from(document)


def _windows(document: dict[str, Any]) -> None:
    _rows("windows", document["windows"], 4, len(document["counts"]), (int,))
    for count, failure in zip(document["counts"], document["failures"], strict=True):
        _typed("counts", count, (int, _NONE))
        _typed("failures", failure, (str, _NONE))
        if count is not None and count < 0:
            raise ValueError("a number of detections is negative")
    for dark in document.get("dark", []):
        _typed("dark", dark, (bool, _NONE))
    if sum(count or 0 for count in document["counts"]) != len(document["confidence"]):
        raise ValueError("its tiles hold other detections than it counts")
    list(tiles_from(document))


def _boxes(document: dict[str, Any]) -> int:
    """Look at the detections; their number."""
    confidence, class_id = document["confidence"], document["class_id"]
    _numbers("confidence", confidence, (int, float))
    _numbers("class_id", class_id, (int,))
    if len(class_id) != len(confidence):
        raise ValueError("its confidence and class_id differ in length")
    if not all(0 <= one < _MOST_CLASSES for one in class_id):
        raise ValueError("its class_id are not numbers of classes")
    _rows("xyxy", document["xyxy"], 4, len(confidence))
    if "corners" in document:
        _rows("corners", document["corners"], 8, len(confidence))
    return len(confidence)


def _rows(name: str, value: object, width: int, count: int, types: tuple[type, ...] = (int, float)) -> None:
    """Look at so many rows of numbers."""
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise ValueError(f"its {name} are not rows of numbers")
    if len(value) != count or any(len(row) != width for row in value):
        raise ValueError(f"its {name} are not {width} for each of {count}")
    _numbers(name, list(chain.from_iterable(value)), types)


def _numbers(name: str, value: object, types: tuple[type, ...]) -> None:
    """Look at a list of numbers: most are so short that an array would take longer."""
    if not (
        isinstance(value, list) and set(map(type, value)) <= set(types) and all(map(math.isfinite, value))
    ):
        raise ValueError(f"its {name} are not numbers")


def _texts(name: str, value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"its {name} are not texts")


def _typed(name: str, value: object, types: tuple[type, ...]) -> None:
    if type(value) not in types or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"its {name} is not one that this program writes")
