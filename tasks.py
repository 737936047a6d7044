"""The collection that `invoke` finds: `uv run invoke --list` shows its tasks."""

from wildetect.tasks import ns
from wildetect.tasks.command_line import prepare_command_line

__all__ = ["ns"]

prepare_command_line(ns)
