"""census.json as a file, and the part of it that a terminal shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wildetect.results.files import write_text

__all__ = ["summary_of", "write_census_file"]

# one item a line: what is long is still read by people, and quick to write
_LONG = (
    "animals",
    "confidence",
    "merges",
    "photographs",
    "transects",
    "strata",
    "estimates",
    "left_out",
    "cautions",
)
_SUMMARY_LEFT_OUT = ("animals", "merges", "photographs")


def summary_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without its longest lists: what `--json` prints."""
    return {name: value for name, value in document.items() if name not in _SUMMARY_LEFT_OUT}


def write_census_file(folder: Path, document: Mapping[str, Any]) -> None:
    """Write census.json, whole or not at all.

    Raises:
        InputError: It cannot be written.
    """
    write_text(folder / "census.json", _pieces(document))


def _pieces(document: Mapping[str, Any]) -> Iterator[str]:
    yield "{"
    for number, (name, value) in enumerate(document.items()):
        yield f"{',' if number else ''}\n{json.dumps(name)}: "
        if name in _LONG and value:
            lines = (json.dumps(one, ensure_ascii=False, allow_nan=False) for one in value)
            yield "[\n" + ",\n".join(lines) + "\n]"
        else:
            yield json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    yield "\n}\n"
