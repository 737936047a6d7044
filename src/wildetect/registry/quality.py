"""How good a version is, by its evaluations on labelled pictures.

One tag of the version for each data set, set at once or not at all, has what lists, comparisons and
promotions need; the run that it names has the rest:

    eval.<dataset> = {"at": ..., "run_id": ..., "metrics": {"map50": ..., ...}, "settings": {...}}
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.registry.versions import Version

__all__ = ["Evaluated", "evaluations_of", "metrics_of", "tag_of"]

TAG = "eval."


class Evaluated(BaseModel):
    """An evaluation as its version's tag tells it.

    Attributes:
        dataset: Name of the labelled pictures.
        at: When, in UTC.
        run_id: The run in the experiment "evaluation".
        metrics: Of all classes together.
        settings: What the numbers depend on; evaluations with other settings cannot be compared.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    at: datetime
    run_id: str
    metrics: dict[str, float]
    settings: dict[str, Any] = {}


def tag_of(dataset: str) -> str:
    """The name of the tag that has a version's newest evaluation on a data set."""
    return TAG + _plain(dataset)


def _plain(dataset: str) -> str:
    return re.sub(r"[^\w-]", "_", dataset, flags=re.ASCII)


def evaluations_of(version: Version) -> list[Evaluated]:
    """The newest evaluation of a version on each data set, the newest of all first."""
    found = []
    for name, value in version.tags.items():
        if name.startswith(TAG):
            try:
                found.append(Evaluated.model_validate_json(value))
            except ValidationError:  # a tag that somebody made by hand
                continue
    return sorted(found, key=lambda one: one.at, reverse=True)


def metrics_of(connection: Connection, version: Version) -> dict[str, float]:
    """The measured quality of a version; empty if it was never evaluated.

    Returns:
        From the newest evaluation `map50`, `map50_95`, `precision`, `recall` and `tiles_per_second`, and
        those of each class such as `recall/zebra`; and of every data set `<dataset>/map50` and so on.

    Raises:
        ServerError: Where the server fails.
    """
    evaluations = evaluations_of(version)
    metrics = {
        f"{_plain(one.dataset)}/{name}": value for one in evaluations for name, value in one.metrics.items()
    }
    if not evaluations:
        return metrics
    newest = evaluations[0]
    return {**metrics, **_of_run(connection, newest.run_id), **newest.metrics}


def _of_run(connection: Connection, run_id: str) -> dict[str, float]:
    """All metrics of a run; none if it was deleted since, as the tag has the main ones."""
    try:
        with errors_of_mlflow(f"run {run_id}"):
            return dict(connection.client.get_run(run_id).data.metrics)
    except ModelError:
        return {}
