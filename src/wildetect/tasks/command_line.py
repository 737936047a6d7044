"""What follows `invoke`, fixed and checked before invoke itself reads it.

invoke takes a word without a dash for the name of a task, and ends with 1 where it knows no such option
or task. So tasks.py shows the words here first: paths become values of the option that the task takes
paths with, and what invoke would refuse ends with 2 and a hint, as every wrong argument does.
"""

from __future__ import annotations

import difflib
import inspect
import os
import re
import shutil
import sys
import textwrap
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.parser import Parser
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.program import Program
from invoke.tasks import Task

from wildetect.errors import ConfigurationError
from wildetect.settings.project import CALLER_FOLDER, caller_folder, from_caller, project_root
from wildetect.shims import COMMAND_LINE
from wildetect.tasks.calling import as_called, called_from
from wildetect.tasks.meant import as_option, is_path, joined_version, keep_words, nearest_path, turned_round
from wildetect.tasks.streams import outlive_readers
from wildetect.tasks.support import Verb, errors_told
from wildetect.wording import listed, quoted

__all__ = ["corrected_words", "overview", "prepare_command_line", "words_of_explorer"]

_EVERY_DAY = (
    "demo",
    "doctor",
    "mlflow.serve",
    "mlflow.stop",
    "mlflow.status",
    "model.register",
    "model.list",
    "model.show",
    "model.promote",
    "detect.run",
    "review.plan",
    "review.open",
    "census.run",
)
_UPKEEP = ("mlflow", "config", "shims", "docs")


def overview(tasks: Collection) -> str:
    """Lay out the tasks: every day, more on models, runs and censuses, maintenance.

    Args:
        tasks: All of them; one that no list here names stands with those of its kind.
    """
    rest = [name for name in sorted(tasks.task_names) if name not in _EVERY_DAY and not name.startswith("_")]
    groups = {
        "Every day": [name for name in _EVERY_DAY if name in tasks.task_names],
        "More": [name for name in rest if name.partition(".")[0] not in _UPKEEP],
        "Maintenance": [name for name in rest if name.partition(".")[0] in _UPKEEP],
    }
    width = max(map(len, tasks.task_names))
    lines = (line for title, names in groups.items() for line in _group(tasks, title, names, width))
    more = as_called("uv run invoke TASK --help shows what a task takes.")
    return "\n".join([*lines, "", _fitted(more, indent=0)])


def _group(tasks: Collection, title: str, names: list[str], width: int) -> Iterator[str]:
    yield from ("", title)
    for name in names:
        summary = (tasks[name].__doc__ or "").strip().partition("\n")[0]
        yield _fitted(f"  {name:<{width}}  {summary}", indent=width + 4)


_MOST_BEGUN = 3
WORD = re.compile(r'(?:"[^"]*"|[^\s"])+')
UNKNOWN = re.compile(r"No idea what '(.*)' is!")
NO_VALUE = re.compile(r"Flag <Argument: (\S+).*> needed value")


def prepare_command_line(tasks: Collection, program: Program | None = None) -> None:
    """Fix and check the words of the program that is running; elsewhere do nothing.

    Args:
        tasks: The tasks there are.
        program: What is running; by default `invoke`.

    Raises:
        Exit: With code 2 where invoke would refuse the words.
    """
    if program is None:
        from invoke.main import program as invoke_itself

        program = invoke_itself
    if not hasattr(program, "core"):  # tasks.py is imported by something else
        return
    outlive_readers()
    if "search-root" in program.args:  # not in the console script, which has its tasks with it
        _enter_project(str(program.args["search-root"].value or ""))
        called_from(caller_folder(), project_root())
    from_explorer = words_of_explorer(os.environ.pop(COMMAND_LINE, ""))
    words = [*program.core.unparsed, *from_explorer]
    try:
        if shown := _asked(tasks, program, words):
            print(shown)
            raise Exit(code=0)
        program.core.unparsed[:] = corrected_words(words, tasks, program.initial_context)
        keep_words(program.core.unparsed)
    except ConfigurationError as error:
        with errors_told():
            raise error from None


