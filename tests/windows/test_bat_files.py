"""The .bat files under the real cmd.exe, or Wine's: where they lie, what they are given, what comes back.

The stand-in for uv writes down how it was called. Some of cmd.exe Wine has not: a `%` in a path or an
argument, a drive letter for a network folder, `for /d` with quotes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.windows.command_prompt import WINDOWS, CommandPrompt

from wildetect.shims import SETUP, Shim
from wildetect.tasks.shims import declared_shims

FOLDERS = ["with spaces", "Files (x86)", "R&D", "wow!", "größe Ж 猫", "a^b", "it's", "a;b,c=d"]
FILE = "scripts/run_detection.bat"
NOT_IN_WINE = pytest.mark.skipif(not WINDOWS, reason="Wine's cmd finds no folders by a pattern in quotes")


CALLING = [shim for shim in declared_shims() if shim.name != SETUP]


@pytest.mark.parametrize("shim", CALLING, ids=lambda shim: shim.name)
def test_calls_its_task_in_the_project(shim: Shim, prompt: CommandPrompt, project: Path) -> None:
    ended = prompt.call(prompt.path(project / "scripts" / shim.name))
    assert ended.arguments == f"run --no-sync python -m invoke {shim.task}"
    assert ended.variables["FOLDER"] == prompt.path(project)
    assert ended.variables["PYTHONUTF8"] == "1"
    assert (ended.code, ended.said) == (0, "")


@pytest.mark.parametrize("name", FOLDERS)
def test_any_folder(
    name: str, prompt: CommandPrompt, make_project: Callable[[str], Path], tmp_path: Path
) -> None:
    root, caller = make_project(name), tmp_path / f"caller {name}"
    caller.mkdir()
    ended = prompt.call(prompt.path(root / FILE), "a b.jpg", folder=caller, RUN_CODE="5")
    assert ended.arguments == 'run --no-sync python -m invoke detect.run "a b.jpg"'
    assert ended.variables["FOLDER"] == prompt.path(root)
    assert ended.variables["WILDETECT_CALLER_CWD"] == prompt.path(caller)
    assert ended.code == 5


def test_network_folder(prompt: CommandPrompt, project: Path) -> None:
    ended = prompt.call(prompt.shared(project / FILE), "x", RUN_CODE="4")
    assert ended.arguments == "run --no-sync python -m invoke detect.run x"
    # Windows gives it a drive letter, Wine does not
    assert ended.variables["FOLDER"].endswith(prompt.path(project)[2:])
    assert ended.code == 4


def test_arguments_pass_verbatim(prompt: CommandPrompt, project: Path) -> None:
    given = ("two words", "größe Ж", "a & b", "a ^ b", "(a)", "a,b;c=d", "*", "?", "", "it's", "-x", "~")
    ended = prompt.call(prompt.path(project / FILE), *given)
    expected = " ".join(f'"{word}"' if " " in word or not word else word for word in given)
    assert ended.arguments == f"run --no-sync python -m invoke detect.run {expected}"


def test_quotes_stay_where_they_were_typed(prompt: CommandPrompt, project: Path) -> None:
    text = '--name="a b" "a&b" "a)b" "" * "a^b" "a|b" "<>" (x) a=b,c;d "it\'s" "C:\\a b\\\\" --x="" /? "/?"'
    ended = prompt.typed(f'"{prompt.path(project / FILE)}" {text}', project, run_code="3")
    assert ended.arguments == f"run --no-sync python -m invoke detect.run {text}"
    assert ended.code == 3


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 42, 127, 130, 255])
def test_exit_code_comes_back(code: int, prompt: CommandPrompt, project: Path) -> None:
    assert prompt.call(prompt.path(project / FILE), RUN_CODE=str(code)).code == code


@pytest.mark.parametrize(
    ("line", "arguments", "explorer", "held"),
    [
        pytest.param('{cmd} /c ""{file}" "', "", False, True, id="double-click"),
        pytest.param('{cmd} /c ""{file}""', "", False, False, id="PowerShell"),
        pytest.param('{cmd} /c "{file}"', "", False, False, id="Task Scheduler"),
        pytest.param('"{cmd}" ', "", False, False, id="open terminal"),
        pytest.param('{cmd} /d /s /c "{file}"', "", False, False, id="editor"),
        pytest.param('{cmd} /c ""C:\\other.bat" "', "", True, False, id="called by another file"),
        pytest.param('{cmd} /c ""{file}" --json"', "--json", False, False, id="PowerShell with argument"),
        pytest.param('{cmd} /c "{file}" --json', "--json", False, False, id="Task Scheduler with argument"),
    ],
)
def test_window(
    line: str, arguments: str, explorer: bool, held: bool, prompt: CommandPrompt, project: Path
) -> None:
    file = prompt.path(project / FILE)
    line = line.format(cmd=r"C:\WINDOWS\system32\cmd.exe", file=file)
    code = "0" if explorer else "1"
    keys = b"\r\n" if held else b""
    ended = prompt.call(file, *arguments.split(), line=line, keys=keys, RUN_CODE="2", EXPLORER_CODE=code)
    assert (ended.code, ended.held) == (2, held)
    assert ended.arguments == f"run --no-sync python -m invoke detect.run {arguments}".rstrip()
    assert "WILDETECT_COMMAND_LINE" not in ended.variables
    if not WINDOWS:  # there the question goes to the real PowerShell
        assert ended.asked == bool(arguments)


def test_no_window_is_held_in_automation(prompt: CommandPrompt, project: Path) -> None:
    file = prompt.path(project / FILE)
    ended = prompt.call(file, line=f'cmd.exe /c ""{file}" "', RUN_CODE="2", CI="true")
    assert (ended.code, ended.held) == (2, False)


@pytest.mark.parametrize(("held", "goes_on"), [(True, False), (False, True)])
def test_what_follows_on_the_line(held: bool, goes_on: bool, prompt: CommandPrompt, project: Path) -> None:
    """Explorer's `a&b.jpg` must not run b.jpg; a line that somebody wrote goes on."""
    file = prompt.path(project / FILE)
    line = f'cmd.exe /c ""{file}" "' if held else f'cmd.exe /c "{file} & echo second"'
    ended = prompt.call("cmd.exe", "/c", file, "&", "echo", "second", line=line, keys=b"\r\n")
    assert ended.held == held
    assert ("second" in ended.said) == goes_on


