"""Two versions of a model on the same labelled pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from typing import Any

from wildetect.errors import ConfigurationError, ModelError
from wildetect.evaluation.areas import BOXES, boxes_from
from wildetect.evaluation.paired import (
    PICTURES,
    PairedComparison,
    PictureCounts,
    compare_pairs,
    pictures_from,
)
from wildetect.evaluation.resampling import FEW_UNITS, FEWEST_PLACES, FEWEST_UNITS, FEWEST_WITH
from wildetect.evaluation.scoring import ScoredBox
from wildetect.registry.comparison import SHAPING
from wildetect.registry.connection import Connection
from wildetect.registry.evaluations import (
    DOUBTFUL,
    LEARNED_FROM,
    NEAR_LEARNED,
    Evaluated,
    evaluations_of,
    kept_file,
)
from wildetect.registry.versions import Version
from wildetect.wording import form, listed, number_of, quoted

__all__ = ["Compared", "common_datasets", "compare_on_pictures", "compare_with_first"]

_Kept = Callable[[str, str], str | None]
"""Gives the text of a file that the run of an evaluation kept, by the run's id and the file's name."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions on one data set.

    Attributes:
        dataset: Its name.
        before: The version that is in place.
        after: The candidate.
        paired: The differences.
        confidences: Lowest confidence of the boxes that counted, for each.
        digest: Digest of the labels.
        unsure: Numbers of the versions of which is not known whether they have learned from the pictures.
        near: Numbers of those that have learned from photographs taken near some of the pictures.
        doubtful: Number of pictures that were measured with doubts, by version.
    """

    dataset: str
    before: Version
    after: Version
    paired: PairedComparison
    confidences: tuple[object, object] = (None, None)
    digest: str = ""
    unsure: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    doubtful: Mapping[str, int] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Data set and pictures, and what may be all the difference: other confidences, learned pictures."""
        one, other = self.confidences
        differing = "" if one == other else f", counted from confidence {one} and {other}"
        pictures, photographs = self.paired.pictures, self.paired.photographs
        of = "" if pictures == photographs else f" of {number_of(photographs, 'photograph')}"
        of += f", {number_of(self.paired.places, 'place')}" if self.paired.places else ""
        digest = f", digest {self.digest[:8]}" if self.digest else ""
        who = form(len(self.unsure), "version {} has", "versions {} have").format(listed(self.unsure))
        seen = f"; whether {who} learned from them is not known" if self.unsure else ""
        return f"{self.dataset} ({number_of(pictures, 'picture')}{of}{digest}{differing}{seen})"

    @property
    def too_few(self) -> bool:
        """Whether the pictures are too few for limits."""
        return self.paired.photographs < FEWEST_UNITS

    @property
    def _places(self) -> Iterator[str]:
        """What the places of the pictures leave open."""
        paired = self.paired
        places, drawn = number_of(paired.places, "place"), paired.overall.drawn
        if paired.places and drawn == "photographs" and paired.places < paired.photographs:
            yield (
                f"all photographs are of {places} (flight lines or common ground): the limits hold for "
                f"{form(paired.places, 'this place', 'these places')} alone, and are too narrow where "
                "photographs overlap; whether it is so elsewhere is not shown: that takes "
                f"{FEWEST_PLACES} places"
            )
        elif not paired.places:
            yield (
                "of which places the pictures are is not known: if several are of one flight line or show "
                "common ground, the limits are too narrow"
            )
        narrow = [one for one in paired.classes if one.held and one.drawn != drawn]
        if narrow:
            yield (
                f"{listed(one.name for one in narrow)}: in fewer than {FEWEST_WITH} places, so that limits "
                "are those of single photographs, and rather too narrow"
            )

    @property
    def doubts(self) -> list[str]:
        """What the limits do not tell: where photographs are few, or near ones that were learned from."""
        found = []
        if self.too_few:
            found.append(f"fewer than {FEWEST_UNITS} photographs: what of this is chance is not known")
        elif self.paired.photographs < FEW_UNITS:
            found.append(
                f"{number_of(self.paired.photographs, 'photograph')} are few: a real gain may look like "
                f"chance, and so may a class that got worse; {FEW_UNITS} or more show it better"
            )
        found += self._places
        for version, pictures in self.doubtful.items():
            found.append(
                f"version {version} was measured with doubts in {number_of(pictures, 'picture')}, which its "
                "evaluation.json names: animals may be missed or counted wrongly there"
            )
        if self.near:
            who = form(len(self.near), "version {} has", "versions {} have").format(listed(self.near))
            found.append(
                f"{who} learned from photographs taken near some of these pictures: if they show the same "
                "ground on another day, the numbers are too good"
            )
        rare = [one.name for one in self.paired.classes if 0 < one.photographs < FEWEST_WITH]
        if rare and not self.too_few:
            found.append(
                f"{listed(rare)}: in fewer than {FEWEST_WITH} photographs, which do not show whether more "
                "or fewer are found"
            )
        return found

    def document(self) -> dict[str, Any]:
        """The comparison as JSON has it."""
        paired = self.paired
        return {
            "dataset": self.dataset,
            "before": self.before.version,
            "after": self.after.version,
            "pictures": paired.pictures,
            "photographs": paired.photographs,
            "places": paired.places or None,
            "digest": self.digest,
            "confidences": list(self.confidences),
            "unsure": list(self.unsure),
            "doubts": self.doubts,
            "classes": [
                {
                    "name": one.name,
                    "animals": one.animals,
                    "photographs": one.photographs,
                    "drawn": one.drawn,
                    **{name: asdict(difference) for name, difference in one.measures.items()},
                }
                for one in (paired.overall, *paired.classes)
            ],
        }


