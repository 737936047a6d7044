"""The pages in docs/: written where they repeat the code, and held to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wildetect.docs.exit_codes import exit_codes_block
from wildetect.docs.key_tables import keys_block, settings_block, settings_page
from wildetect.docs.markdown import END, Block, blocks_of, rewritten
from wildetect.docs.task_tables import TaskText, options_block, tasks_block
from wildetect.errors import ConfigurationError
from wildetect.settings.sections import file_stem, sections

__all__ = ["Pages"]


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
        """Make all blocks anew, and a page where one is missing.

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
                f"{self._shown(path)}: {error}", hint="Mend the line in the page, or remove it."
            ) from error

    def _block(self, block: Block) -> str:
        """What stands in a block.

        Raises:
            ValueError: There is nothing of that name.
        """
        alone: Mapping[str, Callable[[], str]] = {
            "tasks": lambda: tasks_block(self.tasks),
            "settings": settings_block,
            "exit codes": exit_codes_block,
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
