"""The collection that `invoke` finds: `uv run invoke --list` shows its tasks."""

from wildetect.interrupts import leave_on_interrupt

leave_on_interrupt()

from wildetect.tasks import ns  # noqa: E402 - loading takes a while, in which Ctrl+C may come
from wildetect.tasks.command_line import prepare_command_line  # noqa: E402

__all__ = ["ns"]

prepare_command_line(ns)
