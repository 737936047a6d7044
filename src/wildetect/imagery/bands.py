"""Which bands of a raster are red, green and blue."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wildetect.wording import commas, listed

__all__ = ["Choice", "UnknownBandError", "chosen"]

_COLOURS: Final = ("red", "green", "blue")
_LANGUAGES: Final = {
    "red": (
        "red rouge rojo roja rot vermelho vermelha rosso rood rooi rød röd punainen czerwony červená piros "
        "k\u0131rm\u0131z\u0131 kirmizi красный nyekundu merah 红 红色 紅 赤 r"
    ),
    "green": (
        "green vert verde gruen grün groen grøn grønn grön vihreä zielony zelená zöld yeşil зелёный "
        "зеленый kijani hijau 绿 绿色 綠 緑 g"
    ),
    "blue": (
        "blue bleu azul blau blu blauw blou blå sininen niebieski modrá kék mavi синий buluu bluu biru "
        "蓝 蓝色 藍 青 b"
    ),
}
_WORDS: Final = {colour: frozenset(words.split()) for colour, words in _LANGUAGES.items()}
# beside a colour's name these say that another part of the spectrum is meant
_OTHERS: Final = frozenset(
    (
        *("edge", "rededge", "nir", "near", "infra", "infrared", "ir", "swir", "mwir", "lwir", "tir"),
        *("infrarouge", "infrarojo", "infrarrojo", "infravermelho", "infrarot", "infrarosso", "infrarood"),
        *("borde", "borda", "bord", "bordo", "rand", "kante"),  # of red: the red edge
        *("thermal", "thermique", "térmico", "pan", "panchromatic", "coastal", "aerosol"),
        *("index", "ndvi", "gndvi", "difference"),
    )
)
_OPACITY: Final = frozenset(("alpha", "mask", "opacity", "transparency", "a", "valid"))
_SENTINEL: Final = {"b04": "red", "b03": "green", "b02": "blue"}
# without the zero they are Sentinel-2's beside bands that Landsat has not, or has of another size
_SENTINEL_SHORT: Final = {"b4": "red", "b3": "green", "b2": "blue"}
_SENTINEL_ALONE: Final = frozenset(("b8", "b8a", "b11", "b12"))
# nm: where the eye and drones' cameras put the colours (MicaSense: 475, 560, 668; Sentinel-2: 492, 560, 665)
_WAVELENGTHS: Final = {"red": (610.0, 690.0), "green": (520.0, 590.0), "blue": (450.0, 510.0)}
_WAVELENGTH_TAGS: Final = ("wavelength", "central_wavelength_um", "center_wavelength", "centralwavelength")
_NAME_TAGS: Final = ("band_name", "bandname", "name", "description")
_UNALIKE: Final = (
    "the descriptions of its bands and its colour interpretation disagree: the descriptions count "
    "(processing.bands overrides them)"
)
_UNNAMED: Final = (
    "more than three bands, and none is named: the first three are taken as red, green and blue; set "
    "processing.bands if that is wrong"
)
_FALSE_COLOURS: Final = (
    "its bands are named, but red, green and blue are not all among them: the first three make false "
    "colours, in which a detector that learned from photographs is easily wrong; set processing.bands"
)
_ONE_OTHER: Final = (
    "its only band is no visible colour ({name}): a detector that learned from photographs in colour is "
    "easily wrong"
)
_STRANGE: Final = (
    "its bands have names that are not known as colours ({names}): the first three are taken as red, green "
    "and blue; set processing.bands if that is wrong"
)
_TWO: Final = (
    "two bands, and none is named: the first is taken as grey; set processing.bands if that is wrong"
)


class UnknownBandError(ValueError):
    """The settings name a band that a raster does not have."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The bands that are read.

    Attributes:
        bands: Bands of red, green and blue, or one of grey; numbers from 1.
        why: What decided, for a person; None where there is nothing to tell: a raster whose first three
            bands are red, green and blue, or whose only one is grey, and which says so.
        doubt: Why it may be wrong, for a person.
        alpha: Whether a band that is marked as opacity is one by its description, too.
    """

    bands: tuple[int, ...]
    why: str | None = None
    doubt: str | None = None
    alpha: bool = True


def chosen(dataset: Any, wish: Sequence[int | str] | None) -> Choice:
    """The bands of an open rasterio dataset that make a picture.

    The settings decide, else the descriptions of the bands (or their wavelengths), as people and programs
    write them on purpose, else the colour interpretation, which GDAL also fills in by itself: any file of
    three or four bands of 8 bits is red, green, blue (and alpha) for it.

    Args:
        dataset: The raster.
        wish: `processing.bands`: one or three numbers or names.

    Raises:
        UnknownBandError: The raster has no such band.
    """
    names = tuple(_name(dataset, band) for band in dataset.indexes)
    short = _is_short_sentinel(names)
    described = tuple(_colour(dataset, band, names[band - 1], short=short) for band in dataset.indexes)
    alpha = not any(
        meaning.name == "alpha" and names[band] and not _OPACITY & set(_words(names[band]))
        for band, meaning in enumerate(dataset.colorinterp)
    )
    if wish is not None:
        return Choice(_wished(wish, names), "as processing.bands says", alpha=alpha)
    interpreted = tuple(meaning.name for meaning in dataset.colorinterp)
    by_name = _places(described)
    by_meaning = _places(interpreted)
    if by_name is not None:
        told = by_meaning in {None, by_name}
        plain = by_name == (1, 2, 3) and told
        return Choice(
            by_name,
            None if plain else "by the descriptions of the bands",
            None if told else _UNALIKE,
            alpha,
        )
    if any(names) and _has_other(names, interpreted):
        return _without_colours(names, interpreted, alpha=alpha)
    if by_meaning is not None:
        why = None if by_meaning == (1, 2, 3) else "by their colour interpretation"
        return Choice(by_meaning, why, _strange(names), alpha=alpha)
    return _in_order(interpreted)


def _strange(names: Sequence[str]) -> str | None:
    """Say so where each band has a name of its own, as colours in another language or codes of bands.

    Names that a program gives ("Band 1", "ortho_1") differ by the number of their band alone.
    """
    by_number = [name.replace(str(band), "") for band, name in enumerate(names, 1)]
    if not all(names) or len(set(by_number)) == 1:
        return None
    return _STRANGE.format(names=commas(names))


def _without_colours(names: Sequence[str], interpreted: Sequence[str], *, alpha: bool) -> Choice:
    """Named bands that are not red, green and blue."""
    pictures = [band for band, meaning in enumerate(interpreted, 1) if meaning != "alpha" or not alpha]
    if len(pictures) < len(_COLOURS):
        other = _ONE_OTHER.format(name=names[0]) if _is_other(names[0]) else None
        doubt = other if len(pictures) == 1 else _TWO
        return Choice((1,), f"in the order of the file ({commas(filter(None, names))})", doubt, alpha)
    return Choice((1, 2, 3), f"in the order of the file ({commas(names)})", _FALSE_COLOURS, alpha)


def _in_order(interpreted: Sequence[str]) -> Choice:
    """Bands that are not named."""
    pictures = sum(meaning != "alpha" for meaning in interpreted)
    if pictures < len(_COLOURS):
        return Choice((1,), doubt=None if pictures == 1 else _TWO)
    doubt = _UNNAMED if pictures > len(_COLOURS) else None
    return Choice((1, 2, 3), "in the order of the file, which does not name them", doubt)


def _places(colours: Sequence[str | None]) -> tuple[int, ...] | None:
    """The bands of red, green and blue, if all are there."""
    if not set(_COLOURS) <= set(colours):
        return None
    return tuple(colours.index(colour) + 1 for colour in _COLOURS)


def _wished(wish: Sequence[int | str], names: Sequence[str]) -> tuple[int, ...]:
    return tuple(_band(one, names) for one in wish)


def _band(one: int | str, names: Sequence[str]) -> int:
    text = str(one).strip()
    if text.isascii() and text.isdigit():
        if 1 <= int(text) <= len(names):
            return int(text)
        raise UnknownBandError(f"processing.bands names band {text}, but it has {len(names)}")
    folded = [name.casefold() for name in names]
    if text.casefold() in folded:
        return folded.index(text.casefold()) + 1
    told = f"its bands are {listed(names)}" if any(names) else "its bands have no names"
    raise UnknownBandError(f"processing.bands names a band {text}, but {told}")


def _name(dataset: Any, band: int) -> str:
    """What a file calls a band; "" where it does not."""
    description = dataset.descriptions[band - 1]
    if description and description.strip():
        return str(description).strip()
    tags = {name.casefold(): value for name, value in dataset.tags(band).items()}
    return next((tags[name].strip() for name in _NAME_TAGS if tags.get(name, "").strip()), "")


def _is_short_sentinel(names: Sequence[str]) -> bool:
    """Whether bands are called as Sentinel-2's without zeros: B2, B3, B4 and B8, but not Landsat's B1."""
    codes = {name.casefold() for name in names}
    return codes >= _SENTINEL_SHORT.keys() and bool(codes & _SENTINEL_ALONE) and "b1" not in codes


def _colour(dataset: Any, band: int, name: str, *, short: bool) -> str | None:
    """The colour that a band has by its name, else by its wavelength."""
    if name:
        words = list(_words(name))
        if short and name.casefold() in _SENTINEL_SHORT:
            return _SENTINEL_SHORT[name.casefold()]
        if words and words[0] in _SENTINEL and len(words) == 1:
            return _SENTINEL[words[0]]
        if _is_other(name):
            return None
        found = [colour for colour in _COLOURS if not _WORDS[colour].isdisjoint(words)]
        if len(found) == 1:
            return found[0]
    nanometres = _wavelength_in(name) or _wavelength(dataset, band)
    return next(
        (
            colour
            for colour, (least, most) in _WAVELENGTHS.items()
            if nanometres is not None and least <= nanometres <= most
        ),
        None,
    )


def _is_other(name: str) -> bool:
    """Whether a name says something that is neither a visible colour nor opacity."""
    return bool(_OTHERS & set(_words(name)))


def _has_other(names: Sequence[str], interpreted: Sequence[str]) -> bool:
    """Whether names or meanings contradict a picture in red, green and blue, or say part of one alone."""
    colours = sum(any(not _WORDS[colour].isdisjoint(_words(name)) for colour in _COLOURS) for name in names)
    return colours > 0 or any(map(_is_other, names)) or _places(interpreted) is None


def _words(name: str) -> Iterator[str]:
    """Words and numbers, lower case: "RedEdge", "Red Edge" and "red_edge" are red, edge."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFC", name))
    for word in re.findall(r"[^\W\d_]+\d*|\d+", parted.casefold()):
        letters = word.rstrip("0123456789")
        yield word if word in _SENTINEL or len(letters) == 1 < len(word) else letters or word


def _wavelength_in(name: str) -> float | None:
    """In nm, from a name such as "B2 (490 nm)"."""
    told = re.search(r"(?<![\d.])(\d{3,4}(?:\.\d+)?)\s*(?:nm|nanomet)", name.casefold())
    return float(told[1]) if told else None


def _wavelength(dataset: Any, band: int) -> float | None:
    """In nm, from the tags of a band."""
    tags = {**dataset.tags(band), **dataset.tags(band, ns="IMAGERY")}
    for name, text in tags.items():
        if name.casefold() in _WAVELENGTH_TAGS:
            digits = re.search(r"\d+(?:\.\d+)?", text)
            if digits:
                value = float(digits[0])
                return value * 1000 if value < 20 else value  # noqa: PLR2004 - micrometres
    return None