def _window() -> int | None:
    """The columns of the window, or COLUMNS where that is set; None where a file is written."""
    is_seen = os.environ.get("COLUMNS") or sys.stdout.isatty()
    return shutil.get_terminal_size().columns if is_seen else None


def _fitted(line: str, indent: int) -> str:
    """Fit a line to the window; what does not go into it follows, indented."""
    width = _window()
    if width is None or len(line) <= width:
        return line
    return textwrap.fill(
        line, max(width, indent + 20), subsequent_indent=" " * indent, break_on_hyphens=False
    )


def _asked(tasks: Collection, program: Program, words: Sequence[str]) -> str | None:
    """What is shown in place of work: the list of tasks, or the help of one; None where work is asked for."""
    behind = program.args["help"].value  # the word behind --help, where that goes before the task
    if behind or {"--help", "-h"} & {*words}:
        about = [*([behind] if isinstance(behind, str) else []), *words]
        name = next((one for one in about if one in tasks.task_names), None)
        if name is not None:
            return _help(name, tasks[name])
        words = [one for one in about if one not in {"--help", "-h"}]
        corrected_words(words, tasks, program.initial_context)  # of a word that is no task it says so
        return overview(tasks)
    is_list = program.args["list"].value is True and program.args["list-format"].value == "flat"
    is_alone = not any(argument.got_value for argument in program.args.values())
    return overview(tasks) if not words and (is_list or is_alone) else None


def _help(name: str, task: Task) -> str:  # type: ignore[type-arg]
    """The help of a task: how it is called, what it does, and its options, those without a name first."""
    about = task.words if isinstance(task, Verb) else ()
    options = sorted(
        task.get_arguments(),
        key=lambda one: (about.index(one.name) if one.name in about else len(about), one.name),
    )
    bare = f" {task.bare}" if isinstance(task, Verb) and task.bare else ""
    usage = as_called(f"Usage: uv run invoke {name}{bare}{' [OPTIONS]' * bool(options)}")
    paragraphs = (inspect.getdoc(task) or "").split("\n\n")
    flags = {_flag(one, task): one.help or "" for one in options}
    width = max(map(len, flags), default=0)
    return "\n".join(
        [
            _fitted(usage, indent=7),
            *(f"\n{_fitted(' '.join(text.split()), indent=0)}" for text in paragraphs),
            *(["\nOptions:"] if flags else []),
            *(_fitted(f"  {flag:<{width}}  {text}", indent=width + 4) for flag, text in flags.items()),
        ]
    )


def _flag(option: Argument, task: Task) -> str:  # type: ignore[type-arg]
    """An option as it is typed: --no-browser, --source=PATH, --limit=VALUE."""
    name = str(option.name).replace("_", "-")
    if not option.takes_value:
        return f"--no-{name}" if option.default is True else f"--{name}"
    return f"--{name}={'PATH' if isinstance(task, Verb) and option.name in task.paths else 'VALUE'}"


def _enter_project(root: str) -> None:
    """Work in the project that `invoke -r` names; relative paths still begin where the user is."""
    if root:
        os.environ.setdefault(CALLER_FOLDER, str(Path.cwd()))
        os.chdir(from_caller(root))


def words_of_explorer(line: str) -> list[str]:
    r"""The words behind the .bat file, where Explorer started it: dropped paths, a shortcut's arguments.

    Explorer puts paths with spaces in quotes, and no others; cmd.exe would break C:\a&b.jpg.

    Args:
        line: The line that started cmd.exe: `...\cmd.exe /c ""C:\...\run_detection.bat" C:\a&b.jpg"`.
    """
    command = line.rstrip().partition(' /c "')[2].removesuffix('"')
    return [word.replace('"', "") for word in WORD.findall(command.partition('" ')[2])]


