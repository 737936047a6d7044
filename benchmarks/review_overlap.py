"""How often the limits of a reviewed survey hold the truth where photographs overlap: animals counted once.

    uv run python -m benchmarks.review_overlap [surveys a cell]

Each survey flies 12 of 60 possible lines of 40 photographs that overlap by 60%. The detector looks at each
photograph on its own: it misses animals, and marks some that are none. The program counts each animal once,
draws photographs as review.plan does, and takes their own ground as units; a person who sees everything
reviews them. A cell is good if the corrected 95% limits hold the truth in 93 to 97% of the surveys, and the
mean error is below 2%. Beside them stand the limits of what was detected and counted once, and those that the
same flight would give if all its photographs were reviewed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.review_coverage import judged
from numpy.typing import NDArray
from tests.census.surveys import GSD, TAGS, area, views_at

from wildetect.census.counting.animals import count_once
from wildetect.census.design.sampling import sample_survey
from wildetect.census.design.transect_files import Transect, Transects
from wildetect.census.estimates.class_estimates import estimates_of
from wildetect.census.estimates.corrected import CorrectedEstimate, corrected_estimates
from wildetect.census.estimates.sample_records import Sample
from wildetect.census.ground.boxes import boxes_on_ground
from wildetect.census.ground.photographs import Photograph, Views
from wildetect.census.ground.raster_views import RasterView
from wildetect.census.ground.views import View
from wildetect.detections import Detections
from wildetect.results.ids import detection_id, ids_of
from wildetect.results.records import ImageResult
from wildetect.review.drawing import candidates_of, draw
from wildetect.review.marks import reviews_of
from wildetect.review.outlines import GroundView, own_grounds
from wildetect.review.plan import Outline
from wildetect.review.sample import sample_of
from wildetect.review.verdicts import Kind, Marked, Verdict

Numbers = NDArray[np.float64]

POSSIBLE, FLOWN, ON_LINE = 60, 12, 40
STEP, ACROSS, DEEP = 30.0, 100.0, 75.0  # m: between photographs, and of the ground that each shows
HERDS = 3  # a line
OFF, JITTER = 0.5, 0.15  # m: of the camera's position, and of a box
TOLERANCE = 4.0  # m
HALF = 12.0  # px: of a box
NAMES = ("elephant",)


@dataclass(frozen=True)
class Cell:
    """Share of the animals that are found in a photograph, wrong boxes in each, photographs to review."""

    recall: float
    wrong: float
    reviewed: int


CELLS = (Cell(0.9, 0.1, 60), Cell(0.7, 0.05, 60), Cell(0.7, 0.05, 120))


def places_of(dice: np.random.Generator) -> Numbers:
    """Animals in the whole area, in m, shape (n, 2)."""
    sizes = dice.negative_binomial(1.2, 0.1, POSSIBLE * HERDS)
    middles = dice.uniform((0, 0), (POSSIBLE * ACROSS, ON_LINE * STEP), (len(sizes), 2))
    herds = np.repeat(middles, sizes, axis=0)
    herds += dice.normal(0, 20, herds.shape)
    alone = dice.uniform((0, 0), (POSSIBLE * ACROSS, ON_LINE * STEP), (dice.poisson(200), 2))
    found = np.vstack([herds, alone])
    inside = ((found > 0) & (found < (POSSIBLE * ACROSS, ON_LINE * STEP))).all(axis=1)
    return np.asarray(found[inside])


class Flight:
    """Photographs of one survey: where they are said to look, and what they show.

    Args:
        dice: Random numbers.
        cell: What the detector does.
    """

    def __init__(self, dice: np.random.Generator, cell: Cell) -> None:
        lines = np.sort(dice.choice(POSSIBLE, FLOWN, replace=False))
        self.cameras = np.array(
            [((line + 0.5) * ACROSS, (row + 0.5) * STEP) for line in lines for row in range(ON_LINE)]
        )
        stated = self.cameras + dice.normal(0, OFF, self.cameras.shape)
        self.views: Views = views_at(stated, ACROSS, DEEP, yaw=0.0, position_error=OFF)
        self.transects = Transects(
            tuple(
                Transect(f"T{row}", tuple(range(row * ON_LINE, (row + 1) * ON_LINE))) for row in range(FLOWN)
            ),
            (),
            "table",
        )
        self.truth = places_of(dice)
        self.missed: list[Numbers] = []
        self.right: list[NDArray[np.bool_]] = []
        self.results = [
            self._looked(dice, cell, view, at)
            for view, at in zip(self.views.views, self.cameras, strict=True)
        ]

    def _looked(
        self, dice: np.random.Generator, cell: Cell, view: View | RasterView, camera: Numbers
    ) -> ImageResult:
        size = np.array([view.width, view.height])
        from_camera = self.truth - camera
        middles = np.column_stack([from_camera[:, 0], -from_camera[:, 1]]) / GSD + size / 2
        middles = middles[((middles > 0) & (middles < size)).all(axis=1)]
        seen = dice.random(len(middles)) < cell.recall
        wrong = dice.uniform((0, 0), size, (dice.poisson(cell.wrong), 2))
        boxes = np.vstack([middles[seen] + dice.normal(0, JITTER / GSD, (int(seen.sum()), 2)), wrong])
        boxes = boxes.clip(0, size)
        self.missed.append(middles[~seen])
        self.right.append(np.arange(len(boxes)) < seen.sum())
        found = Detections(
            np.hstack([boxes - HALF, boxes + HALF]),
            dice.uniform(0.3, 1, len(boxes)),
            np.zeros(len(boxes), np.int64),
        )
        return ImageResult(
            name=view.file, path=Path(view.file), detections=found, width=view.width, height=view.height
        )

    def verdicts(self, images: set[str]) -> Iterator[Verdict]:
        """What a person says of photographs who sees everything."""
        for result, missed, right in zip(self.results, self.missed, self.right, strict=True):
            if result.name not in images or result.detections is None:
                continue
            for key, box, is_right in zip(
                ids_of(result), result.detections.xyxy.tolist(), right, strict=True
            ):
                kind: Kind = "right" if is_right else "wrong"
                yield Verdict(
                    kind=kind,
                    image=result.name,
                    reviewer="A",
                    detection=key,
                    before=Marked(tuple(box), NAMES[0]),
                )
            for x, y in missed.tolist():
                corners = (x - HALF, y - HALF, x + HALF, y + HALF)
                key = detection_id(result.name, corners)
                yield Verdict(
                    kind="added",
                    image=result.name,
                    reviewer="A",
                    detection=key,
                    after=Marked(corners, NAMES[0]),
                )
            yield Verdict(kind="nothing-here", image=result.name, reviewer="A")

    def outlines(self) -> dict[str, Outline]:
        """Own ground of the photographs, as their tags say."""
        views = [view for view in self.views.views if isinstance(view, View)]
        return own_grounds([GroundView(view.file, view.width, view.height, view.footprint) for view in views])


def survey(cell: Cell, seed: int) -> tuple[float, ...]:
    """Truth, then value and limits: corrected, of what was counted once, and with all reviewed."""
    dice = np.random.default_rng([seed, cell.reviewed, int(cell.recall * 100), int(cell.wrong * 100)])
    flight = Flight(dice, cell)
    photographs = [
        Photograph(
            file=one.name,
            path=one.path,
            width=one.width or 0,
            height=one.height or 0,
            tags=TAGS,
            detections=one.detections,
        )
        for one in flight.results
        if one.detections is not None
    ]
    boxes = boxes_on_ground(photographs, flight.views)
    animals = count_once(boxes, flight.views, TOLERANCE)
    outline = area("S", 0, 0, POSSIBLE * ACROSS, ON_LINE * STEP)
    sample = sample_survey(animals, boxes, flight.views, [outline], flight.transects)
    alone = estimates_of(sample, animals, [0])[-1].estimate
    outlines = flight.outlines()
    numbers = [
        corrected(flight, sample, outlines, number, seed) for number in (cell.reviewed, len(flight.results))
    ]
    return (
        float(len(flight.truth)),
        *limits(numbers[0]),
        *(alone.estimate or 0.0, alone.lower or 0.0, alone.upper or 0.0),
        *limits(numbers[1]),
    )


def corrected(
    flight: Flight, sample: Sample, outlines: dict[str, Outline], number: int, seed: int
) -> CorrectedEstimate:
    """Draw so many photographs, review them, and estimate."""
    plan = draw(candidates_of(flight.results, outlines), number, seed, "")
    drawn = {unit.image for unit in plan.to_review}
    reviews = reviews_of(flight.results, NAMES, list(flight.verdicts(drawn)))
    return corrected_estimates(sample_of(plan, reviews), sample, flight.views, NAMES, {})[-1]


def limits(found: CorrectedEstimate) -> tuple[float, float, float]:
    """Value and limits; zeros where there are none."""
    one = found.corrected
    return (0.0, 0.0, 0.0) if one is None else (one.value, one.lower, one.upper)


def main() -> int:
    """Print the table; 1 if a cell is off."""
    surveys = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("| recall | wrong | reviewed | counted once: cover, bias | reviewed: cover, bias | width |")
    print("|---|---|---|---|---|---|")
    off = 0
    for cell in CELLS:
        table = np.array([survey(cell, seed) for seed in range(surveys)])
        shown, good = judged(table)
        off += not good
        print(f"| {cell.recall} | {cell.wrong} | {cell.reviewed} of {FLOWN * ON_LINE} {shown}", flush=True)
    print(f"{len(CELLS) - off} of {len(CELLS)} cells are good")
    return int(off > 0)


if __name__ == "__main__":
    sys.exit(main())
