"""The photographs that people have gone through to the end, in which all is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wildetect.errors import ConfigurationError, InputError
from wildetect.evaluation.content import Content, content_of
from wildetect.imagery.reading import Reading
from wildetect.remote.place import way_back, why_away
from wildetect.results.finished_run import FinishedRun
from wildetect.results.records import ImageResult
from wildetect.review.marks import ImageReview, by_image, review_of
from wildetect.review.plan import Outline, read_plan
from wildetect.review.verdict_file import read_verdicts
from wildetect.tables.sheet import read_sheet
from wildetect.wording import listed, quoted

__all__ = ["ClassTable", "Reviewed", "newest_of_each", "read_class_table", "reviewed_of"]

_TABLE_HINT = "Give a CSV file with the columns class and becomes; an empty becomes leaves the class out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A photograph that is complete.

    Attributes:
        run: Which of the runs, from 0.
        result: What the run says of it.
        review: What stands in it.
        reading: How the run read its values.
        digest: Digest of its pixels: a copy under another name, or with other tags, has the same.
        look: Fingerprint of its pixels, nearly the same for a copy that was compressed again.
        said: When the last verdict on it was given.
        outline: The ground that was looked at, where that was a part of it; null: all.
    """

    run: int
    result: ImageResult
    review: ImageReview
    reading: Reading
    digest: str
    look: str
    said: datetime
    outline: Outline | None = None


def reviewed_of(run: FinishedRun, number: int) -> tuple[list[Reviewed], int]:
    """Find the photographs of a run that are complete.

    Args:
        run: The run.
        number: Which of the runs it is, from 0.

    Returns:
        They, and the number of those that have verdicts and are not complete: what nobody looked for in them
        would be taught to be ground.

    Raises:
        InputError: Verdicts are damaged, or a photograph is gone, cannot be read or is another one now.
    """
    read = read_verdicts(run.folder)
    if read.reason is not None:
        raise InputError(
            f"{run.folder}: {read.reason}", hint=f"uv run invoke review.open --run {quoted(str(run.folder))}"
        )
    given = by_image(read.verdicts)
    reading = Reading.of(run.record.settings)
    outlines = _looked_at(run.folder)
    found: list[Reviewed] = []
    begun = 0
    for result in run.results:
        verdicts = given.get(result.name)
        if result.failed or not verdicts:
            continue
        review = review_of(result, run.class_names, verdicts)
        if not review.complete:
            begun += 1
            continue
        said = max(one.time for one in verdicts)
        content = _content_of(run.folder, result, reading)
        found.append(
            Reviewed(
                run=number,
                result=result,
                review=review,
                reading=reading,
                digest=content.sha256,
                look=content.look,
                said=said,
                outline=outlines.get(result.name),
            )
        )
    return found, begun


def _looked_at(folder: Path) -> dict[str, Outline]:
    """Own ground of the photographs that were drawn for an estimate and overlap: no one looked beside it."""
    sample, training = read_plan(folder), read_plan(folder, "training")
    whole = set() if training is None else {unit.image for unit in training.to_review}
    drawn = [] if sample is None else sample.to_review
    return {one.image: one.outline for one in drawn if one.outline is not None and one.image not in whole}


def _content_of(folder: Path, result: ImageResult, reading: Reading) -> Content:
    if not result.path.is_file():
        raise InputError(
            f"{result.name} is not where the run in {folder} found it: {why_away(result.path)}",
            hint=f"{way_back(result.path)}, or say where the photographs are now: --source FOLDER",
        )
    content = content_of(result.path, reading)
    if (content.width, content.height) != (result.width, result.height):
        raise InputError(
            f"{result.name} has {content.width} x {content.height} px now, "
            f"and had {result.width} x {result.height} px when it was reviewed",
            hint="Bring back the photograph as it was, or detect and review it again.",
        )
    return content


def newest_of_each(reviewed: Iterable[Reviewed]) -> list[Reviewed]:
    """Take each photograph once, as it was reviewed last, in the order in which they first come."""
    kept: dict[str, Reviewed] = {}
    for one in reviewed:
        other = kept.get(one.digest)
        if other is None or other.said < one.said:
            kept[one.digest] = one
    return list(kept.values())


@dataclass(frozen=True, slots=True)
class ClassTable:
    """What the classes of runs and reviewers are called in the training set.

    Attributes:
        names: Names of the training set, by class id.
        becomes: The name for each class of the runs, by its plain name; null: left out.
    """

    names: tuple[str, ...]
    becomes: Mapping[str, str | None]

    def id_of(self, name: str) -> int | None:
        """The class id; null for a class that is left out."""
        target = self.becomes[_plain(name)]
        return None if target is None else self.names.index(target)

    @classmethod
    def of(cls, said: Sequence[str], table: Mapping[str, str | None]) -> ClassTable:
        """Put together the classes of the set.

        Args:
            said: Names of the models' classes, then those that reviewers used, in their order.
            table: New names by plain names; a name that is not in it stays.

        Raises:
            ConfigurationError: The table names a class that nobody uses, or leaves out all.
        """
        first: dict[str, str] = {}
        for name in said:
            first.setdefault(_plain(name), name)
        unknown = [name for name in table if name not in first]
        if unknown:
            raise ConfigurationError(
                f"the table of classes names {unknown[0]}, which no run and no reviewer does",
                hint=f"The classes are: {listed(first.values())}.",
            )
        becomes = {plain: table.get(plain, name) for plain, name in first.items()}
        names: dict[str, str] = {}
        for target in becomes.values():
            if target is not None:
                names.setdefault(_plain(target), target)
        if not names:
            raise ConfigurationError("the table of classes leaves out all classes", hint=_TABLE_HINT)
        spelt = {plain: None if to is None else names[_plain(to)] for plain, to in becomes.items()}
        return cls(tuple(names.values()), spelt)


def _plain(name: str) -> str:
    """A class's name as names are compared."""
    return " ".join(name.split()).casefold()


def read_class_table(path: Path) -> dict[str, str | None]:
    """Read what classes are to be called.

    Args:
        path: A CSV file with the columns class and becomes; an empty becomes leaves the class out.

    Returns:
        New names by plain names; null: left out.

    Raises:
        InputError: The file cannot be read.
        ConfigurationError: It has other columns, or names a class twice.
    """
    sheet = read_sheet(path, f"the table of classes {path.name}", hint=_TABLE_HINT)
    head = [name.casefold() for name in sheet.head]
    if "class" not in head or "becomes" not in head:
        raise ConfigurationError(
            f"{path.name} has the columns {listed(sheet.head)}, not class and becomes", hint=_TABLE_HINT
        )
    rows = [
        (line.cells[head.index("class")], line.cells[head.index("becomes")] or None) for line in sheet.lines
    ]
    twice = [name for name, number in Counter(_plain(name) for name, _ in rows).items() if number > 1]
    if twice:
        raise ConfigurationError(
            f"{path.name} names the class {twice[0]} twice", hint="Keep one line for each class."
        )
    return {_plain(name): target for name, target in rows}
