"""The precision-recall plot; the only module that imports matplotlib."""

from __future__ import annotations

from pathlib import Path

from wildetect.evaluation.scoring import IOU, RECALLS, Scores
from wildetect.results.files import replacing

__all__ = ["write_precision_recall"]

_MOST_CURVES = 10  # more cannot be told apart
_DOTS_PER_INCH = 120


def write_precision_recall(path: Path, scores: Scores, *, title: str, confidence: float) -> None:
    """Draw the precision-recall curve of each class, with a dot where a run at `confidence` stands.

    Args:
        path: A PNG file.
        scores: Classes without labelled animals are left out; of many classes those with most animals
            are drawn.
        title: What was measured on what.
        confidence: Of the run.

    Raises:
        InputError: The file cannot be written.
    """
    # not pyplot: it would look for a screen, and keep the figure
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 6), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    by_animals = sorted(scores.classes, key=lambda one: -one.counts.animals)
    for one in by_animals[:_MOST_CURVES]:
        if one.curve is None:
            continue
        (line,) = axes.plot(RECALLS, one.curve, label=f"{one.name}: AP50 {one.ap50:.3f}")
        recall, precision = one.counts.recall, one.counts.precision
        if recall is not None and precision is not None:
            axes.plot(recall, precision, "o", color=line.get_color())
    axes.set(
        xlim=(0, 1.01),
        ylim=(0, 1.01),
        xlabel="recall: part of the animals that is found",
        ylabel="precision: part of the boxes that is right",
        title=f"{title}\nIoU {IOU:g}; dots: confidence {confidence:g}",
    )
    axes.grid(alpha=0.3)
    if axes.get_lines():
        axes.legend(loc="lower left")
    with replacing(path) as file:
        canvas.print_figure(file, format="png", dpi=_DOTS_PER_INCH)
