"""MLflow's client against servers that are slow, silent or something else: every call has an end."""

from __future__ import annotations

import itertools
import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from tests.bad_servers import KINDS, BadServer

from wildetect.errors import ServerError
from wildetect.registry.connection import connect
from wildetect.registry.patience import UselessAnswer, end_slow_answers
from wildetect.registry.reference import ModelReference
from wildetect.registry.versions import MOST_PAGES, all_pages, list_models, resolve

SAYS = {
    "drip": "does not finish its answers",
    "silent": "does not finish its answers",
    "endless": "does not finish its answers",
    "cut": "does not answer any more",
    "closed": "does not answer any more",
    "errors": "each time it was asked",
    "wait": "each time it was asked",
    "login": "in a shape that MLflow does not have",
    "shape": "in a shape that MLflow does not have",
    "refusal": "no such table",
    "redirect": "but sends on to http://127.0.0.1",
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", "false")


def test_there_are_words_for_each_kind_of_bad_server() -> None:
    assert set(SAYS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_bad_answer_has_an_end_and_words_of_its_own(kind: str) -> None:
    with BadServer(None, kind, spared=0).running() as server:
        connection = connect(server.uri)
        for ask in (
            lambda: resolve(connection, ModelReference("herd", alias="production")),
            lambda: resolve(connection, ModelReference("herd", version="1")),
            lambda: list_models(connection),
        ):
            begun = time.monotonic()
            with pytest.raises(ServerError) as raised:
                ask()
            assert SAYS[kind] in raised.value.message
            assert raised.value.hint
            assert time.monotonic() - begun < 10


@pytest.fixture
def slow(request: pytest.FixtureRequest) -> Iterator[str]:
    """A port that answers with 8 pieces of some bytes, one each 0.3 s."""
    size = request.param

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {8 * size}\r\nConnection: close\r\n\r\n"
            try:
                connection.sendall(head.encode())
                for _ in range(8):
                    time.sleep(0.3)
                    connection.sendall(bytes(size))
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


FILE = "/api/2.0/mlflow-artifacts/artifacts/1/weights.onnx"


@pytest.mark.parametrize("slow", [2000], indirect=True)
def test_a_long_download_that_makes_progress_is_not_cut(slow: str) -> None:
    end_slow_answers()
    assert len(requests.get(slow + FILE, timeout=1).content) == 16_000


@pytest.mark.parametrize("slow", [10], indirect=True)
def test_one_that_makes_next_to_none_is_cut(slow: str) -> None:
    end_slow_answers()
    begun = time.monotonic()
    with pytest.raises(UselessAnswer):
        requests.get(slow + FILE, timeout=1)
    assert time.monotonic() - begun < 2


def test_a_page_to_sign_in_is_no_file_and_takes_no_upload() -> None:
    end_slow_answers()
    with BadServer(None, "login", spared=0).running() as server:
        with pytest.raises(UselessAnswer, match="a page for people"):
            requests.get(server.uri + FILE, timeout=2)
        with pytest.raises(UselessAnswer, match="a page for people"):
            requests.put(server.uri + FILE, data=b"weights", timeout=2)
        assert requests.get(f"{server.uri}{FILE}.html", timeout=2).ok  # a report is one


def test_a_download_that_never_ends_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    end_slow_answers()
    usage = shutil.disk_usage(".")._replace(free=100_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with (
        BadServer(None, "endless", spared=0).running() as server,
        requests.get(server.uri + FILE, timeout=20, stream=True) as answer,
    ):
        pieces = iter(answer.iter_content(1 << 20))
        came = sum(len(next(pieces)) for _ in range(60))
        with pytest.raises(UselessAnswer, match="does not end"):
            came += sum(map(len, pieces))
    assert 60_000_000 < came < usage.free


@pytest.mark.parametrize("slow", [2000], indirect=True)
def test_a_download_larger_than_the_disk_is_not_begun(slow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    end_slow_answers()
    usage = shutil.disk_usage(".")._replace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UselessAnswer, match="the disk has no space"):
        requests.get(slow + FILE, timeout=1)


@pytest.mark.parametrize("slow", [10], indirect=True)
def test_requests_that_are_not_mlflow_s_go_on_as_they_did(slow: str) -> None:
    end_slow_answers()
    assert len(requests.get(f"{slow}/photographs/1.jpg", timeout=1).content) == 80


class Page(list[int]):
    def __init__(self, token: str) -> None:
        super().__init__([7])
        self.token = token


@pytest.mark.parametrize("tokens", [itertools.repeat("a"), map(str, itertools.count())])
def test_a_list_without_a_last_page_is_named(tokens: Iterator[str]) -> None:
    with pytest.raises(ServerError, match="a list that does not end"):
        all_pages(lambda **_: Page(next(tokens)))


def test_a_list_of_many_pages_is_whole() -> None:
    tokens = iter([*map(str, range(MOST_PAGES - 1)), ""])
    assert len(all_pages(lambda **_: Page(next(tokens)))) == MOST_PAGES
