"""Corrections of what all photographs say alike, as the settings ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from wildetect.census.ground.photographs import View, Views

__all__ = ["CorrectionsLike", "corrected", "told"]


class CorrectionsLike(Protocol):
    """What `survey.corrections` holds."""

    @property
    def yaw(self) -> float:
        """Degrees that are added to every yaw."""

    @property
    def fixed_yaw(self) -> float | None:
        """The one yaw of all; null: theirs."""

    @property
    def scale(self) -> float:
        """By which every height above the ground is multiplied."""


def corrected(views: Views, corrections: CorrectionsLike) -> Views:
    """Apply the corrections to all photographs; rasters lie on the map already.

    Args:
        views: As the photographs and the settings say.
        corrections: Of the settings.
    """
    if not list(told(corrections)):
        return views
    found = [_one(view, corrections) if isinstance(view, View) else view for view in views.views]
    return Views(views.projection, found, views.left_out)


def told(corrections: CorrectionsLike) -> Iterator[str]:
    """What is corrected, for people; nothing where nothing is."""
    if corrections.fixed_yaw is not None:
        yield f"all have a yaw of {corrections.fixed_yaw:g} degrees"
    if corrections.yaw:
        yield f"{corrections.yaw:+g} degrees of yaw"
    if corrections.scale != 1:
        yield f"heights times {corrections.scale:g}"


def _one(view: View, corrections: CorrectionsLike) -> View:
    yaw = view.yaw if corrections.fixed_yaw is None else corrections.fixed_yaw
    return replace(
        view,
        yaw=(yaw + corrections.yaw + 180) % 360 - 180,
        height_above_ground=view.height_above_ground * corrections.scale,
        sources={**view.sources, "correction": ", ".join(told(corrections))},
    )
