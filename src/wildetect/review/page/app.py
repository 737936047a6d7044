"""The addresses of the page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from wildetect.errors import WildDetectError
from wildetect.imagery.reading import Reading
from wildetect.imagery.source import UnreadableImageError
from wildetect.review.page.guard import Guard
from wildetect.review.page.likeness import Likeness
from wildetect.review.page.pictures import Pictures
from wildetect.review.page.session import Saying, Session, UnfitVerdictError, UnseenError

__all__ = ["make_app"]

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
        port: That it will listen on.
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
