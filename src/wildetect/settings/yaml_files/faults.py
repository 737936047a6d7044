r"""What people write in place of YAML, told by the line it stands in and with what to write instead.

A parser stops where it cannot go on, often lines after the slip, and some slips are valid YAML with
another meaning: `device:cpu` is a text, `"D:\new"` holds a line break, curly quotes are part of a path.
So the lines are read here as a person reads them, before and after the parser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

import yaml

from wildetect.settings.problems import Key
from wildetect.settings.words import CURLY, UNSEEN
from wildetect.settings.yaml_files.text import lines_of

__all__ = ["Fault", "cut_name", "faults_of_lines", "is_prose", "misread_escape", "syntax_fault", "without"]

Fault = tuple[int, str]
"""A line, from 1, and what is wrong with it."""

KEY = r"(?P<key>[A-Za-z_]\w*)"
INDENT = r"(?P<indent>[^\S\n]*(?:-[ ]+)?)"
NO_SPACE = re.compile(rf"^{INDENT}{KEY}[ ]*:(?P<value>[^\s:].*)$")
NO_COLON = re.compile(rf"^[ ]*{KEY}(?:[ ]+(?P<value>[^\s:=].*))?$")
KEY_LINE = re.compile(rf"^{INDENT}{KEY}[ ]*:(?:[ ]|$)")
SECOND_KEY = re.compile(rf"^{INDENT}{KEY}[ ]*:[ ]+(?P<value>(?P<second>[A-Za-z_]\w*):(?:[ ].*)?)$")
OTHER_COMMENT = re.compile(
    r"^\s*(?://|;|/\*|<!--|--(?!-)|[Rr][Ee][Mm]\s|::)\s*(?P<comment>.*?)(?:\s*(?:\*/|-->))?$"
)
OTHER_BLOCK = re.compile(rf"^\[{KEY}\]\s*$")
COMMENT_BEHIND = re.compile(rf"^{INDENT}{KEY}:[ ]+(?P<value>[^\s'\"#][^'\"#]*?)\s+//\s+(?P<comment>.*)$")
OTHER_SIGN = re.compile(rf"^{INDENT}(?:export[ ]+)?{KEY}\s*(?P<sign>:=|=>|->|=|：|;)\s*(?P<value>.*)$")  # noqa: RUF001 - an Asian keyboard's
MERGE_MARK = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?:\s|$)")
VARIABLE = re.compile(r"^\s*(?:export\s+)?(?:MLFLOW|WILDETECT|AWS)_\w+\s*=")
BULLET = re.compile(r"^\s*(?:[–—•·‣*]|\d+[.)])\s+(?P<value>\S.*)$")  # noqa: RUF001 - they are meant
VALUE = re.compile(rf"^{INDENT}(?:{KEY}[ ]*:[ ]+)?(?P<value>[^\s#].*?)\s*(?:[ \t]#.*)?$")
NOT_CLOSED = "a quote is opened here and not closed: put the same quote at the end of the value"
FENCE = re.compile(r"^\s*`{3}\w*\s*$")
ITEM_NO_SPACE = re.compile(r"^\s*-(?P<value>[^\s\-\d.].*)$")
BLOCK_TEXT = re.compile(r":[ ]+[|>][-+\d]*\s*(?:#.*)?$")
PROSE = ("description", "tags")
"""Keys whose value may hold line breaks."""
BACKSLASH = "in double quotes a backslash begins a special character: write "
IN_DOUBLE_QUOTES = re.compile(r'"(?P<inside>[^"]*)"')
NAME_GOES_ON = re.compile(r"[ \t]+#(?:\d|[^\s#]*[/\\]|[^\s#]+\s*$|[ ]\d+\s*$)")
"""What follows a path and reads as more of it: "#2 north", "#2/day", "#camp"; not "# a comment"."""
SPECIAL = "%@`*&!"  # what begins a directive, an alias, an anchor, a tag


def faults_of_lines(text: str, names: Collection[str]) -> list[Fault]:
    """Find what a parser would misread or blame on another line.

    Args:
        text: The whole file.
        names: Keys that the file may hold, without those above them: a missing space is told by them.
    """
    found = []
    above = ""
    for number, line in _plain_lines(text):
        what = _fault_of(line, above, names)
        if what:
            found.append((number, what))
        above = line
    return found


def _plain_lines(text: str) -> Iterator[Fault]:
    """The lines that hold keys and values: no comments, no blank lines, no text blocks after | or >."""
    inside: int | None = None
    for number, line in enumerate(lines_of(text), start=1):
        depth = len(line) - len(line.lstrip())
        if not line.strip() or (inside is not None and depth > inside):
            continue
        inside = depth if BLOCK_TEXT.search(line) else None
        if not line.lstrip().startswith("#"):
            yield number, line


def _fault_of(line: str, above: str, names: Collection[str]) -> str | None:
    return (
        _letters(line)
        or _sign(line, names)
        or _item(line, above)
        or _curly(line)
        or _of_another_kind(line)
        or _quotes(line)
        or _other_key(line, above, names)
    )


def _letters(line: str) -> str | None:
    """Letters that cannot be told from spaces, or not be seen."""
    indent, code = line[: len(line) - len(line.lstrip())], line.split(" #", maxsplit=1)[0]
    if "\t" in indent:
        return "the line begins with a tab: indent with spaces, not with tabs"
    if re.search(r"^ *[^\S ]|:[^\S ]", code):
        return "it holds a space that is none to YAML (copied from a page or a document): type it again"
    if any(letter in UNSEEN for letter in code):
        seen = "".join(letter for letter in code.strip() if letter not in UNSEEN)
        return f"it holds a letter that cannot be seen: write {seen}"
    return None


def _sign(line: str, names: Collection[str]) -> str | None:
    """What stands between a key and its value."""
    missing = NO_SPACE.match(line)
    if missing and missing["key"] in names and not missing["value"].startswith("="):
        return f"a space is missing after the colon: write {missing['key']}: {missing['value'].strip()}"
    other = OTHER_SIGN.match(line)
    if other and other["key"] in names:
        key, value = other["key"], other["value"].strip()
        return f"{other['sign']} in place of a colon: write {key}: {value}".rstrip()
    return None


def _item(line: str, above: str) -> str | None:
    """What an item of a list begins with."""
    item = ITEM_NO_SPACE.match(line)
    if item and (above.rstrip().endswith(":") or above.lstrip().startswith("-")):
        return f"a space is missing after the dash: write - {item['value'].strip()}"
    bullet = BULLET.match(line)
    if bullet and (above.rstrip().endswith(":") or BULLET.match(above)):
        return f"an item of a list begins with - : write - {bullet['value']}"
    return None


def _of_another_kind(line: str) -> str | None:
    """What belongs to files of other kinds, or to a program that left it here."""
    if MERGE_MARK.match(line):
        return "a merge left both versions here: keep one, and remove the lines <<<<<<<, ======= and >>>>>>>"
    if VARIABLE.match(line):
        return "a variable stands in .env, not here: move the line there"
    if FENCE.match(line):
        return "it marks code on a page, not in a file: remove the line"
    if comment := OTHER_COMMENT.match(line):
        return f"a comment begins with #: write # {comment['comment']}".rstrip()
    return None


def _other_key(line: str, above: str, names: Collection[str]) -> str | None:
    """Keys as in files of other kinds: a comment after //, [blocks], two in a line, none with a colon."""
    block = OTHER_BLOCK.match(line)
    if block and block["key"] in names:
        return f"brackets are no block to YAML: write {block['key']}: and indent the lines below it"
    behind = COMMENT_BEHIND.match(line)
    if behind and behind["key"] in names and behind["key"] not in PROSE:
        return f"a comment begins with #: write {behind['key']}: {behind['value']} # {behind['comment']}"
    second = SECOND_KEY.match(line)
    if second and {second["key"], second["second"]} <= {*names}:
        return f"two keys in one line: write {second['value']} in a line of its own, indented"
    alone = NO_COLON.match(line)
    if alone and alone["key"] in names and _may_hold_a_key(line, above):
        return f"a colon is missing: write {alone['key']}: {alone['value'] or ''}".rstrip()
    return None


