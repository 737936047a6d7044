"""Who may use the page: the person who has its address, in a browser on this machine, and nobody else.

Other programs and pages of other sites can reach a port of this machine. They do not know the token; a
name that was made to lead here (DNS rebinding) is not one of ours; and what is written comes from our page.
"""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

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

    Args:
        app: Behind it.
        token: Secret of this start of the page.
        port: That it listens on.
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