def compare_with_first(
    connection: Connection, versions: Sequence[Version], dataset: str | None = None
) -> tuple[list[Compared], list[str]]:
    """Compare each version with the first, on each data set on which both were measured.

    Args:
        connection: The server.
        versions: Versions of one model.
        dataset: Name of the only data set that is asked for.

    Returns:
        The comparisons, and why some could not be made.

    Raises:
        ServerError: Where the server fails.
    """
    found: list[Compared] = []
    notes: list[str] = []
    kept = lru_cache(maxsize=None)(partial(kept_file, connection))  # the first one's files are compared again
    for after in versions[1:]:
        for name in common_datasets(versions[0], after, dataset):
            if _differing(*_evaluations(versions[0], after, name)):
                continue  # module registry.comparison says so
            try:
                found.append(_compared(kept, versions[0], after, name, areas=True))
            except ModelError as error:
                notes.append(error.message)
    return found, notes


def compare_on_pictures(
    connection: Connection,
    before: Version,
    after: Version,
    dataset: str | None = None,
    *,
    areas: bool = False,
) -> Compared:
    """Compare two versions on the pictures that both were measured on.

    Args:
        connection: The server.
        before: The version that is in place.
        after: The candidate.
        dataset: Name of the labelled pictures; null: the only ones on which both were measured.
        areas: Whether mAP is compared, too, where both kept their boxes.

    Raises:
        ConfigurationError: Several data sets would do.
        ModelError: They were not measured on the same pictures in the same way.
        ServerError: Where the server fails.
    """
    return _compared(partial(kept_file, connection), before, after, dataset, areas=areas)


