"""Check what no linter checks: import circles, overgrown folders, lone modules, names passed on, words.

    uv run python tools/check_house.py

Part of the nox session "lint". docs/developers.md says what each rule is for.
"""

from __future__ import annotations

import ast
import itertools
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
MOST_MODULES = 16  # in one folder
MOST_LINES = 400  # of a module: one idea
MOST_STATEMENTS = 39  # lines of a function, its docstring and the list of its parameters aside
MOST_LONE = 35  # modules with a single importer, in their own folder
# Here modules are gathered that nothing else needs: a new one is a new file, and a word or a line elsewhere.
TABLES = (
    "detection.families",
    "results.exports",
    "census.exports",
    "census.estimates.methods",
    "checkup",
    "census.cautions",
    "training.trainers",
)
TEXT = {".py", ".pyi", ".md", ".yaml", ".j2", ".js", ".html", ".bat"}
FOREIGN = ("openseadragon",)  # files of others that are shipped
KEPT = ('"mend": finding.fix',)  # a key of a document that scripts read
"""What to write instead of a word that is correct and foreign."""
WORDS = {
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\banew\b": "again",
    r"\bnobody's\b": "of no task, of no one",
    r"\bis heard\b": "counts, precedence",
    r"\bTake it when\b": "Use it when",
    r"\bis a remark\b": "is a comment",
    r"\bin vain\b": "without effect",
    r"\ba reference system\b": "a coordinate reference system",
}


def modules() -> dict[str, Path]:
    """The modules of src/ by their dotted names."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(files: dict[str, Path]) -> dict[str, set[str]]:
    """For each module those that it imports anywhere, inside of functions too."""
    found: dict[str, set[str]] = {name: set() for name in files}
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                named = {f"{node.module}.{alias.name}" for alias in node.names} & files.keys()
                found[name] |= named or ({node.module} & files.keys())
    return found


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Groups of modules that import each other, by whatever way (Tarjan's components)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[str] = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in graph[name]:
            if other not in order:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], order[other])
        if lowest[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(", ".join(sorted(group)))

    for name in graph:
        if name not in order:
            visit(name)
    return found


def too_long(files: dict[str, Path]) -> list[str]:
    """Modules with more lines than one idea takes."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files.values()}
    return [
        f"{path.relative_to(ROOT).as_posix()} has {length} lines, more than {MOST_LINES}: part it by idea"
        for path, length in lengths.items()
        if length > MOST_LINES
    ]


def long_functions(files: dict[str, Path]) -> list[str]:
    """Functions with more lines than are read at one glance, from the first statement to the last."""
    found = []
    for path in files.values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            begin = node.body[1 if ast.get_docstring(node) is not None and len(node.body) > 1 else 0].lineno
            length = (node.end_lineno or begin) - begin + 1
            if length > MOST_STATEMENTS:
                place = f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
                found.append(f"{place}: {node.name} has {length} lines, more than {MOST_STATEMENTS}")
    return found


def lone(files: dict[str, Path], graph: dict[str, set[str]]) -> list[str]:
    """Modules that one module of their own folder imports, and no other."""
    importers: dict[str, set[str]] = defaultdict(set)
    for name, others in graph.items():
        for other in others:
            importers[other].add(name)
    return [
        name
        for name, path in files.items()
        if path.name != "__init__.py"
        and not name.removeprefix("wildetect.").startswith(tuple(f"{table}." for table in TABLES))
        and len(importers[name]) == 1
        and importers[name].pop().rpartition(".")[0] == name.rpartition(".")[0]
    ]


def words() -> list[str]:
    """Lines of the project's text with a word that has a better one."""
    places = ("src", "docs", "configs", "README.md", "noxfile.py", "benchmarks", "tools")
    mistakes = []
    for place in places:
        start = ROOT / place
        for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if path.suffix not in TEXT or any(name in path.name for name in FOREIGN):
                continue
            if path == Path(__file__).resolve() or path.name == "developers.md":
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                mistakes += [
                    f"{path.relative_to(ROOT).as_posix()}:{number}: {found.group()!r}: write {better}"
                    for word, better in WORDS.items()
                    for found in re.finditer(word, line)
                    if not any(kept in line for kept in KEPT)
                ]
    return mistakes


DANGLING = re.compile(r"(?:Of|By)\b")
HALF = re.compile(r"(?:Of|By|In|As|At|From|With|That|Told)\b")  # of what is described: "Tolerance in m"
DESCRIBED = re.compile(r"[ ]+\*{0,2}\w+(?<!Error)(?<!Exit)(?: \([^)]*\))?: (.*)")  # errors say when they come


