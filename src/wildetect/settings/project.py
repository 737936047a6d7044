"""The project folder and the variables that its .env and the environment give."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.errors import ConfigurationError
from wildetect.remote.address import is_address
from wildetect.remote.place import Place, place_of_text
from wildetect.settings.address import OF_THE_SERVER, PASSWORD, TRACKING_URI, USERNAME, server_address
from wildetect.settings.problems import Problem, foreign_variable, raise_problems
from wildetect.settings.words import CURLY, UNSEEN
from wildetect.wording import form, listed

if TYPE_CHECKING:
    from dotenv.parser import Binding

__all__ = [
    "CALLER_FOLDER",
    "VARIABLE_PLACE",
    "Project",
    "Variables",
    "as_read",
    "caller_folder",
    "from_caller",
    "given_path",
    "place_from_caller",
    "project_root",
    "put_into_environment",
    "read_instead",
]

CALLER_FOLDER = "WILDETECT_CALLER_CWD"
"""Set by the .bat files: the folder that the user called from, as they change to the project root."""


VARIABLE_PLACE = "environment variable"
"""Begins the place of a value that a variable gives."""

logger = logging.getLogger(__name__)
# Windows takes no notice of case in names of variables, and people copy them from there.
_ANY_CASE = ("MLFLOW_", "WILDETECT_", "AWS_")
_OTHER_SHELL = re.compile(r"\s*(?:-\s+|setx?\s+|\$env:)(?P<name>[A-Za-z_]\w*)\s*[= ]", re.IGNORECASE)
_OPENED = re.compile(r"[^=]*=\s*(?P<quote>[\"'])")
_OTHER_SIGN = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*(?P<sign>[:;：＝])")  # noqa: RUF001 - an Asian keyboard's
_PUT_IN: dict[str, str] = {}
"""What was put into the environment here, of .env and for libraries; all else came with it."""
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")
_SECOND = re.compile(rf"\s(?:{'|'.join(_ANY_CASE)})\w+\s*=")
_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY", re.IGNORECASE)


def put_into_environment(name: str, value: str) -> None:
    """Give libraries a variable that they look for themselves; where it comes from stays known.

    Args:
        name: The variable.
        value: The value that it has for them.
    """
    if not _given_outside(name):
        _PUT_IN[name] = value
    os.environ[name] = value


def _given_outside(name: str) -> bool:
    value = os.environ.get(name)
    return bool(value) and value != _PUT_IN.get(name)


def caller_folder() -> Path:
    """The folder that relative paths on the command line start from."""
    return Path(os.environ.get(CALLER_FOLDER) or Path.cwd())


def from_caller(path: str) -> Path:
    """A path from the command line, made absolute."""
    return (caller_folder() / Path(path).expanduser()).resolve()


def given_path(path: str | None) -> Path | None:
    """A path from the command line, made absolute; null where none was given."""
    return from_caller(path) if path else None


def place_from_caller(text: str) -> Place:
    """A path from the command line, made absolute, or an address.

    Raises:
        ConfigurationError: It is an address of a kind that is not read.
    """
    return place_of_text(text) if is_address(text) else from_caller(text)


def project_root() -> Path:
    """The nearest folder upward with a tasks.py, as invoke looks for it; else the current one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "tasks.py").is_file()), here)


_READ_INSTEAD: dict[str, str] = {}


def read_instead(file: str, given: str) -> None:
    """Remember that a command names another settings file in place of one of configs/."""
    _READ_INSTEAD[file] = given


def as_read(text: str) -> str:
    """A text that says what to change, about the places that values came from.

    A settings file is the one that was read in its place; a variable that .env is to be given may be set in
    the environment, which comes first.
    """
    for file, given in _READ_INSTEAD.items():
        text = text.replace(file, given)
    set_outside = [
        name for name in sorted(OF_THE_SERVER) if _given_outside(name) and re.search(rf"\b{name}\b", text)
    ]
    if not set_outside or ".env" not in text:
        return text
    are = form(len(set_outside), "is", "are")
    return f"{text} ({listed(set_outside)} {are} set in the environment here, which comes before .env.)"


