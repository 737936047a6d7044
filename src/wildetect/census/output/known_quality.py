"""How well the detector finds each species that a census counts, as far as it was measured."""

from __future__ import annotations

from wildetect.census.counting.roll_up import species_by_class
from wildetect.census.output.record import CensusRecord
from wildetect.registry.evaluations import Quality

__all__ = ["quality_of_species"]


def quality_of_species(record: CensusRecord) -> dict[str, dict[str, Quality]]:
    """Precision and recall of the classes that count as each species, by the newest evaluation.

    A species that takes in several classes has no figures of its own, unless it was measured as such (by a
    review of its survey); those of its classes are shown in their place.

    Args:
        record: What census.json holds.

    Returns:
        By species, what was measured of each class, by name; species of which nothing was are left out.
    """
    newest = record.detector.newest if record.detector else None
    if newest is None:
        return {}
    species = species_by_class(record.settings.get("roll_up") or {})
    found: dict[str, dict[str, Quality]] = {}
    for name, quality in newest.classes.items():
        found.setdefault(species.get(name, name), {})[name] = quality
    return found
