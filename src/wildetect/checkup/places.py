"""Who gets to see exact places of animals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wildetect.checkup.finding import Finding, fine, warning, warnings_kept
from wildetect.checkup.subject import Subject
from wildetect.errors import ConfigurationError
from wildetect.wording import commas, listed

if TYPE_CHECKING:
    from wildetect.settings.detection import Sensitive

__all__ = ["check_places"]


def check_places(subject: Subject) -> list[Finding]:
    """Which species are sensitive, by each settings file, and whether others see the places of the rest."""
    from wildetect.settings.census import CensusSettings
    from wildetect.settings.detection import DetectionSettings

    lists = {model.file: _sensitive(subject, model) for model in (DetectionSettings, CensusSettings)}
    known = {file: one for file, one in lists.items() if one is not None}
    named = {file: {name.casefold() for name in one.species} for file, one in known.items()}
    some = [one for one in known.values() if one.species]
    if len({frozenset(names) for names in named.values()}) > 1:
        texts = listed(f"{commas(one.species, none='nothing')} in {file}" for file, one in known.items())
        fix = "Give sensitive.species the same classes in both files"
        return [warning("places", f"sensitive.species is not the same everywhere: {texts}", fix=fix)]
    if some:
        names, km = listed(some[0].species), some[0].blur
        return [
            fine("places", f"exact ones of {names} stay in output folders; others get cells of {km:g} km")
        ]
    says = "exact ones of all species go to MLflow: sensitive.species names none"
    if _shared(subject):
        fix = "Name species that poachers are after in configs/detection.yaml and configs/census.yaml"
        return [warning("places", f"{says}, and others on the network can read MLflow", fix=fix)]
    return [fine("places", says)]


def _sensitive(subject: Subject, model: type) -> Sensitive | None:
    """What a settings file says; null where it cannot be read, of which another check tells."""
    from wildetect.settings import load_settings

    with warnings_kept():
        try:
            found: Sensitive = load_settings(model, subject.project).sensitive
        except ConfigurationError:
            return None
    return found


def _shared(subject: Subject) -> bool:
    """Whether the server listens to others than this machine."""
    from wildetect.registry.probe import is_loopback

    try:
        return not is_loopback(subject.plan.host)
    except (ConfigurationError, ImportError):
        return False
