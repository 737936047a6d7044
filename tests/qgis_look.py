# ruff: noqa: ANN001, ANN201, T201
# mypy: ignore-errors
"""Run by a Python that has QGIS's own library: say what QGIS makes of a GeoPackage or project, and draw it.

python3 qgis_look.py census.qgs picture.png
python3 qgis_look.py animals.gpkg picture.png
"""

import json
import os
import sys

from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsProviderRegistry,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor


def layers_of(path):
    """Layers from the top to the bottom, as a person gets them by opening the file."""
    if path.endswith(".qgs"):
        project = QgsProject.instance()
        if not project.read(path):
            raise SystemExit(project.error())
        return [one.layer() for one in project.layerTreeRoot().findLayers()]
    found = QgsProviderRegistry.instance().querySublayers(path)
    names = [one.name() for one in found if one.name() != "layer_styles"]
    return [QgsVectorLayer(f"{path}|layername={name}", name, "ogr") for name in names]


def about(layer):
    """What QGIS knows of a layer."""
    labels, fields = layer.labeling(), layer.fields()
    widgets = {field.name(): layer.editorWidgetSetup(number) for number, field in enumerate(fields)}
    renderer = layer.renderer()
    return {
        "name": layer.name(),
        "valid": layer.isValid(),
        "features": layer.featureCount(),
        "crs": layer.crs().authid(),
        "renderer": renderer.type() if renderer else None,
        "categories": [one.value() for one in getattr(renderer, "categories", list)()],
        "label": labels.settings().fieldName if labels and layer.labelsEnabled() else None,
        "index": layer.hasSpatialIndex() == layer.SpatialIndexPresent,
        "lists": {
            name: [value for one in setup.config().get("map", []) for value in one]
            for name, setup in widgets.items()
            if setup.type() == "ValueMap"
        },
    }


def draw(layers, path):
    """Draw the layers as QGIS does."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setBackgroundColor(QColor(255, 255, 255))
    settings.setOutputSize(QSize(800, 600))
    settings.setDestinationCrs(layers[0].crs())
    extent = settings.fullExtent()
    extent.scale(1.1)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(path)


application = QgsApplication([], False)
application.initQgis()
found = layers_of(sys.argv[1])
print(json.dumps([about(one) for one in found]))
draw(found, sys.argv[2])
sys.stdout.flush()
os._exit(0)  # Qt may crash on its way out
