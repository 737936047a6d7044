"""A person's path is printed at the end, by whichever worker its commands were given."""

from __future__ import annotations

import pytest
from tests.docs.timed import path_lines

FIRST = "test_a_clone_gets_its_packages"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print commands and seconds from a clone to the first results of one's own."""
    reports = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    reports.sort(key=lambda report: FIRST not in report.nodeid)
    lines = list(path_lines(entry for report in reports for entry in report.user_properties))
    if lines:
        terminalreporter.section("from a clone to a first survey: this command, all so far")
        for line in lines:
            terminalreporter.write_line(line)
