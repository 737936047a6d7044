"""What a person first sees of MLflow's page: the models, not greetings of tools for language models.

MLflow's page keeps what a person has seen and chosen in the browser. Where that says nothing yet it begins
with an assistant panel, a greeting in front of the models, and a menu in which the models are hidden. So
its first page comes with a line that sets these choices, once: who changes one keeps it. It also leads
from the bare address to the models.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from importlib.metadata import entry_points
from typing import Any

__all__ = [
    "APP",
    "MODELS_PAGE",
    "Application",
    "FirstPage",
    "Message",
    "Receive",
    "Send",
    "create_app",
    "is_installed",
]

APP = "wildetect-page"
"""The name of `create_app` among the entry points of the group mlflow.app."""
MODELS_PAGE = "/#/models?workflowType=machine_learning"
"""The registry, in the view for models that are trained."""
CHOICES = {
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    "_mlflow_model_registry_promo_modal_dismissed_v1": True,
    "mlflow.telemetry.info.alert.dismissed_v1": True,  # nothing is sent: the server switches it off
    "mlflow.settings.telemetry.enabled_v1": False,
}
"""What MLflow's page keeps in the browser (seen in MLflow 3.17); a key that it does not know does nothing."""
_SCRIPT = (
    "<script>try{for(const[k,v]of Object.entries(%s))"
    "localStorage.getItem(k)===null&&localStorage.setItem(k,JSON.stringify(v))}catch{}"
    "location.hash||history.replaceState(null,'','#/models')</script>"
)
_BEFORE = b"</title>"
_FRESH = {b"if-none-match", b"if-modified-since", b"range"}
_OF_BODY = {b"content-length", b"etag", b"last-modified"}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
"""As the ASGI specification has them. Source: https://asgi.readthedocs.io/en/latest/specs/main.html"""


def is_installed() -> bool:
    """Whether MLflow finds `create_app`; an environment of before it was there does not name it."""
    return any(one.name == APP for one in entry_points(group="mlflow.app"))


class FirstPage:
    """Stands in front of MLflow's application, and adds `CHOICES` to its first page.

    Args:
        application: What answers.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on; that for the page gets it with the choices."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._application(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in _FRESH]
        answer = _Answer(send)
        await self._application({**scope, "headers": headers}, receive, answer.take)


class _Answer:
    """The answer with the page, kept until it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def take(self, message: Message) -> None:
        """Take what the application sends; anything but the page goes on as it is."""
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._send_page(self._start)

    async def _send_page(self, start: Message) -> None:
        body = with_choices(b"".join(self._parts))
        kept = [(name, value) for name, value in start["headers"] if name.lower() not in _OF_BODY]
        await self._send({**start, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
        await self._send({"type": "http.response.body", "body": body})


def with_choices(page: bytes) -> bytes:
    """Add the line that sets the choices to the head of a page; one without a title stays as it is."""
    script = (_SCRIPT % json.dumps(CHOICES)).encode()
    return page.replace(_BEFORE, _BEFORE + script, 1)


def _is_page(start: Message) -> bool:
    headers = {name.lower(): value for name, value in start["headers"]}
    is_html = headers.get(b"content-type", b"").startswith(b"text/html")
    return start["status"] == HTTPStatus.OK and is_html and b"content-encoding" not in headers


def create_app() -> FirstPage:
    """Make MLflow's application with its first page as above; uvicorn calls this in each worker."""
    from mlflow.server.fastapi_app import app

    return FirstPage(app)
