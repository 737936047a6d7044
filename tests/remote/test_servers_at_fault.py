"""What servers may do: drip, send elsewhere, ask to wait, show certificates that nobody knows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.web_pictures import Web, certificates, s3_server, web_server

from wildetect.errors import InputError
from wildetect.imagery.discovery import look_for
from wildetect.remote import asking, remote_file, servers
from wildetect.remote.failures import RemoteError
from wildetect.remote.place import place_of_text
from wildetect.remote.remote_file import RemoteFile

TOO_SLOW = r"its server is too slow: .* bytes came in 0 s \(tried 2 times"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr(asking, "PAUSE", 0.01)
    (tmp_path / "camp").mkdir()
    (tmp_path / "camp" / "1.jpg").write_bytes(bytes(range(256)) * 400)
    with web_server(tmp_path) as shown:
        yield shown


@pytest.fixture(autouse=True)
def _own_sessions() -> Iterator[None]:
    """Sessions read the environment once."""
    remote_file.store_for.cache_clear()
    yield
    remote_file.store_for.cache_clear()


def at(text: str) -> RemoteFile:
    place = place_of_text(text)
    assert isinstance(place, RemoteFile)
    return place


def photograph(server: Web) -> RemoteFile:
    return at(f"{server.address}/camp/1.jpg")


@pytest.mark.parametrize("how", ["drip", "drip head"])
@pytest.mark.parametrize("what", ["picture", "page"])
def test_a_server_that_drips_is_given_up_in_a_stated_time(
    how: str, what: str, server: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "LONGEST_SECONDS", 0.3)
    monkeypatch.setattr(asking, "ATTEMPTS", 2)
    server.faults = {"1.jpg": [how] * 9, "camp": [how] * 9}
    begun = time.monotonic()
    if what == "page":
        with pytest.raises(InputError, match=TOO_SLOW):
            look_for([at(f"{server.address}/camp/")])
    else:
        with pytest.raises(RemoteError, match=TOO_SLOW):
            photograph(server).read_bytes()
    assert time.monotonic() - begun < 5


def test_a_slow_download_that_goes_on_is_not_cut(server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytes(range(256)) * 400
    monkeypatch.setattr(asking, "LONGEST_SECONDS", 0.3)
    monkeypatch.setattr(asking, "SLOWEST", 50_000)
    server.rate = 100_000
    begun = time.monotonic()
    assert photograph(server).read_bytes() == content
    assert time.monotonic() - begun > 0.9
    monkeypatch.setattr(asking, "ATTEMPTS", 1)
    monkeypatch.setattr(asking, "SLOWEST", 1_000_000)
    with pytest.raises(RemoteError, match="too slow"):
        photograph(server).read_bytes()


def test_connections_are_used_again(server: Web) -> None:
    place = photograph(server)
    for _ in range(5):
        place.read_bytes()
        look_for([at(f"{server.address}/camp/")])
    assert server.connections == 1


def test_s3_that_drips_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PAUSE", 0.01)
    monkeypatch.setattr(asking, "LONGEST_SECONDS", 0.5)
    monkeypatch.setattr(asking, "ATTEMPTS", 2)
    (tmp_path / "survey").mkdir()
    (tmp_path / "survey" / "1.jpg").write_bytes(b"x")
    with web_server(tmp_path) as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.address,
            "AWS_ACCESS_KEY_ID": "camp",
            "AWS_SECRET_ACCESS_KEY": "lions-and-keys",
        }.items():
            monkeypatch.setenv(name, value)
        server.faults = {"1.jpg": ["drip"] * 9, "survey": ["drip"] * 9}
        begun = time.monotonic()
        with pytest.raises(InputError, match="its server is too slow"):
            look_for([at("s3://survey/")])
        with pytest.raises(RemoteError, match="its server is too slow"):
            at("s3://survey/1.jpg").read_bytes()
    assert time.monotonic() - begun < 10


def test_a_page_without_end_and_folders_without_end_are_refused(
    server: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        (server.root / "camp" / str(number)).mkdir()
    monkeypatch.setattr(servers, "_MOST_PAGES", 3)
    with pytest.raises(InputError, match="more than 3 folders"):
        look_for([at(f"{server.address}/camp/")])
    monkeypatch.setattr(servers, "_LARGEST_PAGE", 50)
    with pytest.raises(InputError, match="too large for a page"):
        look_for([at(f"{server.address}/camp/")])


def test_a_certificate_of_an_own_authority_is_trusted_where_its_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, certificate = certificates(tmp_path)
    (tmp_path / "1.jpg").write_bytes(b"picture")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with web_server(tmp_path, certificate) as server:
        with pytest.raises(InputError, match="certificate is not trusted") as caught:
            look_for([at(f"{server.address}/")])
        assert "if REQUESTS_CA_BUNDLE names its file" in caught.value.message
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            remote_file.store_for.cache_clear()
            asking._idle.clear()
            with monkeypatch.context() as named:
                named.setenv(name, str(authority))
                assert at(f"{server.address}/1.jpg").read_bytes() == b"picture"
                named.setenv(name, str(tmp_path / "nothing.pem"))
                remote_file.store_for.cache_clear()
                with pytest.raises(RemoteError, match=r"there is no file .*nothing\.pem"):
                    at(f"{server.address}/1.jpg").read_bytes()


@pytest.mark.parametrize(
    ("name", "days", "why"), [("camp.example", 1, "mismatch"), ("127.0.0.1", -1, "expired")]
)
def test_a_wrong_certificate_is_not_asked_again_and_says_why(
    name: str, days: int, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, certificate = certificates(tmp_path, name, days=days)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    with web_server(tmp_path, certificate) as server, pytest.raises(RemoteError, match=why) as caught:
        at(f"{server.address}/1.jpg").read_bytes()
    assert "tried" not in caught.value.reason


def test_a_password_is_not_sent_on_to_another_server(server: Web, tmp_path: Path) -> None:
    with web_server(tmp_path) as other:
        host = server.address.removeprefix("http://")
        other_name = other.address.replace("127.0.0.1", "localhost")
        server.faults["1.jpg"] = [f"{other_name}/camp/1.jpg"]
        place = at(f"http://rosa:felis@{host}/camp/1.jpg?X-Amz-Signature=c0ffee")
        assert len(place.read_bytes()) == 102_400
    assert server.asked == [("/camp/1.jpg", "Basic cm9zYTpmZWxpcw==")]
    assert other.asked == [("/camp/1.jpg", None)]


def test_a_page_that_leads_elsewhere_is_named_and_one_in_circles_ends(server: Web, tmp_path: Path) -> None:
    with web_server(tmp_path) as other:
        server.faults["camp"] = [f"{other.address}/camp/"]
        with pytest.raises(InputError, match=f"leads to {other.address}/camp/") as caught:
            look_for([at(f"{server.address}/camp/")])
        assert f"{other.address}/camp/" in caught.value.hint
    server.faults["1.jpg"] = [f"{server.address}/camp/1.jpg"] * 99
    with pytest.raises(RemoteError, match="TooManyRedirects"):
        photograph(server).read_bytes()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, r"refuses it \(HTTP 403\): no permission, or a signature that has expired$"),
        (404, r"nothing at its address \(HTTP 404\)$"),
        (429, r"asked too often \(HTTP 429\), and asks to wait 3,6\d\d s \(tried 5 times\)"),
        (503, r"failed \(HTTP 503\), and asks to wait 3,6\d\d s \(tried 5 times\)"),
    ],
)
@pytest.mark.parametrize("dated", [False, True])
def test_statuses_say_what_they_mean(
    status: int, said: str, server: Web, monkeypatch: pytest.MonkeyPatch, *, dated: bool
) -> None:
    waited: list[float] = []
    clock = SimpleNamespace(sleep=waited.append, monotonic=time.monotonic)
    monkeypatch.setattr(asking, "time", clock)
    server.faults["1.jpg"] = [status] * 9
    server.more = {"Retry-After": formatdate(time.time() + 3601, usegmt=True) if dated else "3600"}
    with pytest.raises(RemoteError, match=said):
        photograph(server).read_bytes()
    assert waited == ([20.0] * 4 if status in {429, 503} else [])


def test_what_a_server_packs_against_the_wish_is_not_called_damaged(server: Web) -> None:
    server.packed = True
    with pytest.raises(RemoteError, match=r"sends it packed \(gzip\)"):
        photograph(server).read_bytes()


def test_an_expired_signature_of_s3_and_a_wrong_clock_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("moto")
    import boto3
    from botocore.exceptions import ClientError

    (tmp_path / "1.jpg").write_bytes(b"picture")
    with s3_server(tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        link = boto3.client("s3").generate_presigned_url(
            "get_object", Params={"Bucket": "survey", "Key": "1.jpg"}, ExpiresIn=60
        )
        assert at(link).read_bytes() == b"picture"
        store = remote_file.store_for("s3")

        def refused(**_: object) -> None:
            answer = {"Error": {"Code": "RequestTimeTooSkewed"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            raise ClientError(answer, "HeadObject")

        monkeypatch.setattr(store._client, "head_object", refused)  # type: ignore[attr-defined]
        with pytest.raises(RemoteError, match="clock of this machine is wrong"):
            at("s3://survey/1.jpg").stat()
