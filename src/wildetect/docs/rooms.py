"""The rooms of the library as docs/developers.md shows them: made from the import contract."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from wildetect.docs.markdown import cell, code, table

__all__ = ["rooms_block"]


def rooms_block() -> str:
    """Draw the layers of the contract in pyproject.toml, with a table of what each room says of itself."""
    package = Path(__file__).resolve().parents[1]
    root = package.parents[1]
    contract = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (
        one["layers"] for one in contract["tool"]["importlinter"]["contracts"] if one["type"] == "layers"
    )
    rooms = [[name.strip() for name in layer.split("|")] for layer in layers]
    rows = [[code(name), cell(_says(package, name))] for layer in rooms for name in layer]
    return "\n".join(["```mermaid", *_picture(rooms), "```", "", table(["room", "what it is"], rows)])


def _picture(rooms: list[list[str]]) -> Iterator[str]:
    yield "flowchart TD"
    for number, layer in enumerate(rooms):
        yield f'  l{number}["{" · ".join(layer)}"]'
    yield "  " + " --> ".join(f"l{number}" for number in range(len(rooms)))


def _says(package: Path, room: str) -> str:
    folder, module = package / room / "__init__.py", package / f"{room}.py"
    path = folder if folder.is_file() else module
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
