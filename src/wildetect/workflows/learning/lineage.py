"""What a version has learned from, written down as it is registered, with all that it was begun with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wildetect.errors import ModelError
from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.registry.learning.lineage import CHECKPOINT_TAG, LINEAGE, Lineage, lineage_of
from wildetect.registry.registration import Registration
from wildetect.registry.versions import Version, all_pages
from wildetect.training.built_set import BuiltSet, read_built_set
from wildetect.training.learned import learned_from, lineage_after
from wildetect.training.starting import StartingWeights
from wildetect.wording import listed

__all__ = ["taught_elsewhere", "trained_gsd_cm", "with_lineage"]


def with_lineage(
    connection: Connection, registration: Registration, data: BuiltSet, weights: StartingWeights
) -> Registration:
    """Add what a version has learned from: its set, and the sets of what it was begun with.

    Args:
        connection: The server.
        registration: Registration of what was trained.
        data: Its training set.
        weights: What it was begun with.

    Raises:
        ServerError: Where the server fails.
    """
    start = weights.version or _made_of(connection, weights.sha256)
    before = None if start is None else lineage_of(connection, start)
    own = learned_from(data.folder, data.record)
    lineage = lineage_after(own, weights.said, before, None if start is None else str(start))
    return _with(registration, lineage)


def _made_of(connection: Connection, sha256: str) -> Version | None:
    """The version that was exported from a checkpoint, if this registry made it."""
    client = connection.client
    with errors_of_mlflow("list of versions"):
        found = all_pages(client.search_model_versions, f"tags.{CHECKPOINT_TAG} = '{sha256}'")
    return Version(found[0].name, str(found[0].version), (), dict(found[0].tags)) if found else None


def taught_elsewhere(registration: Registration, folder: Path) -> Registration:
    """Add what a version has learned from that was trained by another program.

    Args:
        registration: Registration of the version.
        folder: Folder of the training set, as `dataset.build` made it.

    Raises:
        ConfigurationError: There is no set.
        InputError: The set was changed.
        ModelError: The version has other classes than the set.
    """
    data = read_built_set(folder)
    names = registration.manifest.detected_names
    labelled = data.record.class_names
    if {one.casefold() for one in names} != {one.casefold() for one in labelled}:
        raise ModelError(
            f"the detector finds {listed(names)}, and {data.record.name} labels {listed(labelled)}: "
            "it was not trained on that set",
            hint="Name the set that it was trained on with --trained-on.",
        )
    lineage = Lineage(sets=(learned_from(data.folder, data.record),))
    return _with(registration, lineage)


def _with(registration: Registration, lineage: Lineage) -> Registration:
    own = lineage.sets[0]
    tags = {"training_set": own.name, "training_set_digest": own.digest}
    return replace(
        registration,
        files={**registration.files, LINEAGE: lineage.to_bytes()},
        tags={**registration.tags, **tags},
    )


def trained_gsd_cm(data: BuiltSet, imgsz: int) -> float | None:
    """Ground that a pixel of the network's input showed in training, in cm; null where it is not known.

    Args:
        data: The training set; tiles of one size, so that all are scaled alike.
        imgsz: Side of the network's input in px.
    """
    known = sorted(one.taken.gsd_cm for one in data.record.photographs if one.taken.gsd_cm is not None)
    if not known or not data.record.tile_size:
        return None
    return round(known[len(known) // 2] * data.record.tile_size / imgsz, 2)
