"""The pages in docs/: written where they repeat the code, and held to it."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from wildetect.census.exports.table import FORMS
from wildetect.detection.families.table import TABLE
from wildetect.docs.markdown import END, Block, Kind, blocks_of, cell, code, rewritten, table
from wildetect.docs.rooms import rooms_block
from wildetect.docs.task_tables import TaskText, options_block, tasks_block
from wildetect.errors import EXIT_BUG, EXIT_INTERRUPTED, ConfigurationError, WildDetectError
from wildetect.results.exports.table import ALWAYS, FORMATS
from wildetect.settings.keys import Keys, NoEffect, SectionKeys
from wildetect.settings.sections import file_stem, sections
from wildetect.settings.words import EXPORTS, Export
from wildetect.tables.dictionary import columns_of
from wildetect.wording import commas, listed

__all__ = [
    "Pages",
    "census_exports_block",
    "columns_block",
    "exit_codes_block",
    "exports_block",
    "families_block",
    "keys_block",
    "settings_block",
    "settings_page",
]

WORDS = {
    object: "anything",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
}
ALL = "*"
IDLE = "Files written for the original WildDetect load as they are. These of their keys do nothing here:"
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def settings_page(model: type[SectionKeys]) -> str:
    """The page of a settings file, below docs/."""
    return model.page().removeprefix("docs/")


def settings_block() -> str:
    """All settings files, each with a link to its page."""
    rows = [[f"[{model.file}]({settings_page(model)})", cell(_purpose(model))] for model in sections()]
    return table(["file", "what it sets"], rows)


def _purpose(model: type[SectionKeys]) -> str:
    """What its module says of it, after the name of the file."""
    says = (inspect.getdoc(inspect.getmodule(model)) or "").splitlines()[0]
    return says.partition(": ")[2].removesuffix(".")


def keys_block(model: type[SectionKeys]) -> str:
    """All keys of a settings file, but for those that another file's page explains."""
    rows, idle = [], dict[str, list[str]]()
    for key, info in _keys(model, model):
        reason = next((one.reason for one in info.metadata if isinstance(one, NoEffect)), None)
        if reason is not None:
            idle.setdefault(reason, []).append(code(key))
        elif key.endswith(ALL):
            rows.append([code(key), "", "", info.description or ""])
        else:
            rows.append([code(key), _kind(info), _default(info), cell(info.description or "")])
    blocks = [table(["key", "value", "default", "meaning"], rows)]
    if idle:
        blocks += [
            IDLE,
            table(["key", "no effect here"], [[commas(keys), cell(why)] for why, keys in idle.items()]),
        ]
    return "\n\n".join(blocks)


