"""Animals of the species that are wanted, once all boxes are joined."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from wildetect.census.counting.animals import Animals
from wildetect.census.ground.boxes import GroundBoxes

__all__ = ["of_classes"]


def of_classes(
    boxes: GroundBoxes, animals: Animals, class_ids: Collection[int]
) -> tuple[GroundBoxes, Animals]:
    """Keep the animals of some classes, with all of their boxes, those of other classes among them.

    A detector that takes an animal for two species in two photographs has boxes of both: the animal is of
    the surest class, and only then wanted or not. Were the boxes sorted out before they are joined, the same
    animal would count for whichever species is asked for.

    Args:
        boxes: All that were joined.
        animals: What they were joined to.
        class_ids: Classes that are wanted.

    Returns:
        The boxes and the animals that stay, with new numbers of rows, in the same order.
    """
    wanted = np.isin(animals.class_id, list(class_ids))
    if wanted.all():
        return boxes, animals
    kept = sorted(row for number in np.flatnonzero(wanted) for row in animals.members[number])
    row_of = {row: place for place, row in enumerate(kept)}
    number_of = {int(number): place for place, number in enumerate(np.flatnonzero(wanted))}
    found = replace(
        animals,
        xy=animals.xy[wanted],
        class_id=animals.class_id[wanted],
        confidence=animals.confidence[wanted],
        members=[[row_of[row] for row in animals.members[number]] for number in number_of],
        merges=[
            merge._replace(
                animal=number_of[merge.animal], box_a=row_of[merge.box_a], box_b=row_of[merge.box_b]
            )
            for merge in animals.merges
            if merge.animal in number_of
        ],
    )
    return boxes.select(np.array(kept, np.int64)), found