def corrected_words(words: Sequence[str], tasks: Collection, core: ParserContext) -> list[str]:
    """The words as invoke shall read them: each bare word behind the option that takes it.

    Args:
        words: Tasks, options, values, and what a task is about.
        tasks: The tasks there are.
        core: invoke's own options.

    Raises:
        ConfigurationError: A word is neither an option, a task nor a path, or an option has no value.
    """
    contexts = {name: ParserContext(name, args=tasks[name].get_arguments()) for name in tasks.task_names}
    verbs = {name: task for name in contexts if isinstance(task := tasks[name], Verb)}
    parser = Parser(contexts.values(), initial=core)
    named: list[str] = []
    task, start, awaits_value = "", 0, False
    bare: list[str] = []
    left = deque(words)
    while left:
        word = left.popleft()
        if not awaits_value and (fitting := _fitting(word)):
            left.extendleft(reversed(fitting))
            continue
        if awaits_value or word.startswith("--"):
            _refuse_nothing(named[-1] if awaits_value else word, word)
        if awaits_value:
            awaits_value = False
        elif word.startswith("-"):
            known = (contexts[task], core) if task else (core,)
            flag = next((context.flags[word] for context in known if word in context.flags), None)
            awaits_value = flag is not None and flag.takes_value and not flag.optional
        elif option := _option_for(word, verbs.get(task), named[start:], contexts):
            bare.extend([word] if option in verbs[task].words else [])
            _refuse_turned_round(task, verbs[task], [*bare, *islice(left, 1)])
            if option in verbs[task].paths and not is_path(word):
                _refuse_unknown(parser, named, contexts)  # of "--sorce x" the option is what is wrong
                raise _no_path(bare, task, verbs[task], contexts)
            named.append(f"--{option}")
        elif word in contexts:
            task, start = word, len(named) + 1
            bare.clear()
        elif task in verbs:
            _refuse_unknown(parser, named, contexts)
            _refuse_bare(task, verbs[task], [*bare, word], contexts)
        named.append(word)
    _refuse_unknown(parser, named, contexts)
    return named


def _fitting(word: str) -> list[str]:
    """The paths that a bare word with * or ? stands for: shells of Windows pass it on as it was typed."""
    if not {"*", "?"} & {*word} or is_path(word):
        return []
    path = from_caller(word)
    pattern = str(path.relative_to(path.anchor)).replace("[", "[[]")
    return sorted(str(one) for one in Path(path.anchor).glob(pattern) if not one.name.startswith("."))


def _refuse_nothing(flag: str, word: str) -> None:
    """Refuse an empty value, as of a variable that a script never set: the default would take its place."""
    if word == "" or (word.startswith("--") and word.endswith("=")):
        name = flag.removesuffix("=")
        raise ConfigurationError(
            f"{name} is given with nothing behind it", hint=f"Give it a value, or leave {name} out."
        )


def _option_for(
    word: str, verb: Verb | None, words: Sequence[str], contexts: Mapping[str, ParserContext]
) -> str | None:
    """The option of a task that takes a bare word; None where the word begins a task, or none is left.

    `census.run demo` is about the folder and `model.show demo` about the model; after a task that has all it
    is about, `demo` is the task.
    """
    if verb is None:
        return None
    given = {one.partition("=")[0] for one in words}
    option = next((one for one in verb.words if f"--{one}" not in given or verb.takes_more(one)), None)
    valued = next((one for one, values in verb.values.items() if word in values), None)
    if valued is not None and (option is None or not is_path(word)):
        return valued
    if option is None or word not in contexts:
        return option
    is_meant = is_path(word) if option in verb.paths else "." not in word and f"--{option}" not in given
    return option if is_meant else None


def _one_too_many(word: str, task: str, verb: Verb) -> ConfigurationError:
    """An error on a path behind all that a task is about."""
    if len(verb.words) == 1:
        return ConfigurationError(
            f"{task} takes one --{verb.words[0]}, and was given more", hint="Give the task once for each."
        )
    return ConfigurationError(
        f"{task} takes nothing more after {verb.bare}, and was given {word!r}",
        hint=f"Leave it out, or name its option: uv run invoke {task} --help lists them.",
    )


