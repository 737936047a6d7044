"""What is wrong in settings, with file, line and value; and values shown without what stays secret."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from wildetect.errors import ConfigurationError
from wildetect.settings.address import server_address
from wildetect.tables.numbers import METRES
from wildetect.wording import commas, listed, number_of

__all__ = [
    "HIDDEN",
    "Key",
    "Problem",
    "dotted",
    "foreign_variable",
    "hidden",
    "is_option",
    "nearest",
    "nearest_first",
    "one_of",
    "raise_problems",
    "secret_texts",
    "share_meant",
    "shown",
    "what_is_wrong",
]

Key = tuple[str | int, ...]
"""The path of a setting in its file, such as ("processing", "tile_size")."""

Word = TypeVar("Word", bound=str)
SECRET_WORDS = ("password", "secret", "api_key", "token", "uri")
LONGEST_VALUE = 60
HIDDEN = "***"
# An address is worth showing, without the sign-in that may stand in it.
NAMES = (*(word for word in SECRET_WORDS if word != "uri"), "access_key", "secret_key")
SIGN_IN = re.compile(r"://[^\s/@]*(?::[^\s@]*)?@")
IN_QUERY = re.compile(r"([?&][^=&\s]*(?:password|secret|token|key|sig)[^=&\s]*=)[^&\s]+", re.IGNORECASE)
SHORTEST = 6  # characters; a shorter text stands in many places by chance
# What people call a word that is spelled in another way; "gpu" would be taken for a mistyped "cpu".
ALSO_CALLED = {
    "gpu": "cuda",
    "nvidia": "cuda",
    "excel": "xlsx",
    "darwin-core": "dwc",
    "geopackage": "gpkg",
    "qgis": "gpkg",
    "html": "report",
    "label-studio": "labelstudio",
    "delete": "remove",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where: "configs/detection.yaml:12", ".env:3", "--tile-size".

    Attributes:
        where: File and line, variable or option.
        what: What is wrong there.
        values: What may be written in its place, what was most likely meant first; empty where unknown.
    """

    where: str
    what: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


FOREIGN_VARIABLE = re.compile(r"(?:%(\w+)%|\$env:(\w+)|\$([A-Za-z_]\w*))(?=[/\\]|$)", re.IGNORECASE)


def foreign_variable(text: str) -> str | None:
    """Say what to write for a variable that begins a path as shells have it; null where none does."""
    found = FOREIGN_VARIABLE.match(text)
    if found is None or not (found[1] or found[2] or re.search(r"[/\\]", text)):
        return "${ is opened here and not closed by }" if re.search(r"\$\{[^}]*$", text) else None
    name = found[1] or found[2] or found[3]
    return f"a variable is written ${{NAME}}: write ${{{name}}}{text[found.end() :]}"


def dotted(key: Key) -> str:
    """The key as users write it: `processing.tile_size`, `image_paths[2]`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown(key: Key, value: object) -> str:
    """A value for a message: shortened, and hidden where the key may hold a secret."""
    if any(word in str(part).lower() for part in key for word in SECRET_WORDS):
        return "(not shown)"
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known key that a mistyped one was most likely meant to be.

    A key of the same block comes first, then one of the same last part elsewhere in the file:
    `tile_size` at the top level is `processing.tile_size`.
    """
    block, _, last = name.lower().rpartition(".")
    candidates = list(known)
    siblings = {key.rpartition(".")[2]: key for key in candidates if key.rpartition(".")[0] == block}
    close = difflib.get_close_matches(last, siblings, n=1, cutoff=0.6)
    close = close or sorted(sibling for sibling in siblings if sibling.startswith(f"{last}_"))
    if close:
        return siblings[close[0]]
    elsewhere = {key.rpartition(".")[2]: key for key in candidates}
    close = difflib.get_close_matches(last, elsewhere, n=1, cutoff=0.7)
    return elsewhere[close[0]] if close else None


def nearest_first(word: str, known: Sequence[str]) -> list[str]:
    """Sort a fixed list of words by how likely each was meant by a word that is not among them."""
    meant = ALSO_CALLED.get(_typed(word), _typed(word))
    whole = difflib.SequenceMatcher(b=meant)

    def unlike(name: str) -> float:
        whole.set_seq1(name.lower())
        starts = len(meant) > 1 and name.lower().startswith(meant)
        return -whole.ratio() - starts

    return sorted(known, key=unlike)


def _typed(word: str) -> str:
    return word.strip(" ,;.").lower().replace("_", "-").replace(" ", "-")


