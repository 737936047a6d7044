"""Give every task that talks to a server one that becomes bad: it has to end in time, and to say why.

uv run python -m benchmarks.bad_servers [--seed 0] [--each 3] [--only model.show ...] [--kind drip ...]

A real server stands behind one that answers well for some requests, and then drips its bytes, is silent,
breaks off, shows a page to sign in, fails, sends on to itself, asks to come again in a day, never ends its
answer, or gives another shape of JSON. Each task is given for each of these with `--each` moments at which
that begins: after first contact, and by seed. MLFLOW_HTTP_REQUEST_TIMEOUT is 2 s in place of 60 s. Counted
is what took longer than 40 s, ended with another exit code than 3 (or 0 with a warning of what was left
out), showed a traceback, or gave no hint. Tasks run in forks of this process (module forked; Linux and
macOS). An answer that never ends may take 4 GB of the disk for a moment.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.forked import Ended, fork, import_everything, waited
from benchmarks.kill_yard import ROOT, Yard
from tests.bad_servers import KINDS, BadServer
from tests.workspaces import Workspace, free_port

LONGEST = 40.0  # s
PICTURES = ROOT / "demo" / "pictures"
TRUTH = ("--annotations", str(ROOT / "demo" / "truth.json"), "--images", str(PICTURES))


@dataclass(frozen=True)
class Asking:
    """A task that asks a server.

    Attributes:
        words: Gives it, from a number that is new each time.
        before: Gives what is done before with the good server, from the same number.
    """

    words: Callable[[int], tuple[str, ...]]
    before: Callable[[int], tuple[tuple[str, ...], ...]] = lambda _: ()


def _alike(*words: str) -> Callable[[int], tuple[str, ...]]:
    return lambda _: words


def _registered(number: int) -> tuple[tuple[str, ...], ...]:
    return (("model.register", "--weights", "herd.onnx", "--name", f"new{number}"),)


def _detect(number: int, model: str) -> tuple[str, ...]:
    words = ("--source", "photographs", "--model", model, "--tile-size", "64", "--confidence", "0.5")
    return ("detect.run", *words, "--output", f"results/bad{number}")


TASKS = {
    "model.list": Asking(_alike("model.list")),
    "model.show": Asking(_alike("model.show", "herd@production")),
    "model.history": Asking(_alike("model.history", "herd")),
    "model.promote": Asking(lambda number: ("model.promote", "herd/1", f"moved{number}")),
    "model.promote over": Asking(
        _alike("model.promote", "herd/1", "taken"), lambda _: (("model.promote", "herd/2", "taken"),)
    ),
    "model.promote --undo": Asking(
        lambda number: ("model.promote", f"herd@undone{number}", "--undo"),
        lambda number: (("model.promote", "herd/1", f"undone{number}"),),
    ),
    "model.promote --require": Asking(_alike("model.promote", "demo/1", "good", "--require", "map50>=0")),
    "model.promote --better-than": Asking(
        _alike("model.promote", "demo/2", "better", "--better-than", "production")
    ),
    "model.register": Asking(
        lambda number: ("model.register", "--weights", "herd.onnx", "--name", f"bad{number}", "--alias", "a")
    ),
    "model.delete": Asking(lambda number: ("model.delete", f"new{number}/1", "--yes"), _registered),
    "model.evaluate": Asking(_alike("model.evaluate", "--model", "demo/1", *TRUTH, "--limit", "1")),
    "model.compare": Asking(_alike("model.compare", "--name", "demo")),
    "model.export": Asking(
        lambda number: ("model.export", f"new{number}/1", "--output", f"out{number}.zip"), _registered
    ),
    "model.import": Asking(lambda number: ("model.import", "herd.zip", "--name", f"come{number}")),
    "model.optimize": Asking(
        _alike("model.optimize", "--model", "herd@production", "--pictures", "photographs")
    ),
    "detect.run": Asking(lambda number: _detect(number, f"new{number}/1"), _registered),
    "detect.run FILE": Asking(lambda number: _detect(number, "herd.onnx")),
    "census.run": Asking(
        lambda number: ("census.run", "results/base", "--output", f"results/census{number}")
    ),
}


@contextmanager
def bad(server: BadServer) -> Iterator[None]:
    """A process in which a server runs."""
    pid = os.fork()
    if not pid:
        try:
            server.serve()
        finally:
            os._exit(0)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        server.listener.close()


def give(yard: Yard, words: tuple[str, ...], uri: str) -> Ended:
    """Give a task with another server."""
    environment = yard.workspace.environment | {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "2",
    }
    return waited(fork(words, yard.root, environment, patience=3 * LONGEST))


def wrong(ended: Ended) -> list[str]:
    """What is wrong with the end of a task."""
    lines = ended.said.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    hints = [line for line in lines if line.startswith("hint: ")]
    warned = any("warning: " in line for line in lines)
    good = (ended.code == 3 and len(errors) == 1 and bool(hints)) or (ended.code == 0 and warned)  # noqa: PLR2004
    found = [] if good else [f"ended with {ended.code}"]
    found += ["a traceback"] if "Traceback" in ended.said else []
    found += [f"{ended.seconds:.0f} s"] if ended.seconds > LONGEST else []
    return found


def requests_of(yard: Yard, asking: Asking, number: int, port: int) -> int:
    """How many requests a task sends to a good server."""
    for words in asking.before(number):
        yard.done(*words)
    counted = yard.root / "asked"
    server = BadServer(port, "silent", spared=10_000)
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGTERM, lambda *_: (counted.write_text(str(server.asked)), os._exit(0)))
        server.serve()
        os._exit(1)
    give(yard, asking.words(number), server.uri)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    server.listener.close()
    return int(counted.read_text(encoding="utf-8"))


def main() -> int:
    """Try all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(TASKS))
    parser.add_argument("--kind", action="append", choices=KINDS)
    asked = parser.parse_args()
    import_everything()
    place = Path(tempfile.mkdtemp(prefix="bad-servers-"))
    port, root = free_port(), place / "project"
    yard = Yard(Workspace.make(root, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}", KILLS_OF=str(root)))
    dice = random.Random(asked.seed)  # noqa: S311 - repeatable
    try:
        yard.make()
        prepare(yard)
        failed = 0
        print("| task | requests | trials | longest, s | wrong |\n|---|---:|---:|---:|---:|")
        for name in asked.only or TASKS:
            failed += row(yard, name, asked.kind or KINDS, (dice, asked.each, port))
    finally:
        yard.kill_all()
        shutil.rmtree(place, ignore_errors=True)
    return 1 if failed else 0


def prepare(yard: Yard) -> None:
    """Register and measure what the tasks ask for."""
    yard.done("mlflow.serve", "--detach")
    detector = str(ROOT / "demo" / "detector.onnx")
    yard.done("model.register", "--weights", detector, "--name", "demo", "--alias", "production")
    yard.done("model.register", "--weights", detector, "--name", "demo", "--force")
    for version in ("demo/1", "demo/2"):
        yard.done("model.evaluate", "--model", version, *TRUTH, "--limit", "2")


def row(yard: Yard, name: str, kinds: tuple[str, ...], how: tuple[random.Random, int, int]) -> int:
    """Try one task; print its line of the table, and return how often something was wrong."""
    dice, each, port = how
    asking = TASKS[name]
    yard.trial += 1
    requests = requests_of(yard, asking, yard.trial, port)
    trials, longest, failed = 0, 0.0, 0
    for kind in kinds:
        moments = dict.fromkeys([1, *(dice.randint(1, max(requests - 1, 1)) for _ in range(each - 1))])
        for moment in moments:
            yard.trial += 1
            for words in asking.before(yard.trial):
                yard.done(*words)
            server = BadServer(port, kind, moment)
            with bad(server):
                ended = give(yard, asking.words(yard.trial), server.uri)
            trials, longest = trials + 1, max(longest, ended.seconds)
            if found := wrong(ended):
                failed += 1
                print(
                    f"{name}, {kind} after {moment}: {'; '.join(found)}\n{ended.said}",
                    file=sys.stderr,
                    flush=True,
                )
    print(f"| {name} | {requests} | {trials} | {longest:.1f} | {failed} |", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
