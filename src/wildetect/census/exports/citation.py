"""citation.txt: what to write in a paper or report about a census."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from wildetect.census.estimates.methods.table import methods_among
from wildetect.census.estimates.records import SAMPLING_ONLY
from wildetect.census.exports.form import CensusForm, ExportedCensuses
from wildetect.census.output.record import CensusRecord
from wildetect.results.files import write_text
from wildetect.wording import listed, number_of

__all__ = ["CITATION", "citation_of", "digest_of"]


def digest_of(record: CensusRecord) -> str:
    """A sha256 of all that a census counted: of two censuses with one digest all numbers are the same."""
    text = json.dumps(record.counted(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def citation_of(record: CensusRecord, digest: str) -> str:
    """The sentences, with method, versions and the digest that `digest_of` gives."""
    methods = methods_among(sorted({one.method for one in record.estimates}))
    spreads = {one.spread for each in record.estimates for one in each.limits if one.chosen}
    lines = [
        (
            f"Animals in {number_of(len(record.photographs), 'aerial photograph')} of the survey "
            f"{record.campaign.id} were detected with {record.model} (sha256 {record.model.sha256}) and "
            f"counted once with WildDetect {record.versions.get('wildetect', '')}."
        ),
    ]
    if methods:
        text = f"Numbers for the survey area are by {listed(one.said for one in methods)} (Jolly 1969)"
        if "neighbouring lines" in spreads:
            text += "; standard errors by estimator O2 of Fewster et al. (2009)"
        if spreads:
            text += f"; 95% limits are log-normal (Buckland et al. 2001) and hold {SAMPLING_ONLY}"
        lines.append(text + ".")
    lines += [
        f"Data digest (sha256): {digest}",
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


def _write(path: Path, censuses: ExportedCensuses) -> list[str]:
    write_text(
        path, ["\n".join(citation_of(one.record, digest_of(one.record)) for one in censuses.publications)]
    )
    return []


CITATION = CensusForm(
    name="citation",
    file="citation.txt",
    about="method, versions of program and model, and a digest of all that was counted",
    write=_write,
    together=True,
)
