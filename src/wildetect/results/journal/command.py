"""The command that a run began with: what a hint gives where the run is to go on, or to be made again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from wildetect.wording import quoted

__all__ = ["DETECT", "SOURCE", "Command", "again", "to_go_on"]

DETECT = "detect.run"
SOURCE = "source"
"""What the shape of a run calls the files and folders that it was given."""
_OLDER_NAME = re.compile(r"(.+) version (\d+)")
_SHAPED = {"--tile-size": "tile_size", "--overlap": "overlap_ratio", "--confidence": "confidence"}
_OF_RUN = ("--source", "--model", "--output")
"""Options of detect.run that the journal tells without its command."""


@dataclass(frozen=True, slots=True)
class Command:
    """A task with its options.

    Attributes:
        task: Task as users type it: "detect.run".
        options: Each with its value, as they are typed; paths are absolute.
    """

    task: str
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def given(cls, task: str, options: Iterable[tuple[str, object]]) -> Self:
        """Make one of the options that have a value; a value of None is none."""
        return cls(task, tuple((flag, str(value)) for flag, value in options if value is not None))

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Take it from a line of a journal."""
        return cls(
            str(document["task"]), tuple((str(flag), str(value)) for flag, value in document["options"])
        )

    @property
    def document(self) -> dict[str, object]:
        """What a line of a journal holds."""
        return {"task": self.task, "options": [list(option) for option in self.options]}

    def __str__(self) -> str:
        options = (f"{flag} {quoted(value)}" for flag, value in self.options)
        return " ".join([f"uv run invoke {self.task}", *options])


def to_go_on(
    command: Command | None, shape: Mapping[str, object], model: str | None, folder: Path
) -> Command | None:
    """Give the command that goes on with a run.

    What the journal tells of a run of detect.run stands in the command, wherever it came from: a settings
    file may have been changed since, an alias may stand at another version.

    Args:
        command: The one that the run began with; None where the journal does not tell.
        shape: What shapes the results, by name.
        model: The detector as --model names it; None where the journal does not tell.
        folder: Output folder of the run.

    Returns:
        None where the journal tells too little.
    """
    if command is not None and command.task != DETECT:
        return command
    if not shape or not model:
        return None
    older = _OLDER_NAME.fullmatch(model)
    given = () if command is None else command.options
    shaped = {
        flag: shape[key] for flag, key in _SHAPED.items() if isinstance(shape.get(key), int | float | str)
    }
    sources = shape.get(SOURCE)
    return Command.given(
        DETECT,
        [
            *(("--source", one) for one in (sources if isinstance(sources, list) else [])),
            ("--model", f"{older[1]}/{older[2]}" if older else model),
            *shaped.items(),
            *((flag, value) for flag, value in given if flag not in _OF_RUN and flag not in shaped),
            ("--output", folder),
        ],
    )


def again(command: Command | None) -> str:
    """Give a command at the end of a hint, or what is to be done where it is not known."""
    return "give the command of that run again." if command is None else str(command)
