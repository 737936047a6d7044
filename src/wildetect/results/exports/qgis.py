"""How QGIS draws layers: styles, labels and lists of values as QML, and a project that opens them together.

QGIS reads the default style of a layer from the table layer_styles of its GeoPackage. A layer of a project
file holds the same elements in itself. Format: what QGIS 3.22 writes, and the least of it that it reads back;
the tests have QGIS's own library open and draw both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from wildetect.results.files import write_text

__all__ = [
    "ProjectLayer",
    "animals_style",
    "form_of",
    "line_style",
    "points_style",
    "polygon_style",
    "style_of",
    "write_project",
]

_NO_VALUE = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"  # what QGIS calls NULL in a list of values

_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
_INK = "20,28,24,255"
_LEVEL = 4  # Qgis::LabelPlacement: horizontal
_ID = "wildetect_layer_"  # QGIS gives another one to a layer whose id is shorter than ten letters
_WGS84 = (
    "<spatialrefsys><proj4>+proj=longlat +datum=WGS84 +no_defs</proj4><srsid>3452</srsid><srid>4326</srid>"
    "<authid>EPSG:4326</authid><description>WGS 84</description><geographicflag>true</geographicflag>"
    "</spatialrefsys>"
)


def animals_style(colours: Mapping[str, str]) -> str:
    """Points in a colour for each species, as in the report, and the species as a list to choose from.

    Args:
        colours: Colour of each species, as #rrggbb.
    """
    return style_of(points_style("species", colours), form=form_of({"species": list(colours)}))


def points_style(column: str, colours: Mapping[str, str]) -> str:
    """The drawing of points in a colour for each value of a column.

    Args:
        column: Column of the layer.
        colours: Colour of each value, as #rrggbb.
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
    return (
        f'<renderer-v2 type="categorizedSymbol" attr={quoteattr(column)} symbollevels="0" forceraster="0">'
        f"<categories>{categories}</categories><symbols>{symbols}</symbols></renderer-v2>"
    )


def polygon_style(*, fill: str, outline: str, width: float, label: str = "") -> str:
    """Polygons of one look.

    Args:
        fill: Red, green, blue and alpha, 0 to 255.
        outline: The same.
        width: Width of the outline in mm.
        label: Column that is written on them; empty for none.
    """
    look = {
        "style": "solid",
        "color": fill,
        "outline_color": outline,
        "outline_width": f"{width}",
        "outline_style": "solid",
    }
    return _single(_symbol(0, "fill", "SimpleFill", look), label)


def line_style(*, width: float, label: str = "") -> str:
    """Dark lines.

    Args:
        width: Width in mm.
        label: Column that is written along them; empty for none.
    """
    look = {"line_color": _INK, "line_width": f"{width}", "line_style": "solid"}
    return _single(_symbol(0, "line", "SimpleLine", look), label)


def _single(symbol: str, label: str) -> str:
    return style_of(
        f'<renderer-v2 type="singleSymbol" symbollevels="0" forceraster="0"><symbols>{symbol}</symbols>'
        "</renderer-v2>",
        label=_label_of(label) if label else "",
    )


def style_of(renderer: str, *, label: str = "", form: str = "") -> str:
    """A style as QML: how a layer is drawn, what is written on it, what its form offers."""
    parts = {"Symbology": renderer, "Labeling": label, "Fields|Forms": form}
    named = "|".join(name for name, part in parts.items() if part)
    labels = ' labelsEnabled="1"' if label else ""
    return f'{_HEAD}\n<qgis version="3.22" styleCategories="{named}"{labels}>{"".join(parts.values())}</qgis>'


def _label_of(column: str) -> str:
    """Write a column of a layer on its features, level, dark with a light edge."""
    return (
        f'<labeling type="simple"><settings calloutType="simple"><text-style fieldName={quoteattr(column)} '
        f'isExpression="0" fontSize="9" fontSizeUnit="Point" textColor="{_INK}" textOpacity="1">'
        '<text-buffer bufferDraw="1" bufferSize="0.8" bufferSizeUnits="MM" bufferColor="255,255,255,255" '
        f'bufferOpacity="1"/></text-style><placement placement="{_LEVEL}" placementFlags="10"/>'
        '<rendering drawLabels="1" displayAll="1"/></settings></labeling>'
    )


