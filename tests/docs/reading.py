"""The pages as a reader takes them: what to paste, what comes then, and with which exit code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from tests.workspaces import REPOSITORY, SIGN_OF_LIFE

HOME = "/home/ann/wildetect"
"""The project's folder in the pages."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATED_CODE = re.compile(r"exit code (?:is )?(\d+)")
# What is another number each time, or on each machine.
VARYING = re.compile(
    r"""(?P<server>http://(?:127\.0\.0\.1|localhost):\d+)
    | (?P<pid>\bpid\ \d+)
    | (?P<since>\b(?:up|for)\ \d+\ (?:min|s)\b)
    | (?P<id>\b[0-9a-f]{32}\b)
    | (?P<time>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\+\d\d:\d\d)?)?)
    | (?P<duration>\b\d+:\d\d:\d\d\b)
    | (?P<amount>\b[\d.,]+\ (?:s|ms|MB|GB|processes|images/s|tiles/s)\b)
    | (?P<count>\b\d+\ (?:pages|files)\ in\b)
    | (?P<line>(?<=\.yaml:)\d+)
    | (?P<release>\b\d+\.\d+\.\d+\b)
    | (?P<rest>\.\.\.)
    | (?P<gap>\ {2,})""",
    re.VERBOSE,
)
LIKE = {
    "server": r"http://(?:127\.0\.0\.1|localhost):\d+",
    "pid": r"pid \d+",
    "since": r"(?:up|for) \d+ (?:min|s)",
    "id": r"[0-9a-f]{32}",
    "time": r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\+\d\d:\d\d)?)?",
    "duration": r"\d+:\d\d:\d\d",
    "count": r"\d+ (?:pages|files) in",
    "line": r"\d+",
    "release": r"\d+\.\d+\.\d+\S*",
    "rest": r".*",
    "gap": r" {2,}",
}
# Lines that come more or less often, as a machine is slow or fast, and one that no reader of the pages gets:
# the server of the tests is not that of the workspace.
PROGRESS = re.compile(
    r"^(?:starting the MLflow server \.\.\. \d+ s|[\d,]+ of [\d,]+ images, .* left)\n"
    rf"|{SIGN_OF_LIFE.pattern}"
    r"|^using the MLflow server at .*, which is not this project's own\n",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Step:
    """One block of commands on a page.

    Attributes:
        page: The page's path in the repository.
        line: Where the block begins.
        commands: Its lines.
        exit_code: What the sentence before it says; else 0.
        shown: What the page shows as its output, if it does.
    """

    page: str
    line: int
    commands: tuple[str, ...]
    exit_code: int
    shown: str | None

    @property
    def single(self) -> list[str]:
        """Its commands, those joined by && apart."""
        return [part.strip() for line in self.commands for part in line.split("&&")]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """README and all pages in docs/, by their path in the repository."""
    found = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    return [path.relative_to(REPOSITORY).as_posix() for path in found]


def text_of(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def steps_of(page: str) -> list[Step]:
    """The blocks of commands of a page, in their order."""
    text = text_of(page)
    blocks = list(FENCE.finditer(text))
    steps = []
    for block, after in zip_longest(blocks, blocks[1:]):
        if block[1] != "sh":
            continue
        before = text[: block.start()].rstrip().rpartition("\n\n")[2]
        stated = STATED_CODE.search(before)
        follows = after is not None and not text[block.end() : after.start()].strip()
        shown = after[2] if after is not None and follows and after[1] == "text" else None
        commands = tuple(line for line in block[2].splitlines() if line.strip() and not line.startswith("#"))
        line = text.count("\n", 0, block.start()) + 1
        steps.append(Step(page, line, commands, int(stated[1]) if stated else 0, shown))
    return steps


def said(output: str, root: Path) -> str:
    """What a program wrote, with the folder that the pages know, and forward slashes."""
    for folder in {str(root), str(root.resolve())}:
        output = output.replace(folder, HOME)
    return PROGRESS.sub("", output.replace("\r\n", "\n").replace("\\", "/")).strip()


def comes_as_shown(output: str, shown: str) -> bool:
    """Whether an output is what a page shows; `...` stands for anything, a line of it for any lines."""
    lines = [
        r"(?:.*\n)*?" if line.strip() == "..." else _like(line.rstrip()) + r"[ ]*\n"
        for line in shown.replace("\\", "/").strip("\n").splitlines()
    ]
    return re.fullmatch("".join(lines), output + "\n") is not None


def _like(line: str) -> str:
    pattern, end = "", 0
    for match in VARYING.finditer(line):
        kind = match.lastgroup or ""
        unit = re.escape(match[0].partition(" ")[2])
        like = LIKE.get(kind) or rf"[\d.,]+ {unit}"
        pattern += re.escape(line[end : match.start()]) + like
        end = match.end()
    return pattern + re.escape(line[end:])
