"""What every report page shares: one style, escaped text, and no way out to a network.

The page's own Content-Security-Policy allows its style and script by their digests and pictures that
are part of it or lie beside it, nothing else: whatever a file name or class name holds, nothing runs and
nothing is sent.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from wildetect.wording import form, listed, number_of, percent

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["TEMPLATES", "environment", "picture_source", "policy", "text_of"]

TEMPLATES = Path(__file__).with_name("templates")
_MINUTE, _HOUR = 60, 3600
_LETTERS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"  # Hebrew, Arabic, Syriac, Thaana, N'Ko and their forms
_RIGHT_TO_LEFT = re.compile(f"[{_LETTERS}]+(?:[ _-]+[{_LETTERS}]+)*")


def policy(style: str, script: str = "", *, pictures: bool = False) -> str:
    """What the browser may load: https://www.w3.org/TR/CSP3/.

    Args:
        style: All of the page's style, as it stands there.
        script: All of its script; empty where it has none.
        pictures: Whether it shows pictures that lie beside it, such as overlays.
    """
    beside = " 'self' file:" if pictures else ""
    scripts = _digest(script) if script else "'none'"
    return (
        f"default-src 'none'; img-src data:{beside}; style-src {_digest(style)}; script-src {scripts}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def text_of(*paths: Path) -> str:
    """Files of a page one after the other, with line ends as a browser sees them: digests are of these."""
    return "\n" + "\n".join(path.read_text(encoding="utf-8").replace("\r\n", "\n") for path in paths)


def picture_source(jpeg: bytes) -> str:
    """A picture as part of the page."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


@cache
def environment(*folders: Path) -> Environment:
    """Jinja's environment over folders of templates, those that all pages share last."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_isolated,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"form": form, "listed": listed, "number_of": number_of, "percent": percent}
    made.filters |= {
        "breakable": _breakable,
        "duration": _duration,
        "moment": _moment,
        "picture": picture_source,
        "words": _words,
    }
    return made


def _isolated(value: object) -> object:
    """Words that run from right to left keep to themselves: numbers beside them stay where they were put.

    Source: Unicode Standard Annex 9, first strong isolate and its end, which attributes and SVG take, too.
    """
    if type(value) is not str or value.isascii():
        return value
    return _RIGHT_TO_LEFT.sub("\u2068\\g<0>\u2069", value)


def _breakable(name: str) -> Markup:
    """The name of a file, which a narrow page may break at its joints before it breaks it anywhere."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(part) for part in re.findall(r"[^/\\_-]*[/\\_-]+|[^/\\_-]+", name))


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    return f"{int(seconds // _HOUR):,} h {int(seconds % _HOUR // _MINUTE)} min"


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M UTC")


def _words(name: str) -> str:
    return name.replace("_", " ")
