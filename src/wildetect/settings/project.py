"""The project folder and the variables that its .env and the environment give."""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.errors import ConfigurationError
from wildetect.remote.address import is_address
from wildetect.remote.place import Place, place_of_text
from wildetect.settings.address import server_address
from wildetect.settings.problems import Problem, raise_problems
from wildetect.settings.words import CURLY
from wildetect.wording import form, listed

if TYPE_CHECKING:
    from dotenv.parser import Binding

__all__ = [
    "CALLER_FOLDER",
    "PASSWORD",
    "TRACKING_URI",
    "USERNAME",
    "VARIABLE_PLACE",
    "Project",
    "Variables",
    "as_read",
    "caller_folder",
    "from_caller",
    "given_path",
    "place_from_caller",
    "project_root",
    "read_instead",
]

CALLER_FOLDER = "WILDETECT_CALLER_CWD"
"""Set by the .bat files: the folder that the user called from, as they change to the project root."""


VARIABLE_PLACE = "environment variable"
"""Begins the place of a value that a variable gives."""

logger = logging.getLogger(__name__)
TRACKING_URI = "MLFLOW_TRACKING_URI"
USERNAME = "MLFLOW_TRACKING_USERNAME"
PASSWORD = "MLFLOW_TRACKING_PASSWORD"  # noqa: S105 - the variable's name
# Windows takes no notice of case in names of variables, and people copy them from there.
_ANY_CASE = ("MLFLOW_", "WILDETECT_", "AWS_")
_OTHER_SHELL = re.compile(r"\s*(?:-\s+|setx?\s+|\$env:)(?P<name>[A-Za-z_]\w*)\s*[= ]", re.IGNORECASE)
_ESCAPED_PATH = re.compile(r"""[^=]*=\s*"(?:[A-Za-z]:|\\)\\""")
_OPENED = re.compile(r"[^=]*=\s*(?P<quote>[\"'])")
_OTHER_SIGN = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*(?P<sign>[:;：＝])")  # noqa: RUF001 - an Asian keyboard's
_OF_THE_SERVER = {TRACKING_URI, USERNAME, PASSWORD}
_INHERITED = frozenset(name for name, value in os.environ.items() if value)
"""What the environment gave before anything of .env was put into it."""
_UNSEEN = "\u200b\u2060\ufeff"
"""Letters without a width, which come along when a line is copied from a page."""


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
    set_outside = [name for name in sorted(_OF_THE_SERVER & _INHERITED) if re.search(rf"\b{name}\b", text)]
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
        from dotenv import dotenv_values
        from dotenv.parser import parse_stream

        from wildetect.tables.encoding import encoding_of

        if not path.exists():
            return cls()
        name, hint = path.name, f'Write each line of {path.name} as NAME=value, or put "#" before it.'
        try:
            content = path.read_bytes()
            text = content.decode(encoding_of(content))
        except (OSError, UnicodeDecodeError) as error:
            place, what = name, f"cannot be read ({error})"
            if isinstance(error, UnicodeDecodeError):
                line = content[: error.start].count(b"\n") + 1
                place, what = f"{name}:{line}", "cannot be read as UTF-8 text"
            raise ConfigurationError(
                str(Problem(place, what)), hint="Save the file as UTF-8 text."
            ) from error
        from io import StringIO

        bindings = list(parse_stream(StringIO(text)))
        told = [(_first_line(b.original), _fault_of(b)) for b in bindings] + list(_given_twice(bindings))
        raise_problems([Problem(f"{name}:{line}", what) for line, what in told if what], hint=hint)
        values = dotenv_values(stream=StringIO(text), interpolate=True)
        lines = {_named(b.key): _first_line(b.original) for b in bindings if b.key is not None}
        return cls({_named(key): value for key, value in values.items() if value is not None}, lines)


def _named(key: str) -> str:
    return key.upper() if key.upper().startswith(_ANY_CASE) else key


def _fault_of(binding: Binding) -> str | None:
    """What is wrong with a line, and what to write; never its value, which may be a password."""
    key, value, line = binding.key, binding.value, binding.original.string
    if _OTHER_SHELL.match(line) or binding.error or (key is not None and value is None):
        return _fault_of_form(line)
    if key is None or not value:
        return None
    if any(letter in key + value for letter in _UNSEEN):
        typed = key.strip(_UNSEEN)
        return (
            f"it holds a letter that cannot be seen (copied from a page or a document): type {typed}= again"
        )
    if _ESCAPED_PATH.match(line) and not value.isprintable():
        return f"in double quotes a backslash begins a special character: write {key}='value' in single ones"
    if value[0] in CURLY or value[-1] in CURLY:
        return f'curly quotes are no quotes here: write {key}="value" with straight ones, or none'
    return None


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
        root = project_root()
        if (root / ".env.txt").is_file() and not (root / ".env").exists():
            logger.warning("the file .env.txt is not read: rename it to .env (Windows hides the ending .txt)")
        variables = Variables.read(root / ".env")
        for name, line in variables.lines.items():
            known = sorted(_OF_THE_SERVER)
            if name not in known and (meant := difflib.get_close_matches(name, known, n=1, cutoff=0.9)):
                logger.warning(".env:%d: %s is not read: did you mean %s?", line, name, meant[0])
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
        if os.environ.get(name):
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
