"""Photographs that were edited after the flight are told from those that the camera wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL.ExifTags import Base
from tests.imagery.test_camera import saved

from wildetect.imagery.camera.camera import read_camera

SHOT = {Base.DateTimeOriginal: "2016:06:23 16:32:43"}


def test_a_real_photograph_turned_in_a_viewer(shared_data: Path) -> None:
    told = read_camera(shared_data / "geo" / "DJI_0024.JPG").edited
    assert told == "saved by Microsoft Windows Photo Viewer 10.0.10240.16384"
    assert read_camera(shared_data / "geo" / "DJI_0018.JPG").edited is None


@pytest.mark.parametrize(
    "software",
    [
        "Adobe Photoshop 25.0 (Windows)",
        "GIMP 2.10",
        "Windows Photo Editor 10.0",
        "IrfanView",
        "Photos 1.5",
        "paint.net 5.0",
        "ACD Systems Digital Imaging",
        "Microsoft Office Picture Manager",
        "ON1 Photo RAW 2024",
        "ViewNX 2.10 W",
        "XnConvert 1.98",
        "Adobe Bridge 2024",
    ],
)
def test_programs_that_edit_pictures(tmp_path: Path, software: str) -> None:
    path = saved(tmp_path / "a.jpg", main={Base.Software: software}, exif=SHOT)
    assert read_camera(path).edited == f"saved by {software}"


@pytest.mark.parametrize(
    "software",
    [
        "v01.23.4920",
        "10.02.01.14",
        "Ver.1.10",
        "Nikon Z 7 Ver.03.50",
        "Parrot ANAFI 1.8",
        "DJI Pilot 2",
        "Skydio OS 23.1",
        "HDR+ 1.0.5",
        "ExifTool 12.4",
        "",
    ],
)
def test_firmware_and_programs_for_positions_edit_nothing(tmp_path: Path, software: str) -> None:
    main = {Base.Software: software, Base.DateTime: "2016:06:23 16:32:45"}
    assert read_camera(saved(tmp_path / "a.jpg", main=main, exif=SHOT)).edited is None


@pytest.mark.parametrize(
    "description",
    [
        '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Adobe Photoshop 25.0"/>',
        (
            '<rdf:Description xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"><rdf:li '
            'stEvt:action="saved" stEvt:softwareAgent="Adobe Photoshop 25.0"/></rdf:Description>'
        ),
    ],
)
def test_programs_that_write_their_name_into_xmp_alone(tmp_path: Path, description: str) -> None:
    rdf = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    block = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {rdf}>{description}</rdf:RDF></x:xmpmeta>'
    path = saved(tmp_path / "a.jpg", exif=SHOT, xmp=block)
    assert read_camera(path).edited == "saved by Adobe Photoshop 25.0"


@pytest.mark.parametrize(
    ("main", "exif", "told"),
    [
        (
            {Base.DateTime: "2016:06:23 19:24:38"},
            SHOT,
            "changed on 2016-06-23 19:24, taken on 2016-06-23 16:32",
        ),
        (
            {},
            {Base.ExifImageWidth: 4000, Base.ExifImageHeight: 3000},
            "40 x 30 px where the camera wrote 4000 x 3000",
        ),
        (
            {},
            {Base.ExifImageWidth: 30, Base.ExifImageHeight: 40},
            "40 x 30 px where the camera wrote 30 x 40 (turned)",
        ),
        ({}, {Base.ExifImageWidth: 40, Base.ExifImageHeight: 30}, None),
        ({Base.DateTime: "0000:00:00 00:00:00"}, SHOT, None),
        ({}, {}, None),
    ],
)
def test_times_and_sizes(
    tmp_path: Path, main: dict[Any, Any], exif: dict[Any, Any], told: str | None
) -> None:
    assert read_camera(saved(tmp_path / "a.jpg", main=main, exif=exif)).edited == told