def dangling(text: str) -> list[tuple[int, str]]:
    """Find lines of docstrings that begin in the middle of a phrase: "Of the drawing", not "Height of ...".

    Args:
        text: Source of a module.
    """
    found = []
    for node in ast.walk(ast.parse(text)):
        value = node.value if isinstance(node, ast.Expr) else None
        if not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
            continue  # only docstrings, of attributes too, stand by themselves
        for number, line in enumerate(value.value.splitlines(), value.lineno):
            described = DESCRIBED.match(line)
            if number == value.lineno and DANGLING.match(line):
                found.append((number, line))
            elif described and HALF.match(described[1]):
                found.append((number, described[1]))
    return found


def begin_dangling() -> list[str]:
    """List docstrings and lines about arguments that are not a noun or verb phrase."""
    return [
        f"{path.relative_to(ROOT).as_posix()}:{number}: {begins!r}: begin with a noun or a verb"
        for place in ("src", "tests", "tools", "benchmarks")
        for path in sorted((ROOT / place).rglob("*.py"))
        for number, begins in dangling(path.read_text(encoding="utf-8"))
    ]


MOST_KEYS = 40  # document["key"] outside of the modules that read or write a form
READERS = {
    "archives": "our zip archives",
    "census.design.vector_files": "what pyogrio says of a layer",
    "census.output.record": "census.json",
    "detection.faster.speeds": "the job of a process of its own",
    "docs.rooms": "pyproject.toml",
    "evaluation": "COCO, pycocotools, pictures.csv, evaluation.json",
    "execution": "lines of the journal from a worker",
    "registry": "MLmodel files, answers of MLflow, what the cache keeps",
    "remote.servers": "answers of S3 and of web servers",
    "results.blurring": "lines of the journal and rows of exports",
    "results.exports.formats": "each form of results",
    "results.journal": "journal.jsonl",
    "results.run_file": "run.json",
    "review.corrected": "Label Studio, COCO, tables",
    "review.page": "requests of the page (ASGI)",
    "review.plan": "plan.json",
    "review.verdicts": "verdicts.jsonl",
    "server": "MLflow's file store, databases and requests; server.json; backups",
    "settings": "YAML, JSON Schema, pydantic's mistakes",
    "training": "dataset.json, state.json, what a trainer says",
}
"""Modules and rooms that read or write a form, and which; all else has typed records of them."""


def string_keys(files: dict[str, Path]) -> list[str]:
    """Places outside of the readers where a value is taken by a string: x["key"].

    Groups of regular expressions and variables of the environment are not counted.
    """
    found = []
    for name, path in files.items():
        room = name.removeprefix("wildetect.")
        if any(room == one or room.startswith(f"{one}.") for one in READERS):
            continue
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)):
                continue
            of = ast.unparse(node.value)
            matched = rf"\b{re.escape(of)}\b(?:: re\.Match| :?= \S*(?:match|search)\()"
            if isinstance(node.slice.value, str) and of != "os.environ" and not re.search(matched, text):
                found.append(f"{path.relative_to(ROOT).as_posix()}:{node.lineno}: {ast.unparse(node)}")
    return found


def passed_on(files: dict[str, Path]) -> list[str]:
    """Names that a module offers in __all__ and only imports: whoever needs them goes to their own module."""
    found = []
    for path in files.values():
        body = ast.parse(path.read_text(encoding="utf-8")).body
        taken = {
            alias.asname or alias.name
            for one in body
            if isinstance(one, ast.ImportFrom)
            for alias in one.names
        }
        if path.name != "__init__.py":  # there a room names what it offers
            found += [
                f"{path.relative_to(ROOT).as_posix()}:{name.lineno}: __all__ passes on {name.value}"
                for one in body
                if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "__all__"
                for name in ast.walk(one.value)
                if isinstance(name, ast.Constant) and name.value in taken
            ]
    return found


def words_twice(files: dict[str, Path]) -> list[str]:
    """Lists of allowed words (Literal) that stand in more than one module."""
    homes: dict[frozenset[str], set[str]] = defaultdict(set)
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
                parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                homes[frozenset(map(ast.unparse, parts))].add(name)
    return [
        f"{' and '.join(sorted(names))} both list {', '.join(sorted(words))}: one of them imports it"
        for words, names in homes.items()
        if len(words) > 1 and len(names) > 1
    ]