@dataclass(frozen=True)
class Variables:
    """The variables of .env, and the line each stands in."""

    values: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Variables:
        """Read a .env file; a missing one is as an empty one.

        Raises:
            ConfigurationError: Where the file is not text in UTF-8 or holds a line that is not `NAME=value`.
        """
        from io import StringIO

        from dotenv.parser import parse_stream

        if not path.exists():
            return cls()
        name, hint = path.name, f'Write each line of {path.name} as NAME=value, or put "#" before it.'
        bindings = list(parse_stream(StringIO(_text_of(path))))
        told = [(_first_line(b.original), _fault_of(b)) for b in bindings] + list(_given_twice(bindings))
        values: dict[str, str] = {}
        for binding in bindings:
            if binding.key is not None and binding.value is not None:
                value, what = _with_variables(binding, values)
                values[_named(binding.key)] = value
                told.append((_first_line(binding.original), what))
        problems = [Problem(f"{name}:{line}", what) for line, what in sorted(told, key=itemgetter(0)) if what]
        raise_problems(problems, hint=hint)
        lines: dict[str, int] = {}
        for binding in bindings:
            if binding.key is not None:
                key, line = _named(binding.key), _first_line(binding.original)
                if key in lines and lines[key] != line and not key.startswith(_ANY_CASE):
                    logger.warning("%s:%d: %s is given twice: this line counts", name, line, key)
                lines[key] = line
        return cls(values, lines)


def _text_of(path: Path) -> str:
    from wildetect.tables.encoding import encoding_of, other_kind

    save = "Save the file as plain text, in UTF-8."
    try:
        content = path.read_bytes()
        text = content.decode(encoding_of(content))
    except OSError as error:
        hint = f"Rename the folder, and write a file {path.name}." if path.is_dir() else "Make it readable."
        what = "is a folder, not a file" if path.is_dir() else f"cannot be read ({error.strerror or error})"
        raise ConfigurationError(str(Problem(path.name, what)), hint=hint) from error
    except UnicodeDecodeError as error:
        other = other_kind(content)
        line = content[: error.start].count(b"\n") + 1
        problem = Problem(f"{path.name}:{line}", "cannot be read as UTF-8 text")
        problem = Problem(path.name, f"is {other}, not text") if other else problem
        raise ConfigurationError(str(problem), hint=save) from error
    if other := other_kind(content):
        raise ConfigurationError(str(Problem(path.name, f"is {other}, not text")), hint=save)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        problem = Problem(f"{path.name}:{line}", "zero bytes begin here, as a crash leaves them")
        raise ConfigurationError(str(problem), hint=f"Write {path.name} again; .env.example shows how.")
    return text


def _with_variables(binding: Binding, before: Mapping[str, str]) -> tuple[str, str | None]:
    """Replace each `${NAME}` of a value by an earlier line's or the environment's; in single quotes it stays.

    Returns:
        The value, and what is wrong with a variable of ours whose value would lose a part.
    """
    key, value = binding.key or "", binding.value or ""
    opened = _OPENED.match(binding.original.string)
    if opened and opened["quote"] == "'":
        return value, None
    known = {**os.environ, **before}
    what = None

    def replaced(match: re.Match[str]) -> str:
        nonlocal what
        if match["name"] in known:
            return known[match["name"]]
        if match["default"] is None and _named(key).startswith(_ANY_CASE):
            unset = f"the variable {match['name']} is set neither above nor outside"
            what = f"{unset}: where it belongs to the value write {key}='value' in single quotes"
        return match[0] if match["default"] is None else match["default"]

    return _VARIABLE.sub(replaced, value), what


def _named(key: str) -> str:
    return key.upper() if key.upper().startswith(_ANY_CASE) else key


def _fault_of(binding: Binding) -> str | None:
    """What is wrong with a line, and what to write; never its value, which may be a password."""
    key, value, line = binding.key, binding.value, binding.original.string
    if _OTHER_SHELL.match(line) or binding.error or (key is not None and value is None):
        return _fault_of_form(line)
    if key is None or not value:
        return None
    if any(letter in key + value for letter in UNSEEN):
        typed = key.strip(UNSEEN)
        return (
            f"it holds a letter that cannot be seen (copied from a page or a document): type {typed}= again"
        )
    return _fault_of_value(key, value, line)


def _fault_of_value(key: str, value: str, line: str) -> str | None:
    """What is wrong with a value that is read as another one than the line shows."""
    opened, variable = _OPENED.match(line), foreign_variable(value)
    is_escaped = opened and opened["quote"] == '"' and "\\" in line and not value.isprintable()
    if is_escaped and "-----BEGIN" not in value:
        return f"in double quotes a backslash begins a special character: write {key}='value' in single ones"
    if value[0] in CURLY or value[-1] in CURLY:
        return f'curly quotes are no quotes here: write {key}="value" with straight ones, or none'
    if _SECOND.search(value):
        return "two variables in one line: write each in a line of its own"
    if _SECRET.search(key):
        cut = not opened and re.search(r"[ \t]#\S", line)
        return f"what follows # would be left out: write {key}='value' in single quotes" if cut else None
    if variable and (name := re.search(r"write (\$\{\w+\})", variable)):
        return f"a variable is written with ${{ and }}: write {name[1]} there"
    return variable


