"""Proof before promotion: a version takes the place of one that it beats on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence

from wildetect.errors import ConfigurationError, ModelError
from wildetect.evaluation.paired import ClassDifference
from wildetect.evaluation.resampling import FEWEST_UNITS
from wildetect.registry.connection import Connection
from wildetect.registry.reference import ModelReference
from wildetect.registry.versions import Version, aliases_of, resolve, versions_of
from wildetect.wording import listed, number_of
from wildetect.workflows.learning.comparing import Compared, common_datasets, compare_on_pictures

__all__ = ["doubts_about", "proof_of", "to_beat"]


def to_beat(connection: Connection, reference: ModelReference, alias: str) -> str | None:
    """Name what a version that is to have an alias can be compared with.

    Args:
        connection: The server.
        reference: The version.
        alias: What is to point at it.

    Returns:
        The alias itself where it points at another version, else the newest other version; None where the
        model has no other.

    Raises:
        ModelError: There is no such version.
        ServerError: Where the server fails.
    """
    own = resolve(connection, reference).version
    aliases = aliases_of(connection, reference.name)
    if aliases.get(alias, own) != own:
        return alias
    others = (one.version for one in versions_of(connection, reference.name) if one.version != own)
    return next(others, None)


def doubts_about(connection: Connection, before: Version, after: Version) -> list[str]:
    """Say what is not shown of a version that takes the place of another without proof.

    Args:
        connection: The server.
        before: The version that is in place.
        after: The one that takes its place.

    Returns:
        A sentence for each data set on which it is not better; one where they have none in common. Empty
        where it is better on all.

    Raises:
        ServerError: Where the server fails.
    """
    datasets = common_datasets(before, after)
    if not datasets:
        return [
            (
                f"whether {after.name} version {after.version} is better than version {before.version} is "
                "not known: they were not both measured on the same labelled pictures"
            )
        ]
    found = []
    for name in datasets:
        try:
            proof_of(compare_on_pictures(connection, before, after, name))
        except ModelError as error:
            found.append(error.message)
    return found


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
            hint=f"Its classes are: {listed(one.name for one in paired.classes)}.",
        )
    who = f"{compared.after.name} version {compared.after.version}"
    than = f"version {compared.before.version} on {compared.where}"
    if compared.too_few:
        raise ModelError(
            f"{who} cannot be shown to be better than {than}: F1 {paired.overall.f1}",
            hint=f"Measure both on {FEWEST_UNITS} labelled photographs or more with model.evaluate.",
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
    return [f"better than {than}: F1 {paired.overall.f1}", *compared.doubts]


def _fell(one: ClassDifference, guarded: Sequence[str]) -> bool:
    named = one.name.casefold() in {name.casefold() for name in guarded}
    return named and one.f1.gain is not None and one.f1.gain < 0


def _line(one: ClassDifference) -> str:
    return (
        f"{one.name} ({number_of(one.animals, 'animal')}): F1 {one.f1}; recall {one.recall}; "
        f"precision {one.precision}"
    )
