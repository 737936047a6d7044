"""The collection that `invoke` finds: `uv run invoke --list` shows its tasks."""

import importlib.util
import os
import shlex
import subprocess
import sys

if importlib.util.find_spec("wildetect") is None:  # invoke of another Python, or one without the packages
    words = (subprocess.list2cmdline if os.name == "nt" else shlex.join)(sys.argv[1:])
    print(  # noqa: T201 - there is nothing of ours that could
        f"error: the packages of this project are not installed for {sys.executable}\n"
        f"hint: uv run invoke {words} (README.md says how to get uv); "
        "without uv make a virtual environment of Python 3.11 to 3.14, and in it: python -m pip install -e .",
        file=sys.stderr,
    )
    sys.exit(2)

from wildetect.interrupts import leave_on_interrupt

leave_on_interrupt()

from wildetect.tasks import ns  # noqa: E402 - loading takes a while, in which Ctrl+C may come
from wildetect.tasks.command_line import prepare_command_line  # noqa: E402

__all__ = ["ns"]

prepare_command_line(ns)
