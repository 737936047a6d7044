"""What photographs say of their cameras: real ones, and those that say it oddly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from scipy.spatial.transform import Rotation

from wildetect.imagery.camera.camera import CameraTags, read_camera
from wildetect.imagery.camera.lens import lens_of
from wildetect.imagery.camera.makers import direction_of
from wildetect.imagery.camera.optics import Flight
from wildetect.imagery.opening import look_at

ATTRIBUTES = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about="DJI" {}/></rdf:RDF></x:xmpmeta>'
)
ELEMENTS = "<x:xmpmeta><rdf:RDF><rdf:Description>{}</rdf:Description></rdf:RDF></x:xmpmeta>"


def saved(path: Path, xmp: str = "", **parts: Mapping[Any, Any]) -> Path:
    """A photograph with tags: `main`, `exif`, `gps`."""
    exif = Image.Exif()
    exif.update(parts.get("main", {}))
    exif.get_ifd(IFD.Exif).update(parts.get("exif", {}))
    exif.get_ifd(IFD.GPSInfo).update(parts.get("gps", {}))
    blocks: dict[str, Any] = {"exif": exif} | ({"xmp": xmp.encode()} if xmp else {})
    Image.new("RGB", (40, 30)).save(path, **blocks)
    return path


def attributes(**values: str) -> str:
    return ATTRIBUTES.format(" ".join(f'drone-dji:{name}="{value}"' for name, value in values.items()))


def elements(**values: str) -> str:
    return ELEMENTS.format(
        "\n".join(f"<drone-dji:{name}>{value}</drone-dji:{name}>" for name, value in values.items())
    )


# As exiftool lists them; longitude 91 deg 59' 40.4156" W = 91.994559889 W.
def test_a_real_photograph(shared_data: Path) -> None:
    tags = read_camera(shared_data / "geo" / "DJI_0018.JPG")
    assert tags.position == pytest.approx((-91.994559889, 46.842607083), abs=1e-9)
    assert (tags.altitude, tags.height) == (198.309, 39.8)
    assert (tags.yaw, tags.pitch, tags.roll) == (45.0, -89.9, 0.0)
    assert (tags.focal_length, tags.focal_length_35) == (3.61, 20)
    assert tags.camera == "DJI FC300S"  # padded with null bytes in the file
    assert tags.taken == datetime(2016, 6, 23, 16, 31, 59)  # noqa: DTZ001 - EXIF has no zone
    assert (tags.orientation, tags.position_error, tags.rtk) == (1, None, None)


def test_a_program_that_turned_a_picture_does_not_change_when_it_was_taken(shared_data: Path) -> None:
    """DateTime says 19:24:38, DateTimeOriginal 16:32:43; the yaw is below 0."""
    tags = read_camera(shared_data / "geo" / "DJI_0024.JPG")
    assert tags.taken == datetime(2016, 6, 23, 16, 32, 43)  # noqa: DTZ001
    assert tags.yaw == -140.0


def test_a_picture_cut_from_a_larger_one_keeps_the_lens_of_that(shared_data: Path) -> None:
    """1058 x 997 px of 5472 x 3078: the maker measured 3666.67 px, which cutting does not change."""
    tags = read_camera(shared_data / "images" / "AWPE Pigeon Lake 2020 DJI_0005.JPG")
    assert (tags.yaw, tags.pitch, tags.height, tags.rtk) == (111.3, -88.0, 61.1, False)
    assert tags.full_size == (5472.0, 3078.0)
    lens = lens_of(tags, (1058, 997), Flight())
    assert (round(lens.px, 1), lens.source, lens.cut) == (3666.7, "XMP", True)
    shrunk = lens_of(tags, (2736, 1539), Flight())
    assert (round(shrunk.px, 1), shrunk.cut) == (1833.3, False)


@pytest.mark.parametrize("layout", [attributes, elements])
def test_both_layouts_of_xmp(tmp_path: Path, layout: Any) -> None:
    xmp = layout(
        RelativeAltitude="+61.10",
        AbsoluteAltitude="-3.5",
        GimbalYawDegree="-179.90",
        GimbalPitchDegree="-90.00",
        GimbalRollDegree="+180.00",
        FlightYawDegree="+12.00",
        GPSLatitude="-19.25",
        GPSLongtitude="23.5",
        RtkFlag="50",
        RtkStdLon="0.03",
        RtkStdLat="0.04",
    )
    tags = read_camera(saved(tmp_path / "a.jpg", xmp))
    assert tags == CameraTags(
        position=tags.position,
        altitude=-3.5,
        height=61.1,
        yaw=-179.9,
        pitch=-90.0,
        roll=180.0,
        position_error=0.05,
        rtk=True,
    )
    assert tags.position == (23.5, -19.25)  # the longitude's name is misspelt, as some drones do


def test_the_drones_direction_counts_without_the_gimbals(tmp_path: Path) -> None:
    tags = read_camera(saved(tmp_path / "a.jpg", attributes(FlightYawDegree="+46.00", RtkFlag="34")))
    assert (tags.yaw, tags.pitch, tags.position_error, tags.rtk) == (46.0, None, 0.5, False)


def test_what_exif_alone_tells(tmp_path: Path) -> None:
    gps = {
        GPS.GPSLatitudeRef: "S",
        GPS.GPSLatitude: (19.0, 30.0, 0.0),
        GPS.GPSLongitudeRef: "E",
        GPS.GPSLongitude: (23.0, 15.0, 0.0),
        GPS.GPSAltitudeRef: b"\x01",
        GPS.GPSAltitude: 12.5,
        GPS.GPSImgDirectionRef: "T",
        GPS.GPSImgDirection: 271.5,
        GPS.GPSHPositioningError: 4.2,
    }
    main = {Base.Make: "SONY", Base.Model: "SONY DSC-RX1RM2", Base.Orientation: 6}
    exif = {
        Base.FocalLength: 35.0,
        Base.FocalPlaneXResolution: 2000.0,
        Base.FocalPlaneResolutionUnit: 3,
        Base.ExifImageWidth: 7180,
        Base.ExifImageHeight: 4793,
        Base.DateTimeOriginal: "2026:08:14 07:00:01",
        Base.SubsecTimeOriginal: "25",
    }
    tags = read_camera(saved(tmp_path / "a.jpg", main=main, exif=exif, gps=gps))
    assert tags.position == (23.25, -19.5)
    assert (tags.altitude, tags.yaw, tags.position_error) == (-12.5, 271.5, 4.2)
    assert (tags.camera, tags.orientation) == ("SONY DSC-RX1RM2", 6)
    assert tags.sensor_width == pytest.approx(35.9)  # 7180 px at 2000 px per cm
    assert tags.taken == datetime(2026, 8, 14, 7, 0, 1, 250_000)  # noqa: DTZ001
    lens = lens_of(tags, (7180, 4793), Flight())
    assert (round(lens.px, 3), lens.source, lens.cut) == (7000, "EXIF", False)


@pytest.mark.parametrize(
    ("xmp", "name"),
    [
        (attributes(RelativeAltitude="nan", GimbalYawDegree="", GimbalPitchDegree="down"), "no numbers"),
        (attributes(RelativeAltitude="+120.0").partition("0.0")[0], "cut"),
        ("<<<", "no xml"),
    ],
)
def test_broken_tags_tell_nothing_and_raise_nothing(tmp_path: Path, xmp: str, name: str) -> None:
    tags = read_camera(
        saved(tmp_path / f"{name}.jpg", xmp, gps={GPS.GPSLatitudeRef: "?", GPS.GPSLatitude: (1.0, 2.0, 3.0)})
    )
    assert replace(tags, position_problem=None) == CameraTags()
    assert tags.position_problem is not None


def test_what_is_no_photograph_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    assert read_camera(tmp_path / "a.jpg") == read_camera(tmp_path / "absent.jpg") == CameraTags()


@pytest.mark.parametrize(
    ("tags", "size", "px", "source"),
    [
        # 20 mm on film: 20 / 43.267 of the diagonal of 5000 px
        (CameraTags(focal_length_35=20.0), (4000, 3000), 2311.2, "EXIF"),
        (CameraTags(focal_length_35=20.0), (3000, 4000), 2311.2, "EXIF"),
        # 3.61 mm before 6.17 mm: the model is known, and 16:9 is cut from 4:3 without losing width
        (
            CameraTags(focal_length_35=20.0, focal_length=3.61, camera="DJI FC300S"),
            (4000, 2250),
            2340.4,
            "EXIF",
        ),
        # twice enlarged: half of the ground
        (
            CameraTags(focal_length=3.61, camera="DJI FC300S", zoom=2.0),
            (4000, 2250),
            4680.7,
            "EXIF",
        ),
        # nothing told: 35 mm before 24 mm on the shorter side
        (CameraTags(), (3600, 2400), 3500.0, "flight_specs"),
        # no lens has a focal length of a hundredth of its picture
        (CameraTags(focal_length_px=30.0, full_size=(4000, 3000)), (4000, 3000), 4375.0, "flight_specs"),
    ],
)
def test_the_most_exact_source_gives_the_lens(
    tags: CameraTags, size: tuple[int, int], px: float, source: str
) -> None:
    lens = lens_of(tags, size, Flight())
    assert (round(lens.px, 1), lens.source) == (px, source)


@pytest.mark.parametrize(
    ("make", "xmp", "expected"),
    [
        # Parrot's documentation gives both of one photograph: NED and Pix4D's
        ("Parrot", {"drone-parrot:CameraPitchDegree": "-51.988888"}, -51.99),
        ("Parrot", {"Camera:Pitch": "38.011101"}, -51.99),
        ("Parrot", {"drone-parrot:CameraPitchDegree": "-51.988888", "Camera:Pitch": "38.011101"}, -51.99),
        ("senseFly", {"Camera:Pitch": "4.5"}, -85.5),
        ("SONY", {"Camera:Pitch": "0/100"}, -90.0),
        ("Phase One", {"Camera:Pitch": "-2"}, -92.0),
        ("Autel Robotics", {"drone:GimbalPitchDegree": "-66.04", "Camera:Pitch": "66.04"}, -66.04),
        ("Autel Robotics", {"Camera:Pitch": "66.04"}, None),  # two conventions are about
        ("", {"drone-dji:GimbalPitchDegree": "-80"}, -80.0),
        ("", {"Camera:Pitch": "10"}, -80.0),
        ("Wondrous", {}, None),
    ],
)
@pytest.mark.parametrize("as_elements", [False, True])
def test_pitch_by_maker(
    tmp_path: Path, make: str, xmp: dict[str, str], expected: float | None, as_elements: bool
) -> None:
    told = "".join(f"<{name}>{value}</{name}>" for name, value in xmp.items())
    block = ELEMENTS.format(told)
    if not as_elements:
        block = ATTRIBUTES.format(" ".join(f'{name}="{value}"' for name, value in xmp.items()))
    tags = read_camera(saved(tmp_path / "a.jpg", block, main={Base.Make: make}))
    assert tags.pitch == (None if expected is None else pytest.approx(expected, abs=0.01))


def test_skydio_says_it_in_a_structure_beside_another_one(tmp_path: Path) -> None:
    def angles(name: str, pitch: str) -> str:
        inner = "".join(
            f"<drone-skydio:{key}>{value}</drone-skydio:{key}>"
            for key, value in (("Roll", "0.2"), ("Pitch", pitch), ("Yaw", "146.5"))
        )
        return f'<drone-skydio:{name} rdf:parseType="Resource">{inner}</drone-skydio:{name}>'

    block = ELEMENTS.format(angles("CameraOrientationFLU", "84.0") + angles("CameraOrientationNED", "-84.0"))
    tags = read_camera(saved(tmp_path / "a.jpg", block, main={Base.Make: "Skydio"}))
    assert (tags.yaw, tags.pitch, tags.roll) == (146.5, -84.0, 0.2)


PIX4D = "http://pix4d.com/camera/1.0"
EXIF = "http://ns.adobe.com/exif/1.0/"


@pytest.mark.parametrize(
    ("block", "pitch"),
    [
        (f'<rdf:Description xmlns:px="{PIX4D}" px:Pitch="10"/>', -80.0),
        (
            f"<rdf:Description xmlns:px='{PIX4D}/'><px:Pitch px:n='x'>10</px:Pitch></rdf:Description>",
            -80,
        ),
        ('<rdf:Description Camera:Pitch="10" xmlns:Camera="http://ns.sensefly.com/Camera/1.0/"/>', -80.0),
        (f'<rdf:Description><Pitch xmlns="{PIX4D}">10</Pitch></rdf:Description>', -80.0),
        # other properties of the same name, whatever their prefix is
        ('<rdf:Description xmlns:Camera="http://example.com/other/1.0/" Camera:Pitch="10"/>', None),
        ('<rdf:Description Pitch="10"/>', None),
        # one prefix, bound anew by each description
        (
            "".join(
                f'<rdf:Description xmlns:a="{space}" a:Pitch="{pitch}"/>'
                for space, pitch in (
                    ("http://x.org/one/1.0/", 70),
                    (PIX4D, 10),
                    ("http://x.org/two/1.0/", 50),
                )
            ),
            -80.0,
        ),
        ('<rdf:Description xmlns:w="http://www.dji.com/drone-dji/1.0/" w:GimbalPitchDegree="-70"/>', -70.0),
    ],
)
def test_names_of_xmp_belong_to_their_namespace_not_to_their_prefix(
    tmp_path: Path, block: str, pitch: float | None
) -> None:
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>{block}</rdf:RDF></x:xmpmeta>'
    assert read_camera(saved(tmp_path / "a.jpg", xmp)).pitch == pitch


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("47,33.9N", "8,30.6W", (-8.51, 47.565)),
        ("47,33,54S", "8,30,36E", (8.51, -47.565)),
        ("47.5", "8.5", None),  # no letters
        ("47,33.9E", "8,30.6N", None),  # the wrong ones
    ],
)
@pytest.mark.parametrize("prefix", ["exif", "e"])
def test_a_position_as_xmp_writes_that_of_exif(
    tmp_path: Path, latitude: str, longitude: str, expected: tuple[float, float] | None, prefix: str
) -> None:
    inner = f"<{prefix}:GPSLatitude>{latitude}</{prefix}:GPSLatitude>"
    begin = f'<rdf:Description xmlns:{prefix}="{EXIF}" {prefix}:GPSLongitude="{longitude}">'
    block = f"{begin}{inner}</rdf:Description>"
    tags = read_camera(saved(tmp_path / "a.jpg", block))
    assert tags.position == (None if expected is None else pytest.approx(expected, abs=1e-9))
    assert (tags.position_problem is None) == (expected is not None)


def test_skydios_position_and_lens(tmp_path: Path) -> None:
    fields = {
        "Latitude": "-19.25",
        "Longitude": "23.5",
        "RelativeAltitude": "41.5",
        "GpsHorizontalAccuracy": "0.8",
        'CalibratedFocalLength rdf:parseType="Resource"': "<s:X>3000.5</s:X><s:Y>3001.0</s:Y>",
        'CalibratedOpticalCenter rdf:parseType="Resource"': "<s:X>2028</s:X><s:Y>1520</s:Y>",
    }
    inner = "".join(f"<s:{key}>{value}</s:{key.split(' ', maxsplit=1)[0]}>" for key, value in fields.items())
    space = 'xmlns:s="https://www.skydio.com/drone-skydio/1.0/"'
    tags = read_camera(saved(tmp_path / "a.jpg", f"<rdf:Description {space}>{inner}</rdf:Description>"))
    assert (tags.position, tags.height, tags.position_error) == ((23.5, -19.25), 41.5, 0.8)
    assert (tags.focal_length_px, tags.full_size) == (3000.5, (4056.0, 3040.0))


@pytest.mark.parametrize(
    ("gimbal", "drone", "told"),
    [
        ("+0.00", "+120.30", True),
        ("0.0", "-45.0", True),
        ("+0.00", "-3.00", False),
        ("+0.10", "+120", False),
        ("+0.00", "", False),
    ],
)
def test_a_gimbal_that_always_points_north_while_the_drone_turns_is_told(
    tmp_path: Path, gimbal: str, drone: str, told: bool
) -> None:
    block = attributes(GimbalYawDegree=gimbal, GimbalPitchDegree="-90", FlightYawDegree=drone)
    assert read_camera(saved(tmp_path / "a.jpg", block)).yaw_from_nose == told


@pytest.mark.parametrize(("ratio", "zoom"), [(2.0, 2.0), (1.0, None), (0.0, None), (float("nan"), None)])
def test_a_digital_zoom_is_told_where_it_was_used(tmp_path: Path, ratio: float, zoom: float | None) -> None:
    tags = read_camera(saved(tmp_path / "a.jpg", exif={Base.DigitalZoomRatio: ratio}))
    assert tags.zoom == zoom


@pytest.mark.parametrize(
    ("reference", "altitude"),
    [(b"\x00", 12.5), (b"\x01", -12.5), (b"\x02", 12.5), (b"\x03", -12.5), (None, 12.5)],
)
def test_altitudes_below_the_sea_and_below_the_ellipsoid(
    tmp_path: Path, reference: bytes | None, altitude: float
) -> None:
    gps = {GPS.GPSAltitude: 12.5} | ({} if reference is None else {GPS.GPSAltitudeRef: reference})
    assert read_camera(saved(tmp_path / "a.jpg", gps=gps)).altitude == altitude


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(0, 0, 0), (30, 5, 0), (30, 0, 8), (200, -6, -12), (310, 20, 15)]
)
def test_an_aircraft_above_its_camera_looks_where_rotations_say(
    yaw: float, pitch: float, roll: float
) -> None:
    told = {"Camera:Yaw": f"{yaw}", "Camera:Pitch": f"{pitch}", "Camera:Roll": f"{roll}"}
    found = direction_of("senseFly", told)
    # SciPy's intrinsic rotations of the aircraft; its belly looks along z, the picture's right is y
    aircraft = Rotation.from_euler("ZYX", [yaw, pitch, roll], degrees=True)
    # the gimbal: it looks along x at pitch 0, and the picture's right is y
    gimbal = Rotation.from_euler("ZYX", [found.yaw, found.pitch, found.roll], degrees=True)
    assert gimbal.apply([1, 0, 0]) == pytest.approx(aircraft.apply([0, 0, 1]), abs=1e-9)
    assert gimbal.apply([0, 1, 0]) == pytest.approx(aircraft.apply([0, 1, 0]), abs=1e-9)


@pytest.mark.parametrize(
    ("gps", "words"),
    [
        ({}, None),
        ({GPS.GPSLatitude: (1.0, 2.0, 3.0), GPS.GPSLongitude: (4.0, 5.0, 6.0)}, "without the letters N or S"),
        (
            {
                GPS.GPSLatitude: (1.0, 2.0, 3.0),
                GPS.GPSLongitude: (4.0, 5.0, 6.0),
                GPS.GPSLatitudeRef: "N",
                GPS.GPSLongitudeRef: "E",
                GPS.GPSStatus: "V",
            },
            "had no fix",
        ),
        (
            {
                GPS.GPSLatitude: (0.0, 0.0, 0.0),
                GPS.GPSLongitude: (0.0, 0.0, 0.0),
                GPS.GPSLatitudeRef: "N",
                GPS.GPSLongitudeRef: "E",
            },
            "no place on Earth",
        ),
    ],
)
def test_a_position_that_is_not_used_is_named(
    tmp_path: Path, gps: Mapping[Any, Any], words: str | None
) -> None:
    facts = look_at(saved(tmp_path / "a.jpg", gps=gps))
    assert facts.position is None
    assert [bool(words and words in doubt) for doubt in facts.doubts] == [True] * (words is not None)
