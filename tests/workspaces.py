"""A workspace as a user has it, and the real program run in it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
# What the machine that runs the tests says must not decide them.
LEFT_OUT = ("MLFLOW_", "WILDETECT_", "AWS_", "DISPLAY", "WAYLAND_DISPLAY")

# What a task says where it is slow to begin: on a busy machine any task, on an idle one none.
SIGN_OF_LIFE = re.compile(r"^\S+ is at work(?:, \d+ s so far)?(?:: .*)? \.\.\.\r?\n", re.MULTILINE)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def unused_uri() -> str:
    """The address of a server that is off."""
    return f"http://127.0.0.1:{free_port()}"


@dataclass
class Workspace:
    """A copy of tasks.py and configs/ in a folder of its own."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path, **variables: str) -> Workspace:
        root.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "tasks.py", root)
        shutil.copytree(REPOSITORY / "configs", root / "configs")
        return cls(root, variables)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
        return {**kept, "CI": "true", "PYTHONUTF8": "1", **self.variables}

    def start(
        self, *command: str, stdin: int = subprocess.DEVNULL, stderr: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Start Python in the workspace, such as `-m invoke demo`; what it says is text."""
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=self.root,
            env=self.environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
        )

    def invoke(
        self, *words: str | Path, folder: Path | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a task as `invoke` does, to its end; its stderr without what only a busy machine says."""
        ended = subprocess.run(
            [sys.executable, "-m", "invoke", *map(str, words)],
            cwd=folder or self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        ended.stderr = SIGN_OF_LIFE.sub("", ended.stderr)
        return ended

    def succeed(self, *words: str | Path, timeout: float = 120) -> str:
        """Run a task that must succeed; its stdout."""
        ended = self.invoke(*words, timeout=timeout)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def document(self, *words: str | Path, timeout: float = 120) -> Any:
        """The JSON document of a task that must succeed."""
        return json.loads(self.succeed(*words, "--json", timeout=timeout))

    def fail(self, code: int, *words: str | Path, timeout: float = 120) -> tuple[str, str]:
        """Run a task that must fail with a code; its `error:` and `hint:` lines, one of each."""
        ended = self.invoke(*words, timeout=timeout)
        said = ended.stdout + ended.stderr
        assert ended.returncode == code, said
        assert "Traceback" not in said
        (error,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
        (hint,) = [line for line in ended.stderr.splitlines() if line.startswith("hint: ")]
        return error, hint


_ONE_AFTER_THE_OTHER = """
import contextlib, io, json, sys
from invoke.main import program
for line in sys.stdin:
    words, said, code = json.loads(line), [io.StringIO(), io.StringIO()], 0
    with contextlib.redirect_stdout(said[0]), contextlib.redirect_stderr(said[1]):
        try:
            program.run(["invoke", *words])
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([code, *(one.getvalue() for one in said)]), flush=True)
"""


class ManyTasks:
    """`invoke`, loaded once for many short tasks of one workspace."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def invoke(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a task to its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([str(word) for word in words]), file=self.process.stdin, flush=True)
        code, stdout, stderr = json.loads(self.process.stdout.readline())
        return subprocess.CompletedProcess(words, code, stdout, SIGN_OF_LIFE.sub("", stderr))


@contextlib.contextmanager
def many_tasks(workspace: Workspace) -> Iterator[ManyTasks]:
    """Load `invoke` once for many short tasks."""
    command = ("-c", _ONE_AFTER_THE_OTHER)
    with workspace.start(*command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield ManyTasks(process)
        assert process.stdin is not None
        process.stdin.close()