def test_packages_that_are_missing_are_fetched(prompt: CommandPrompt, project: Path) -> None:
    ended = prompt.call(prompt.path(project / FILE), CHECK_CODE="1", RUN_CODE="3")
    assert ended.arguments == "run  python -m invoke detect.run"
    assert "the first time takes some minutes" in ended.said
    (project / ".venv/pyvenv.cfg").unlink()
    ended = prompt.call(prompt.path(project / FILE), CHECK_CODE="0", RUN_CODE="3")
    assert ended.arguments == "run  python -m invoke detect.run"
    assert ended.code == 3


def test_without_uv(prompt: CommandPrompt, project: Path) -> None:
    file = prompt.path(project / FILE)
    ended = prompt.call(file, line=f'cmd.exe /c ""{file}" "', keys=b"\r\n", uv=False)
    assert (ended.code, ended.held) == (127, True)
    assert "error: uv.exe was not found" in ended.said
    assert "setup.bat, which installs it" in ended.said
    assert not ended.variables


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        ("USERPROFILE", ".local/bin"),
        ("USERPROFILE", ".cargo/bin"),
        ("USERPROFILE", "scoop/shims"),
        ("LOCALAPPDATA", "Microsoft/WinGet/Links"),
        ("ProgramData", "chocolatey/bin"),
        ("USERPROFILE", "miniforge3/Scripts"),
        ("LOCALAPPDATA", "miniconda3/Library/bin"),
        ("ProgramFiles", "WinGet/Links"),
        ("ProgramData", "anaconda3/Scripts"),
        pytest.param("LOCALAPPDATA", "Programs/Python/Python313/Scripts", marks=NOT_IN_WINE),
        pytest.param("LOCALAPPDATA", "Python/pythoncore-3.14-64/Scripts", marks=NOT_IN_WINE),
        pytest.param(
            "LOCALAPPDATA",
            "Microsoft/WinGet/Packages/astral-sh.uv_Microsoft.Winget.Source_8wekyb3d8bbwe",
            marks=NOT_IN_WINE,
        ),
        pytest.param("APPDATA", "Python/Python312/Scripts", marks=NOT_IN_WINE),
        pytest.param("ProgramFiles", "Python311/Scripts", marks=NOT_IN_WINE),
        pytest.param(
            "LOCALAPPDATA",
            "Packages/PythonSoftwareFoundation.Python.3.13_qbz5n2kfra8p0/LocalCache/local-packages/Python313/Scripts",
            marks=NOT_IN_WINE,
        ),
    ],
)
def test_uv_beside_path(variable: str, place: str, prompt: CommandPrompt, project: Path) -> None:
    program = prompt.places[variable] / place / "uv.exe"
    program.parent.mkdir(parents=True)
    program.write_bytes((prompt.folder / "bin/uv.exe").read_bytes())
    try:
        ended = prompt.call(prompt.path(project / FILE), "x", uv=False, RUN_CODE="9")
    finally:
        program.unlink()
    assert ended.code == 9
    assert ended.arguments == "run --no-sync python -m invoke detect.run x"


