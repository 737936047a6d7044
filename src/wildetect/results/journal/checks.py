"""What a line of a journal must say before it counts.

A line that was changed on the disk is known by its checksum; lines of earlier versions have none, and
another program may have written a file with our name. What does not have the shape of ours is damaged: it
costs the image that it is of, and never ends the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import numpy as np

from wildetect.results.journal.lines import place_from, result_from, tiles_from
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
_BOXES = ("xyxy", "confidence", "class_id")


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
    if document["failure"] is None:
        _boxes(document)
    if document.get("positions") is not None:
        _numbers("positions", document["positions"], "iuf")
    if document.get("outlines") is not None:
        _numbers("outlines", document["outlines"], "iuf")
    result_from(document)


def _windows(document: dict[str, Any]) -> None:
    _numbers("windows", document["windows"], "iu")
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


def _boxes(document: dict[str, Any]) -> None:
    for name, kinds in zip(_BOXES, ("iuf", "iuf", "iu"), strict=True):
        _numbers(name, document[name], kinds)
    if "corners" in document:
        _numbers("corners", document["corners"], "iuf")


def _numbers(name: str, value: Sequence[Any], kinds: str) -> None:
    numbers = np.asarray(value)
    if not isinstance(value, list) or (
        numbers.size and (numbers.dtype.kind not in kinds or not np.isfinite(numbers).all())
    ):
        raise ValueError(f"its {name} are not numbers")


def _texts(name: str, value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"its {name} are not texts")


def _typed(name: str, value: object, types: tuple[type, ...]) -> None:
    if type(value) not in types or (isinstance(value, float) and not np.isfinite(value)):
        raise ValueError(f"its {name} is not one that this program writes")
