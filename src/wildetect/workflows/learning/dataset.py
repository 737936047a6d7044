"""A training set from reviewed runs: read, grouped by ground, split, cut, written and logged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from wildetect.errors import ConfigurationError, InputError, ServerError
from wildetect.registry.runs import DatasetRecord, RunRecord, finish_run, start_run
from wildetect.remote.place import Place, are_there
from wildetect.results.finished_run import read_finished_run
from wildetect.results.pictures.moved import with_photographs_in
from wildetect.results.run import DetectionRun
from wildetect.settings import Project
from wildetect.settings.training.dataset import DataSetOptions
from wildetect.training.built_set import frozen_pictures
from wildetect.training.manifest import MANIFEST, DataSetRecord, SourceRun, write_manifest
from wildetect.training.reviewed import ClassTable, newest_of_each, read_class_table, reviewed_of
from wildetect.training.splitting import PARTS, Part, groups_of, parts_of
from wildetect.training.writing import Cutting, TileFiles, new_folder, refuse_existing
from wildetect.wording import commas, form, listed, number_of, quoted
from wildetect.workflows.connecting import connect_for
from wildetect.workflows.learning.placing import Source, shots_of, split_of, taken_of
from wildetect.workflows.watching import SILENT, Watcher

__all__ = ["EXPERIMENT", "DataSetBuilt", "DataSetRequest", "build_dataset"]

EXPERIMENT = "datasets"
_FEWEST_MEASURED = 10  # animals, below which a part measures next to nothing
_NEARLY = 1.25  # times: tiles that differ by less show animals at one size to a trainer that varies it, too


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetRequest:
    """What to build.

    Attributes:
        runs: Output folders of reviewed runs.
        output: Folder of the set; new.
        classes: A table of classes; null: they are called as the runs call them.
        sources: Where photographs lie now that are not where a run found them.
        keep_test: Earlier sets: what they measure with, this one measures with, too.
        options: Options of the set.
    """

    runs: tuple[Path, ...]
    output: Path
    classes: Path | None = None
    sources: tuple[Place, ...] = ()
    keep_test: tuple[Path, ...] = ()
    options: DataSetOptions = field(default_factory=DataSetOptions)


@dataclass(frozen=True, slots=True)
class DataSetBuilt:
    """What came of it.

    Attributes:
        record: What dataset.json holds.
        folder: Folder of the set.
        url: Address of its run in MLflow; null where no server answers.
    """

    record: DataSetRecord
    folder: Path
    url: str | None


def build_dataset(project: Project, request: DataSetRequest, watcher: Watcher = SILENT) -> DataSetBuilt:
    """Build a training set from the complete photographs of reviewed runs.

    Args:
        project: Its configs/census.yaml says of positions what photographs do not.
        request: What to build.
        watcher: Observer that is told what is doubtful.

    Raises:
        ConfigurationError: A run is named twice, the folder is there, or runs or classes do not fit together.
        InputError: A run is not finished or not reviewed, or a photograph is gone.
    """
    _check(request)
    table = read_class_table(request.classes) if request.classes else {}
    sources = _sources(request)
    tile_size, overlap = _grid(sources, request.options)
    reviewed = newest_of_each(one for source in sources for one in source.reviewed)
    classes = ClassTable.of(_class_names(sources), table)
    shots, notes = shots_of(project, sources)
    groups = groups_of(shots)
    shares = {
        "train": 1 - request.options.validation - request.options.test,
        "val": request.options.validation,
        "test": request.options.test,
    }
    frozen = frozen_pictures(request.keep_test)
    part_of = parts_of(groups, {part: shares[part] for part in PARTS}, request.options.seed, frozen["test"])
    notes = (*notes, *_moved(groups, frozen))
    taken = {shot.digest: taken_of(shot) for shot in shots if shot.digest is not None}
    group_of = {digest: number for number, group in enumerate(groups, 1) for digest in group}
    with new_folder(request.output) as folder:
        files = TileFiles(
            folder, Cutting(classes=classes, tile_size=tile_size, overlap=overlap, options=request.options)
        )
        for one in reviewed:
            place = part_of[one.digest], group_of[one.digest]
            files.add(one, place, sources[one.run].name, taken[one.digest])
        files.finish()
        record = _record(request, sources, files, split_of(shots))
        record = replace(record, notes=(*notes, *_doubts(record, sources, shares, len(groups))))
        write_manifest(folder, record)
    for note in record.notes:
        watcher.notice(f"warning: {note}")
    return DataSetBuilt(record, request.output, _logged(project, request.output, record, watcher))


def _check(request: DataSetRequest) -> None:
    options = request.options
    resolved = [run.resolve() for run in request.runs]
    if len(set(resolved)) < len(resolved):
        raise ConfigurationError("a run is named twice", hint="Name each run once with --run.")
    if not (0 <= options.validation < 1 and 0 <= options.test < 1 and options.validation + options.test < 1):
        raise ConfigurationError(
            f"--validation {options.validation:g} and --test {options.test:g} leave nothing to learn from",
            hint="Give parts that sum to less than 1: --validation 0.2 --test 0.2",
        )
    refuse_existing(request.output)  # now, not after the photographs were read


def _moved(groups: Sequence[tuple[str, ...]], frozen: Mapping[Part, frozenset[str]]) -> tuple[str, ...]:
    """A note where ground that is frozen for measuring holds photographs that were learned from before."""
    learned = frozen["train"] | frozen["val"]
    mixed = [group for group in groups if frozen["test"] & set(group) and learned & set(group)]
    if not mixed:
        return ()
    number = sum(digest in learned for group in mixed for digest in group)
    note = (
        f"{number_of(number, 'photograph')} that the earlier set learned from {form(number, 'lies', 'lie')} "
        f"on one ground or flight line with some that it measures with: {form(number, 'it is', 'they are')} "
        "in test now, on which versions of the earlier set are refused"
    )
    return (note,)


def _sources(request: DataSetRequest) -> list[Source]:
    found: list[Source] = []
    names: Counter[str] = Counter()
    for number, folder in enumerate(request.runs):
        run = read_finished_run(folder)
        if request.sources and not all(are_there(one.path for one in run.results if not one.failed)):
            run = with_photographs_in(run, request.sources)
        reviewed, begun = reviewed_of(run, number)
        name = folder.resolve().name
        names[name] += 1
        found.append(Source(run, name if names[name] == 1 else f"{name} ({names[name]})", reviewed, begun))
    empty = [source for source in found if not source.reviewed]
    if empty:
        folder = empty[0].run.folder
        said = f"; {empty[0].begun:,} are begun" if empty[0].begun else ""
        raise InputError(
            f"no photograph of the run in {folder} is reviewed to its end{said}",
            hint=f"Go through some to their end: uv run invoke review.open --run {quoted(str(folder))}",
        )
    return found


def _grid(sources: Sequence[Source], options: DataSetOptions) -> tuple[int, float]:
    """Side and overlap of tiles: those of the runs.

    Raises:
        ConfigurationError: The runs have tiles of different sizes: animals would be of different sizes, too.
    """
    of_runs = {source.name: _sides(source.run.record) for source in sources}
    sizes = {side for sides in of_runs.values() for side in sides}
    if len(sizes) > 1:
        each = listed(f"{name} {' to '.join(map(str, sides))} px" for name, sides in of_runs.items())
        raise ConfigurationError(
            f"the runs have tiles of different sizes: {each}",
            hint="Build a set of each, or detect again with one --tile-size (and processing.scale: native); "
            "the verdicts are kept.",
        )
    told = [source.run.record.settings.get("overlap_ratio") for source in sources]
    ratios = [float(ratio) for ratio in told if isinstance(ratio, int | float)]
    return sizes.pop(), max(ratios, default=options.overlap)


def _sides(record: DetectionRun) -> list[int]:
    """Smallest and largest side of a run's tiles in px; one where they are the same, or nearly so.

    Tiles that are cut for the scale of a model's training differ by as much as heights of flight do.
    """
    native, scaled = int(record.settings.get("tile_size") or 0), record.scaled_tiles
    if not scaled.images:
        return [native]
    sides = [scaled.least, scaled.most]
    if scaled.images < record.images.read:
        sides = sorted([*sides, native])
    if sides[-1] <= _NEARLY * sides[0]:
        return [round((sides[0] + sides[-1]) / 2)]
    return [sides[0], sides[-1]]


def _class_names(sources: Sequence[Source]) -> list[str]:
    of_models = [name for source in sources for name in source.run.class_names]
    said = {mark.box.class_name for source in sources for one in source.reviewed for mark in one.review.marks}
    return [*of_models, *sorted(said)]


def _record(
    request: DataSetRequest, sources: Sequence[Source], files: TileFiles, split: str
) -> DataSetRecord:
    entries = tuple(cut.entry for cut in files.cuts)
    cutting = files.cutting
    reviewers = Counter(name for entry in entries for name in entry.reviewers)
    return DataSetRecord(
        name=request.output.name,
        digest=files.digest,
        class_names=cutting.classes.names,
        becomes=dict(cutting.classes.becomes),
        tile_size=cutting.tile_size,
        overlap=cutting.overlap,
        settings=asdict(request.options),
        split=split,
        runs=tuple(
            SourceRun(
                name=source.name,
                model=str(source.run.record.model),
                sha256=source.run.record.model.sha256,
                pictures=source.run.record.dataset.digest,
                photographs=len(source.reviewed),
                not_complete=source.begun,
            )
            for source in sources
        ),
        reviewers=dict(sorted(reviewers.items())),
        parts=files.counts(),
        notes=(),
        photographs=entries,
    )


def _doubts(
    record: DataSetRecord, sources: Sequence[Source], shares: Mapping[str, float], groups: int
) -> list[str]:
    """What whoever trains on the set has to know."""
    found = []
    begun = sum(source.begun for source in sources)
    if begun:
        found.append(
            f"{number_of(begun, 'photograph')} with verdicts {form(begun, 'is', 'are')} not complete "
            "and not in the set"
        )
    for part, held in record.parts.items():
        animals = _animals(record, part)
        if shares[part] and not held.photographs:
            found.append(
                f"no photograph is left for {part}: the ground and flight lines of the reviewed photographs "
                f"make {number_of(groups, 'group')} that cannot be parted; review photographs of "
                "other places"
            )
        elif shares[part] and animals < _FEWEST_MEASURED:
            found.append(
                f"{part} holds {number_of(animals, 'animal')}: too few to learn from or to measure with"
            )
    unseen = [name for name, number in record.parts["train"].labels.items() if not number]
    if unseen:
        found.append(f"no animal to learn from of: {listed(unseen)}")
    if any(source.run.record.model.box_kind == "points" for source in sources):
        found.append(
            "a detector gave points: boxes that nobody moved have the size that it was told, not the animal's"
        )
    beside = sum(one.unseen for one in record.photographs)
    if beside:
        found.append(
            f"{beside:,} tiles are left out where no one has looked: for an estimate people look at a "
            "photograph's own ground alone (review.plan --for training has whole photographs)"
        )
    doubtful = sum(one.doubtful for one in record.photographs)
    if doubtful:
        found.append(
            f"{number_of(doubtful, 'tile')} {form(doubtful, 'is', 'are')} left out: unsure animals, or "
            "classes that are left out"
        )
    return found


def _animals(record: DataSetRecord, part: Part) -> int:
    return sum(sum(one.animals.values()) for one in record.photographs if one.part == part)


def _logged(project: Project, folder: Path, record: DataSetRecord, watcher: Watcher) -> str | None:
    """Log the set; a server that is off costs a line."""
    try:
        connection = connect_for(project, watcher)
        run_id = start_run(connection, EXPERIMENT, record.name)
        finish_run(connection, run_id, _run_record(folder, record))
    except ServerError as error:
        watcher.notice(f"warning: the training set is not logged: {error.message}")
        return None
    return f"{connection.uri}/#/runs/{run_id}"


def _run_record(folder: Path, record: DataSetRecord) -> RunRecord:
    """What MLflow keeps of a set."""
    names = ("photographs", "tiles", "with_animals", "hard_negatives", "empty")
    return RunRecord(
        parameters={
            "tile_size": record.tile_size,
            "overlap": record.overlap,
            "classes": commas(record.class_names),
            **record.settings,
        },
        metrics={
            f"{part}_{name}": getattr(counts, name) for part, counts in record.parts.items() for name in names
        },
        tags={
            "digest": record.digest,
            "split": record.split,
            "reviewers": commas(record.reviewers),
            **({"doubts": "\n".join(record.notes)} if record.notes else {}),
        },
        folder=folder,
        files=[MANIFEST, "dataset.yaml"],
        dataset=DatasetRecord(
            name=record.name,
            digest=record.digest,
            source={"folder": str(folder), "runs": [run.name for run in record.runs]},
            size=len(record.photographs),
        ),
    )