def _may_hold_a_key(line: str, above: str) -> bool:
    """Whether a line can be meant as a key and its value, and not as more of the text above it."""
    begun = KEY_LINE.match(above)
    if begun is None:
        return not above
    opens_block = above.split(" #", maxsplit=1)[0].rstrip().endswith(":") and begun["key"] not in PROSE
    return opens_block or _depth(line) <= _depth(above)


def _curly(line: str) -> str | None:
    found = re.search(rf"(?:^\s*|:\s+|-\s+|[\[,]\s*)[{CURLY}](?P<inside>[^{CURLY}]*)", line)
    return f"curly quotes are no quotes to YAML: write {_single(found['inside'].strip())}" if found else None


def _quotes(line: str) -> str | None:
    """Quotes that stand around a part of the value, or are not opened or not closed."""
    found = VALUE.match(line)
    if not found or found["key"] in PROSE or found["value"][0] in "[{":
        return None
    value, named = found["value"], found["key"] or "-" in found["indent"]
    plain = value.replace('"', "").strip("'`").strip()
    if value[0] == value[-1] == "`" and len(value) > 1:
        return f"` is no quote to YAML: write {_single(plain)}"
    if value[0] in "\"'":
        rest = re.sub(r"""^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')""", "", value)
        around = rest != value and rest.strip() and not rest.lstrip().startswith((":", "#", ",", "]", "}"))
        apostrophe = value[0] == value[-1] == "'"  # told by the parser's complaint
        return (
            f"quotes stand around the whole value: write {_single(plain)}"
            if around and not apostrophe
            else None
        )
    one_side = (value.count('"') % 2 and value.endswith('"')) or value.find("'") == len(value) - 1
    if named and one_side:
        return f"a quote is closed here and not opened: write {_single(plain)}"
    if named and '"' in value and re.search(r"[/\\]", value):
        return f"quotes stand around the whole value: write {_single(plain)}"
    return None


