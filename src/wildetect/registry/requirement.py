"""What a version must reach before an alias is moved to it: `map50>=0.6`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wildetect.errors import ConfigurationError, ModelError
from wildetect.registry.names import find_metric
from wildetect.wording import listed, quoted

__all__ = ["Requirement"]

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Requirement:
    """A bound on a metric.

    Attributes:
        metric: Its name, such as "map50".
        comparison: One of `COMPARISONS`.
        bound: The value to compare with.
    """

    metric: str
    comparison: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.comparison}{self.bound:g}"

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read `metric>=value`, with any of >=, <=, > and <.

        Raises:
            ConfigurationError: Where the text is not a requirement.
        """
        match = re.fullmatch(r"\s*(\S.*?)\s*(>=|<=|>|<)\s*([-+]?\d*\.?\d+)\s*", text)
        if match is None:
            raise ConfigurationError(
                f"{text!r} is not a valid requirement", hint='Write it as --require "map50>=0.6".'
            )
        return cls(match[1], match[2], float(match[3]))

    def check(self, subject: str, metrics: Mapping[str, float]) -> str:
        """Refuse a version that does not reach the bound, or was never measured.

        Returns:
            The requirement with the value that met it: "map50>=0.6 (0.71)".

        Raises:
            ModelError: With the value it has.
        """
        value = find_metric(self.metric, metrics)
        if value is None:
            known = listed(sorted(metrics), none="none")
            raise ModelError(
                f"{subject} has no metric {self.metric}; it has: {known}",
                hint=f"Measure it: uv run invoke model.evaluate --model {quoted(subject)} --annotations FILE",
            )
        if not COMPARISONS[self.comparison](value, self.bound):
            raise ModelError(
                f"{subject} has {self.metric} {value:g}, which is not {self.comparison} {self.bound:g}",
                hint="The alias stays where it is; train on, or lower the requirement.",
            )
        return f"{self} ({value:.4g})"