def _fault_of_form(line: str) -> str:
    """What is wrong with a line that gives no value to a name."""
    if shell := _OTHER_SHELL.match(line):
        return f"it is written as for another program: write {shell['name']}=value"
    if other := _OTHER_SIGN.match(line):
        return f"{other['sign']} in place of =: write {other['name']}=value"
    opened = _OPENED.match(line)
    if opened and line.count(opened["quote"]) == 1:
        return f"a quote is opened here and not closed: put {opened['quote']} at the end of the value"
    return "something stands behind the quotes" if opened else "not NAME=value"


def _given_twice(bindings: Sequence[Binding]) -> Iterator[tuple[int, str]]:
    """The lines that give a variable of ours another value than a line before; the last one would count."""
    first: dict[str, Binding] = {}
    for binding in bindings:
        name = _named(binding.key or "")
        if name.startswith(_ANY_CASE) and first.setdefault(name, binding).value != binding.value:
            before = _first_line(first[name].original)
            yield _first_line(binding.original), f"{name} is given twice, with another value in line {before}"


def _first_line(original: object) -> int:
    """The line that a binding's text begins in: the parser counts blank lines before it as its own."""
    line: int = original.line  # type: ignore[attr-defined]
    text: str = original.string  # type: ignore[attr-defined]
    return line + (
        len(text) - len(text.lstrip("\r\n \t")) and text[: len(text) - len(text.lstrip())].count("\n")
    )


@dataclass(frozen=True)
class Project:
    """The workspace: its root folder and the variables of its .env."""

    root: Path
    dotenv: Variables = field(default_factory=Variables)

    @classmethod
    def find(cls) -> Project:
        """The project that the current folder lies in: the nearest folder upward with a tasks.py.

        Raises:
            ConfigurationError: Where its .env is broken.
        """
        from wildetect.settings.sections import variable_meant  # the list of tasks needs no settings

        root = project_root()
        if (root / ".env.txt").is_file() and not (root / ".env").exists():
            logger.warning("the file .env.txt is not read: rename it to .env (Windows hides the ending .txt)")
        variables = Variables.read(root / ".env")
        places = {**dict.fromkeys(os.environ, VARIABLE_PLACE), **variables.lines}
        places.pop(CALLER_FOLDER, None)  # each .bat sets it; to ask about it would load all sections
        for name, line in places.items():
            if meant := variable_meant(name):
                where = VARIABLE_PLACE if line == VARIABLE_PLACE else f".env:{line}"
                logger.warning("%s: %s is not read: did you mean %s?", where, name, meant)
        return cls(root, variables)

    @property
    def dotenv_path(self) -> Path:
        """The project's .env, whether it exists or not."""
        return self.root / ".env"

    @property
    def runs(self) -> Path:
        """The folder of all that running leaves behind: MLflow's store, fetched models, the log."""
        return self.root / "runs"

    def variable(self, name: str) -> str | None:
        """A variable of the environment, else of .env; an empty one counts as not given.

        The server's address comes as programs need it, and a sign-in that stands in it as the variables
        that MLflow reads: nothing else ever shows or sends it.
        """
        given = self._given(name)
        if name == TRACKING_URI:
            return server_address(given).url if given else None
        if given is None and name in (USERNAME, PASSWORD):
            address = server_address(self._given(TRACKING_URI) or "")
            return address.username if name == USERNAME else address.password
        return given

    def _given(self, name: str) -> str | None:
        return os.environ.get(name) or self.dotenv.values.get(name) or None

    def origin_of(self, name: str) -> tuple[str, str | None]:
        """Which layer gives a variable, and its place there; ("default", None) where it is not given."""
        if _given_outside(name):
            return "environment", f"{VARIABLE_PLACE} {name}"
        if self.dotenv.values.get(name):
            return ".env", f".env:{self.dotenv.lines[name]} ({name})"
        return "default", None

    def path(self, path: Path) -> Path:
        """A path of a settings file or of .env: relative ones start at the project root."""
        return self.root / path.expanduser()

    def place(self, place: Place) -> Place:
        """As `path`; an address is one already."""
        return self.path(place) if isinstance(place, Path) else place

    def shown(self, path: Path) -> str:
        """A path for messages: relative to the project root where it lies inside, forward slashes."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
