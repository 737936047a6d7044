"""Pictures at addresses give what the same files on this machine give, or say why they do not."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin
from tests.detection.networks import manifest, save_network
from tests.detection.test_decoders import yolov8
from tests.web_pictures import Web, s3_server, web_server

from wildetect.detection.network.detector import Detector
from wildetect.detection.run.options import PipelineOptions
from wildetect.detection.run.pipeline import detect_images
from wildetect.errors import ConfigurationError, InputError
from wildetect.geometry import Window
from wildetect.imagery.discovery import ImageFile, look_for
from wildetect.imagery.opening import look_well, open_image
from wildetect.imagery.source import UnreadableImageError
from wildetect.remote import asking, remote_file
from wildetect.remote.address import Address
from wildetect.remote.place import Place, are_there, place_of_text, why_away
from wildetect.remote.servers import Https
from wildetect.remote.store import Piece
from wildetect.results.journal.lines import document_of
from wildetect.results.pictures.stamps import stamp_of
from wildetect.settings.detection import DetectionSettings

EXIF = {0x8825: {1: "S", 2: (2.0, 19.0, 58.8), 3: "E", 4: (34.0, 49.0, 59.0)}}
FOLDER = "camp 23"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of several kinds, an orthomosaic, one placed by a world file, and what lies beside them."""
    root = tmp_path_factory.mktemp("bucket")
    folder = root / FOLDER
    (folder / "morning").mkdir(parents=True)
    dice = np.random.default_rng(1)
    exif = Image.Exif()
    exif.update(EXIF)
    for name in ("2.jpg", "10.jpg", "morning/plain #1.png", "morning/turned.jpg"):
        pixels = dice.integers(0, 255, (150, 300, 3), np.uint8)
        if name.endswith("turned.jpg"):
            exif[0x0112] = 6
        Image.fromarray(pixels).save(folder / name, exif=exif.tobytes(), quality=95)
    ground = dice.integers(0, 60, (3, 1200, 1200), np.uint8)
    ground[:, 200:800, 200:800] = 0
    shape = {
        "driver": "GTiff",
        "crs": "EPSG:4326",
        "transform": from_origin(36.0, -2.0, 1e-6, 1e-6),
        "width": 1200,
        "height": 1200,
        "count": 3,
        "dtype": "uint8",
        "tiled": True,
    }
    blocks = {"blockxsize": 256, "blockysize": 256}
    for name, packed in (("mosaic.tif", "jpeg"), ("packed.tif", "deflate")):
        colours = {"photometric": "ycbcr"} if packed == "jpeg" else {"nodata": 0}
        how = {**shape, **blocks, **colours, "compress": packed}
        with rasterio.open(folder / name, "w", **how) as raster:
            raster.write(ground)
    Image.fromarray(ground.transpose(1, 2, 0)[:100, :100]).save(folder / "aside.tif")
    (folder / "aside.tfw").write_text("1e-6\n0\n0\n-1e-6\n36\n-2\n", encoding="utf-8")
    (folder / "aside.prj").write_text(rasterio.crs.CRS.from_epsg(4326).to_wkt(), encoding="utf-8")
    (folder / ".2.jpg").write_bytes(b"of a Mac")
    (folder / "notes.txt").write_text("2.jpg\nmorning/turned.jpg\n", encoding="utf-8")
    (folder / "overlays").mkdir()
    shutil.copy(folder / "2.jpg", folder / "overlays" / "2.jpg")
    (folder / "run.json").write_text("{}", encoding="utf-8")
    return root


