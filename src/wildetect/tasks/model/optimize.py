"""The task that makes a faster version of a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.meant import is_path
from wildetect.tasks.numbers import decimal
from wildetect.tasks.support import emit, export_variables, verb
from wildetect.wording import number_of, quoted

if TYPE_CHECKING:
    from wildetect.workflows.optimizing import Optimized

__all__ = ["optimize"]


@verb(
    help={
        "model": "name@alias, name/version or name/latest",
        "pictures": "photographs with animals, best of the survey to come; may be given more than once",
        "agree": "least agreement of the boxes, 0 to 1; below it nothing is registered (0.99)",
        "kind": "int8 for processors, float16 for GPUs, windows for fewer overlaps (int8)",
        "config": "settings file; without it configs/detection.yaml",
        "tile-size": "longer side of a tile in px; 0 takes each photograph whole",
        "confidence": "boxes below it are not compared, 0 to 1",
        "device": "auto, cpu, cuda, directml or openvino",
        "limit": "only so many of the photographs, spread over all",
        "dry-run": "compare and time, register nothing",
        "json": "the outcome as a JSON document on stdout",
    },
    words=["model"],
    paths="pictures",
    iterable=["pictures"],
)
def optimize(
    context: Context,
    model: str | None = None,
    pictures: list[str] | None = None,
    agree: str = "0.99",
    kind: str = "int8",
    config: str | None = None,
    tile_size: str | None = None,
    confidence: str | None = None,
    device: str | None = None,
    limit: str | None = None,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Make a faster version, and measure that it agrees.

    The network is converted to fewer bits, with ranges from half of the photographs; on the other half
    both find animals. It becomes a new version only if the boxes agree and it is faster on this machine.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.registry.reference import check_detector
    from wildetect.settings import Project
    from wildetect.settings.problems import one_of
    from wildetect.settings.project import from_caller
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.detection_plan import Request
    from wildetect.workflows.optimizing import FORMS
    from wildetect.workflows.optimizing import optimize as make

    check_detector(model)
    folders = " ".join(map(quoted, [one for one in pictures or () if is_path(one)] or ["FOLDER"]))
    example = f"uv run invoke model.optimize --model {quoted(model or 'NAME@ALIAS')} --pictures {folders}"
    if not (model and pictures):
        raise ConfigurationError("a model and pictures are needed", hint=example)
    chosen = one_of("--kind", kind, FORMS)
    request = Request(
        config=config,
        model=model,
        device=device,
        confidence=confidence,
        tile_size=tile_size,
        limit=limit,
        sources=tuple(str(from_caller(path)) for path in pictures),
    )
    project = Project.find()
    export_variables(project)
    least = decimal("--agree", agree, lambda one: 0 < one <= 1, "a share above 0, up to 1", 0.99)
    outcome = make(project, request, chosen, least, Terminal(), dry_run=dry_run)
    if json:
        emit(_document(outcome))
    else:
        _print(model, outcome)


def _document(outcome: Optimized) -> dict[str, object]:
    agreement = outcome.agreement
    return {
        "kind": outcome.kind,
        "version": outcome.version,
        "agreement": agreement.share,
        "boxes": {"same": agreement.same, "before": agreement.first, "after": agreement.second},
        "counts": {name: list(pair) for name, pair in agreement.counts.items()},
        "speed_ratio": outcome.speed,
        "left_in_float": outcome.kept,
        "windows": outcome.windows,
        "pictures": outcome.pictures,
        "differences": None if outcome.differences is None else str(outcome.differences),
    }


def _print(model: str, outcome: Optimized) -> None:
    agreement = outcome.agreement
    width = max(map(len, (*agreement.counts, "all")))
    print(f"{'':<{width}}  before   {outcome.kind}")
    for name, (before, after) in agreement.counts.items():
        print(f"{name:<{width}}  {before:>6}  {after:>5}")
    print(f"{'all':<{width}}  {agreement.first:>6}  {agreement.second:>5}")
    print(
        f"agreement {agreement.share:.3f} on {number_of(outcome.pictures, 'picture')}, "
        f"{number_of(agreement.same, 'box', 'boxes')} are the same"
    )
    print(f"time      {outcome.speed:.2f} of that of {model}, in turn on this machine")
    if outcome.windows > 1:
        print(f"windows   up to {outcome.windows} tiles a side")  # never one
    if outcome.differences:
        print(f"differ    {outcome.differences}")
    if outcome.version is not None:
        print(f"made      {model.partition('@')[0].partition('/')[0]} version {outcome.version}")