def test_copied_out_of_the_project(prompt: CommandPrompt, project: Path, tmp_path: Path) -> None:
    copied = tmp_path / "desktop/run_detection.bat"
    copied.parent.mkdir()
    copied.write_bytes((project / FILE).read_bytes())
    file = prompt.path(copied)
    ended = prompt.call(file, line=f'cmd.exe /c ""{file}" "', keys=b"\r\n")
    assert (ended.code, ended.held) == (1, True)
    assert "does not lie in the scripts folder" in ended.said
    assert "make a shortcut" in ended.said
    assert not ended.variables


def test_uv_as_a_module_of_python(prompt: CommandPrompt, project: Path) -> None:
    """As `pip install --user uv` leaves it, where its folder is not on PATH."""
    programs = prompt.folder / "launcher"
    programs.mkdir(exist_ok=True)
    (programs / "py.exe").write_bytes((prompt.folder / "bin/uv.exe").read_bytes())
    ended = prompt.call(prompt.path(project / FILE), "x", uv=False, programs=programs)
    assert ended.arguments == "-m uv run --no-sync python -m invoke detect.run x"


def test_set_up_with_uv(prompt: CommandPrompt, project: Path) -> None:
    ended = prompt.call(prompt.path(project / "scripts/setup.bat"), keys=None)
    assert ended.arguments == "run --no-sync python -m invoke doctor"
    assert ended.code == 0
    for words in ("1 of 3: Python and the packages", "2 of 3", "shortcuts on the desktop?", "Run the demo"):
        assert words in ended.said


def test_set_up_without_questions_ends_with_the_demo(prompt: CommandPrompt, project: Path) -> None:
    ended = prompt.call(prompt.path(project / "scripts/setup.bat"), "/y")
    assert ended.arguments == "run --no-sync python -m invoke demo"
    assert ended.code == 0


def test_set_up_where_packages_cannot_be_had(prompt: CommandPrompt, project: Path) -> None:
    ended = prompt.call(prompt.path(project / "scripts/setup.bat"), CHECK_CODE="2")
    assert ended.code == 1
    assert "error: the packages could not be installed" in ended.said
    assert not ended.variables


@pytest.mark.parametrize(
    "keys",
    [b"n\r\n", b'"\r\n', pytest.param(b"y\r\n", marks=pytest.mark.skipif(WINDOWS, reason="installs uv"))],
)
def test_set_up_without_uv(keys: bytes, prompt: CommandPrompt, project: Path) -> None:
    ended = prompt.call(prompt.path(project / "scripts/setup.bat"), keys=keys, uv=False)
    assert "Install it now? [y/n]" in ended.said
    assert "hint: Install it" in ended.said
    assert "yntax" not in ended.said
    assert ended.code == 127


@pytest.mark.skipif(WINDOWS, reason="the real PowerShell would install the real uv")
def test_where_no_winget_is_the_installer_of_uv_brings_it(prompt: CommandPrompt, project: Path) -> None:
    program = prompt.places["USERPROFILE"] / ".local/bin/uv.exe"
    program.parent.mkdir(parents=True, exist_ok=True)
    comes = prompt.path(prompt.folder / "bin/uv.exe")
    try:
        file = prompt.path(project / "scripts/setup.bat")
        ended = prompt.call(file, "/y", uv=False, UV_COMES=comes)
    finally:
        program.unlink(missing_ok=True)
    assert ended.arguments == "run --no-sync python -m invoke demo"
    assert ended.code == 0


@pytest.mark.parametrize("file", ["demo.bat", "setup.bat"])
def test_certificates_of_an_office_are_asked_of_windows(
    file: str, prompt: CommandPrompt, project: Path
) -> None:
    path = prompt.path(project / "scripts" / file)
    assert prompt.call(path, keys=None).variables["UV_SYSTEM_CERTS"] == "1"
    assert prompt.call(path, keys=None, UV_SYSTEM_CERTS="0").variables["UV_SYSTEM_CERTS"] == "0"