BY_HAND = {
    r"""(?<!\w)(["'])(?:, | and | or )\1\.join\(""": "list names with listed() or commas()",
    r"""(["'])s\1 (?:\*|if)|else (["'])s\2|\+ (["'])s\3""": "write plurals with number_of() or plural()",
    r"""\band \{[^{}]+ - [^{}]+\} more""": "cut lists with listed(most=...) or first_lines()",
    r"""(?:say|print|write)\(f?["']hint:""": "show hints with say_hint()",
    r""":\.\d%\}""": "write shares with percent(), which calls nothing 0% or 100% that is not",
    r"""(?:/ 1e6|/ 1e9|// 1_000_000|/ 1_000_000)[^{}]*\} [MG]B""": "write sizes with in_bytes()",
    r"""\{(?:len\([\w.]+\)|[\w.]+)\} of \{(?:number_of\(|[^{}]+:,\})""": "write numbers as {n:,}",
}
"""What wildetect/wording.py says by one function each, and what to write instead."""
IN_PAGES = {
    r"""\|join\("(?:, | and | or )"\)""": "list names with listed()",
    r"""" if [\w.|]+ == 1 (?:else "|\}\})(?!middle)""": "write plurals with number_of() or form()",
    r"""f%%"\|format\(""": "write shares with percent()",
}
"""The same of templates, which know these functions by their names."""
COUNTED = {
    "animals",
    "boxes",
    "classes",
    "columns",
    "cores",
    "detections",
    "files",
    "images",
    "photographs",
    "pictures",
    "problems",
    "rows",
    "runs",
    "tiles",
    "transects",
    "verdicts",
    "versions",
    "warnings",
    "workers",
}
SEVERAL = "  # never one"


def by_hand() -> list[str]:
    """Plurals, lists and hints of messages that are put together where they are used."""
    mistakes = []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name == "wording.py":
            continue
        lines = text.splitlines()
        found = [
            (n, say)
            for n, line in enumerate(lines, 1)
            for rule, say in BY_HAND.items()
            if re.search(rule, line)
        ]
        found += [
            (n, "count with number_of(); or end a line of it with # never one, where it is always several")
            for n, end in counted_by_hand(text)
            if not any(line.endswith(SEVERAL) for line in lines[n - 1 : end])
        ]
        mistakes += [f"{path.relative_to(ROOT).as_posix()}:{n}: {say}" for n, say in found]
    for path in sorted(SOURCE.rglob("*.j2")):
        mistakes += [
            f"{path.relative_to(ROOT).as_posix()}:{n}: {say}"
            for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            for rule, say in IN_PAGES.items()
            if re.search(rule, line)
        ]
    return mistakes


def counted_by_hand(text: str) -> list[tuple[int, int]]:
    """First and last lines of f-strings in which a whole number stands before the name of several things."""
    found = []
    for node in (one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.JoinedStr)):
        for number, word in itertools.pairwise(node.values):
            if not (isinstance(number, ast.FormattedValue) and isinstance(word, ast.Constant)):
                continue
            how = ast.unparse(number.format_spec)[2:-1] if number.format_spec else ""
            what = number.value
            counts = isinstance(what, ast.Attribute | ast.BinOp) or (
                isinstance(what, ast.Call) and ast.unparse(what.func) in {"len", "sum"}
            )
            name = re.match(r" (\w+)\b", str(word.value))
            if counts and how in {"", ","} and name and name[1] in COUNTED:
                found.append((node.lineno, node.end_lineno or node.lineno))
    return found


def main() -> int:
    """Print what breaks a rule; exit code 1 if anything does."""
    files = modules()
    graph = imports(files)
    wrong = [f"import circle: {circle}" for circle in circles(graph)]
    for folder in sorted({path.parent for path in files.values()}):
        number = sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        if number > MOST_MODULES:
            wrong.append(
                f"{folder.relative_to(ROOT).as_posix()} holds {number} modules, more than {MOST_MODULES}"
            )
    wrong += too_long(files) + long_functions(files)
    alone = lone(files, graph)
    if len(alone) >= MOST_LONE:
        wrong.append(
            f"{len(alone)} modules have one importer, in their own folder; fewer than {MOST_LONE} may"
        )
        wrong += [f"  {name}" for name in alone]
    keys = string_keys(files)
    if len(keys) >= MOST_KEYS:
        wrong.append(f"{len(keys)} values are taken by a string; fewer than {MOST_KEYS} may: use a dataclass")
        wrong += [f"  {key}" for key in keys]
    wrong += words()
    wrong += begin_dangling()
    wrong += by_hand()
    wrong += words_twice(files)
    wrong += passed_on(files)
    for line in wrong:
        print(line)
    if not wrong:
        print(f"{len(files)} modules: no circle, no overgrown folder, {len(alone)} with one importer")
        print(f"{len(keys)} values taken by a string outside of the readers")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
