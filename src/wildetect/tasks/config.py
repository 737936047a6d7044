"""The tasks about settings files: what counts in the end, and what editors know of them."""

from __future__ import annotations

import json as as_json
from typing import TYPE_CHECKING, NamedTuple

from invoke.context import Context

from wildetect.tasks.support import emit, say, verb
from wildetect.wording import number_of

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.errors import ConfigurationError
    from wildetect.settings import Project
    from wildetect.settings.effective import EffectiveKey
    from wildetect.settings.keys import SectionKeys

__all__ = ["schema", "show"]


@verb(
    help={
        "section": "detection, mlflow, detector_registration or census; without it all of them",
        "config": "another settings file than the section's own",
        "json": "one JSON document on stdout",
    },
    words=["section"],
)
def show(context: Context, section: str | None = None, config: str | None = None, json: bool = False) -> None:
    """Print the value that counts for each key, and who set it.

    Precedence: command line (not looked at here), environment, .env, YAML file, default.
    Passwords and keys are hidden.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.settings import Project
    from wildetect.settings.effective import effective_keys
    from wildetect.settings.project import given_path
    from wildetect.settings.sections import section_named, sections

    if config and not section:
        raise ConfigurationError(
            "--config is given without --section", hint="Say which it is, such as --section detection."
        )
    project = Project.find()
    file = given_path(config)
    files, refused = [], []
    for model in [section_named(section)] if section else sections():
        try:
            files.append(_shown(model, project, file, effective_keys(model, project, file=file)))
        except ConfigurationError as error:
            refused.append(error)
    if json and not refused:
        emit({"sections": [one.document() for one in files]})
    elif not json:
        for number, one in enumerate(files):
            print(end="\n" if number else "")
            _print(one)
    if refused:
        raise _all_in_one(refused)


class Shown(NamedTuple):
    """A settings file, and its keys as they count."""

    section: str
    file: str
    exists: bool
    variables: str
    keys: list[EffectiveKey]

    def document(self) -> dict[str, object]:
        """Give it as JSON has it."""
        from dataclasses import asdict

        return {**self._asdict(), "keys": [asdict(key) for key in self.keys]}


def _shown(model: type[SectionKeys], project: Project, file: Path | None, keys: list[EffectiveKey]) -> Shown:
    from wildetect.settings.sections import file_stem

    path = file or project.root / model.file
    variables = f"WILDETECT_{model.section.upper()}__"
    return Shown(file_stem(model), project.shown(path), path.is_file(), variables, keys)


def _print(shown: Shown) -> None:
    from wildetect.tasks.table import print_table

    says = f"{shown.section}: {shown.file}"
    print(says if shown.exists else f"{says} does not exist: defaults count")
    rows = []
    for key in shown.keys:
        text = key.value if isinstance(key.value, str) else as_json.dumps(key.value, ensure_ascii=False)
        why = f" (no effect: {key.no_effect})" if key.no_effect else ""
        rows.append((key.key, text, f"{key.place or key.origin}{why}"))
    print_table(("key", "value", "from"), rows)


def _all_in_one(errors: list[ConfigurationError]) -> ConfigurationError:
    if len(errors) == 1:
        return errors[0]
    problems = [line for error in errors for line in error.details or (error.message,)]
    says = f"{number_of(len(problems), 'problem')} in the settings"
    return type(errors[0])(says, hint="Fix them there; each file explains its keys.", details=problems)


@verb(help={"check": "change nothing; exit 2 if a file is missing, out of date, or of no task"})
def schema(context: Context, check: bool = False) -> None:
    """Write the schemas that let editors check configs/*.yaml.

    Each settings file names its own in its first line; editors with a YAML language server, such as VS Code
    with the extension "YAML" by Red Hat, then complete keys and mark mistakes.
    """
    del context
    from wildetect.settings import Project
    from wildetect.settings.schema import SCHEMA_FOLDER, check_schemas, write_schemas

    project = Project.find()
    if check:
        say(f"up to date: {number_of(check_schemas(project.root), 'file')} in {SCHEMA_FOLDER}/")
    else:
        for path in write_schemas(project.root):
            print(project.shown(path))
