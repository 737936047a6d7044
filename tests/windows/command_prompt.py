"""cmd.exe, the real one or Wine's, with stand-ins for uv and for the question who opened the window."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.windows.stand_ins import POWERSHELL, UV, make_program

WINDOWS = sys.platform == "win32"
SECONDS = 60  # a call that has not ended by then waits for a key
# What the machine that runs the tests says must not decide them.
LEFT_OUT = ("WILDETECT_", "PYTHONUTF8", "CI", "UV", "DISPLAY", "WINE", "CMDCMDLINE")
RECORDED = ("ARGUMENTS=", "FOLDER=", "PYTHONUTF8=", "UV_SYSTEM_CERTS=", "WILDETECT_")
PLACES = ("USERPROFILE", "LOCALAPPDATA", "APPDATA", "ProgramData", "ProgramFiles")


@dataclass(frozen=True)
class Ended:
    """A call of a .bat file that has ended.

    Attributes:
        code: Its exit code.
        said: What it wrote, stdout and stderr.
        variables: What is RECORDED of the environment of uv, where it was called to run something; else
            nothing.
        asked: Whether it was asked who opened the window.
    """

    code: int
    said: str
    variables: dict[str, str]
    asked: bool

    @property
    def arguments(self) -> str:
        """What stood behind uv.exe, letter by letter."""
        return self.variables["ARGUMENTS"].partition('" ')[2].rstrip()

    @property
    def held(self) -> bool:
        return "Press any key" in self.said


@dataclass
class CommandPrompt:
    """Where the .bat files run.

    Args:
        folder: An empty folder for the stand-ins, and for Wine's drive C.
    """

    folder: Path
    places: dict[str, Path] = field(default_factory=dict)

    @classmethod
    @contextlib.contextmanager
    def opened(cls, folder: Path) -> Iterator[CommandPrompt]:
        prompt = cls(folder)
        (folder / "bin").mkdir()
        if WINDOWS:
            prompt.places = {name: folder / name for name in PLACES}
            prompt._add(folder / "bin/uv.exe", UV)
            yield prompt
            return
        (folder / "prefix").mkdir()
        # in the foreground, so that it is known by its process; it stays between the calls
        server = subprocess.Popen(["wineserver", "-f", "-p"], env=prompt._environment())
        try:
            prompt._run(["wineboot", "-i"], prompt._environment())
            prompt._find_places()
            prompt._add(folder / "bin/uv.exe", UV)
            system = folder / "prefix/drive_c/windows/system32"
            prompt._add(system / "WindowsPowerShell/v1.0/powershell.exe", POWERSHELL)
            yield prompt
        finally:
            # only what runs on this drive C
            subprocess.run(["wineserver", "-k"], env=prompt._environment(), check=False)
            server.wait(SECONDS)

    def _find_places(self) -> None:
        _, said = self._run(["wine", "cmd", "/c", "set"], self._environment())
        variables = dict(line.partition("=")[::2] for line in said.splitlines())
        drive = self.folder / "prefix/drive_c"
        self.places = {name: drive / variables[name][3:].replace("\\", "/") for name in PLACES}

    def _add(self, program: Path, commands: str) -> None:
        file = self.folder / f"{program.stem}.bat"
        shell = os.environ["COMSPEC"] if WINDOWS else r"C:\windows\system32\cmd.exe"
        make_program(program, file, commands, f"{shell} /c {self.path(file)}")

    def path(self, path: Path) -> str:
        """A path as Windows names it."""
        return str(path) if WINDOWS else "Z:" + str(path).replace("/", "\\")

    def shared(self, path: Path) -> str:
        """A path as it is named over the network."""
        if WINDOWS:
            return rf"\\localhost\{path.drive[0]}$" + str(path)[2:]
        share = self.folder / "prefix/dosdevices/unc/server/share"
        share.parent.mkdir(parents=True, exist_ok=True)
        share.unlink(missing_ok=True)
        share.symlink_to("/")
        return r"\\server\share" + str(path).replace("/", "\\")

    def call(
        self,
        file: str,
        *arguments: str,
        line: str | None = None,
        folder: Path | None = None,
        keys: bytes | None = b"",
        uv: bool = True,
        programs: Path | None = None,
        **variables: str,
    ) -> Ended:
        """Call a .bat file, to its end.

        Args:
            file: Its path.
            arguments: What it is given, without quotes.
            line: What cmd.exe was started with; without it as on this system, or in an open terminal.
            folder: The caller's folder.
            keys: The keys pressed; None where nobody sits there and a question gets no answer. No more come,
                and none is taken for the end of all keys: a file that waits does not end.
            uv: Whether uv.exe is on PATH.
            programs: A further folder on PATH.
            variables: Further environment variables, such as RUN_CODE, what uv ends with.
        """
        record = self.folder / "record.txt"
        asked = self.folder / "record.txt.asked"
        record.unlink(missing_ok=True)
        asked.unlink(missing_ok=True)
        environment = {**self._environment(uv=uv), "RECORD": self.path(record), **variables}
        environment |= self._search_path(programs) if programs else {}
        if line is not None or not WINDOWS:
            environment["CMDCMDLINE"] = line or r"C:\windows\system32\cmd.exe"
        # with quotes around the path, as Python leaves them out where there is no space
        plain = ["wine", file, *arguments]
        words = f'"{file}" {subprocess.list2cmdline(arguments)}'.rstrip() if WINDOWS else plain
        code, said = self._run(words, environment, folder=folder, keys=keys)
        found = record.read_text(encoding="utf-16-le").splitlines() if record.exists() else []
        values = dict(entry.partition("=")[::2] for entry in found if entry.startswith(RECORDED))
        return Ended(code, said, values, asked.exists())

    def _run(
        self,
        words: str | list[str],
        environment: dict[str, str],
        *,
        folder: Path | None = None,
        keys: bytes | None = b"",
    ) -> tuple[int, str]:
        """Run a program to its end: its exit code and what it wrote."""
        # a file, no pipe: what Wine leaves in the background would keep that open
        with tempfile.TemporaryFile() as output:
            reading, writing = os.pipe()
            try:
                os.write(writing, keys or b"")
                ended = subprocess.run(
                    words,
                    stdin=subprocess.DEVNULL if keys is None else reading,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=folder or self.folder,
                    env=environment,
                    timeout=SECONDS,
                    check=False,
                )
            finally:
                os.close(reading)
                os.close(writing)
            output.seek(0)
            return ended.returncode, output.read().decode(errors="replace")

    def typed(self, text: str, folder: Path, run_code: str = "0") -> Ended:
        """Call what was typed at the prompt, with its quotes as they are.

        A file cannot hold a percent sign as it is typed, and Wine's prompt reads it as a file does.
        """
        file = folder / "typed.bat"
        # as keys are, in the code page of a new drive C and of Western Europe
        file.write_bytes(f"@echo off\r\n{text}\r\n".encode("cp437"))
        return self.call(self.path(file), folder=folder, RUN_CODE=run_code)

    def _search_path(self, programs: Path) -> dict[str, str]:
        """The variable that adds a folder to where programs are looked for."""
        if WINDOWS:
            return {"PATH": f"{programs};{os.environ['SYSTEMROOT']}\\System32"}
        return {"WINEPATH": self.path(programs)}

    def _environment(self, *, uv: bool = True) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(LEFT_OUT)}
        codes = dict.fromkeys(("CHECK_CODE", "RUN_CODE"), "0")
        codes["EXPLORER_CODE"] = "1"
        programs = str(self.folder / "bin")
        if WINDOWS:
            system = os.environ["SYSTEMROOT"]
            path = [programs, rf"{system}\System32", system] if uv else [rf"{system}\System32", system]
            places = {name: str(place) for name, place in self.places.items()}
            return {**kept, **codes, **places, "PATH": ";".join(path)}
        wine = {
            "WINEPREFIX": str(self.folder / "prefix"),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=d",
            "LC_ALL": "C.UTF-8",  # with "C" only ASCII comes through
        }
        return {**kept, **codes, **wine, **({"WINEPATH": self.path(Path(programs))} if uv else {})}


def missing() -> str | None:
    """Why no .bat file can be run here, if so."""
    if WINDOWS or all(shutil.which(name) for name in ("wine", "wineboot", "wineserver")):
        return None
    return "there is neither Windows nor Wine on this machine (Debian: apt-get install wine wine64)"
