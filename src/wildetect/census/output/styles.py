"""How QGIS draws the layers of animals.gpkg: QML, its own form of styles."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

__all__ = ["animals_style", "line_style", "polygon_style"]

_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
_INK = "20,28,24,255"


def animals_style(colours: Mapping[str, str]) -> str:
    """Points in a colour for each species, as in the report.

    Args:
        colours: Of each species, as #rrggbb.
    """
    categories = "".join(
        f'<category value={quoteattr(name)} label={quoteattr(name)} symbol="{number}" render="true"/>'
        for number, name in enumerate(colours)
    )
    symbols = "".join(
        _symbol(
            number,
            "marker",
            "SimpleMarker",
            {
                "name": "circle",
                "color": _rgb(colour),
                "outline_color": "255,255,255,255",
                "outline_width": "0.3",
                "size": "2.6",
            },
        )
        for number, colour in enumerate(colours.values())
    )
    return _style(
        f'<renderer-v2 type="categorizedSymbol" attr="species" symbollevels="0" forceraster="0">'
        f"<categories>{categories}</categories><symbols>{symbols}</symbols></renderer-v2>"
    )


def polygon_style(*, fill: str, outline: str, width: float) -> str:
    """Polygons of one look.

    Args:
        fill: Red, green, blue and alpha, 0 to 255.
        outline: The same.
        width: Of the outline in mm.
    """
    look = {
        "style": "solid",
        "color": fill,
        "outline_color": outline,
        "outline_width": f"{width}",
        "outline_style": "solid",
    }
    return _single(_symbol(0, "fill", "SimpleFill", look))


def line_style(*, width: float) -> str:
    """Dark lines; their width is in mm."""
    look = {"line_color": _INK, "line_width": f"{width}", "line_style": "solid"}
    return _single(_symbol(0, "line", "SimpleLine", look))


def _single(symbol: str) -> str:
    return _style(
        f'<renderer-v2 type="singleSymbol" symbollevels="0" forceraster="0"><symbols>{symbol}</symbols>'
        "</renderer-v2>"
    )


def _style(renderer: str) -> str:
    return f'{_HEAD}\n<qgis version="3.22" styleCategories="Symbology">{renderer}</qgis>'


def _symbol(number: int, kind: str, layer: str, look: Mapping[str, str]) -> str:
    options = "".join(
        f'<Option name="{name}" value="{value}" type="QString"/>' for name, value in look.items()
    )
    return (
        f'<symbol name="{number}" type="{kind}" alpha="1" clip_to_extent="1" force_rhr="0">'
        f'<layer class="{layer}" enabled="1" locked="0" pass="0"><Option type="Map">{options}</Option>'
        "</layer></symbol>"
    )


def _rgb(code: str) -> str:
    """#rrggbb as QGIS writes it."""
    return ",".join(str(int(code[place : place + 2], 16)) for place in (1, 3, 5)) + ",255"
