"""What a person says who looks at every photograph of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wildetect.results.finished_run import FinishedRun
from wildetect.results.ids import ids_of
from wildetect.review.verdicts import Marked, Verdict


def verdicts(run: FinishedRun) -> Iterator[Verdict]:
    """Review photographs: in each the first detection is wrong, the others right, with nothing else there."""
    for result in run.results:
        assert result.detections is not None
        said: dict[str, Any] = {"image": result.name, "reviewer": "Ann"}
        columns = zip(
            ids_of(result), result.detections.xyxy.tolist(), result.detections.class_id, strict=True
        )
        for number, (key, box, class_id) in enumerate(columns):
            before = Marked(tuple(box), run.class_names[class_id])
            yield Verdict(kind="right" if number else "wrong", detection=key, before=before, **said)
        yield Verdict(kind="nothing-here", **said)
