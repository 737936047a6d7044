"""All methods of a census, one record each, in the order in which they are asked whether they apply.

A new method is one file with its record in this folder, its word in settings/words.py, and the template that
explains it in the report.
"""

from __future__ import annotations

from collections.abc import Iterable

from wildetect.catalogue import gathered
from wildetect.census.estimates.methods.method import Counted, EstimateMethod
from wildetect.settings.words import METHODS as WORDS
from wildetect.settings.words import Method

__all__ = ["COMPLETE", "METHODS", "method_for", "methods_among"]

METHODS: dict[Method, EstimateMethod] = gathered("wildetect.census.estimates.methods", EstimateMethod, WORDS)
"""The records by their words, in their order."""
COMPLETE = frozenset(word for word, one in METHODS.items() if one.complete)
"""Those without a sampling error."""


def method_for(counted: Counted) -> EstimateMethod:
    """The first method that applies to a stratum."""
    return next(one for one in METHODS.values() if one.applies(counted))


def methods_among(used: Iterable[str]) -> list[EstimateMethod]:
    """The methods that estimates name, each once, as they come; sums and refusals are none."""
    known = {str(word): one for word, one in METHODS.items()}
    return [known[name] for name in dict.fromkeys(used) if name in known]