def one_of(option: str, word: str, known: Sequence[Word]) -> Word:
    """Give the word of a fixed list that stands behind an option.

    Args:
        option: The option as users type it, such as "--format".
        word: What was given.
        known: What may be given.

    Raises:
        ConfigurationError: It is another word; the hint lists those there are, the likeliest first.
    """
    for one in known:
        if one == word:
            return one
    raise ConfigurationError(
        f"{option}: {word!r} is not one of its {number_of(len(known), 'word')}",
        hint=f"Give {option} {listed(nearest_first(word, known), last='or')}.",
    )


def is_option(where: str) -> bool:
    """Whether the place of a problem is an option of the command line."""
    return where.startswith("--")


NUMBER = re.compile(r"(?P<number>[-+]?\d+(?:[.,]\d+)*)\s*(?P<unit>%|°|[^\W\d_]*(?:/px)?)")
UNIT_NAMED = re.compile(r"\b(mm|cm|m|km|s|px|degrees)\b")
DASHES = str.maketrans("–−", "--")  # noqa: RUF001 - in place of minus
LENGTHS = {**METRES, "mm": 0.001, "cm": 0.01, "cm/px": 0.01}  # m


def what_is_wrong(detail: Mapping[str, Any], meaning: str = "") -> tuple[str, tuple[str, ...]]:
    """Say what a value must be, and what to write where it is clear what was meant.

    Args:
        detail: One error of pydantic: type, msg, input, and ctx for some types.
        meaning: What the setting is, with its unit: "height above ground in m".

    Returns:
        What is wrong, and what may be written in its place, what was most likely meant first.
    """
    kind, given = str(detail["type"]), detail["input"]
    said = str(detail["msg"]).removeprefix("Value error, ").split(", unable to ")[0]
    said = said.replace("Input should be", "must be")
    if of_shape := _of_shape(kind, given):
        return of_shape
    if kind.startswith(("string_type", "path_type")):
        if isinstance(given, bool):
            word = "'yes'" if given else "'no'"
            said = f"yes, no, on, off, true and false are words for it only in quotes: write {word}"
        elif kind.startswith("path_type"):
            what = "one path, not a list" if isinstance(given, list) else "one path"
            said = f"must be {what}; one that begins with {{ or [ stands in quotes"
        return said, ()
    one = given[0] if isinstance(given, list) and len(given) == 1 else given
    if (kind == "list_type" or (one is not given and kind.endswith("_type"))) and isinstance(
        one, str | int | float
    ):
        said, meant = (said, f"[{given}]") if one is given else ("must be one value, not a list", str(one))
        return f"{said}; write {meant}", (meant,)
    if kind in ("int_parsing", "float_parsing", "int_from_float") and isinstance(given, str):
        return _with_number_meant(said, given, meaning, whole=kind.startswith("int"))
    if kind == "literal_error":
        allowed = re.findall(r"'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
        values = nearest_first(str(given), allowed)
        typed = _typed(str(given))
        close = typed in ALSO_CALLED or difflib.get_close_matches(typed, [values[0].lower()])
        return f"{said}; write {values[0]}" if close else said, tuple(values)
    is_share = kind.startswith("less_than") and 1 in detail.get("ctx", {}).values()
    meant = share_meant(given) if is_share else ""
    return f"{said}{meant}", (meant.split()[-1],) if meant else ()


def share_meant(given: object) -> str:
    """Say what to write for a share in percent or with a decimal comma; empty where it is none."""
    number = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*(%?)\s*", str(given))
    if number is None:
        return ""
    value = float(number[1].replace(",", "."))
    if value <= 1 and not number[2]:
        return f"; write {value:g}"
    return f"; for {value:g}% write {value / 100:g}" if value <= 100 else ""  # noqa: PLR2004 - percent


def _of_shape(kind: str, given: object) -> tuple[str, tuple[str, ...]] | None:
    """What is wrong where it is not the value itself, but how many there are, or a word of two."""
    if kind in ("string_too_short", "too_short"):
        return "must not be empty" if not given else "holds too few values", ()
    if kind == "too_long":
        return "holds too many values: decimals are written with a point", ()
    if kind == "list_type" and isinstance(given, dict) and given:
        return f"must be a list; write [{commas(value or name for name, value in given.items())}]", ()
    if kind.startswith("bool"):
        return "must be true or false", ("true", "false")
    return _of_numbers(given) if kind == "tuple_type" and isinstance(given, str) else None


def _of_numbers(text: str) -> tuple[str, tuple[str, ...]]:
    """What to write for several numbers in one text; a decimal comma is told by what else parts them."""
    parts = re.split(r"\s*;\s*|\s*,\s+|\s+", text.strip("()[] "))
    points = [part.replace(",", ".") for part in parts] if len(parts) > 1 else text.split(",")
    if not all(re.fullmatch(r"-?\d+(?:\.\d+)?", one) for one in points):
        return "must be a list of numbers", ()
    meant = f"[{commas(points)}]"
    return f"must be a list of numbers; write {meant}", (meant,)


def _with_number_meant(said: str, given: str, meaning: str, *, whole: bool) -> tuple[str, tuple[str, ...]]:
    named = UNIT_NAMED.search(meaning)
    meant = _number_meant(given, named[1] if named else "", whole=whole)
    values = (meant,) if meant and NUMBER.fullmatch(meant) else ()
    return f"{said}; write {meant}" if meant else said, values


def _number_meant(text: str, unit: str, *, whole: bool) -> str | None:
    """What to write for "0,2", "20%", "394 ft"; no number where it could be another, as in "1,200".

    Args:
        text: What is written.
        unit: The unit of the setting; empty where it has none.
        whole: Whether it is a whole number.
    """
    plain = re.sub(r"(?<=\d)['’\s](?=\d{3}(?:\D|$))", "", text.strip(" ,;").translate(DASHES))  # noqa: RUF001
    if part := re.fullmatch(r"(\d+)\s*/\s*([1-9]\d*)", plain):
        return None if whole else f"{int(part[1]) / int(part[2]):.9g}"
    found = NUMBER.fullmatch(plain)
    if not found:
        return None
    number, typed = unicodedata.normalize("NFKC", found["number"]), found["unit"].lower()
    scale = _scale_of(typed, unit)
    if scale is None or (whole and scale != 1):
        return f"the number alone, in {unit}" if unit else "the number alone, without a unit"
    thousands = re.fullmatch(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+", number)
    if thousands and whole:
        number = number.replace(",", "")
    elif number.count(",") == 1 and "." not in number and not (thousands or whole):
        number = number.replace(",", ".")
    if not re.fullmatch(r"[-+]?\d+" if whole else r"[-+]?\d+(?:\.\d+)?", number):
        return "a plain number: a point before decimals, nothing between thousands"
    return number if scale == 1 else f"{float(number) * scale:g}"


def _scale_of(typed: str, unit: str) -> float | None:
    """What a number with one unit is multiplied by to be in another; None where that is not known."""
    if typed in LENGTHS and unit in LENGTHS:
        return LENGTHS[typed] / LENGTHS[unit]
    also = {"s": ("sec", "seconds"), "degrees": ("deg", "degree", "°")}.get(unit, ())
    return 0.01 if typed in ("%", "percent") else 1.0 if typed in ("", unit, *also) else None


def raise_problems(problems: Sequence[Problem], *, hint: str) -> None:
    """Raise one error that names all problems; does nothing where there is none.

    Raises:
        ConfigurationError: With the problem itself as message where it is the only one, else with a
            line for each in `details`.
    """
    if not problems:
        return
    if len(problems) == 1:
        raise ConfigurationError(str(problems[0]), hint=hint)
    raise ConfigurationError(
        f"{number_of(len(problems), 'problem')} in the settings",
        hint=hint,
        details=[str(problem) for problem in problems],
    )


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in NAMES)


def secret_texts(dotenv: Mapping[str, str]) -> list[str]:
    """The values of all variables that are named as secrets are, in .env and outside; longest first."""
    variables = [*dotenv.items(), *os.environ.items()]
    texts = {value for name, value in variables if _is_secret(name) and len(value) >= SHORTEST}
    texts |= {word for _, value in variables if "@" in value and (word := server_address(value).password)}
    return sorted(texts, key=len, reverse=True)


def hidden(key: Key, value: Any, secrets: list[str]) -> Any:
    """A value of a setting as it may be shown.

    Args:
        key: The setting.
        value: Made of what JSON has.
        secrets: Texts that are never shown, wherever they stand.
    """
    if isinstance(value, list):
        return [hidden(key, one, secrets) for one in value]
    if isinstance(value, dict):
        return {name: hidden((*key, name), one, secrets) for name, one in value.items()}
    if value is None or isinstance(value, bool):
        return value
    if any(_is_secret(str(part)) for part in key):
        return HIDDEN
    if not isinstance(value, str):
        return value
    for secret in secrets:
        value = value.replace(secret, HIDDEN)
    return IN_QUERY.sub(rf"\g<1>{HIDDEN}", SIGN_IN.sub(f"://{HIDDEN}@", value))
