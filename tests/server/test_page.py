"""MLflow's page comes with our choices for who sees it first; all else goes through untouched."""

from __future__ import annotations

import asyncio

import pytest

from wildetect.server.process.page import CHOICES, FirstPage, Message, Receive, Send

HTML = b"<html><head><title>MLflow</title><script src='main.js'></script></head><body></body></html>"
GET = {"type": "http", "method": "GET", "path": "/", "headers": [(b"If-None-Match", b'"1"'), (b"Host", b"x")]}


def answered(
    request: Message, *parts: bytes, status: int = 200, kind: bytes = b"text/html; charset=utf-8"
) -> tuple[Message, list[Message]]:
    """What the application was asked, and what a browser gets of its answer."""
    asked: list[Message] = []
    sent: list[Message] = []

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        del receive
        asked.append(scope)
        length = str(sum(map(len, parts))).encode()
        headers = [(b"Content-Type", kind), (b"Content-Length", length), (b"ETag", b'"1"')]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, part in enumerate(parts, start=1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(FirstPage(application)(request, receive, send))
    return asked[0], sent


@pytest.mark.parametrize("cut", [0, 3, 20, len(HTML)])
def test_the_page_holds_the_choices_before_its_scripts(cut: int) -> None:
    asked, (start, body) = answered(GET, HTML[:cut], HTML[cut:])
    page = body["body"]
    for name in CHOICES:
        assert 0 < page.index(name.encode()) < page.index(b"main.js")
    headers = dict(start["headers"])
    assert headers[b"content-length"] == str(len(page)).encode()
    assert b"ETag" not in headers  # a page kept by the browser is not that of another version
    assert dict(asked["headers"]) == {b"Host": b"x"}


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"path": "/health"}, {}),
        ({"method": "HEAD"}, {}),
        ({}, {"kind": b"application/json"}),
        ({}, {"status": 401}),
        ({}, {"status": 304}),
    ],
)
def test_nothing_else_is_changed(change: dict[str, str], answer: dict[str, object]) -> None:
    _, (start, *bodies) = answered({**GET, **change}, HTML[:9], HTML[9:], **answer)  # type: ignore[arg-type]
    assert b"".join(body["body"] for body in bodies) == HTML
    assert dict(start["headers"])[b"ETag"] == b'"1"'


def test_a_page_of_another_kind_stays_as_it_is() -> None:
    _, (_, body) = answered(GET, b"<html>Unable to display</html>")
    assert body["body"] == b"<html>Unable to display</html>"
