"""What a file names is not followed: no other file of this machine, no server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioError
from rasterio.transform import from_origin

from wildetect.census.design.vector_files import read_areas
from wildetect.census.ground.heights import Terrain
from wildetect.errors import InputError
from wildetect.local_files import open_raster

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]}
FEATURES = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "properties": {"name": "north"}, "geometry": SQUARE}],
}
VECTOR = """<OGRVRTDataSource><OGRVRTLayer name="a">
<SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"""
RASTER = """<VRTDataset rasterXSize="4" rasterYSize="4"><SRS>EPSG:4326</SRS>
<GeoTransform>0,1,0,0,0,-1</GeoTransform><VRTRasterBand dataType="Float32" band="1"><SimpleSource>
<SourceFilename>{}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, and what it was asked."""
    paths: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["strata.geojson", "strata.json", "strata.gpkg", "strata.shp", "strata.kml"])
def test_an_outline_under_another_name_reads_no_other_file(tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret.geojson"
    secret.write_text(json.dumps(FEATURES), encoding="utf-8")
    (tmp_path / name).write_text(VECTOR.format(secret), encoding="utf-8")
    assert [area.name for area in read_areas(secret)] == ["north"]
    with pytest.raises(InputError, match="cannot be read: it is no"):
        read_areas(tmp_path / name)


@pytest.mark.parametrize("name", ["terrain.tif", "terrain.jp2", "terrain.asc", "terrain"])
def test_a_terrain_under_another_name_reads_no_other_file(tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret.tif"
    place = from_origin(0, 0, 1, 1)
    with rasterio.open(
        secret,
        "w",
        driver="GTiff",
        width=4,
        height=4,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=place,
    ) as dataset:
        dataset.write(np.ones((1, 4, 4), np.float32))
    for at in (name, "terrain.vrt"):
        (tmp_path / at).write_text(RASTER.format(secret), encoding="utf-8")
    with open_raster(tmp_path / "terrain.vrt") as dataset:  # under its own name it is what it says
        assert dataset.read(1).sum() == 16
    with pytest.raises(InputError, match="cannot be read"):
        Terrain(tmp_path / name)


def test_gdal_asks_no_server(tmp_path: Path, asked: tuple[str, list[str]]) -> None:
    uri, paths = asked
    vrt = tmp_path / "terrain.vrt"
    vrt.write_text(RASTER.format(f"/vsicurl/{uri}/other.tif"), encoding="utf-8")
    with pytest.raises(RasterioError), open_raster(vrt) as dataset:
        dataset.read(1)
    wms = tmp_path / "service.vrt"
    wms.write_text(
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{uri}/a</ServerUrl></Service></GDAL_WMS>', "utf-8"
    )
    with pytest.raises(RasterioError):
        open_raster(wms)
    assert paths == []
