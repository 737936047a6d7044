"""Who saw which animal of a census: its boxes beside the verdicts on its run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from tests.census.conftest import plan_of, written
from tests.census.flights import Flight, Herd, make_run

from wildetect.census.survey import survey
from wildetect.results.finished_run import read_finished_run
from wildetect.results.ids import ids_of
from wildetect.review.verdict_file import writing_verdicts
from wildetect.review.verdicts import Kind, Marked, Verdict
from wildetect.workflows.publishing import identifications


def test_verdicts_on_the_run_are_found_at_the_animals_of_its_census(tmp_path: Path) -> None:
    flight = Flight()
    flight.line("L", (0.0, 0.0), 0.0, 3, 400.0)
    places = np.array([(0.0, 0.0), (15.0, 5.0), (0.0, 400.0), (0.0, 800.0)])
    run = make_run(tmp_path, flight, Herd(places, np.zeros(4, np.int64)))
    record = written(survey(plan_of(run)), run, tmp_path / "census")
    assert identifications(record) == ({}, None)
    results = {one.name: one for one in read_finished_run(run).results}
    boxes = [(one.animal, one.boxes[0]) for one in record.animals]
    assert len(boxes) == 4
    ids = {}
    for number, box in boxes:
        found = results[box.file].detections
        assert found is not None
        (row,) = (row for row, edges in enumerate(found.xyxy.round(2).tolist()) if tuple(edges) == box.xyxy)
        ids[number] = ids_of(results[box.file])[row]
    with writing_verdicts(run) as file:
        for number, box in boxes:
            before = Marked(box.xyxy, "elephant")
            if number == 4:
                continue  # nobody looked at it
            kind: Kind = {1: "right", 2: "wrong", 3: "class"}[number]  # type: ignore[assignment]
            after = Marked(box.xyxy, "zebra") if kind == "class" else None
            file.append(
                Verdict(
                    kind=kind,
                    image=box.file,
                    reviewer="Ann",
                    detection=ids[number],
                    before=before,
                    after=after,
                )
            )
    said = identifications(record).animals
    assert {number: (one.by, one.species) for number, one in said.items()} == {
        1: (("Ann",), "elephant"),
        2: (("Ann",), None),
        3: (("Ann",), "zebra"),
    }
    shutil.rmtree(run)
    known = identifications(record)
    assert known.animals == {}
    assert known.remark is not None
    assert known.remark.startswith("who reviewed what is not known")
