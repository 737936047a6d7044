"""Classes of a detector that count as one species: cows and calves are elephants.

The detections of a run keep their classes; a census counts, estimates and corrects with the species alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from wildetect.errors import ConfigurationError
from wildetect.evaluation.reviewed_sample import ReviewedSample
from wildetect.results.finished_run import FinishedRun
from wildetect.results.records import ImageResult
from wildetect.wording import listed

__all__ = ["rolled_sample", "rolled_up", "species_by_class"]


def species_by_class(groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The species of each class that belongs to one.

    Args:
        groups: Classes by species.

    Raises:
        ConfigurationError: A class belongs to two species.
    """
    found: dict[str, str] = {}
    for species, members in groups.items():
        for name in members:
            if found.setdefault(name, species) != species:
                raise ConfigurationError(
                    f"campaign.roll_up counts {name} as {found[name]} and as {species}",
                    hint="Name each class for one species in configs/census.yaml.",
                )
    return found


def rolled_up(run: FinishedRun, groups: Mapping[str, Sequence[str]]) -> FinishedRun:
    """A run whose classes are species.

    Args:
        run: Run as detection left it.
        groups: Classes by species; without any the run is as it was.

    Raises:
        ConfigurationError: A class is none of the model, or belongs to two species.
    """
    species = species_by_class(groups)
    unknown = [name for name in species if name not in run.class_names]
    if unknown:
        raise ConfigurationError(
            f"campaign.roll_up names {unknown[0]}, which no class of the model is",
            hint=f"The classes are {listed(run.class_names)}.",
        )
    if not species:
        return run
    names = [species.get(name, name) for name in run.class_names]
    kept = list(dict.fromkeys(names))
    numbers = np.array([kept.index(name) for name in names], np.int64)
    counts = dict.fromkeys(kept, 0)
    for name, number in run.record.counts.items():
        counts[species.get(name, name)] = counts.get(species.get(name, name), 0) + number
    model = replace(run.record.model, class_names=tuple(kept))
    record = replace(run.record, model=model, counts=counts)
    return replace(run, record=record, results=[_rolled(result, numbers) for result in run.results])


def _rolled(result: ImageResult, numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> ImageResult:
    found = result.detections
    if found is None:
        return result
    return replace(result, detections=replace(found, class_id=numbers[found.class_id]))


def rolled_sample(
    sample: ReviewedSample | None, groups: Mapping[str, Sequence[str]]
) -> ReviewedSample | None:
    """What people saw, with their classes as species; who named a calf where a cow was detected agrees."""
    species = species_by_class(groups)
    if sample is None or not species:
        return sample
    boxes = []
    for box in sample.boxes:
        detected, animal = (
            None if name is None else species.get(name, name) for name in (box.detected, box.animal)
        )
        same = box.same_class or (detected is not None and detected == animal)
        boxes.append(box._replace(detected=detected, animal=animal, same_class=same))
    return replace(sample, boxes=tuple(boxes))
