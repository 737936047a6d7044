"""What word processors and pages make of .env: the line at fault is named, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workspaces import Workspace

from wildetect.errors import ConfigurationError
from wildetect.settings.project import Variables
from wildetect.settings.sections import variable_meant

NAME = "MLFLOW_TRACKING_PASSWORD"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"{NAME}=“geheim”", f'curly quotes are no quotes here: write {NAME}="value"'),
        (f"{NAME}=„geheim“", f'curly quotes are no quotes here: write {NAME}="value"'),
        (f"export {NAME}=‘geheim’", f'curly quotes are no quotes here: write {NAME}="value"'),  # noqa: RUF001
        (f"{NAME}=“geheim", f'curly quotes are no quotes here: write {NAME}="value"'),
        (f"{NAME}=\u200bgeheim", f"cannot be seen (copied from a page or a document): type {NAME}= again"),
        (f"{NAME}\u200b=geheim", f"cannot be seen (copied from a page or a document): type {NAME}= again"),
        (f"{NAME}: geheim", f": in place of =: write {NAME}=value"),
        (f"{NAME}＝geheim", f"＝ in place of =: write {NAME}=value"),  # noqa: RUF001
        ("geheim", "not NAME=value"),
        (f"set {NAME}=geheim", f"as for another program: write {NAME}=value"),
        (f'$env:{NAME}="geheim"', f"as for another program: write {NAME}=value"),
        (f"- {NAME}=geheim", f"as for another program: write {NAME}=value"),
        (f'{NAME}="geheim', 'a quote is opened here and not closed: put " at the end'),
        (f'{NAME}="geheim" oder', "something stands behind the quotes"),
        (f'{NAME}="geheim\\new"', f"a backslash begins a special character: write {NAME}='value'"),
        ('DATA_ROOT="geheim\\new"', "a backslash begins a special character: write DATA_ROOT='value'"),
        (f"{NAME}=geheim #x", f"what follows # would be left out: write {NAME}='value' in single quotes"),
        (f"{NAME}=geheim${{x}}", "the variable x is set neither above nor outside: where it belongs to the"),
        (f"AWS_X=geheim {NAME}=x", "two variables in one line: write each in a line of its own"),
        ("DATA_ROOT=\u202aD:/geheim", "a letter that cannot be seen"),
        ("DATA_ROOT=%USERPROFILE%\\geheim", "write ${USERPROFILE} there"),
        ("DATA_ROOT=$HOME/geheim", "write ${HOME} there"),
        ('DATA_ROOT="D:\\new-geheim"', "a backslash begins a special character: write DATA_ROOT='value'"),
    ],
)
def test_a_slip_is_named_with_its_line_and_without_the_value(line: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"# “ours”\nA=1\n\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        Variables.read(path)
    told = str(caught.value.details or caught.value.message)
    assert ".env:4: " in told
    assert says in told
    assert "geheim" not in told


@pytest.mark.parametrize(
    "value", ["a “quoted” word here", '"straight"', "'x'", "", "http://größe:5000", "a=b:c"]
)
def test_what_is_no_slip(value: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"# “ours”: a note\nA={value}\n", encoding="utf-8")
    assert Variables.read(path).values == {"A": value.strip("\"'")}


def test_a_variable_of_ours_that_is_given_twice_is_named_and_none_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"{NAME}=geheim\nA=1\nA=2\n{NAME.lower()}=other\n{NAME}=geheim\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        Variables.read(path)
    assert caught.value.message == f".env:4: {NAME} is given twice, with another value in line 1"


def test_a_name_beside_one_of_ours_is_named(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project")
    env = workspace.root / ".env"
    env.write_text(
        "MLFLOW_TRACKING_URL=http://a\nMLFLOW_TRACKING_TOKEN=x\nDATA_ROOT=a\nDATA_ROOT=b\n", encoding="utf-8"
    )
    told = workspace.invoke("config.show", "detection").stderr
    assert ".env:1: MLFLOW_TRACKING_URL is not read: did you mean MLFLOW_TRACKING_URI?" in told
    assert ".env:4: DATA_ROOT is given twice: this line counts" in told
    assert "TOKEN" not in told


def test_a_text_that_begins_in_other_letters_is_read_in_utf_16_without_its_mark(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    for encoding in ("utf-16-le", "utf-16-be"):
        path.write_bytes(f"# наша съёмка\n{NAME}=größe\n".encode(encoding))
        assert Variables.read(path).values == {NAME: "größe"}


def test_single_quotes_keep_what_they_hold_and_unknown_variables_stay(tmp_path: Path) -> None:
    """`ab${cd}` lost a part in any quotes, and ${NOPE}/x became /x."""
    path = tmp_path / ".env"
    path.write_text(
        f"{NAME}='ab${{cd}} #x'\nA=1\nB=${{A}}/${{NOPE}}\nC=${{NOPE:-d}}\nD=\"-----BEGIN\\n\"\n",
        encoding="utf-8",
    )
    values = Variables.read(path).values
    assert values[NAME] == "ab${cd} #x"
    assert (values["B"], values["C"], values["D"]) == ("1/${NOPE}", "d", "-----BEGIN\n")


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"PK\x03\x04\xff", ".env: is a workbook, a document or an archive", "Save the file as plain text"),
        (b"A=1\n\0\0\0\0", ".env:2: zero bytes begin here", ".env.example shows how"),
        (None, ".env: is a folder, not a file", "Rename the folder"),
    ],
)
def test_a_file_that_is_no_text(content: bytes | None, message: str, hint: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        Variables.read(path)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("MLFLOW-TRACKING-URI", "MLFLOW_TRACKING_URI"),
        ('"MLFLOW_ALIAS"', "MLFLOW_ALIAS"),
        ("MLFLOW_REGISTRY_NMAE", "MLFLOW_REGISTRY_NAME"),
        ("WILDETECT_DETECTION_PROCESSING_TILE_SIZE", "WILDETECT_DETECTION__PROCESSING__TILE_SIZE"),
        ("WILDETECT_PROCESSING__TILE_SIZE", "WILDETECT_DETECTION__PROCESSING__TILE_SIZE"),
        ("WILDETECT_DETECTION__PROCESSING__TILE_SIZE", None),
        ("mlflow_tracking_uri", None),
        ("MLFLOW_REGISTRY_URI", None),
        ("WILDETECT_DEBUG", None),
        ("WILDETECT_CALLER_CWD", None),
        ("WILDETECT_USER_PASSWORD", None),
    ],
)
def test_a_name_that_no_one_reads(written: str, meant: str | None) -> None:
    """A setting that is passed over without a word is a number quietly wrong."""
    assert variable_meant(written) == meant


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_every_encoding_of_notepad_is_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(f"A=1\r\n{NAME}=größe\r\n".encode(encoding))
    assert Variables.read(path).values == {"A": "1", NAME: "größe"}


def test_through_the_program(tmp_path: Path) -> None:
    workspace = Workspace.make(tmp_path / "project")
    (workspace.root / ".env").write_text(
        "A=1\nMLFLOW_TRACKING_URI=“http://127.0.0.1:5000”\n", encoding="utf-8"
    )
    error, hint = workspace.fail(2, "config.show", "detection")
    assert ".env:2: curly quotes" in error
    assert "NAME=value" in hint