def form_of(lists: Mapping[str, Sequence[str]], *, free: Sequence[str] = (), none: bool = False) -> str:
    """What the form of a layer offers.

    Args:
        lists: The values to choose from, by column.
        free: Columns whose values are offered, and new ones taken.
        none: Whether no value can be chosen, too.
    """
    fields = []
    for column, values in lists.items():
        listed = {**({"(none)": _NO_VALUE} if none else {}), **{value: value for value in values}}
        options = "".join(
            f'<Option type="Map"><Option type="QString" name={quoteattr(text)} value={quoteattr(value)}/>'
            "</Option>"
            for text, value in listed.items()
        )
        fields.append(_field(column, "ValueMap", f'<Option type="List" name="map">{options}</Option>'))
    editable = '<Option type="bool" name="Editable" value="true"/>'
    fields += [_field(column, "UniqueValues", editable) for column in free]
    return f"<fieldConfiguration>{''.join(fields)}</fieldConfiguration>"


def _field(column: str, widget: str, options: str) -> str:
    return (
        f'<field name={quoteattr(column)}><editWidget type="{widget}"><config><Option type="Map">{options}'
        "</Option></config></editWidget></field>"
    )


class ProjectLayer(NamedTuple):
    """A layer of a project, from the top to the bottom of the map.

    Attributes:
        name: Name in its GeoPackage.
        kind: Point, Line or Polygon.
        style: Style as QML.
    """

    name: str
    kind: str
    style: str


def write_project(
    path: Path,
    package: str,
    layers: Sequence[ProjectLayer],
    *,
    title: str,
    extent: tuple[float, float, float, float],
) -> None:
    """Write a project that QGIS opens with all layers of a GeoPackage beside it.

    Args:
        path: The file, whose name ends in .qgs.
        package: Name of the GeoPackage, in the same folder.
        layers: The uppermost first.
        title: Title of the project.
        extent: West, south, east and north of what is shown first, in degrees.

    Raises:
        InputError: The file cannot be written.
    """
    west, south, east, north = extent
    tree = "".join(
        f'<layer-tree-layer id="{_ID}{one.name}" name="{one.name}" checked="Qt::Checked" expanded="0" '
        f'providerKey="ogr" source={quoteattr(f"./{package}|layername={one.name}")}/>'
        for one in layers
    )
    maps = "".join(_map_layer(package, one) for one in layers)
    write_text(
        path,
        f"{_HEAD}\n"
        f'<qgis version="3.22" projectname={quoteattr(title)}>'
        f"<title>{escape(title)}</title><projectCrs>{_WGS84}</projectCrs>"
        f"<layer-tree-group>{tree}</layer-tree-group>"
        '<mapcanvas name="theMapCanvas"><units>degrees</units><extent>'
        f"<xmin>{west}</xmin><ymin>{south}</ymin><xmax>{east}</xmax><ymax>{north}</ymax></extent>"
        f"<destinationsrs>{_WGS84}</destinationsrs></mapcanvas>"
        f"<projectlayers>{maps}</projectlayers>"
        '<properties><Paths><Absolute type="bool">false</Absolute></Paths></properties></qgis>\n',
    )


def _map_layer(package: str, one: ProjectLayer) -> str:
    found = re.search(r"<qgis([^>]*)>(.*)</qgis>", one.style, re.DOTALL)
    labels = ' labelsEnabled="1"' if found and "labelsEnabled" in found[1] else ""
    return (
        f'<maplayer type="vector" geometry="{one.kind}"{labels}><id>{_ID}{one.name}</id>'
        f"<datasource>{escape(f'./{package}|layername={one.name}')}</datasource>"
        f'<layername>{one.name}</layername><srs>{_WGS84}</srs><provider encoding="UTF-8">ogr</provider>'
        f"{found[2] if found else ''}</maplayer>"
    )


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
