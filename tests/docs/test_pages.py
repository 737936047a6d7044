"""The pages: made where they repeat the code, held to it, with links that lead somewhere."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from invoke.program import Program
from tests.docs.reading import FENCE, comes_as_shown, pages, text_of
from tests.workspaces import REPOSITORY

from wildetect.docs.markdown import Block, cell, code, rewritten, table
from wildetect.docs.pages import Pages, exit_codes_block
from wildetect.docs.task_tables import TaskOption, TaskText, options_block
from wildetect.errors import ConfigurationError, InputError
from wildetect.imagery.source import UnreadableImageError
from wildetect.tasks import ns
from wildetect.tasks.command_line import corrected_words

RUN = TaskText(
    name="detect.run",
    summary="Detect animals.",
    explanation="In photographs.",
    shim="run_detection.bat",
    takes_paths=True,
    options=(
        TaskOption("--model", "name@alias, a|b or <file>"),
        TaskOption("--wait", "seconds", default="120"),
        TaskOption("--json", "one document", is_switch=True),
    ),
)
SENTENCE = re.compile(r"`uv run (?:--extra \w+ )?invoke ([^`>]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture
def written(tmp_path: Path) -> Pages:
    pages = Pages(tmp_path / "docs", (RUN,))
    pages.write()
    return pages


def test_options_of_a_task() -> None:
    assert options_block(RUN) == (
        "On Windows `scripts\\run_detection.bat` calls it. Files and folders dropped on it are its paths.\n\n"
        "| option | what it does | default |\n| --- | --- | --- |\n"
        "| `--model ...` | name@alias, a\\|b or \\<file> |  |\n"
        "| `--wait ...` | seconds | `120` |\n"
        "| `--json` | one document |  |"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a * b_c [d]\n e", "a \\* `b_c` \\[d\\] e"),
        ("keep `a*b` and MLFLOW_ALIAS", "keep `a*b` and `MLFLOW_ALIAS`"),
        ("a stray ` tick", "a stray \\` tick"),
    ],
)
def test_a_cell_shows_its_text_as_it_is(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_backticks_in_code() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`a") == "`` `a ``"
    assert code("") == ""


def test_a_bar_in_code_does_not_end_the_cell() -> None:
    assert table(["key"], [[code("a|b")]]).splitlines()[2] == "| `a\\|b` |"


def test_only_what_stands_in_blocks_is_made() -> None:
    page = "# a\n\nby hand\n\n<!-- options x -->\nold\n<!-- end -->\n\nby hand, too\n"
    made = rewritten(page, lambda block: f"new of {block.name}")
    assert made == page.replace("old", "new of x")


def test_a_block_that_does_not_end() -> None:
    with pytest.raises(ValueError, match="has no line <!-- end -->"):
        rewritten("<!-- keys a -->\n<!-- keys b -->\n<!-- end -->\n", str)


def test_every_task_and_file_gets_a_page(written: Pages) -> None:
    count = written.check()
    made = {path.relative_to(written.folder).as_posix() for path in written.folder.rglob("*.md")}
    assert made >= {"index.md", "tasks/detect.run.md", "settings/detection.md", "settings/mlflow.md"}
    assert count == len(made)
    text = (written.folder / RUN.page).read_text(encoding="utf-8")
    assert text.startswith("# detect.run\n\nDetect animals.\n\nIn photographs.\n\n")
    assert written.write() == []


def test_an_exit_code_means_what_its_error_says_and_not_a_case_of_it() -> None:
    rows = re.findall(r"^\| `(\d+)` \| (.+) \|$", exit_codes_block(), re.MULTILINE)
    assert dict(rows)["5"] == (InputError.__doc__ or "").splitlines()[0]
    assert issubclass(UnreadableImageError, InputError)  # which has words of its own
    assert len(rows) == len(dict(rows))


def test_no_private_task_has_a_page() -> None:
    from wildetect.tasks.docs import described_tasks

    names = [task.name for task in described_tasks()]
    assert "detect.run" in names
    assert not [name for name in names if "_" in (name[0], name.rpartition(".")[2][0])]


def test_what_differs_is_named(written: Pages) -> None:
    folder = written.folder
    stale = folder / RUN.page
    stale.write_text(stale.read_text(encoding="utf-8").replace("`120`", "`60`"), encoding="utf-8")
    (folder / "settings/mlflow.md").unlink()
    (folder / "settings/detection.md").write_text("# by hand alone\n", encoding="utf-8")
    (folder / "tasks/gone.task.md").write_text("# gone.task\n", encoding="utf-8")
    (folder / "free.md").write_text("<!-- options no.task -->\n<!-- end -->\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        written.check()
    assert caught.value.details == (
        "docs/free.md: <!-- options no.task -->: there is no such task or settings file",
        "docs/settings/detection.md: has no lines <!-- keys detection --> and <!-- end -->; add them",
        "docs/settings/mlflow.md is missing",
        "docs/tasks/detect.run.md: is out of date",
        "docs/tasks/gone.task.md: belongs to no task and no settings file; remove it",
    )
    assert caught.value.hint.startswith("uv run invoke docs.write")


def test_every_key_is_explained() -> None:
    from wildetect.settings.sections import file_stem, sections

    for model in sections():
        text = text_of(f"docs/settings/{file_stem(model)}.md")
        assert Block("keys", file_stem(model)).begin in text
        assert not re.findall(r"^\| (`[^`]+`) \|.*\|  \|$", text, re.MULTILINE)


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    for link in LINK.findall(FENCE.sub("", text_of(page))):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target), link


def anchors_of(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", pages())
def test_commands_in_sentences_name_tasks_and_options_that_there_are(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = Program().initial_context
    monkeypatch.chdir(tmp_path)
    for command in SENTENCE.findall(FENCE.sub("", text_of(page))):
        task, *words = shlex.split(command)
        for word in words:
            if not word.startswith("-"):  # of a path it is asked whether it is there
                place = tmp_path / word
                if place.parent.is_file():  # an earlier sentence named the folder
                    place.parent.unlink()
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
        if not task.startswith("-"):
            corrected_words([task, *words], ns, core)


@pytest.mark.parametrize(
    ("output", "shown", "comes"),
    [
        (
            "server at http://127.0.0.1:41234 (pid 7, 12.5 s)",
            "server at http://127.0.0.1:5000 (pid 1, 6 s)",
            True,
        ),
        ("88 detections in 2 of 2 images", "87 detections in 2 of 2 images", False),
        ("a\nb\nc", "a\n...\nc", True),
        ("a\nc", "a\n...\nc", True),
        ("a\nb", "a", False),
        ("model demo.1", "model demo...", True),
        ("name      version", "name  version", True),
        ("results/a", "results\\a", True),
        ("error: no such file", "error: no such folder", False),
    ],
)
def test_what_counts_as_shown(output: str, shown: str, comes: bool) -> None:
    assert comes_as_shown(output, shown) is comes


def test_the_picture_of_the_rooms_is_the_import_contract() -> None:
    page = (REPOSITORY / "docs/developers.md").read_text(encoding="utf-8")
    drawn = re.findall(r'^  l\d+\["(.*)"\]$', page, re.MULTILINE)
    contract = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contract["tool"]["importlinter"]["contracts"][0]["layers"]
    assert [set(layer.split(" · ")) for layer in drawn] == [set(layer.split(" | ")) for layer in layers]


def test_what_the_page_for_developers_names_is_there() -> None:
    page = (REPOSITORY / "docs/developers.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", page)
    assert len(named) > 20
    beside = [REPOSITORY, REPOSITORY / "src/wildetect"]
    missing = [path for path in named if not any((folder / path).exists() for folder in beside)]
    assert missing == []
