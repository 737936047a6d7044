"""A web server with the files of a folder, which can be told to be at fault, and S3 as moto has it."""

from __future__ import annotations

import gzip
import hashlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

BUCKET = "survey"


@dataclass
class Web:
    """A server on this machine.

    Attributes:
        root: The folder that it shows.
        ranges: Whether it gives parts of files.
        faults: For the name of a file what its next answers are: a status, "cut", "drip" (a byte now and then
            of its content), "drip head", or the address that it redirects to.
        asked: The paths of all requests, each with its header Authorization.
        more: Further headers of answers that are no success.
        rate: Most bytes a second of content; 0: any.
        packed: Whether it sends files packed, whatever it is asked.
        connections: Number of them so far.
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
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)
    rate: int = 0
    packed: bool = False
    connections: int = 0
    open: list[socket.socket] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    web: Web
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.web.connections += 1
        self.web.open.append(self.connection)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        wanted = self.headers.get("Range", "")
        self.web.asked.append((parts.path, self.headers.get("Authorization")))
        path = self.web.root / unquote(parts.path).lstrip("/")
        faults = self.web.faults.get(path.name, [])
        fault = faults.pop(0) if faults else None
        if self.web.query is not None and parts.query != self.web.query:
            fault = 403
        if self.web.authorization is not None and self.headers.get("Authorization") != self.web.authorization:
            fault = 401
        if isinstance(fault, int):
            return self.answer(fault, b"", self.web.more)
        if isinstance(fault, str) and fault.startswith("drip"):
            return self.drip(fault)
        if isinstance(fault, str) and fault.startswith("http"):
            return self.answer(302, b"", {"Location": fault})
        if path.is_dir():
            return self.page(path)
        if not path.is_file():
            return self.answer(404, b"")
        return self.file(path, wanted, cut=fault == "cut")

    def drip(self, what: str) -> None:
        """Answer so slowly that nothing comes of it, without ever being silent for long."""
        self.close_connection = True
        if what == "drip":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "1000000")
            self.end_headers()
        else:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        try:
            for _ in range(2000):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:  # the other side had enough
            return

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
        if self.web.packed:
            return self.answer(200, gzip.compress(content), {**headers, "Content-Encoding": "gzip"})
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
            step = self.web.rate // 20 or len(body) or 1
            for start in range(0, len(body), step):
                self.wfile.write(body[start : start + step])
                time.sleep(0.05 if self.web.rate else 0)
        except OSError:  # the other side had enough
            self.close_connection = True
        if cut:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def certificates(folder: Path, name: str = "127.0.0.1", *, days: int = 1) -> tuple[Path, Path]:
    """Make an authority and a server's certificate for a name or number; the latter with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in ("camp", name)]
    numeric = name.replace(".", "").isdigit()
    known_as = x509.IPAddress(ip_address(name)) if numeric else x509.DNSName(name)
    made = []
    for key, subject, own in zip(keys, names, (True, False), strict=True):
        builder = x509.CertificateBuilder(
            issuer_name=names[0],
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=9),
            not_valid_after=now + timedelta(days=days),
        ).add_extension(x509.BasicConstraints(ca=own, path_length=None), critical=True)
        authority = x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key())
        if own:
            builder = builder.add_extension(authority, critical=False)
        else:
            by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority)
            builder = builder.add_extension(x509.SubjectAlternativeName([known_as]), critical=False)
            builder = builder.add_extension(by, critical=False)
        signed = builder.sign(keys[0], hashes.SHA256())
        made.append(signed.public_bytes(serialization.Encoding.PEM))
    private = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "authority.pem").write_bytes(made[0])
    (folder / "server.pem").write_bytes(private + made[1])
    return folder / "authority.pem", folder / "server.pem"


@contextmanager
def web_server(root: Path, certificate: Path | None = None) -> Iterator[Web]:
    """Show a folder at an address; at https:// where there is a certificate."""
    web = Web(root)

    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": web}))
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    web.address = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for connection in web.open:  # those that clients keep would be served on
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def s3_server(root: Path, bucket: str = BUCKET) -> Iterator[dict[str, str]]:
    """Put the files of a folder into a bucket of moto's S3; gives the variables that lead to it."""
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
    client = s3_client(variables)
    try:
        client.create_bucket(Bucket=bucket)
        for path in sorted(root.rglob("*")):
            if path.is_file():
                client.put_object(
                    Bucket=bucket, Key=path.relative_to(root).as_posix(), Body=path.read_bytes()
                )
        yield variables
    finally:
        for key in s3_keys(variables, bucket):  # moto keeps them for the next server of this process
            client.delete_object(Bucket=bucket, Key=key)
        server.stop()


def s3_client(variables: Mapping[str, str]) -> Any:
    """Client of the S3 that variables lead to."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_DEFAULT_REGION"],
    )


def s3_keys(variables: Mapping[str, str], bucket: str) -> list[str]:
    """Names of all that lies in a bucket."""
    listed = s3_client(variables).list_objects_v2(Bucket=bucket)
    return [one["Key"] for one in listed.get("Contents", ())]