def _keys(section: type[SectionKeys], block: type[Keys], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """The keys of a block with their dotted names; those of a whole other file as one."""
    known: dict[str, FieldInfo] = {}
    shared = _shared_with(section, block) if above else None
    if shared is not None:
        keys, other = shared
        known = keys.model_fields
        names = commas(code(name) for name in known)
        says = f"{names}: as in [{other.file}]({file_stem(other)}.md)"
        yield above + ALL, FieldInfo(description=says)
    for name, info in block.model_fields.items():
        inner = _blocks(info)
        if name in known and inner == _blocks(known[name]):
            continue
        for one in inner:
            yield from _keys(section, one, f"{above}{name}.")
        if not inner:
            yield above + name, info


def _shared_with(
    section: type[SectionKeys], block: type[Keys]
) -> tuple[type[Keys], type[SectionKeys]] | None:
    """The keys that a block has in common with a whole other file, and that file."""
    for other in sections():
        if other is not section:
            for keys in block.__mro__:
                if keys is not Keys and issubclass(keys, Keys) and issubclass(other, keys):
                    return keys, other
    return None


def _blocks(info: FieldInfo) -> list[type[Keys]]:
    known = [info.annotation, *get_args(info.annotation)]
    return [one for one in known if isinstance(one, type) and issubclass(one, Keys)]


def _kind(info: FieldInfo) -> str:
    bounds = [
        f"{word} {getattr(marker, name):g}"
        for marker in info.metadata
        for name, word in BOUNDS.items()
        if getattr(marker, name, None) is not None
    ]
    return commas([_spoken(info.annotation), *bounds])


def _spoken(kind: Any) -> str:
    """What a value may be, for people."""
    if kind in WORDS:
        return WORDS[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return commas(code(str(word)) for word in parts)
    if origin is Annotated:
        return _spoken(parts[0])
    if origin is tuple:
        return f"list of {len(parts)} numbers"
    inner = [_spoken(part) for part in parts if part is not type(None)]
    if origin in {Union, types.UnionType}:
        return listed(inner, last="or")
    return {list: "list of {0}", dict: "lines of name: {1}"}[origin].format(*inner)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    value = info.get_default(call_default_factory=True)
    if value is None:
        return code("null")
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def families_block() -> str:
    """All detector families: the word, what is exported so, and the outputs."""
    rows = [[code(one.name), cell(one.exported_from), cell(one.outputs)] for one in TABLE.values()]
    return table(["family", "exported from", "outputs; C is the number of classes"], rows)


def exports_block() -> str:
    """All forms of results: the word, the files, what reads them, and when they are written."""
    drawn: dict[Export, list[str]] = {
        "report": [code("report.html"), "any browser, without a network"],
        "overlays": [code("overlays/"), "any viewer of pictures, and the report"],
    }
    known = {word: [commas(map(code, one.files)), one.about] for word, one in FORMATS.items()} | drawn
    rows = [
        [code(word), *known[word], "by every run" if word in ALWAYS else "when asked for"] for word in EXPORTS
    ]
    return table(["export", "files", "what reads it", "written"], rows)


def census_exports_block() -> str:
    """All forms of a census: the word, the file, what it holds, and what several censuses make."""
    rows = [
        [code(one.name), code(one.file), one.about, "one file" if one.together else "a file each"]
        for one in FORMS.values()
    ]
    return table(["format", "file", "what it holds", "several censuses"], rows)


def columns_block() -> str:
    """All columns of all tables, with unit and meaning."""
    rows = [
        [code(table_name), code(column.name), cell(column.unit), cell(column.meaning)]
        for table_name, column in columns_of()
    ]
    return table(["table", "column", "unit", "meaning"], rows)


def exit_codes_block() -> str:
    """All exit codes, each with its meaning."""
    meanings = {0: "All is done.", EXIT_BUG: "A bug of WildDetect.", **dict(_of_errors(WildDetectError))}
    meanings[EXIT_INTERRUPTED] = "Ctrl+C; what is done is kept."
    rows = [[code(str(number)), cell(meaning)] for number, meaning in sorted(meanings.items())]
    return table(["exit code", "meaning"], rows)


def _of_errors(error: type[WildDetectError]) -> Iterator[tuple[int, str]]:
    for kind in error.__subclasses__():
        if "exit_code" in vars(kind):  # else it is a case of the error that it is made from
            yield kind.exit_code, (kind.__doc__ or "").splitlines()[0]
        yield from _of_errors(kind)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a project.

    Attributes:
        folder: The folder docs.
        tasks: All tasks that users see, in the order in which they are listed.
    """

    folder: Path
    tasks: tuple[TaskText, ...]

    def write(self) -> list[Path]:
        """Make all blocks again, and a page where one is missing.

        Returns:
            The pages that are different now.

        Raises:
            ConfigurationError: A page holds a block of nothing that there is.
        """
        changed = []
        for path, text in {**self._missing(), **self._present()}.items():
            after = self._made(path, text)
            if not path.is_file() or after != path.read_text(encoding="utf-8"):
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary = path.with_suffix(".tmp")
                temporary.write_text(after, encoding="utf-8", newline="\n")
                temporary.replace(path)
                changed.append(path)
        return changed

    def check(self) -> int:
        """Hold the pages to the code; gives their number.

        Raises:
            ConfigurationError: Naming each page that is missing, out of date, without the block that it
                must have, or of no task and no settings file.
        """
        present = self._present()
        problems = [f"{self._shown(path)} is missing" for path in self._missing()]
        for path, text in present.items():
            problems += [f"{self._shown(path)}: {problem}" for problem in self._problems(path, text)]
        if problems:
            raise ConfigurationError(
                f"{len(problems)} of the pages differ from the tasks and settings",
                hint="uv run invoke docs.write, then read the pages that it changed",
                details=sorted(problems),
            )
        return len(present)

    def _problems(self, path: Path, text: str) -> Iterator[str]:
        name = path.relative_to(self.folder).as_posix()
        belongs = self._blocks_by_page()
        if name not in belongs and name.startswith(("tasks/", "settings/")):
            yield "belongs to no task and no settings file; remove it"
        elif name in belongs and belongs[name] not in blocks_of(text):
            yield f"has no lines {belongs[name].begin} and {END}; add them"
        else:
            try:
                if self._made(path, text) != text:
                    yield "is out of date"
            except ConfigurationError as error:
                yield error.message.partition(": ")[2]

    def _blocks_by_page(self) -> dict[str, Block]:
        """The block that each page must have."""
        of_tasks = {task.page: Block("options", task.name) for task in self.tasks}
        of_settings = {settings_page(model): Block("keys", file_stem(model)) for model in sections()}
        return {"index.md": Block("tasks"), **of_tasks, **of_settings}

    def _present(self) -> dict[Path, str]:
        pages = sorted(self.folder.rglob("*.md"))
        return {path: path.read_text(encoding="utf-8") for path in pages}

    def _missing(self) -> dict[Path, str]:
        """A first text of each page that is not there."""
        known = {task.page: f"{task.summary}\n\n{task.explanation}".strip() for task in self.tasks}
        return {
            path: f"# {path.stem}\n\n{known.get(name, '')}\n\n{block.begin}\n{END}\n"
            for name, block in self._blocks_by_page().items()
            if not (path := self.folder / name).is_file()
        }

    def _made(self, path: Path, text: str) -> str:
        try:
            return rewritten(text, self._block)
        except ValueError as error:
            raise ConfigurationError(
                f"{self._shown(path)}: {error}", hint="Fix the line in the page, or remove it."
            ) from error

    def _block(self, block: Block) -> str:
        """What stands in a block.

        Raises:
            ValueError: There is nothing of that name.
        """
        alone: Mapping[Kind, Callable[[], str]] = {
            "tasks": lambda: tasks_block(self.tasks),
            "settings": settings_block,
            "exit codes": exit_codes_block,
            "families": families_block,
            "exports": exports_block,
            "census exports": census_exports_block,
            "rooms": rooms_block,
            "columns": columns_block,
        }
        if block.kind in alone:
            return alone[block.kind]()
        named = {"options": self._options, "keys": self._keys}[block.kind]()
        if block.name not in named:
            raise ValueError(f"{block.begin}: there is no such task or settings file")
        return named[block.name]()

    def _options(self) -> dict[str, Callable[[], str]]:
        return {task.name: partial(options_block, task) for task in self.tasks}

    def _keys(self) -> dict[str, Callable[[], str]]:
        return {file_stem(model): partial(keys_block, model) for model in sections()}

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.folder.parent).as_posix()
