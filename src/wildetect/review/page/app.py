"""The addresses of the page, and who may use them: the person who was given the link, and nobody else."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wildetect.errors import WildDetectError
from wildetect.imagery.reading import Reading
from wildetect.imagery.source import UnreadableImageError
from wildetect.review.page.likeness import Likeness
from wildetect.review.page.pictures import Pictures
from wildetect.review.page.session import Saying, Session, UnfitVerdictError, UnseenError

__all__ = ["make_app"]

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_MOST_BYTES = 20_000  # of a request's body


class Guard:
    """Lets requests with the token through, and gives every answer its headers.

    Other programs and pages of other sites can reach a port of this machine. They do not know the token; a
    name that was made to lead here (DNS rebinding) is not one of ours; and what is written comes from our
    page.

    Args:
        app: Behind it.
        token: Secret of this start of the page.
        port: Port that it listens on.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._cookie = f"review-{port}"  # cookies do not keep ports apart
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refused(scope) or self._welcomed(scope) or self._app
        await answer(scope, receive, with_headers)

    def _refused(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            return PlainTextResponse("This page is for this machine only.", 403)
        given = _cookies(headers.get("cookie", "")).get(self._cookie, "")
        if not (self._is_token(given) or self._is_token(_token_of(scope))):
            return PlainTextResponse("Open the page by the address that review.open prints.", 403)
        if scope["method"] not in {"GET", "HEAD"}:
            kind = headers.get("content-type", "").partition(";")[0].strip()
            length = headers.get("content-length", "")
            if headers.get("origin") != f"http://{host}" or kind != "application/json":
                return PlainTextResponse("Only the page itself may write.", 403)
            if not length.isdecimal() or int(length) > _MOST_BYTES:
                return PlainTextResponse("This is too long.", 413)
        return None

    def _welcomed(self, scope: Scope) -> ASGIApp | None:
        """Put the token into a cookie: it leaves the address, and with it the browser's history."""
        if scope["path"] != "/" or not self._is_token(_token_of(scope)):
            return None
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return answer

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())


def _token_of(scope: Scope) -> str:
    if scope["path"] != "/" or scope["method"] != "GET":
        return ""
    return Request(scope).query_params.get("token", "")


def _cookies(text: str) -> dict[str, str]:
    try:
        return {name: one.value for name, one in SimpleCookie(text).items()}
    except CookieError:
        return {}


_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{
        f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in ("page", "detections", "photographs", "details", "animals", "common")
    },
}
_FOLDER = Path(__file__).parent / "static"
_HIGHEST_LEVEL = 12
_A_WHILE = 0.5  # s: after which the page tells how far the comparing is
_KEEP = {"Cache-Control": "private, max-age=86400"}


def make_app(session: Session, token: str, port: int) -> ASGIApp:
    """The page of a run, guarded.

    Args:
        session: What it shows, and whom it serves.
        token: Secret without which it answers nobody.
        port: Port that it will listen on.
    """
    pictures = Pictures(Reading.of(session.run.record.settings))
    routes = [
        *(Route(path, _file(*what)) for path, what in _FILES.items()),
        *_talk(session),
        *_pictures(session, pictures),
        _likeness(session, pictures),
    ]
    handlers: dict[Any, Any] = {
        UnseenError: _unseen,
        UnfitVerdictError: _unfit,
        UnreadableImageError: _unreadable,
        WildDetectError: _failed,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), token, port)


def _talk(session: Session) -> Iterator[Route]:
    """What the page asks, and what it says."""

    def state(_: Request) -> Response:
        return JSONResponse(session.state())

    def photograph(request: Request) -> Response:
        return JSONResponse(session.photograph(request.path_params["image"]))

    async def say(request: Request) -> Response:
        saying = Saying.from_document(_document(await request.body()))
        return JSONResponse(await run_in_threadpool(session.say, saying))

    async def compare(request: Request) -> Response:
        document = _document(await request.body())
        return JSONResponse(await run_in_threadpool(session.compare, document))

    async def undo(_: Request) -> Response:
        return JSONResponse(await run_in_threadpool(session.undo))

    yield Route("/api/state", state)
    yield Route("/api/photograph/{image:int}", photograph)
    yield Route("/api/verdict", say, methods=["POST"])
    yield Route("/api/pairs", compare, methods=["POST"])
    yield Route("/api/undo", undo, methods=["POST"])


def _pictures(session: Session, pictures: Pictures) -> Iterator[Route]:
    """What the page shows."""

    def crop(request: Request) -> Response:
        image, row = request.path_params["image"], request.path_params["row"]
        result = session.result(image)
        if result.detections is None or row >= len(result.detections):
            raise UnfitVerdictError("the image has no such detection")
        return _jpeg(pictures.crop(image, result, row))

    def picture(request: Request) -> Response:
        image = request.path_params["image"]
        return _jpeg(pictures.photograph(image, session.result(image)))

    def detail(request: Request) -> Response:
        image, level, column, row = (request.path_params[one] for one in ("image", "level", "column", "row"))
        made = pictures.detail(image, session.result(image), min(level, _HIGHEST_LEVEL), (column, row))
        if made is None:
            raise UnfitVerdictError("the image has no such part")
        return _jpeg(made)

    yield Route("/crop/{image:int}/{row:int}.jpg", crop)
    yield Route("/photograph/{image:int}.jpg", picture)
    yield Route("/detail/{image:int}/{level:int}/{column:int}/{row:int}.jpg", detail)


def _likeness(session: Session, pictures: Pictures) -> Route:
    """Which detections look alike; the page asks again until all have been compared."""
    counts = {
        number: len(result.detections)
        for number, result in enumerate(session.run.results)
        if result.detections is not None and len(result.detections)
    }
    likeness = Likeness(counts, lambda image: pictures.looks(session.result(image)))
    turn = threading.Lock()

    def answer(_: Request) -> Response:
        with turn:
            compared, photographs = likeness.go_on(_A_WHILE)
            return JSONResponse({"compared": compared, "of": photographs, "ranks": likeness.ranks()})

    return Route("/api/likeness", answer)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise UnfitVerdictError("this is not JSON") from error


def _file(name: str, media_type: str) -> Any:
    content = (_FOLDER / name).read_bytes()

    def answer(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return answer


def _jpeg(content: bytes) -> Response:
    return Response(content, media_type="image/jpeg", headers=_KEEP)


async def _unfit(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _unseen(_: Request, error: Exception) -> Response:
    assert isinstance(error, UnseenError)  # noqa: S101 - it is the handler of these
    return JSONResponse({"error": str(error), "unseen": {error.image: error.reason}}, 409)


async def _unreadable(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 404)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, WildDetectError)  # noqa: S101 - it is the handler of these
    return JSONResponse({"error": error.message, "hint": error.hint}, 507)