def misread_escape(raw: str, value: str, key: Key) -> str | None:
    r"""Whether a text in double quotes became another than the one that is seen, as "D:\new" does.

    Args:
        raw: The text as it stands in the file, with its quotes.
        value: What YAML makes of it.
        key: Its key; a description may hold line breaks.
    """
    if not raw.startswith('"') or "\\" not in raw or is_prose(key):
        return None
    if all(letter.isprintable() for letter in value):
        return None
    return BACKSLASH + _single(raw[1:-1])


def is_prose(key: Key) -> bool:
    """Whether the value of a key may be written in several lines."""
    return any(part in PROSE for part in key)


def cut_name(value: str, rest: str) -> str | None:
    """Whether a path without quotes lost its end, as `D:/survey #2` does: YAML takes " #" for a comment.

    Args:
        value: What YAML makes of it.
        rest: What follows it in its line.

    Returns:
        What is doubtful, and the quotes to write; None where the rest is a comment like others.
    """
    if not re.search(r"[/\\]", value) or not NAME_GOES_ON.match(rest):
        return None
    meant = _single(f"{value}{rest.rstrip()}")
    why = 'YAML takes " #" for the begin of a comment'
    return f"{value} is read, as {why}: if it belongs to the name write {meant}"


def _single(inside: str) -> str:
    """The text in single quotes, in which a backslash is a backslash."""
    doubled = "\\" not in inside.replace("\\\\", "")
    return "'" + (inside.replace("\\\\", "\\") if doubled else inside).replace("'", "''") + "'"


def without(text: str, number: int) -> str:
    """Give a text with a line left blank, and with it what stands below it and belongs to it.

    Args:
        text: The whole file.
        number: The line, from 1.
    """
    lines = lines_of(text)
    if lines[number - 1].startswith("---"):  # all of a second document
        return "\n".join(lines[: number - 1])
    depth = _depth(lines[number - 1])
    # a line in a wrong column is followed by others of its block
    deepest = depth if _of_indent(lines, number - 1) or _first_key(lines) else depth + 1
    lines[number - 1] = ""
    for place in range(number, len(lines)):
        if _holds_something(lines[place]):
            if _depth(lines[place]) < deepest:
                break
            lines[place] = ""
    return "\n".join(lines)


def syntax_fault(text: str, error: yaml.MarkedYAMLError) -> Fault | None:
    """Say what a parser's complaint comes from: the line at fault, and what to write instead.

    Args:
        text: The whole file.
        error: What the parser said.

    Returns:
        None where that is not known: the parser's words are all there is.
    """
    mark = error.problem_mark or error.context_mark
    if mark is None or type(error) is yaml.MarkedYAMLError:  # a limit of ours; the parser's are subclasses
        return None
    lines = lines_of(text)
    here = min(mark.line, len(lines) - 1)
    begun = error.context_mark.line if error.context_mark else here
    for told in (
        _first_key(lines),
        _unclosed(error, lines, begun),
        _not_spaced(lines, here),
        _of_value(lines, here),
        _stray(error, lines, begun, here),
        _of_indent(lines, here),
    ):
        if told is not None:
            return told[0] + 1, told[1]
    if "another document" in str(error.problem):
        return here + 1, "a second document begins here: remove the line ---"
    return None


