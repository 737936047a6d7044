"""Names of metrics and tags that stand for a class or a data set, as MLflow takes them.

MLflow allows letters and digits of any script, and `_`, `-`, `.` and the space. A class keeps its own name
wherever that is enough; a name that must be changed ends with six digits of its checksum, so that two
classes never share a metric.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence

__all__ = ["earlier_name", "find_metric", "for_people", "metric_name", "name_for_mlflow"]

_LONGEST = 120  # characters; MLflow takes 250 for a metric with its prefix, and 250 for a tag
_NOT_TAKEN = re.compile(r"[^\w. -]")
_CHECKSUM_DIGITS = 6


def name_for_mlflow(text: str) -> str:
    """Spell a class or a data set with the characters that MLflow takes on every system.

    Args:
        text: Name of a class or data set, in any script.

    Returns:
        The name itself (composed, NFC) where MLflow takes it, otherwise one that no other name gets.
    """
    composed = unicodedata.normalize("NFC", text)
    plain = " ".join(_NOT_TAKEN.sub("_", composed).split())[:_LONGEST].rstrip()
    if plain == composed and plain.strip("."):  # a name of dots is a folder's to MLflow
        return plain
    checksum = hashlib.sha256(composed.encode("utf-8", "surrogatepass")).hexdigest()[:_CHECKSUM_DIGITS]
    return f"{plain.strip('. ')}-{checksum}"


def metric_name(measure: str, class_name: str) -> str:
    """Name the metric of one class, such as "recall/zebra"."""
    return f"{measure}/{name_for_mlflow(class_name)}"


def for_people(metric: str, class_names: Sequence[str]) -> str:
    """Name a metric by its class's own name: "recall/Grévy's zebra" for "recall/Grévy_s zebra-3d31f1"."""
    measure, slash, last = metric.partition("/")
    own = {name_for_mlflow(name): name for name in class_names}
    return f"{measure}{slash}{own.get(last, last)}"


def earlier_name(name: str) -> str:
    """Spell a metric as earlier evaluations did: what is not ASCII became `_`, in a data set the dot too."""
    first, slash, last = name.partition("/")
    return re.sub(r"[^A-Za-z0-9_-]", "_", first) + slash + re.sub(r"[^A-Za-z0-9_.-]", "_", last)


def find_metric(asked: str, metrics: Mapping[str, float]) -> float | None:
    """Find a metric by the name that a person writes.

    Args:
        asked: "map50", "recall/斑马", "recall/Grévy's zebra", or the metric's name as MLflow shows it.
        metrics: Measured values by their names in MLflow.

    Returns:
        Its value; also where it was logged, or is asked for, under its earlier name, if only one metric
        can be meant. None where there is no such metric.
    """
    composed = unicodedata.normalize("NFC", asked)
    first, slash, last = composed.partition("/")
    names = [composed]
    if slash:  # a measure of a class, or a data set and a measure of it
        names += [f"{first}/{name_for_mlflow(last)}", f"{name_for_mlflow(first)}/{last}"]
    for name in names:
        if name in metrics:
            return metrics[name]
    earlier = earlier_name(composed)
    if not re.search(r"[A-Za-z0-9]", earlier.rpartition("/")[2]):  # "recall/__" stood for many classes
        return None
    if earlier in metrics:
        return metrics[earlier]
    meant = [name for name in metrics if asked == earlier_name(name)]
    return metrics[meant[0]] if len(meant) == 1 else None
