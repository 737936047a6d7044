"""The task that makes a training set of what people corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.numbers import decimal, whole
from wildetect.tasks.support import emit, export_variables, verb
from wildetect.wording import commas, listed

if TYPE_CHECKING:
    from wildetect.settings.training.dataset import DataSetOptions
    from wildetect.workflows.learning.dataset import DataSetBuilt

__all__ = ["build"]


@verb(
    help={
        "run": "output folder of a reviewed detect.run; may be given more than once",
        "output": "folder of the training set; it must not be there yet",
        "classes": "CSV table with the columns class and becomes; an empty becomes leaves a class out",
        "validation": "part of the photographs that a training watches itself on; without it 0.2",
        "test": "part of the photographs that no training sees; without it 0.2",
        "empty-tiles": "tiles without anything to learn from, of each photograph; without it 4",
        "seed": "decides where several splits are as good; without it 0",
        "source": "where the photographs lie now, if elsewhere than the run found them",
        "keep-test": "an earlier training set: what it measures with, this one does, too; may be given again",
        "json": "what is in it, on stdout",
    },
    paths="run",
    iterable=["run", "source", "keep_test"],
)
def build(
    context: Context,
    run: list[str] | None = None,
    output: str | None = None,
    classes: str | None = None,
    validation: str | None = None,
    test: str | None = None,
    empty_tiles: str | None = None,
    seed: str | None = None,
    source: list[str] | None = None,
    keep_test: list[str] | None = None,
    json: bool = False,
) -> None:
    """Make a training set of reviewed photographs.

    All photographs that are complete are in it, the empty ones, too, cut into tiles as the run cut them.
    Boxes that were wrong become tiles to learn from. No ground, no flight line and no copy of a photograph
    is in two of the parts train, val and test; photographs without a position stay together by flight.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.results.finished_run import read_finished_run
    from wildetect.settings import Project
    from wildetect.settings.project import from_caller, given_path, place_from_caller
    from wildetect.tasks.progress import Terminal
    from wildetect.wording import quoted
    from wildetect.workflows.learning.dataset import DataSetRequest, build_dataset

    if not (run and output):
        for one in run or ():
            read_finished_run(from_caller(one))
        runs = " ".join(f"--run {quoted(one)}" for one in run or ["FOLDER"])
        raise ConfigurationError(
            "a reviewed run and a folder for the training set are needed",
            hint=f"uv run invoke dataset.build {runs} --output {quoted(output or 'training-set')}",
        )
    project = Project.find()
    export_variables(project)
    request = DataSetRequest(
        runs=tuple(map(from_caller, run)),
        output=from_caller(output),
        classes=given_path(classes),
        sources=tuple(map(place_from_caller, source or ())),
        keep_test=tuple(map(from_caller, keep_test or ())),
        options=_options(validation, test, empty_tiles, seed),
    )
    built = build_dataset(project, request, Terminal())
    if json:
        emit({**built.record.document(), "folder": str(built.folder), "mlflow": built.url})
        return
    _show(built)


def _options(
    validation: str | None, test: str | None, empty_tiles: str | None, seed: str | None
) -> DataSetOptions:
    from wildetect.settings.training.dataset import DataSetOptions

    usual = DataSetOptions()
    return DataSetOptions(
        validation=_part("--validation", validation, usual.validation),
        test=_part("--test", test, usual.test),
        empty_tiles=_whole("--empty-tiles", empty_tiles, usual.empty_tiles),
        seed=_whole("--seed", seed, usual.seed),
    )


def _part(option: str, text: str | None, usual: float) -> float:
    if text is None:
        return usual
    return decimal(option, text, lambda one: 0 <= one < 1, "a number from 0 up to 1", f"{usual:g}")


def _whole(option: str, text: str | None, usual: int) -> int:
    return usual if text is None else whole(option, text, least=0, example=usual)


def _show(built: DataSetBuilt) -> None:
    from wildetect.tasks.table import print_table

    record = built.record
    rows = [
        [
            part,
            *(
                f"{number:,}"
                for number in (
                    one.photographs,
                    one.groups,
                    one.tiles,
                    one.with_animals,
                    one.hard_negatives,
                    one.empty,
                    sum(one.labels.values()),
                )
            ),
        ]
        for part, one in record.parts.items()
    ]
    head = ["part", "photographs", "groups", "tiles", "with animals", "wrong boxes", "empty", "labels"]
    print_table(head, rows, numbers=True)
    print(f"split by {record.split}; classes: {commas(record.class_names)}; digest {record.digest[:16]}")
    if record.parts["test"].tiles:
        frozen = record.parts["test"].coco_sha256[:16]
        print(f"measured with: {built.folder / 'test.json'}, called {record.name} test, digest {frozen}")
    print(f"reviewed by {listed(f'{name} ({number:,})' for name, number in record.reviewers.items())}")
    print(built.folder)
    if built.url:
        print(built.url)