def _unclosed(error: yaml.MarkedYAMLError, lines: list[str], begun: int) -> Fault | None:
    problem, context = str(error.problem), str(error.context)
    if "quoted scalar" in context and ("end of stream" in problem or "document separator" in problem):
        return begun, NOT_CLOSED
    if "<scalar>" in problem:
        for number, line in enumerate(lines):
            found = VALUE.match(line)
            if found and found["value"][0] in "\"'" and found["value"].count(found["value"][0]) == 1:
                return (
                    number,
                    "a quote is opened here and not closed: put the same quote at the end of the value",
                )
    if "flow sequence" not in context and "flow mapping" not in context and "stream end" not in problem:
        return None
    for number, line in list(enumerate(lines))[0 if "stream end" in problem else begun :]:
        for opening, closing in ("[]", "{}"):
            if line.count(opening) > line.count(closing):
                return number, f"{opening} is opened here and not closed by {closing}"
    return None


def _stray(error: yaml.MarkedYAMLError, lines: list[str], begun: int, here: int) -> Fault | None:
    """A line of words among the settings."""
    problem = str(error.problem)
    if "could not find expected ':'" in problem:
        number = begun
    elif "mapping values are not allowed" in problem:
        number = next((place for place in range(here - 1, -1, -1) if _holds_something(lines[place])), here)
    else:
        return None
    words = lines[number].strip()
    if ":" in words or words.startswith(("-", "[", "{", '"', "'")):
        return None
    return number, f"it is neither 'key: value' nor a comment: for a comment write # {words}"


def _not_spaced(lines: list[str], here: int) -> Fault | None:
    """A line at or before the place without a space after its colon; a path's `D:/` is none."""
    for number in range(here, max(here - 3, -1), -1):
        missing = NO_SPACE.match(lines[number])
        if missing and len(missing["key"]) > 1 and not missing["value"].startswith("//"):
            key, value = missing["key"], missing["value"].strip()
            return number, f"a space is missing after the colon: write {key}: {value}"
    return None


def _of_value(lines: list[str], here: int) -> Fault | None:
    """What is wrong with the value of one line."""
    _, colon, rest = lines[here].partition(": ")
    value = rest.strip() if colon else lines[here].strip().removeprefix("- ")
    if value.startswith('"') and "\\" in value:
        inside = IN_DOUBLE_QUOTES.search(value)
        path = inside["inside"] if inside else value.strip('"')
        return here, BACKSLASH + _single(path)
    if value[:1] == "'" and value.count("'") % 2:
        doubled = value[1:-1].replace("'", "''")
        return here, f"an apostrophe inside of single quotes is written twice: '{doubled}'"
    if value[:1] in tuple(SPECIAL):
        return here, f"a value that begins with {value[0]} stands in quotes: {_single(value)}"
    if value[:1] not in ("", "'", '"', "[", "{") and (": " in value or (colon and value.endswith(":"))):
        return here, f"a value that holds a colon and a space stands in quotes: {_single(value)}"
    return None


def _of_indent(lines: list[str], here: int) -> Fault | None:
    """A line that begins in another column than those of its block."""
    numbered = [(number, line) for number, line in enumerate(lines[: here + 1]) if _holds_something(line)]
    open_blocks = [0]
    for (_, above), (number, line) in pairwise(numbered):
        depth, before = _depth(line), _depth(above)
        if depth > before:
            if not above.split(" #")[0].rstrip().endswith((":", "-")):
                return number, _column(depth, before, "the line above has a value already")
            open_blocks.append(depth)
        elif depth < before:
            while open_blocks and open_blocks[-1] > depth:
                open_blocks.pop()
            if not open_blocks or open_blocks[-1] != depth:
                return number, _column(depth, before, "no line above begins there")
    return None


def _first_key(lines: list[str]) -> Fault | None:
    first = next((number for number, line in enumerate(lines) if _holds_something(line)), None)
    if first is None or not lines[first].startswith(" "):
        return None
    return first, "the first key begins in column 1, without a space before it"


def _column(found: int, before: int, why: str) -> str:
    return (
        f"it begins in column {found + 1}, the line above in column {before + 1}: {why}; "
        "lines of one block begin in the same column"
    )


def _holds_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
