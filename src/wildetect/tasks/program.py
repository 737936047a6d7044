"""The console script `wildetect`: the same tasks from any folder, without a tasks.py."""

from __future__ import annotations

import importlib.metadata

from invoke.program import Program

from wildetect.tasks import ns
from wildetect.tasks.calling import called_as
from wildetect.tasks.command_line import prepare_command_line

__all__ = ["main"]

NAME = "wildetect"


class _Wildetect(Program):
    def parse_collection(self) -> None:
        super().parse_collection()
        prepare_command_line(ns, self)


def main() -> None:
    """Run the tasks that the command line names; ends with the exit code of the first that fails."""
    called_as(NAME)
    version = importlib.metadata.version(NAME)
    _Wildetect(version=version, namespace=ns, name=NAME, binary=NAME, binary_names=[NAME]).run()
