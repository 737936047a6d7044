"""Programs that stand in for uv and PowerShell: each an .exe that runs a few lines in cmd.exe."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import distlib

# "cmd /u" writes UTF-16: any letter comes through. %2 is the first word after the path of uv.exe.
UV = """\
@echo off
set ARGUMENTS=%*
set "FOLDER=%CD%"
if "%~2"=="sync" exit %CHECK_CODE%
if "%~4"=="--version" exit 0
"%COMSPEC%" /u /c set>"%RECORD%"
exit %RUN_CODE%
"""
# In place of PowerShell, which Wine lacks: is Explorer the parent? 0 says so. Or uv's installer, where
# UV_COMES says what it installs.
POWERSHELL = """\
@echo off
echo asked>"%RECORD%.asked"
if defined UV_COMES copy "%UV_COMES%" "%USERPROFILE%\\.local\\bin\\uv.exe" >nul
exit %EXPLORER_CODE%
"""


def make_program(program: Path, file: Path, commands: str, call: str) -> None:
    """Make an .exe of a launcher of distlib, which needs no compiler.

    Args:
        program: The .exe; one that is there is replaced.
        file: The .bat file that it runs.
        commands: What that holds.
        call: The words that run the file.
    """
    file.write_bytes(commands.replace("\n", "\r\n").encode("ascii"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as empty:
        empty.writestr("empty", "")
    launcher = Path(distlib.__file__).with_name("t64.exe").read_bytes()
    program.parent.mkdir(parents=True, exist_ok=True)
    program.unlink(missing_ok=True)
    program.write_bytes(launcher + f"#!{call}\n".encode() + archive.getvalue())
