"""A web server with the files of a folder, which can be told to be at fault, and S3 as moto has it."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

BUCKET = "survey"


@dataclass
class Web:
    """A server on this machine.

    Attributes:
        root: The folder that it shows.
        ranges: Whether it gives parts of files.
        faults: For the name of a file what its next answers are: a status, or "cut".
        sent: Bytes of content.
        query: What each request has to have behind the question mark, where that is wanted.
        authorization: What its header of that name has to be.
    """

    root: Path
    address: str = ""
    ranges: bool = True
    faults: dict[str, list[int | str]] = field(default_factory=dict)
    sent: int = 0
    query: str | None = None
    authorization: str | None = None


class _Handler(BaseHTTPRequestHandler):
    web: Web
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        wanted = self.headers.get("Range", "")
        path = self.web.root / unquote(parts.path).lstrip("/")
        faults = self.web.faults.get(path.name, [])
        fault = faults.pop(0) if faults else None
        if self.web.query is not None and parts.query != self.web.query:
            fault = 403
        if self.web.authorization is not None and self.headers.get("Authorization") != self.web.authorization:
            fault = 401
        if isinstance(fault, int):
            return self.answer(fault, b"")
        if path.is_dir():
            return self.page(path)
        if not path.is_file():
            return self.answer(404, b"")
        return self.file(path, wanted, cut=fault == "cut")

    def page(self, folder: Path) -> None:
        names = [f"{one.name}/" if one.is_dir() else one.name for one in sorted(folder.iterdir())]
        links = "".join(f'<a href="{quote(name)}">{name}</a>' for name in ["../", "?C=N;O=D", *names])
        self.answer(200, f"<html>{links}</html>".encode(), {"Content-Type": "text/html"})

    def file(self, path: Path, wanted: str, *, cut: bool) -> None:
        content = path.read_bytes()
        tag = hashlib.sha256(content).hexdigest()[:16]
        headers = {
            "ETag": f'"{tag}"',
            "Last-Modified": self.date_time_string(int(path.stat().st_mtime)),
            "Content-Type": "text/html" if path.suffix == ".html" else "application/octet-stream",
        }
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        if match is None or not self.web.ranges:
            return self.answer(200, content, headers, cut=cut)
        start, last = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
        if start >= len(content):
            return self.answer(416, b"", {**headers, "Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{last}/{len(content)}"
        return self.answer(206, content[start : last + 1], headers, cut=cut)

    def answer(
        self, status: int, content: bytes, headers: dict[str, str] | None = None, *, cut: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        body = content[: len(content) // 2] if cut else content
        self.web.sent += len(body)
        try:
            self.wfile.write(body)
        except OSError:  # the other side had enough
            self.close_connection = True
        if cut:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def web_server(root: Path) -> Iterator[Web]:
    """Show a folder at an address."""
    web = Web(root)

    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": web}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    web.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def s3_server(root: Path) -> Iterator[dict[str, str]]:
    """Put the files of a folder into a bucket of moto's S3; gives the variables that lead to it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "camp",
        "AWS_SECRET_ACCESS_KEY": "lions-and-keys",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    client = boto3.client(
        "s3",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_DEFAULT_REGION"],
    )
    try:
        client.create_bucket(Bucket=BUCKET)
        for path in sorted(root.rglob("*")):
            if path.is_file():
                client.put_object(
                    Bucket=BUCKET, Key=path.relative_to(root).as_posix(), Body=path.read_bytes()
                )
        yield variables
    finally:
        listed = client.list_objects_v2(Bucket=BUCKET)
        for one in listed.get("Contents", ()):  # moto keeps them for the next server of this process
            client.delete_object(Bucket=BUCKET, Key=one["Key"])
        server.stop()
