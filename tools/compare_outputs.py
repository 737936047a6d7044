"""Compare all files of the demo between two commits, byte by byte: a refactoring changes none of them.

    uv run python tools/compare_outputs.py main          what main writes, and what your working tree writes
    uv run python tools/compare_outputs.py HEAD~5 HEAD   any two commits

Each commit is unpacked into a folder of its own, where the demo, all exports of its run, a census export
and a review's plan are made with the packages of this environment. What differs from one run of the same
commit to the next is normalised first: the project's folder, the server's address, ids, digests that hold
a time, times and speeds. Exit code 1 where anything else differs; what tasks print is compared, too.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from zipfile import ZipFile, is_zipfile

ROOT = Path(__file__).resolve().parents[1]
WORKING_TREE = "working tree"
RUN = "results/demo"
CENSUS = f"{RUN}/census"
STEPS = (
    ("demo",),
    ("detect.export", "--run", RUN, "--export", "gpkg", "--export", "labelstudio", "--export", "report"),
    (
        "census.export",
        CENSUS,
        *(word for one in ("aed", "dwc", "xlsx", "summary", "citation") for word in ("--format", one)),
    ),
    ("review.plan", RUN, "--photographs", "6", "--seed", "1"),
    ("review.status", RUN),
    ("detect.run", RUN, "--dry-run", "--source", "demo/pictures", "--model", "demo@production", "--json"),
    ("model.show", "demo@production"),
    ("config.show",),
    ("mlflow.stop",),
)
TEXT = {".json", ".jsonl", ".csv", ".html", ".geojson", ".txt", ".xml", ".md", ".qml", ".said"}
MOST_LINES = 12  # of each file that differs
MOST_LETTERS = 160  # of each of them

NUMBER = rb"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
KEYS = rb"\w*seconds\w*|\w*per_second|run_id|sum|check|elapsed|free|digest|fingerprint|instance|pid|port"
"""Keys of JSON documents whose values are times, speeds and ids."""
VARYING = (
    (rb"(?m)^\S+ is at work(?:, \d+ s so far)?(?:: .*)? \.\.\.\n", b""),
    (rb'("(?:' + KEYS + rb')": *)(?:"[^"]*"|' + NUMBER + rb")", rb"\1~"),
    (rb"\b[0-9a-f]{32}\b", b"~id~"),
    (rb"((?:digest \(sha256\):? |packageId=.|Identifier>))[0-9a-f]{64}", rb"\1~digest~"),
    (rb"(?:(?:\d+,)*\d+(?:\.\d+)?)(</\w+><\w+[^<>]*>| )(?:tiles/s|images/s|s|ms|min|MB|GB)\b", rb"~\1s"),
    (rb"(?:(?:\d+,)*\d+(?:\.\d+)?) (tiles|images|photographs) (?:a|per) (?:second|s)\b", rb"~ \1 a second"),
    (rb"\bpid \d+", b"pid ~"),
    (rb"(>[\w.]*seconds</v></c><c [^<>]*><v>)" + NUMBER, rb"\1~"),
)
LONG_AGO = datetime(2024, 6, 1, tzinfo=UTC).timestamp()  # when all files of an unpacked commit were changed


def unpacked(commit: str, folder: Path) -> Path:
    """Unpack what a commit holds, or copy the working tree's tracked and new files."""
    folder.mkdir()
    if commit == WORKING_TREE:
        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode("utf-8")
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
    else:
        with tarfile.open(fileobj=BytesIO(git("archive", "--format=tar", commit))) as archive:
            archive.extractall(folder, filter="data")
    for path in folder.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def git(*words: str) -> bytes:
    """Run git in the project; gives what it prints."""
    return subprocess.run(["git", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def made(project: Path) -> None:
    """Run all steps in an unpacked project; what each prints is kept in said/.

    Raises:
        SystemExit: A step fails.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "WILDETECT_"))
    }
    variables = {
        **kept,
        "CI": "true",
        "PYTHONUTF8": "1",
        "PYTHONPATH": str(project / "src"),
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}",
    }
    said = project / "said"
    said.mkdir()
    try:
        for number, step in enumerate(STEPS):
            ended = subprocess.run(
                [sys.executable, "-m", "invoke", *step],
                cwd=project,
                env=variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            (said / f"{number}_{step[0]}.said").write_bytes(ended.stdout)
            if ended.returncode:
                text = ended.stdout.decode("utf-8", "replace")
                sys.exit(f"{' '.join(step)} ended with {ended.returncode}:\n{text}")
    finally:
        subprocess.run(
            [sys.executable, "-m", "invoke", "mlflow.stop"],
            cwd=project,
            env=variables,
            stdout=subprocess.DEVNULL,
            check=False,
        )


def files_of(project: Path) -> dict[str, bytes]:
    """All files that the steps wrote, normalised, by their names; those in archives one by one."""
    days = [f"{datetime.now(UTC) - timedelta(days=back):%Y-%m-%d}".encode() for back in (0, 1)]
    return {name: normalised(text, project, days) for name, text in sorted(raw_files(project))}


def raw_files(project: Path) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of what lies in results/ and said/."""
    for path in [*(project / "results").rglob("*"), *(project / "said").rglob("*")]:
        name = path.relative_to(project).as_posix()
        if not path.is_file() or path.name == ".lock":
            continue
        if is_zipfile(path):
            with ZipFile(path) as archive:
                yield from ((f"{name}:{inner}", member(archive, inner)) for inner in archive.namelist())
        else:
            yield name, path.read_bytes()


def member(archive: ZipFile, name: str) -> bytes:
    """What an archive holds under a name; a sheet of a workbook with its texts where it has their numbers."""
    text = archive.read(name)
    if not name.startswith("xl/worksheets/"):
        return text
    texts = re.findall(rb"<si><t[^>]*>(.*?)</t></si>", archive.read("xl/sharedStrings.xml"), re.DOTALL)
    return re.sub(rb't="s"><v>(\d+)', lambda found: b't="s"><v>' + texts[int(found[1])], text)


def normalised(text: bytes, project: Path, days: list[bytes]) -> bytes:
    """What a file holds without what differs between two runs of one commit."""
    text = text.replace(str(project).encode(), b"~project~").replace(
        project.as_uri()[7:].encode(), b"~project~"
    )
    text = re.sub(rb"127\.0\.0\.1:\d+", b"~server~", text)
    for day in days:
        text = re.sub(day + rb"[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", b"~now~", text)
    for pattern, instead in VARYING:
        text = re.sub(pattern, instead, text)
    return text


def differences(before: dict[str, bytes], after: dict[str, bytes]) -> Iterator[str]:
    """Say of each file that is not the same what differs."""
    for name in sorted(before.keys() | after.keys()):
        if name not in after or name not in before:
            yield f"{name}: only {'before' if name in before else 'after'}"
        elif before[name] != after[name]:
            yield f"{name}: differs"
            if Path(name.partition(":")[2] or name).suffix in TEXT:
                yield from changed_lines(before[name], after[name])


def changed_lines(before: bytes, after: bytes) -> list[str]:
    """The first lines that differ, from a little before the place where they do."""
    old, new = (text.decode("utf-8", "replace").splitlines() for text in (before, after))
    lines = []
    for kind, *places in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            for pair in zip_longest(old[places[0] : places[1]], new[places[2] : places[3]]):
                same = (
                    next((n for n, (a, b) in enumerate(zip(*pair, strict=False)) if a != b), 0)
                    if all(pair)
                    else 0
                )
                start = max(0, same - 40)
                lines += [
                    f"    {sign} {line[start : start + MOST_LETTERS]}"
                    for sign, line in zip("-+", pair, strict=True)
                    if line is not None
                ]
    return lines[:MOST_LINES]


def main() -> int:
    """Compare; exit code 1 where a file differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", default=WORKING_TREE, help="another; without it the working tree")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outputs-") as folder:
        found = []
        for name, commit in (("before", given.before), ("after", given.after)):
            print(f"{name}: {commit} ...", flush=True)
            project = unpacked(commit, Path(folder, "project"))  # one path for both, which files may hold
            made(project)
            found.append(files_of(project))
            shutil.rmtree(project)
        wrong = list(differences(*found))
    for line in wrong:
        print(line)
    print(f"{len(found[1])} files compared: {'some differ' if wrong else 'all are the same'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
