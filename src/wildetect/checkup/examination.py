"""All checks, one after the other, whatever goes wrong in one of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from wildetect.checkup.configuration import check_dotenv, check_settings, check_shims
from wildetect.checkup.environment import (
    check_clock,
    check_packages,
    check_python,
    check_shadowing,
    check_system,
    check_uv,
    check_versions,
)
from wildetect.checkup.finding import Finding, of_error, problem, warning
from wildetect.checkup.folder import check_folder
from wildetect.checkup.model import check_device, check_model
from wildetect.checkup.places import check_places
from wildetect.checkup.server import check_port, check_server
from wildetect.checkup.store import check_disk, check_store
from wildetect.checkup.subject import Subject
from wildetect.errors import EXIT_BUG, WildDetectError

__all__ = ["CHECKS", "as_document", "examine", "exit_code"]

logger = logging.getLogger(__name__)

FIRST = "Fix what stands above first"
Check = Callable[[Subject], list[Finding]]

CHECKS: dict[str, Check] = {
    "system": check_system,
    "clock": check_clock,
    "folder": check_folder,
    "versions": check_versions,
    "python": check_python,
    "packages": check_packages,
    "shadowing": check_shadowing,
    "uv": check_uv,
    ".env": check_dotenv,
    "settings": check_settings,
    "places": check_places,
    "shims": check_shims,
    "disk": check_disk,
    "store": check_store,
    "port": check_port,
    "server": check_server,
    "model": check_model,
    "device": check_device,
}
"""What everything else stands on comes first, so that the first problem is the one to fix first."""


def examine(subject: Subject) -> Iterator[Finding]:
    """Make all checks; each finding is given as soon as it is known, and once."""
    given: set[str] = set()
    broken = False
    for name, check in CHECKS.items():
        for finding in _made(name, check, subject, broken=broken):
            if finding.says not in given:
                given.add(finding.says)
                broken |= finding.verdict == "problem"
                yield finding


def _made(name: str, check: Check, subject: Subject, *, broken: bool) -> list[Finding]:
    """The findings of a check; one that cannot be made is a finding itself.

    Args:
        name: What is looked at.
        check: The check.
        subject: The project.
        broken: Whether a problem is known already, from which this may follow: one cause is one problem.
    """
    try:
        return check(subject)
    except WildDetectError as error:
        return of_error(name, error)
    except ImportError as error:
        says = f"not looked at: {error}"
        return [warning(name, says, fix=FIRST)] if broken else [problem(name, says, fix="uv sync")]
    except Exception as error:  # one check must not hide the others
        logger.debug("the check %s failed", name, exc_info=True)
        says = f"not looked at: {type(error).__name__}: {' '.join(str(error).split())}"
        if broken:
            return [warning(name, says, fix=FIRST)]
        return [Finding(name, "problem", says, "Report it with the end of runs/wildetect.log", EXIT_BUG)]


def exit_code(findings: Iterable[Finding]) -> int:
    """That of the first problem, which the later ones often follow from; 0 where there is none."""
    return next((finding.exit_code for finding in findings if finding.verdict == "problem"), 0)


def as_document(findings: list[Finding]) -> dict[str, Any]:
    """The findings for `--json`; tests hold its keys."""
    code = exit_code(findings)
    return {
        "healthy": code == 0,
        "exit_code": code,
        "problems": sum(finding.verdict == "problem" for finding in findings),
        "warnings": sum(finding.verdict == "warning" for finding in findings),
        "findings": [
            {
                "check": finding.check,
                "verdict": finding.verdict,
                "says": finding.says,
                "mend": finding.fix,
                "exit_code": finding.exit_code,
            }
            for finding in findings
        ],
    }