def _compared(kept: _Kept, before: Version, after: Version, dataset: str | None, *, areas: bool) -> Compared:
    one, other = _evaluations(before, after, dataset)
    alike = (
        f"Measure both alike: uv run invoke model.evaluate --model {quoted(str(before))} --annotations FILE "
        f"--dataset {quoted(one.dataset)}, then: uv run invoke model.evaluate --model {quoted(str(after))} "
        f"--annotations FILE --dataset {quoted(one.dataset)}"
    )
    for key in _differing(one, other):
        raise ModelError(
            f"versions {before.version} and {after.version} were measured on {one.dataset} with "
            f"different {key}: {one.settings.get(key)} and {other.settings.get(key)}",
            hint=alike,
        )
    measured = ((before, one), (after, other))
    tables = [_pictures(kept, version, of) for version, of in measured]
    boxes = [_boxes(kept, of) for _, of in measured] if areas else [None, None]
    both = None if boxes[0] is None or boxes[1] is None else (boxes[0], boxes[1])
    try:
        paired = compare_pairs(tables[0], tables[1], both)
    except ValueError as error:
        raise ModelError(
            f"versions {before.version} and {after.version} cannot be compared on {one.dataset}: {error}",
            hint=alike,
        ) from error
    confidences = one.settings.get("confidence"), other.settings.get("confidence")
    unknown = [version.version for version, of in measured if of.settings.get(LEARNED_FROM) != "none"]
    unsure = tuple(dict.fromkeys(unknown))
    near = tuple(dict.fromkeys(version.version for version, of in measured if of.settings.get(NEAR_LEARNED)))
    doubtful = {
        version.version: number
        for version, of in measured
        if isinstance(number := of.settings.get(DOUBTFUL), int) and number
    }
    digest = str(one.settings.get("annotations_sha256") or "")
    return Compared(one.dataset, before, after, paired, confidences, digest, unsure, near, doubtful)


def _differing(one: Evaluated, other: Evaluated) -> list[str]:
    return [key for key in SHAPING if one.settings.get(key) != other.settings.get(key)]


def _on_pictures(version: Version) -> dict[str, Evaluated]:
    """The evaluations by data set; a review of a survey keeps no pictures to compare by."""
    return {one.dataset: one for one in evaluations_of(version) if not one.of_survey}


def common_datasets(before: Version, after: Version, dataset: str | None = None) -> list[str]:
    """Name the labelled pictures on which both versions were measured; null: all of them, not one alone."""
    also = _on_pictures(after)
    return [name for name in _on_pictures(before) if name in also and dataset in (None, name)]


def _evaluations(before: Version, after: Version, dataset: str | None) -> tuple[Evaluated, Evaluated]:
    each = [_on_pictures(version) for version in (before, after)]
    common = common_datasets(before, after, dataset)
    if len(common) > 1:
        raise ConfigurationError(
            f"both versions were measured on {listed(common)}", hint=f"Name one: --on {quoted(common[0])}"
        )
    if not common:
        where = "one data set" if dataset is None else dataset
        missing = before if not each[0] or (dataset is not None and dataset not in each[0]) else after
        raise ModelError(
            f"{after.name}: versions {before.version} and {after.version} were not both measured on {where}",
            hint=f"uv run invoke model.evaluate --model {quoted(str(missing))} --annotations FILE"
            + ("" if dataset is None else f" --dataset {quoted(dataset)}"),
        )
    return each[0][common[0]], each[1][common[0]]


def _pictures(kept: _Kept, version: Version, evaluated: Evaluated) -> list[PictureCounts]:
    text = kept(evaluated.run_id, PICTURES)
    try:
        return pictures_from(text or "")
    except ValueError as error:
        raise ModelError(
            f"what version {version.version} found on {evaluated.dataset} was not kept picture by picture",
            hint="Measure it again: uv run invoke model.evaluate "
            f"--model {quoted(str(version))} --annotations FILE "
            f"--dataset {quoted(evaluated.dataset)}" + _cut_alike(evaluated),
        ) from error


def _cut_alike(evaluated: Evaluated) -> str:
    """The options that cut pictures into the tiles of an evaluation, whatever the settings say by now."""
    options = (("--tile-size", "tile_size"), ("--overlap", "overlap_ratio"))
    known = ((option, evaluated.settings.get(key)) for option, key in options)
    return "".join(f" {option} {value}" for option, value in known if value is not None)


def _boxes(kept: _Kept, evaluated: Evaluated) -> list[ScoredBox] | None:
    """What an evaluation kept for mAP; null where it is one of an earlier WildDetect, or no table."""
    text = kept(evaluated.run_id, BOXES)
    try:
        return None if text is None else boxes_from(text)
    except ValueError:
        return None
