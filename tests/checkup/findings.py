"""What the tests of single checks share."""

from __future__ import annotations

from wildetect.checkup.finding import Finding
from wildetect.checkup.subject import Subject


def subject(**more: int) -> Subject:
    """The project in the current folder."""
    return Subject.find(shims=(), **more)


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def bad(findings: list[Finding]) -> Finding:
    """The one that is not ok; it says what fixes it."""
    finding = only([finding for finding in findings if finding.verdict != "ok"])
    assert finding.fix
    assert bool(finding.exit_code) == (finding.verdict == "problem")
    return finding
