"""What every task shares: how it is declared, how it speaks, how its errors become exit codes.

Nothing heavy is imported here, nor at the top of any task module: `invoke --list` loads them all.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.tasks import Task

from wildetect.errors import EXIT_BUG, EXIT_INTERRUPTED, WildDetectError
from wildetect.how_far import how_far
from wildetect.interrupts import raise_on_interrupt
from wildetect.tasks.calling import as_called
from wildetect.tasks.streams import sign_of_life, write_any_letter
from wildetect.wording import hint_line

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.settings import Project
    from wildetect.settings.detection import Logging

__all__ = [
    "Verb",
    "all_tasks",
    "emit",
    "export_variables",
    "keep_log",
    "publish",
    "say",
    "say_hint",
    "show_in_browser",
    "verb",
]

logger = logging.getLogger("wildetect")
LOG_FILE_LIMIT = 5_000_000  # bytes
LOG_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
EXPORTED_PREFIXES = ("MLFLOW_", "AWS_", "CUDA_", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


class Verb(Task):  # type: ignore[type-arg]
    """An invoke task of this project.

    Args:
        body: The function.
        shim: The .bat file in scripts/ that calls it, if it has one.
        paths: The options whose values are files and folders that must be there.
        words: The options that take what is given without an option, in this order; `paths` that it does not
            name come after it. One each, but the last of them takes all that is left where it is iterable.
        values: Options whose values are known, and these: such a word needs no option, wherever it stands.
        options: Options as for `invoke.Task`.
    """

    def __init__(
        self,
        body: Callable[..., object],
        *,
        shim: str | None = None,
        paths: str | Sequence[str] = (),
        words: Sequence[str] = (),
        values: Mapping[str, Sequence[str]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(body, **options)
        self.shim = shim
        self.paths = (paths,) if isinstance(paths, str) else tuple(paths)
        self.words = (*words, *(path for path in self.paths if path not in words))
        self.values = dict(values or {})

    @property
    def bare(self) -> str:
        """What may be given without an option, as a line of help: "MODEL ALIAS"."""
        words = [f"{name.upper()}{' ...' if self.takes_more(name) else ''}" for name in self.words]
        return " ".join([*words, *(f"{name.upper()} ..." for name in self.values)])

    def takes_more(self, option: str) -> bool:
        """Whether an option takes one bare word after the other."""
        return option in self.iterable and option == self.words[-1]

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """As invoke does it, but as often as one likes: it takes the help texts away when it reads them."""
        texts = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help)
        finally:
            self.help = texts


_published: list[Collection] = []


def publish(tasks: Collection) -> Collection:
    """Make all tasks known to those that write about the others."""
    _published[:] = [tasks]
    return tasks


def all_tasks() -> Collection:
    """All tasks, as users see them."""
    return _published[0]


def verb(
    *,
    name: str | None = None,
    help: Mapping[str, str] | None = None,  # noqa: A002 - as invoke calls it
    shim: str | None = None,
    paths: str | Sequence[str] = (),
    words: Sequence[str] = (),
    values: Mapping[str, Sequence[str]] | None = None,
    iterable: Sequence[str] = (),
) -> Callable[[Callable[..., object]], Verb]:
    """Declare a task: options by their long names only, errors shown as design says.

    Args:
        name: What users type, where it is not the function's own name.
        help: What each option does.
        shim: The .bat file that calls the task.
        paths: The options whose values are files and folders that must be there; one alone takes what is
            dropped on the .bat file, all of it where it is one of `iterable`.
        words: The options that take what is given without an option, in this order; then come `paths`.
        values: Options whose values are known, and these: they may be given without the option.
        iterable: Options that may be given more than once.
    """

    def declare(body: Callable[..., object]) -> Verb:
        def at_work(seconds: float) -> None:
            since = f", {seconds:.0f} s so far" if seconds > 1 else ""
            far = how_far()
            say(f"{_full_name(task)} is at work{since}{': ' * bool(far)}{far} ...")

        @functools.wraps(body)
        def told(*args: object, **options: object) -> None:
            with errors_told(), sign_of_life(at_work):
                _prepare()
                body(*args, **options)

        task = Verb(
            told,
            name=name or body.__name__,
            shim=shim,
            paths=paths,
            words=words,
            values=values,
            positional=[],
            iterable=list(iterable),
            help=dict(help or {}),
            auto_shortflags=False,
        )
        return task

    return declare


def _full_name(task: Verb) -> str:
    """A task's name with its collection's: census.run."""
    every = _published[0] if _published else Collection()
    return next((name for name in every.task_names if every[name] is task), str(task.name))


def _prepare() -> None:
    from wildetect.checkup.bytecode import compile_once

    compile_once(say)


def say(text: str) -> None:
    """A line for the person at the terminal; stdout is kept for results."""
    print(f"{as_called(text)}\n", end="", file=sys.stderr, flush=True)  # in one piece: threads speak, too


def say_hint(hint: str) -> None:
    """A line that says what fixes or uses what was said before."""
    from wildetect.settings.project import as_read

    say(hint_line(as_read(hint)))


def show_in_browser(url: str) -> None:
    """Open a page in the browser, where somebody can see it."""
    import webbrowser

    blind = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if not blind and not os.environ.get("CI"):
        webbrowser.open(url)


def emit(document: object) -> None:
    """The one JSON document of `--json`, on stdout."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def export_variables(project: Project) -> None:
    """Give libraries the variables of .env that they look for themselves; the environment wins."""
    from wildetect.settings.address import OF_THE_SERVER
    from wildetect.settings.project import put_into_environment

    for name, value in project.dotenv.values.items():
        if name.startswith(EXPORTED_PREFIXES) and name not in os.environ:
            put_into_environment(name, value)
    # all are read before one is set: the sign-in may stand in the address
    understood = {name: project.variable(name) for name in OF_THE_SERVER}
    for name, one in understood.items():
        if one is not None:
            put_into_environment(name, one)