def _refuse_unknown(parser: Parser, words: list[str], contexts: Mapping[str, ParserContext]) -> None:
    try:
        parser.parse_argv(list(words))
    except ParseError as problem:
        raise _as_error(str(problem), problem.context, contexts) from problem


def _refuse_turned_round(task: str, verb: Verb, bare: Sequence[str]) -> None:
    if len(verb.words) == 2 and turned_round(verb.words, bare[:2]):  # noqa: PLR2004 - a pair
        first, second = map(quoted, bare[:2])
        raise ConfigurationError(
            f"{task} takes {verb.bare}, in this order", hint=f"The other way round: {second} {first}"
        )


def _refuse_bare(task: str, verb: Verb, bare: Sequence[str], contexts: Mapping[str, ParserContext]) -> None:
    """Refuse the last of some bare words, which no option takes; where it may be a task, invoke does."""
    word = bare[-1]
    if verb.paths and is_path(word):
        raise _one_too_many(word, task, verb)
    if verb.paths or _one_version(verb, bare) or as_option(word, contexts[task].flags):
        raise _no_path(bare, task, verb, contexts)


def _one_version(verb: Verb, bare: Sequence[str]) -> str:
    """A version that was given in two words, with what follows it, as it is to be written."""
    is_about_one = verb.words[:1] in (("model",), ("name",))
    return " ".join(map(quoted, joined_version(bare))) if is_about_one else ""


def _no_path(
    bare: Sequence[str], task: str, verb: Verb, contexts: Mapping[str, ParserContext]
) -> ConfigurationError:
    word = bare[-1]
    flag = f"--{word}"
    known = [value for values in verb.values.values() for value in values]
    option = as_option(word, contexts[task].flags)
    if flag in contexts[task].flags:
        meant = f"Did you mean {flag}? "
    elif version := _one_version(verb, bare):
        meant = f"A version is one word: {version}. "
    elif "@" in option:  # few names of files hold one
        meant = f"Did you mean {option}? "
    elif close := difflib.get_close_matches(word, known, n=1):
        meant = f"Did you mean {close[0]}? "
    elif near := nearest_path(word):
        meant = f"Did you mean {quoted(near)}? "
    elif option:
        meant = f"Did you mean {option}? "
    else:
        meant = _closest(word, contexts) or "Check the path, in quotes if it holds spaces. "
    return ConfigurationError(
        f"there is no task, file or folder {word!r}",
        hint=f"{meant}uv run invoke {task} --help lists the options.",
    )


def _as_error(
    problem: str, context: ParserContext | None, contexts: Mapping[str, ParserContext]
) -> ConfigurationError:
    task = context.name if context is not None else None
    tasks = "uv run invoke --list lists the tasks."
    options = f"uv run invoke {task} --help lists the options." if task else tasks
    if no_value := NO_VALUE.match(problem):
        return ConfigurationError(f"--{no_value[1]} needs a value", hint=options)
    unknown = UNKNOWN.match(problem)
    if unknown is None:
        return ConfigurationError(problem, hint=options)
    word = unknown[1]
    if word.startswith("-"):
        flags = [*context.flags, *context.inverse_flags, "--help"] if context is not None else []
        whose = f"{task} has" if task else "there is"
        behind = "" if task else "Options of a task come behind it. "
        return ConfigurationError(f"{whose} no option {word}", hint=_closest(word, flags) + behind + options)
    near = _closest(word, contexts)
    if task and not near:
        return ConfigurationError(
            f"there is no task {word!r}, nor does {task} take it", hint=f"{options} {tasks}"
        )
    return ConfigurationError(f"there is no task {word!r}", hint=near + tasks)


def _closest(word: str, known: Iterable[str]) -> str:
    every = list(known)
    begun = sorted({one for one in every if one.startswith(word)}) if word.strip("-") else []
    near = begun if 0 < len(begun) <= _MOST_BEGUN else difflib.get_close_matches(word, every, n=1)
    return f"Did you mean {listed(near, last='or')}? " if near else ""
