"""The card of a version: on one screen what it was trained on, how it did on what, who promoted it and why.

It stands in the version's description, below what people wrote there, so that its page in MLflow shows it; it
is written again whenever something in it changes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence

from wildetect.errors import WildDetectError
from wildetect.registry.cache import stored_manifest
from wildetect.registry.connection import Connection, errors_of_mlflow
from wildetect.registry.evaluations import (
    DOUBTFUL,
    LEARNED_FROM,
    NEAR_LEARNED,
    Evaluated,
    evaluations_of,
    limits_of,
)
from wildetect.registry.history import AliasMove, moves_of
from wildetect.registry.learning.lineage import LearnedSet, Lineage, Scenery, lineage_of
from wildetect.registry.learning.runs import RUN_TAG
from wildetect.registry.manifest import Manifest
from wildetect.registry.reference import ModelReference
from wildetect.registry.versions import Version, resolve
from wildetect.wording import commas, listed, number_of

__all__ = ["card_of", "refresh_card", "words_of_people"]

logger = logging.getLogger(__name__)

_HEAD = "### Model card"
_RUN = "training run"
_MOST_ROWS = 6  # evaluations, moves and earlier sets
_MOST_LISTED = 8  # classes, places and months
_LONGEST = 4800  # characters of a description; MLflow takes 5000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MEASURES = {"recall": "recall", "precision": "precision", "map50": "mAP50"}


def words_of_people(description: str | None) -> str | None:
    """Give what people wrote into a description, without the card; null where that is nothing."""
    return (description or "").partition(_HEAD)[0].strip() or None


def refresh_card(connection: Connection, name: str, version: str) -> None:
    """Write the card of a version again; where that fails, what it is about is done all the same.

    Args:
        connection: The server.
        name: Name of the registered model.
        version: Its number.
    """
    try:
        found = resolve(connection, ModelReference(name, version=version))
        rows = card_of(connection, found, stored_manifest(connection, found))
        text = _markdown(words_of_people(found.description), rows)
        if text != found.description:
            with errors_of_mlflow(f"model {found}"):
                connection.client.update_model_version(name, version, text)
    except WildDetectError as error:
        logger.warning("the card of %s version %s is not up to date: %s", name, version, error.message)


def _markdown(words: str | None, rows: Sequence[tuple[str, str]]) -> str:
    """The words, then a table of the rows; of rows that would make it too long the number is given."""
    begin = f"{words}\n\n" if words else ""
    text = f"{begin}{_HEAD}\n\n| | |\n|---|---|\n"
    left_out = 0
    for title, said in rows:
        shown = _cell(said)
        if title == _RUN:  # MLflow's pages lead to each other by what stands behind #
            shown = f"[{shown}](#/runs/{shown})"
        line = f"| **{title}** | {shown} |\n"
        if len(text) + len(line) <= _LONGEST:
            text += line
        else:
            left_out += 1
    more = f"{number_of(left_out, 'further row')} would not fit here; model.show has all"
    return f"{text}| **left out** | {more} |\n" if left_out else text


def _cell(text: str) -> str:
    """A text as a cell of a table in Markdown: names are no markup."""
    return re.sub(r"([\\|<>*_`\[\]#])", r"\\\1", " ".join(text.split()))


def card_of(connection: Connection, version: Version, manifest: Manifest) -> list[tuple[str, str]]:
    """Give the rows of the card of a version: title and text; a title may come more than once.

    Args:
        connection: The server.
        version: The version.
        manifest: What is stored with it.

    Raises:
        ServerError: Where the server fails.
    """
    lineage = lineage_of(connection, version)
    moves = [move for move in moves_of(connection, version.name) if move.after == version.version]
    return [
        ("finds", listed(manifest.class_names, most=_MOST_LISTED)),
        *_trained(lineage, version.tags, manifest),
        *_measured(evaluations_of(version)),
        *_promoted(moves, version.aliases),
    ]


def _trained(
    lineage: Lineage | None, tags: Mapping[str, str], manifest: Manifest
) -> Iterator[tuple[str, str]]:
    if lineage is None:
        yield "trained on", "not known here: the file was registered as it is"
    else:
        own, *earlier = lineage.sets
        yield "trained on", _set(own)
        yield from _scenery(own.scenery)
        for one in earlier[:_MOST_ROWS]:
            yield "and before on", f"{_set(one)}, as {one.version}" if one.version else _set(one)
        if not lineage.complete:
            began = lineage.began_with or "weights that are not named"
            yield "begun with", f"{began}, of which nothing is known here"
    if manifest.trained_gsd_cm is not None:
        yield "scale", f"{manifest.trained_gsd_cm:g} cm/px at the network's input"
    if run_id := tags.get(RUN_TAG):
        yield _RUN, run_id


def _set(one: LearnedSet) -> str:
    animals = listed((f"{number:,} {name}" for name, number in one.animals.items()), most=_MOST_LISTED)
    held = f": {animals}" if animals else ""
    return f"{one.name} (digest {one.digest[:8]}), {number_of(len(one.photographs), 'photograph')}{held}"


def _scenery(scenery: Scenery) -> Iterator[tuple[str, str]]:
    if scenery.places:
        most = sorted(scenery.places, key=lambda place: -place[2])
        said = [
            f"{abs(latitude):.1f}° {'S' if latitude < 0 else 'N'} {abs(longitude):.1f}° "
            f"{'W' if longitude < 0 else 'E'} ({number:,})"
            for latitude, longitude, number in most
        ]
        unplaced = f", {scenery.unplaced:,} without a position" if scenery.unplaced else ""
        yield "places", listed(said, most=_MOST_LISTED) + unplaced
    elif scenery.unplaced:
        yield "places", "not known: no photograph has a position"
    if scenery.months:
        said = [f"{_month(month)} ({number:,})" for month, number in scenery.months.items()]
        yield "seasons", listed(said, most=_MOST_LISTED)
    else:
        yield "seasons", "not known: no photograph says when it was taken"
    if scenery.gsd_cm is None:
        yield "ground resolution", "not known"
    else:
        least, median, most_cm = scenery.gsd_cm
        yield "ground resolution", f"{median:.1f} cm/px ({least:.1f} to {most_cm:.1f})"


def _month(text: str) -> str:
    year, _, number = text.partition("-")
    known = number.isdecimal() and 0 < int(number) <= len(_MONTHS)
    return f"{_MONTHS[int(number) - 1]} {year}" if known else text


def _measured(evaluations: Sequence[Evaluated]) -> Iterator[tuple[str, str]]:
    if not evaluations:
        yield "measured", "never"
    for one in evaluations[:_MOST_ROWS]:
        pictures = one.settings.get("pictures")
        digest = str(one.settings.get("annotations_sha256") or "")[:8]
        facts = [
            *([f"{pictures} pictures"] if pictures is not None else []),
            *([f"digest {digest}"] if digest else []),
            one.at.date().isoformat(),
        ]
        numbers = [
            f"{title} {one.metrics[name]:.3f}{_limits(one.metrics, name)}"
            for name, title in _MEASURES.items()
            if name in one.metrics
        ]
        learned = one.settings.get(LEARNED_FROM, "unknown")
        doubt = (
            "" if one.of_survey or learned == "none" else "; whether it has learned from them is not known"
        )
        near = one.settings.get(NEAR_LEARNED)
        if isinstance(near, int) and near:
            doubt += f"; {near:,} of them were taken near photographs that it has learned from"
        doubtful = one.settings.get(DOUBTFUL)
        if isinstance(doubtful, int) and doubtful:
            doubt += f"; doubts in {doubtful:,} of them (evaluation.json)"
        yield "measured", f"{one.dataset} ({commas(facts)}): {commas(numbers)}{doubt}"


def _limits(metrics: Mapping[str, float], name: str) -> str:
    known = [metrics[limit] for limit in limits_of(name) if limit in metrics]
    return f" ({known[0]:.3f} to {known[1]:.3f})" if len(known) == 2 else ""  # noqa: PLR2004 - two limits


def _promoted(moves: Sequence[AliasMove], aliases: Sequence[str]) -> Iterator[tuple[str, str]]:
    recorded = {move.alias for move in moves}
    for move in moves[-_MOST_ROWS:]:
        when = f"{move.at:%Y-%m-%d}" if move.at else "at a time not noted"
        why = "; ".join(move.requirements) or ("taken back" if move.undo else "nothing was required")
        now = "" if move.alias in aliases else " (it has moved on since)"
        yield f"{move.alias}", f"{when} by {move.by or 'an unknown person'}: {why}{now}"
    for alias in aliases:
        if alias not in recorded:
            yield alias, "set in MLflow's page, or by an earlier WildDetect: no reason is noted"