@contextlib.contextmanager
def errors_told() -> Iterator[None]:
    """Turn errors into a line that says what is wrong, one that says what fixes it, and an exit code.

    A bug's traceback goes to the log file; `WILDETECT_DEBUG=1` shows it.
    """
    from wildetect.tasks.meant import meant_by, with_typed

    write_any_letter()
    log_file = _start_logging()
    try:
        raise_on_interrupt()
        yield
    except WildDetectError as error:
        logger.debug("%s", error, exc_info=True)
        _show_traceback_when_debugging()
        say(f"error: {error.message}")
        for detail in error.details:
            say(f"  {detail}")
        say_hint(f"{meant_by(error.message)}{with_typed(error.hint)}")
        raise Exit(code=error.exit_code) from error
    except KeyboardInterrupt as interrupt:
        say("\n".join([*map(str, interrupt.args), "interrupted"]))
        raise Exit(code=EXIT_INTERRUPTED) from interrupt
    except Exit:
        raise
    except Exception as bug:
        if told := _of_the_machine(bug):
            with errors_told():
                raise told from bug
        logger.debug("a bug", exc_info=True)
        _show_traceback_when_debugging()
        say(f"error: {type(bug).__name__}: {' '.join(str(bug).split()) or 'no message'}")
        say_hint(f"This is a bug of WildDetect. Please report it with the end of {log_file}.")
        raise Exit(code=EXIT_BUG) from bug


def _of_the_machine(error: Exception) -> WildDetectError | None:
    """An error for what the system refused and no place of ours expected; None of what may be our bug."""
    import errno
    from pathlib import Path

    from wildetect.errors import ConfigurationError, InputError
    from wildetect.results.files import FIXES, NO_ROOM, lasting

    if isinstance(error, ModuleNotFoundError) and not (error.name or "wildetect").startswith("wildetect"):
        says = f"the package {error.name} is not installed, or not whole"
        return ConfigurationError(says, hint="uv sync --reinstall fetches what is missing.")
    if not isinstance(error, OSError):
        return None
    said = error.strerror or str(error)
    named = error.filename2 or error.filename
    where = f"{lasting(Path(os.fsdecode(named)))} cannot be used: {said}" if named else said
    if error.errno in NO_ROOM:
        return InputError(
            where if named else f"a drive is full: {said}",
            hint="Make room on the drives of the project and of what is written, and of the folder for "
            "temporary files; then give the same command again.",
        )
    if named and error.errno in {errno.EACCES, errno.EPERM, errno.EBUSY, *FIXES}:
        closed = (
            "Close it in other programs, see that its drive is there and that you may write to it, and give "
            "the same command again."
        )
        return InputError(where, hint=FIXES.get(error.errno, closed))
    return None


def _show_traceback_when_debugging() -> None:
    if os.environ.get("WILDETECT_DEBUG"):
        import traceback

        traceback.print_exc()


class _Warnings(logging.StreamHandler):  # type: ignore[type-arg]
    """Shows warnings as `warning: ...` and information as it is, on the stderr of the moment."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def format(self, record: logging.LogRecord) -> str:
        word = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        return word + record.getMessage()


class _LogFile(logging.FileHandler):
    """Made with its folder once there is something to write; where it cannot be written nothing ends."""

    def emit(self, record: logging.LogRecord) -> None:
        from pathlib import Path

        with contextlib.suppress(OSError):
            if self.stream is None:
                Path(self.baseFilename).parent.mkdir(exist_ok=True)
            super().emit(record)


def _start_logging() -> Path:
    """Warnings to the terminal, everything to runs/wildetect.log; once a process."""
    from wildetect.settings.project import project_root

    log_file = project_root() / "runs" / "wildetect.log"
    if logger.handlers:
        return log_file
    logging.raiseExceptions = False  # a log that cannot be written must not end a run
    terminal = _Warnings()
    terminal.setLevel(logging.WARNING)
    logger.addHandler(terminal)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    with contextlib.suppress(OSError):
        if log_file.exists() and log_file.stat().st_size > LOG_FILE_LIMIT:
            log_file.replace(log_file.with_suffix(".log.1"))
        to_file = _LogFile(log_file, encoding="utf-8", delay=True)
        to_file.setFormatter(logging.Formatter(LOG_FORMAT))
        logger.addHandler(to_file)
    return log_file


def show_more() -> None:
    """Show information on the terminal, not warnings alone."""
    for handler in logger.handlers:
        if isinstance(handler, _Warnings):
            handler.setLevel(logging.INFO)


def keep_log(project: Project, wanted: Logging) -> None:
    """Show and keep as much as the settings ask for.

    Raises:
        ConfigurationError: The log file cannot be written.
    """
    if wanted.verbose:
        show_more()
    if wanted.log_file:
        log_also_to(project.path(wanted.log_file))


def log_also_to(path: Path) -> None:
    """Keep everything in one more file.

    Raises:
        ConfigurationError: Where the file cannot be written.
    """
    from wildetect.errors import ConfigurationError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"the log file {path} cannot be written: {error.strerror or error}",
            hint="Name another file as logging.log_file.",
        ) from error
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logger.addHandler(handler)
