"""Kill tasks where they write, as a power cut or an impatient user does: nothing may be lost or stay behind.

uv run python -m benchmarks.kills [--kills 1000] [--seed 0] [--minutes 60] [--only serve --only register]

A task is started and killed (kill -9), two times in three at one of its writes or up to 20 ms after it, else
at any moment of its usual duration: its own process alone, or with it all others of the project, the server
included. Then the same task is given again and has to succeed; the databases have to be sound, all documents
to be readable, each registered version to have its files, each verdict that was answered to be there, a run
to have found what an undisturbed one finds, and no process, port or half-written file may be left. Tasks run
in forks of this process (module forked; Linux and macOS). Printed is a table; the exit code is 1 where
something was lost.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from benchmarks.forked import Ended, Kill, import_everything
from benchmarks.kill_tasks import ACTIONS, Action
from benchmarks.kill_yard import HALF, Lost, Yard, losses
from tests.workspaces import Workspace, free_port

AT_A_WRITE = 2 / 3
LATEST = 0.02  # s after a write
FIRST = 2.0  # s, for a task whose usual duration is not known yet


@dataclass(slots=True)
class Count:
    """What came of the kills of one task.

    Attributes:
        kills: How often it was begun to be killed.
        hits: How often it was killed before its end.
        at_writes: How many of these were at a write.
        longest: Seconds that it took at most when it was given again.
        writes: How often it wrote, undisturbed.
        usual: Seconds that it takes.
        lost: What was lost, a line each.
    """

    kills: int = 0
    hits: int = 0
    at_writes: int = 0
    longest: float = 0.0
    writes: int = 0
    usual: float = FIRST
    lost: list[str] = field(default_factory=list)

    def moment(self, dice: random.Random) -> Kill:
        """When the next kill is."""
        if self.writes and dice.random() < AT_A_WRITE:
            after = 0.0 if dice.random() < 0.5 else dice.uniform(0.0001, LATEST)  # noqa: PLR2004
            return Kill(dice.randint(1, self.writes), after)
        return Kill(None, dice.uniform(0, self.usual))

    def undisturbed(self, ended: Ended) -> None:
        """Note how a task went that nobody killed."""
        self.longest = max(self.longest, ended.seconds)
        self.usual = (self.usual + ended.seconds) / 2 if self.writes else ended.seconds
        self.writes = max(self.writes, ended.writes)


def trial(yard: Yard, action: Action, dice: random.Random, count: Count) -> None:
    """Kill a task once, give it again, look."""
    yard.trial += 1
    yard.sessions.clear()
    moment, whole = count.moment(dice), dice.random() < action.whole
    where = f"{moment.seconds:.3f} s" + (f" after write {moment.write}" if moment.write else "")
    what = f"{action.name} killed {where}{' with all' if whole else ''} (trial {yard.trial})"
    count.kills += 1
    try:
        if action.served and action.name != "serve":
            yard.serve()
        if action.fresh:
            yard.begin_again()
        action.before(yard)
        if action.kill is None:
            killed = yard.give(*action.words(yard), kill=moment)
        else:
            killed = action.kill(yard, moment.seconds)
        count.hits += killed.code < 0
        count.at_writes += killed.code < 0 and moment.write is not None
        if whole:
            yard.kill_all()
        if action.served and action.name not in ("serve", "stop"):
            yard.serve()
        count.undisturbed(yard.done(*(action.again or action.words)(yard)))
        count.lost += [f"{what}: {one}" for one in losses(yard)]
        action.after(yard)
    except (Lost, OSError, sqlite3.Error) as error:
        count.lost.append(f"{what}: {error}")
        yard.kill_all()
        yard.begin_again()


def rounds(dice: random.Random, names: set[str]) -> Iterator[Action]:
    """The tasks one after the other: first those that want no server, then the others while one runs."""
    chosen = [action for action in ACTIONS if action.name in names]
    while True:
        for served in (False, True):
            some = [action for action in chosen if action.served == served for _ in range(action.weight)]
            first = [action for action in some if action.name == "serve"]
            last = [action for action in some if action.name == "stop"]
            between = [action for action in some if action.name not in ("serve", "stop")]
            dice.shuffle(between)
            yield from (*first, *between, *last)


def remains(yard: Yard) -> list[str]:
    """What is left when all is over: processes, the port, half-written files that nothing clears."""
    yard.sessions.clear()
    yard.done("mlflow.stop")
    yard.begin_again()
    yard.done("mlflow.serve", "--detach")
    yard.done("mlflow.stop")
    yard.done("mlflow.clean", "--older-than", "0", "--yes")
    found = list(losses(yard))
    found += [
        f"left: {path.relative_to(yard.root)}"
        for pattern in HALF
        for folder in ("runs", "results")
        for path in (yard.root / folder).rglob(pattern)
    ]
    listening = [one for one in psutil.net_connections("tcp") if one.laddr and one.laddr.port == yard.port]
    found += ["the port is held"] if any(one.status == psutil.CONN_LISTEN for one in listening) else []
    return found


def main() -> int:
    """Kill as often as asked for, or as time allows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9, help="end after these, at the latest")
    parser.add_argument("--only", action="append", choices=[action.name for action in ACTIONS])
    asked = parser.parse_args()
    import_everything()
    names = set(asked.only or [action.name for action in ACTIONS])
    counts = {action.name: Count() for action in ACTIONS if action.name in names}
    until = time.monotonic() + 60 * asked.minutes
    # not TemporaryDirectory: a fork's end would remove it
    place = Path(tempfile.mkdtemp(prefix="kills-"))
    root = place / "project"
    variables = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}", "KILLS_OF": str(root)}
    yard = Yard(Workspace.make(root, **variables))
    try:
        yard.make()
        dice = random.Random(asked.seed)  # noqa: S311 - repeatable
        actions = rounds(dice, names)
        while sum(one.kills for one in counts.values()) < asked.kills and time.monotonic() < until:
            action = next(actions)
            if not action.served and yard.healthy():
                yard.done("mlflow.stop")
            trial(yard, action, dice, counts[action.name])
            print(f"{yard.trial} {action.name} {counts[action.name].lost[-1:]}", file=sys.stderr, flush=True)
        left = remains(yard)
    finally:
        yard.kill_all()
        shutil.rmtree(place, ignore_errors=True)
    report(counts, left, asked.seed)
    return 1 if left or any(one.lost for one in counts.values()) else 0


def report(counts: dict[str, Count], left: list[str], seed: int) -> None:
    """Print the table, and what was lost."""
    print("| task | kills | before its end | of these at a write | longest when given again, s | lost |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, one in counts.items():
        cells = (name, one.kills, one.hits, one.at_writes, f"{one.longest:.1f}", len(one.lost))
        print(f"| {' | '.join(map(str, cells))} |")
    lost = [text for one in counts.values() for text in one.lost] + left
    print(f"\n{sum(one.kills for one in counts.values())} kills, seed {seed}; lost or left: {len(lost)}")
    for text in lost:
        print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