@pytest.fixture
def web(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr(asking, "PAUSE", 0.01)
    with web_server(pictures) as server:
        yield server


@pytest.fixture
def bucket(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with s3_server(pictures) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        remote_file.store_for.cache_clear()
        yield f"s3://survey/{FOLDER}/"
    remote_file.store_for.cache_clear()


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    weights = save_network(tmp_path_factory.mktemp("network") / "network.onnx", yolov8()[0])
    return Detector(weights, manifest("yolov8"), "cpu")


def found(source: Place) -> dict[str, ImageFile]:
    return {image.name: image for image in look_for([source]).images}


def lines(images: list[ImageFile], detector: Detector) -> list[dict[str, object]]:
    """The lines of a journal, without what is of a machine, or of a file on a disk."""
    results = detect_images(images, detector, PipelineOptions(tile_size=300, workers=2))
    documents = [document_of(result, None) for result in results]
    return [{**document, "path": "", "seconds": 0, "pieces": ""} for document in documents]


@pytest.mark.parametrize("at", ["folder page", "page without slash", "bucket", "prefix without slash"])
def test_a_folder_at_an_address_gives_what_the_folder_gives(
    at: str, pictures: Path, web: Web, bucket: str, detector: Detector
) -> None:
    page = f"{web.address}/{FOLDER}".replace(" ", "%20")
    address = {"folder page": f"{page}/", "page without slash": page, "bucket": bucket}.get(at, bucket[:-1])
    here, there = look_for([pictures / FOLDER]), look_for([place_of_text(address)])
    assert [image.name for image in there.images] == [image.name for image in here.images]
    assert len(here.images) == 7
    assert there.not_read == here.not_read
    read = lines(there.images, detector)
    assert read == lines(here.images, detector)
    placed = {line["image"]: line for line in read}
    assert placed["2.jpg"]["latitude"] == pytest.approx(-2.333, abs=1e-3)
    assert placed["mosaic.tif"]["positions"]
    assert placed["aside.tif"]["positions"]
    assert "placed by a world file" in str(placed["aside.tif"]["read_as"])
    assert placed["packed.tif"]["tiles_empty"] == 4


@pytest.mark.parametrize("above", [".camp", "@eaDir/survey", "run/overlays"])
@pytest.mark.parametrize("at", ["here", "web", "s3"])
def test_hidden_is_what_is_so_below_the_source(
    at: str, above: str, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ("1.jpg", "b/2.jpg", "my-overlays/3.jpg")
    left_out = (".git/1.jpg", "b/.2.jpg", "b/@eaDir/x/2.jpg", "b/thumbs.jpg", "overlays/overlays/1.jpg")
    for name in (*kept, *left_out):
        path = tmp_path / above / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / above / "run.json").write_text("{}", encoding="utf-8")
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    web.root = tmp_path
    address = {"here": str(tmp_path / above), "web": f"{web.address}/{above}/", "s3": f"s3://survey/{above}/"}
    with contextlib.ExitStack() as stack:
        if at == "s3":
            for name, value in stack.enter_context(s3_server(tmp_path)).items():
                monkeypatch.setenv(name, value)
            remote_file.store_for.cache_clear()
            stack.callback(remote_file.store_for.cache_clear)
        assert sorted(found(place_of_text(address[at]))) == sorted(kept)


def test_a_page_of_links_is_read_itself_whatever_its_name(web: Web, tmp_path: Path) -> None:
    web.root = tmp_path
    for name in ("1.jpg", "2.jpg", "new/3.jpg"):
        path = tmp_path / "camp" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    links = '<a href="1.jpg">1</a><a href="/camp/new/3.jpg">3</a><a href="/other/4.jpg">4</a>'
    (tmp_path / "camp" / "good.html").write_text(links, encoding="utf-8")
    assert list(found(place_of_text(f"{web.address}/camp/good.html"))) == ["1.jpg", "new/3.jpg"]


def test_the_journal_has_addresses_and_later_commands_open_them(bucket: str, detector: Detector) -> None:
    images = [found(place_of_text(bucket))[name] for name in ("aside.tif", "2.jpg")]
    for line in (document_of(result, None) for result in detect_images(images, detector, PipelineOptions())):
        assert line["path"] == f"{bucket}{line['image']}"
        again = place_of_text(str(line["path"]))
        facts = look_well(again)
        assert (facts.width, facts.height) == (line["width"], line["height"])
        assert (facts.georeference is not None) == (line["image"] == "aside.tif")


def test_of_an_orthomosaic_the_parts_come_that_are_needed(pictures: Path, web: Web) -> None:
    path = pictures / FOLDER / "packed.tif"
    source = open_image(place_of_text(f"{web.address}/camp%2023/packed.tif"))
    window = Window(600, 600, 64, 64)
    assert np.array_equal(source.read(window), open_image(path).read(window))
    source.close()
    assert web.sent < path.stat().st_size / 4


def test_headers_alone_come_where_they_are_enough(web: Web, tmp_path: Path) -> None:
    web.root = tmp_path
    pixels = np.random.default_rng(2).integers(0, 255, (1500, 1500, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.jpg", quality=98)
    assert look_well(place_of_text(f"{web.address}/large.jpg")).width == 1500
    assert web.sent < (tmp_path / "large.jpg").stat().st_size / 10


def test_a_server_without_ranges_will_do(pictures: Path, web: Web, detector: Detector) -> None:
    web.ranges = False
    here, there = look_for([pictures / FOLDER]), look_for([place_of_text(f"{web.address}/camp%2023/")])
    assert lines(there.images, detector) == lines(here.images, detector)


def test_commas_in_a_quoted_head_part_no_columns_of_a_list(pictures: Path, web: Web) -> None:
    table = f'"place, camp, block";picture\n"A";{web.address}/camp%2023/2.jpg\n'
    (pictures / FOLDER / "quoted.csv").write_text(table, encoding="utf-8")
    assert list(found(place_of_text(f"{web.address}/camp%2023/quoted.csv"))) == ["2.jpg"]
    (pictures / FOLDER / "cell.csv").write_text(f"{'x' * 200_000}\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not a table: field larger") as refused:
        found(place_of_text(f"{web.address}/camp%2023/cell.csv"))
    assert refused.value.hint == "Give a list of addresses."


def test_a_list_names_pictures_by_path_or_address(pictures: Path, web: Web, tmp_path: Path) -> None:
    assert list(found(place_of_text(f"{web.address}/camp%2023/notes.txt"))) == ["2.jpg", "morning/turned.jpg"]
    web.root = tmp_path
    shutil.copytree(pictures / FOLDER, tmp_path / "camp")
    table = f"taken;picture\n10:31;{web.address}/camp/10.jpg\n10:32;{web.address}/camp/2.jpg\n"
    (tmp_path / "camp" / "list.csv").write_text(table, encoding="utf-8")
    assert list(found(place_of_text(f"{web.address}/camp/list.csv"))) == ["2.jpg", "10.jpg"]
    (tmp_path / "camp" / "wrong.txt").write_text("2.jpg\nftp://server/3.jpg\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 2 is no address"):
        look_for([place_of_text(f"{web.address}/camp/wrong.txt")])


@pytest.mark.parametrize("faults", [[500, 503], ["cut", "cut"], [429, "cut", 502]])
def test_a_server_that_fails_now_and_then_is_asked_again(
    faults: list[int | str], pictures: Path, web: Web, detector: Detector
) -> None:
    for name in ("2.jpg", "mosaic.tif", "packed.tif"):
        web.faults[name] = [*faults, *["cut"] * 2]
    here, there = look_for([pictures / FOLDER]), look_for([place_of_text(f"{web.address}/camp%2023/")])
    assert lines(there.images, detector) == lines(here.images, detector)
    assert not any(web.faults.values())


def test_a_picture_that_does_not_come_fails_alone_and_says_why(web: Web, detector: Detector) -> None:
    web.faults["2.jpg"] = [500] * 50
    web.faults["turned.jpg"] = [404] * 50
    said = {line["image"]: line["failure"] for line in lines(list(found(_page(web)).values()), detector)}
    failed = {name: reason for name, reason in said.items() if reason}
    assert failed == {
        "2.jpg": "its server failed (HTTP 500) (tried 5 times)",
        "morning/turned.jpg": "there is nothing at its address (HTTP 404)",
    }


@pytest.mark.parametrize("name", ["mosaic.tif", "packed.tif"])
def test_tiles_that_do_not_come_are_not_called_damaged(web: Web, name: str) -> None:
    source = open_image(found(_page(web))[name].path)
    web.faults[name] = [503] * 50
    with pytest.raises(UnreadableImageError, match="HTTP 503"):
        source.tile(Window(600, 600, 300, 300))
    web.faults.clear()
    assert source.tile(Window(600, 600, 300, 300)) is not None
    source.close()


def test_positions_that_the_network_lost_are_not_taken_for_none(web: Web, tmp_path: Path) -> None:
    web.root = tmp_path
    exif = Image.Exif()
    exif.update(EXIF)
    pixels = np.random.default_rng(3).integers(0, 255, (300, 300, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.tif", exif=exif.tobytes())
    assert open_image(place_of_text(f"{web.address}/scan.tif")).position is not None
    place = found(place_of_text(f"{web.address}/scan.tif"))["scan.tif"].path
    web.faults["scan.tfw"] = [500] * 50
    with pytest.raises(UnreadableImageError, match="HTTP 500"):
        open_image(place)


def test_a_server_that_does_not_answer_is_not_asked_for_each_of_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PAUSE", 0.05)
    with web_server(tmp_path) as web:
        address = web.address
    asked = 0
    read = Https.read

    def counted(*words: Any, **named: Any) -> Piece:
        nonlocal asked
        asked += 1
        return read(*words, **named)

    monkeypatch.setattr(Https, "read", counted)
    here = tmp_path / "here.jpg"
    here.touch()
    places = [place_of_text(f"{address}/{number}.jpg") for number in range(500)]
    assert are_there([*places, here]) == [False] * 500 + [True]
    assert asked <= 100  # those that were asked side by side, five times each
    assert "does not answer" in why_away(places[-1])


def test_a_picture_that_changes_is_noticed(web: Web, tmp_path: Path, pictures: Path) -> None:
    web.root = tmp_path
    shutil.copy(pictures / FOLDER / "2.jpg", tmp_path / "2.jpg")
    place = place_of_text(f"{web.address}/2.jpg")
    before = stamp_of(place)
    Image.new("RGB", (300, 150), (9, 9, 9)).save(tmp_path / "2.jpg")
    with pytest.raises(UnreadableImageError, match="it was changed"):
        open_image(place)
    assert stamp_of(place_of_text(f"{web.address}/2.jpg")) != before


def test_what_signs_in_is_sent_and_never_shown(web: Web, pictures: Path) -> None:
    web.query = "X-Amz-Signature=c0ffee"
    web.authorization = "Basic cm9zYTpmZWxpcw=="
    host = web.address.removeprefix("http://")
    place = place_of_text(f"http://rosa:felis@{host}/camp%2023/2.jpg?X-Amz-Signature=c0ffee")
    image = found(place)["2.jpg"]
    assert open_image(image.path).width == 300
    shown = f"{place} {place!r} {image} {place.name}"
    assert not any(secret in shown for secret in ("rosa", "felis", "c0ffee"))
    web.authorization = "Basic other"
    with pytest.raises(UnreadableImageError, match="sign-in") as error:
        open_image(place_of_text(f"http://rosa:felis@{host}/camp%2023/10.jpg?X-Amz-Signature=c0ffee"))
    assert "felis" not in f"{error.value} {error.value.hint}"


def test_one_address_with_two_queries_is_refused(web: Web, tmp_path: Path) -> None:
    web.root = tmp_path
    (tmp_path / "list.txt").write_text("show.jpg?id=1\nshow.jpg?id=2\n", encoding="utf-8")
    with pytest.raises(InputError, match="twice"):
        look_for([place_of_text(f"{web.address}/list.txt")])


def test_what_cannot_be_read_is_refused_before_work_starts(
    web: Web, bucket: str, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="ftp:// addresses are not read"):
        place_of_text("ftp://server/camp/")
    with pytest.raises(InputError, match="no such bucket"):
        look_for([place_of_text("s3://nowhere/camp/")])
    with pytest.raises(InputError, match="HTTP 404"):
        look_for([place_of_text(f"{web.address}/nowhere/")])
    with pytest.raises(InputError, match="no images"):
        look_for([place_of_text(f"{bucket}nothing/")])
    with pytest.raises(InputError, match="is on this machine"):
        look_for([place_of_text(bucket), pictures])


def _page(web: Web) -> Place:
    return place_of_text(f"{web.address}/camp%2023/")


@pytest.mark.parametrize(
    ("text", "shown", "name"),
    [
        ("s3://b/camp 23/a#1?.jpg", "s3://b/camp 23/a#1?.jpg", "a#1?.jpg"),
        ("S3://b/k.jpg", "s3://b/k.jpg", "k.jpg"),
        ("https://u:p@h:8443/a%20b.jpg?sig=x#top", "https://h:8443/a%20b.jpg", "a b.jpg"),
        ("https:/h/a.jpg", "https://h/a.jpg", "a.jpg"),
        ("s3:/b/a.jpg", "s3://b/a.jpg", "a.jpg"),
    ],
)
def test_addresses_are_shown_without_what_signs_in(text: str, shown: str, name: str) -> None:
    address = Address.parse(text)
    assert (str(address), address.name) == (shown, name)
    assert str(Address.parse(str(address))) == shown


def test_settings_take_addresses_as_they_are() -> None:
    settings = DetectionSettings.model_validate(
        {"image_dir": "https://rosa:felis@server/camp23/?sig=c0ffee", "image_paths": None}
    )
    (place,) = settings.sources["image_dir"]
    assert str(place) == "https://server/camp23/"
    assert "felis" not in settings.model_dump_json()
    assert "c0ffee" not in settings.model_dump_json()
    with pytest.raises(ValueError, match="ftp:// addresses are not read"):
        DetectionSettings.model_validate({"image_dir": "ftp://server/camp23/"})
