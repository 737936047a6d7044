"""Proof before promotion: a version takes the place of one that it beats on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wildetect.errors import ConfigurationError, ModelError
from wildetect.evaluation.paired import (
    FEWEST_PICTURES,
    PICTURES,
    ClassDifference,
    PairedComparison,
    PictureCounts,
    compare_pairs,
    pictures_from,
)
from wildetect.registry.comparison import SHAPING
from wildetect.registry.connection import Connection
from wildetect.registry.evaluations import Evaluated, evaluations_of, kept_file
from wildetect.registry.versions import Version

__all__ = ["Compared", "compare_on_pictures", "proof_of"]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions on one data set.

    Attributes:
        dataset: Its name.
        before: The version that is in place.
        after: The candidate.
        paired: The differences.
        confidences: Lowest confidence of the boxes that counted, for each.
    """

    dataset: str
    before: Version
    after: Version
    paired: PairedComparison
    confidences: tuple[object, object] = (None, None)

    @property
    def where(self) -> str:
        """Data set and pictures, and the confidences where they differ: they may be all the difference."""
        one, other = self.confidences
        differing = "" if one == other else f", counted from confidence {one} and {other}"
        return f"{self.dataset} ({self.paired.pictures} pictures{differing})"


def proof_of(compared: Compared, guarded: Sequence[str] = ()) -> list[str]:
    """Say by which figures a candidate is better.

    It is where F1 over all animals rises by more than chance, no class falls by more than chance, and no
    class that is named falls at all.

    Args:
        compared: The candidate against the version in place.
        guarded: Classes that must not get worse at all.

    Returns:
        The figures, for the history of the alias.

    Raises:
        ModelError: It is not better; the message has the numbers.
        ConfigurationError: A named class was not measured.
    """
    paired, names = compared.paired, {one.name.casefold(): one for one in compared.paired.classes}
    unknown = [name for name in guarded if name.casefold() not in names]
    if unknown:
        raise ConfigurationError(
            f"{unknown[0]} was not measured on {compared.dataset}",
            hint=f"Its classes are: {', '.join(one.name for one in paired.classes)}.",
        )
    who = f"{compared.after.name} version {compared.after.version}"
    than = f"version {compared.before.version} on {compared.where}"
    if paired.pictures < FEWEST_PICTURES:
        raise ModelError(
            f"{who} cannot be shown to be better than {than}: F1 {paired.overall.f1}",
            hint=f"Measure both on {FEWEST_PICTURES} labelled pictures or more with model.evaluate.",
        )
    details = [_line(one) for one in (paired.overall, *paired.classes)]
    if not paired.overall.f1.above_chance:
        raise ModelError(
            f"{who} is not better than {than} by more than chance: F1 {paired.overall.f1}",
            hint="Train on more reviewed photographs, or measure both on more pictures.",
            details=details,
        )
    worse = [one for one in paired.classes if one.f1.below_chance or _fell(one, guarded)]
    if worse:
        raise ModelError(
            f"{who} is better in sum than {than}, but worse for {worse[0].name}: F1 {worse[0].f1}",
            hint=f"Review photographs with {worse[0].name} and train on them, too.",
            details=details,
        )
    return [f"better than {than}: F1 {paired.overall.f1}"]


def _fell(one: ClassDifference, guarded: Sequence[str]) -> bool:
    named = one.name.casefold() in {name.casefold() for name in guarded}
    return named and one.f1.gain is not None and one.f1.gain < 0


def _line(one: ClassDifference) -> str:
    return f"{one.name} ({one.animals} animals): F1 {one.f1}; recall {one.recall}; precision {one.precision}"


def compare_on_pictures(
    connection: Connection, before: Version, after: Version, dataset: str | None = None
) -> Compared:
    """Compare two versions on the pictures that both were measured on.

    Args:
        connection: The server.
        before: The version that is in place.
        after: The candidate.
        dataset: Name of the labelled pictures; null: the only ones on which both were measured.

    Raises:
        ConfigurationError: Several data sets would do.
        ModelError: They were not measured on the same pictures in the same way.
        ServerError: Where the server fails.
    """
    one, other = _evaluations(before, after, dataset)
    called = f"{after.name}/{after.version}"
    for key in SHAPING:
        if one.settings.get(key) != other.settings.get(key):
            raise ModelError(
                f"versions {before.version} and {after.version} were measured on {one.dataset} with "
                f"different {key}: {one.settings.get(key)} and {other.settings.get(key)}",
                hint=f"Measure both alike: uv run invoke model.evaluate --model {called} --annotations FILE",
            )
    tables = [_pictures(connection, version, of) for version, of in ((before, one), (after, other))]
    try:
        paired = compare_pairs(*tables)
    except ValueError as error:
        raise ModelError(
            f"versions {before.version} and {after.version} cannot be compared on {one.dataset}: {error}",
            hint=f"Measure both again: uv run invoke model.evaluate --model {called} --annotations FILE",
        ) from error
    confidences = one.settings.get("confidence"), other.settings.get("confidence")
    return Compared(one.dataset, before, after, paired, confidences)


def _evaluations(before: Version, after: Version, dataset: str | None) -> tuple[Evaluated, Evaluated]:
    each = [  # a review of a survey keeps no pictures to compare by
        {one.dataset: one for one in evaluations_of(version) if not one.of_survey}
        for version in (before, after)
    ]
    common = [name for name in each[0] if name in each[1] and dataset in (None, name)]
    if len(common) > 1:
        raise ConfigurationError(
            f"both versions were measured on {', '.join(common)}", hint=f"Name one: --on {common[0]}"
        )
    if not common:
        where = "one data set" if dataset is None else dataset
        missing = before if not each[0] or (dataset is not None and dataset not in each[0]) else after
        raise ModelError(
            f"{after.name}: versions {before.version} and {after.version} were not both measured on {where}",
            hint=f"uv run invoke model.evaluate --model {missing.name}/{missing.version} --annotations FILE"
            + ("" if dataset is None else f" --dataset {dataset}"),
        )
    return each[0][common[0]], each[1][common[0]]


def _pictures(connection: Connection, version: Version, evaluated: Evaluated) -> list[PictureCounts]:
    text = kept_file(connection, evaluated.run_id, PICTURES)
    try:
        return pictures_from(text or "")
    except ValueError as error:
        raise ModelError(
            f"what version {version.version} found on {evaluated.dataset} was not kept picture by picture",
            hint="Measure it again: uv run invoke model.evaluate "
            f"--model {version.name}/{version.version} --annotations FILE --dataset {evaluated.dataset}",
        ) from error
