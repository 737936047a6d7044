"""citation.txt: what to write in a paper or report about a census."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["citation_of", "digest_of"]

_DATA = ("photographs", "transects", "strata", "estimates", "animals")


def digest_of(document: Mapping[str, Any]) -> str:
    """A sha256 of all that a census counted: of two censuses with one digest all numbers are the same."""
    data = {name: document.get(name) for name in _DATA}
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def citation_of(document: Mapping[str, Any]) -> str:
    """The sentences, with method, versions and digest."""
    model, versions = document["model"], document["versions"]
    name = model.get("name") or model["file"]
    version = f" version {model['version']}" if model.get("version") else ""
    methods = sorted({one["method"] for one in document["estimates"]} & {"Jolly 1", "Jolly 2", "total count"})
    named = {"Jolly 1": "Jolly's method 1", "Jolly 2": "Jolly's method 2", "total count": "a total count"}
    spreads = {one["spread"] for each in document["estimates"] for one in each["limits"] if one["chosen"]}
    lines = [
        (
            f"Animals in {len(document['photographs']):,} aerial photographs of the survey "
            f"{document['campaign']['id']} were detected with {name}{version} (sha256 {model['sha256']}) and "
            f"counted once with WildDetect {versions['wildetect']}."
        ),
    ]
    if methods:
        text = (
            f"Numbers for the survey area are by {' and '.join(named[one] for one in methods)} (Jolly 1969)"
        )
        if "neighbouring lines" in spreads:
            text += "; standard errors by estimator O2 of Fewster et al. (2009)"
        if spreads:
            text += "; 95% limits are log-normal (Buckland et al. 2001) and hold sampling error only"
        lines.append(text + ".")
    lines += [
        f"Data digest (sha256): {digest_of(document)}",
        "",
        (
            "Jolly, G. M. 1969. Sampling methods for aerial censuses of wildlife populations. East African "
            "Agricultural and Forestry Journal 34, 46-49."
        ),
        (
            "Fewster, R. M. et al. 2009. Estimating the encounter rate variance in distance sampling. "
            "Biometrics 65, 225-236."
        ),
        "Buckland, S. T. et al. 2001. Introduction to Distance Sampling. Oxford University Press.",
    ]
    return "\n".join(lines) + "\n"
