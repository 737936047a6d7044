"""Who is asked for pictures: web servers and S3.

Of a web server parts of files by ranges (RFC 9110, 14), folders by the page that lists them. S3, or a store
that speaks as S3 does, with boto3 (extra `remote`): who signs in, where and to which region is what the
environment and the profile say, as for every program that uses Amazon's library: AWS_PROFILE,
AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and so on.
"""

from __future__ import annotations

import importlib.util
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import requests
import urllib3

from wildetect.errors import ConfigurationError, InputError
from wildetect.remote.address import Address
from wildetect.remote.asking import came, with_retries
from wildetect.remote.failures import RemoteError, explained, not_trusted
from wildetect.remote.store import CONNECT_SECONDS, SILENT_SECONDS, Facts, Piece
from wildetect.wording import in_bytes, with_extra

__all__ = ["S3", "Https"]

_PARTIAL: Final = 206
_OUT_OF_RANGE: Final = 416
_REFUSED: Final = 400
_CONTENT_RANGE: Final = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")
_BLOCK: Final = 1 << 16  # bytes
MOST_WITHOUT_RANGES: Final = 64 << 20
"""Bytes of a file that is read whole, as its server gives no parts of it."""
_MOST_PAGES: Final = 10_000
_LARGEST_PAGE: Final = 50_000_000
_LISTS_WANTED: Final = (
    "Give the address of a picture, of a folder whose server lists it, or of a list (.txt) with one address "
    "a line."
)


class Https:
    """Reads from web servers; variables such as HTTPS_PROXY and the file .netrc count as ever."""

    def __init__(self) -> None:
        self._own = threading.local()  # a session keeps its connections, and serves one thread

    def facts(self, address: Address) -> Facts:
        """Ask for a byte: servers refuse HEAD for addresses that are signed for reading."""
        return self.read(address, 0, 1, content=False).facts

    def read(
        self, address: Address, start: int = 0, stop: int | None = None, *, content: bool = True
    ) -> Piece:
        """Bytes of a file; all of it where the server does not give parts.

        Raises:
            RemoteError: They do not come, or not whole.
        """
        wanted = _range(start, stop)
        with self._answer(address, wanted) as answer:
            facts, begin = _facts_of(answer)
            if not content and answer.status_code == _PARTIAL:
                _drain(answer)
            if not content or facts.st_size == 0 or answer.status_code == _OUT_OF_RANGE:
                return Piece(b"", facts, start)
            if answer.status_code != _PARTIAL and wanted and facts.st_size > MOST_WITHOUT_RANGES:
                raise RemoteError(
                    f"its server gives no parts of files (HTTP ranges), and {in_bytes(facts.st_size)} "
                    "are too much to read it whole"
                )
            most = facts.st_size - begin if stop is None else min(stop, facts.st_size) - begin
            length = most if answer.status_code == _PARTIAL else facts.st_size
            return Piece(_body(answer, length), facts, begin)

    def files(self, folder: Address) -> Iterator[tuple[Address, Facts | None]]:
        """The files that the page of a folder links to, and those of the folders below it.

        Raises:
            RemoteError: A page cannot be read.
            InputError: It is no page with links.
        """
        pending, seen, given = [folder], {str(folder)}, set[str]()
        while pending:
            page = pending.pop()
            for found in self._links(page):
                if not found.path.startswith(page.folder.path) or found.host != page.host:
                    continue
                if found.is_folder:
                    if str(found) not in seen:
                        _refuse_too_many(folder, len(seen))
                        seen.add(str(found))
                        pending.append(found)
                elif str(found) not in given:
                    given.add(str(found))
                    yield found, None

    def _links(self, page: Address) -> Iterator[Address]:
        def ask() -> str:
            with self._answer(page, {}) as answer:
                if "html" not in answer.headers.get("Content-Type", "html"):
                    raise InputError(f"{page} is no page that lists files", hint=_LISTS_WANTED)
                _refuse_another_page(page, answer)
                content = _content(answer, _LARGEST_PAGE + 1, decoded=True)
                if len(content) > _LARGEST_PAGE:
                    raise InputError(f"{page} is too large for a page that lists files", hint=_LISTS_WANTED)
                return content.decode(answer.encoding or "utf-8", errors="replace")

        links = _Links()
        links.feed(with_retries(ask))
        for link in links.found:
            plain = link.partition("#")[0].partition("?")[0].strip()
            if not plain or plain.startswith(("mailto:", "javascript:", "data:", "tel:")):
                continue
            try:
                yield page.joined(plain)
            except (ConfigurationError, ValueError):  # of a kind that is not read
                continue

    @contextmanager
    def _answer(self, address: Address, headers: dict[str, str]) -> Iterator[requests.Response]:
        """One attempt."""
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = requests.Session()
            # what requests knows of itself, REQUESTS_CA_BUNDLE, comes first
            session.verify = os.environ.get("SSL_CERT_FILE") or True
        sent = {"Accept-Encoding": "identity", "User-Agent": "wildetect", **headers}
        limits = CONNECT_SECONDS, SILENT_SECONDS
        with (
            _errors_explained(),
            session.get(address.url, headers=sent, auth=address.user, stream=True, timeout=limits) as answer,
        ):
            if answer.status_code >= _REFUSED and answer.status_code != _OUT_OF_RANGE:
                _drain(answer)
                raise explained(answer.status_code, answer.headers.get("Retry-After", ""))
            yield answer


@contextmanager
def _errors_explained() -> Iterator[None]:
    """Errors of requests hold the address with its signature: none of them gets out."""
    try:
        yield
    except RemoteError:
        raise
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
        raise RemoteError("its server does not answer in time", again=True, silent=True) from None
    except requests.exceptions.SSLError as error:
        raise not_trusted(error, "REQUESTS_CA_BUNDLE") from None
    except (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError):
        raise RemoteError("the connection to its server was cut", again=True) from None
    except requests.exceptions.ConnectionError:
        raise RemoteError("the connection to its server fails", again=True, silent=True) from None
    except requests.exceptions.RequestException as error:
        raise RemoteError(f"its address cannot be read ({type(error).__name__})") from None
    except OSError as error:
        named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
        if named and not Path(named).exists():
            raise RemoteError(f"its certificate cannot be checked: there is no file {named}") from None
        raise RemoteError(f"its address cannot be read ({error.strerror or error})") from None


def _refuse_too_many(folder: Address, pages: int) -> None:
    if pages >= _MOST_PAGES:
        raise InputError(f"{folder} has more than {pages:,} folders below it", hint=_LISTS_WANTED)


def _refuse_another_page(page: Address, answer: requests.Response) -> None:
    """A page elsewhere has links and names of its own: whoever wants them is to say so."""
    there = Address.parse(answer.url)
    if answer.history and there != page:
        raise InputError(f"{page} leads to {there}", hint=f"Give that address, if it is right: {there}")


def _drain(answer: requests.Response) -> None:
    """Take the little that is left of an answer, so that its connection can be used again."""
    with suppress(urllib3.exceptions.HTTPError):
        answer.raw.read(_BLOCK)


def _range(start: int, stop: int | None) -> dict[str, str]:
    """Head that asks for a part of a file; none for all of it."""
    if start == 0 and stop is None:
        return {}
    return {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}


def _facts_of(answer: requests.Response) -> tuple[Facts, int]:
    """What an answer says of the file, and where its content begins in it."""
    packed = answer.headers.get("Content-Encoding", "identity").lower()
    if packed not in {"", "identity"}:
        raise RemoteError(f"its server sends it packed ({packed}), though it was asked not to")
    match = _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
    if match is not None:
        begin, size = int(match.group(1) or 0), int(match.group(2))
    elif answer.status_code != _PARTIAL and answer.headers.get("Content-Length", "").isdigit():
        begin, size = 0, int(answer.headers["Content-Length"])
    else:
        raise RemoteError("its server does not say how large it is")
    try:
        changed = int(parsedate_to_datetime(answer.headers.get("Last-Modified", "")).timestamp()) * 10**9
    except (TypeError, ValueError, OverflowError):  # it does not say
        changed = 0
    return Facts(size, changed, answer.headers.get("ETag", "").removeprefix("W/")), begin


def _body(answer: requests.Response, length: int) -> bytes:
    """The content, whole: a connection that is cut ends as one that is done."""
    content = _content(answer, length)
    if len(content) != length:
        raise RemoteError(f"the connection was cut: {len(content):,} of {length:,} bytes came", again=True)
    return content


def _content(answer: requests.Response, most: int, *, decoded: bool = False) -> bytes:
    """What comes of an answer, up to so many bytes; as it comes, so that a server that drips is noticed."""
    content = bytearray()
    while len(content) < most:
        block = answer.raw.read1(min(_BLOCK, most - len(content)), decode_content=decoded)
        if not block:
            break
        came(len(block))
        content += block
    if len(content) < most or not decoded:
        answer.raw.read()  # its end: the connection can be used again
    return bytes(content)


class _Links(HTMLParser):
    """Gathers where a page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each element."""
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


_CHUNK: Final = 1 << 14  # bytes, each of which comes whole
_UNSIGNED: Final = "AWS_NO_SIGN_REQUEST"  # as GDAL calls it, for public buckets
_AT_ONCE: Final = 64  # connections
_SIGN_IN: Final = (
    "no sign-in for S3 is found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in the "
    f"environment or .env; for a public bucket {_UNSIGNED}=YES"
)
_CODES: Final = {
    "NoSuchKey": "there is nothing at its address",
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "S3 refuses it: this sign-in has no permission",
    "InvalidAccessKeyId": "S3 does not know this sign-in (AWS_ACCESS_KEY_ID)",
    "SignatureDoesNotMatch": "S3 refuses this sign-in (AWS_SECRET_ACCESS_KEY)",
    "ExpiredToken": "the sign-in for S3 has expired",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set its date and time",
    "InvalidObjectState": "it is archived (Glacier): restore it in S3 first",
}
_BUSY: Final = {"SlowDown", "Throttling", "RequestTimeout", "InternalError", "ServiceUnavailable"}


class S3:
    """Reads from S3.

    Raises:
        ConfigurationError: boto3 is not installed, or its profile does not exist.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("boto3") is None:
            raise ConfigurationError(
                "s3:// addresses need boto3, which is not installed",
                hint=f"Install it: {with_extra('remote')}",
            )
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        unsigned = os.environ.get(_UNSIGNED, "").upper() in {"YES", "TRUE", "1"}
        options = {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": SILENT_SECONDS,
            "retries": {"total_max_attempts": 1},  # module failures asks again, for all kinds of servers
            "max_pool_connections": _AT_ONCE,
            **({"signature_version": UNSIGNED} if unsigned else {}),
        }
        try:
            session = boto3.session.Session()
            region = {} if session.region_name else {"region_name": "us-east-1"}  # S3 names the right one
            self._client: Any = session.client("s3", config=Config(**options), **region)
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationError(
                f"the settings of S3 are not valid: {error}", hint="Check AWS_PROFILE and AWS_ENDPOINT_URL."
            ) from error

    def facts(self, address: Address) -> Facts:
        """What S3 says of an object.

        Raises:
            RemoteError: It does not answer, or there is none.
        """
        with _errors_of_s3_explained():
            return _object_facts(self._client.head_object(Bucket=address.host, Key=address.path))

    def read(self, address: Address, start: int = 0, stop: int | None = None) -> Piece:
        """Bytes of an object.

        Raises:
            RemoteError: They do not come, or not whole.
        """
        with _errors_of_s3_explained():
            answer = self._client.get_object(Bucket=address.host, Key=address.path, **_range(start, stop))
            content = b"".join(_told(answer["Body"].iter_chunks(_CHUNK)))
        facts = _object_facts(answer)
        if len(content) != answer["ContentLength"]:
            raise RemoteError("the connection was cut", again=True)
        return Piece(content, facts, start)

    def files(self, folder: Address) -> Iterator[tuple[Address, Facts | None]]:
        """All objects below a prefix; those that stand for folders are none.

        Raises:
            RemoteError: S3 does not list them.
        """
        more: dict[str, str] = {}
        while True:
            answer = with_retries(lambda: self._page(folder, more))  # noqa: B023 - called at once
            for one in answer.get("Contents", ()):
                if not one["Key"].endswith("/"):
                    facts = Facts(int(one["Size"]), _nanoseconds(one["LastModified"]), one["ETag"])
                    yield folder.with_path(one["Key"]), facts
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def _page(self, folder: Address, more: dict[str, str]) -> dict[str, Any]:
        with _errors_of_s3_explained():
            found: dict[str, Any] = self._client.list_objects_v2(
                Bucket=folder.host, Prefix=folder.path, **more
            )
            return found


def _told(blocks: Iterable[bytes]) -> Iterator[bytes]:
    for block in blocks:
        came(len(block))
        yield block


def _object_facts(answer: dict[str, Any]) -> Facts:
    whole = answer.get("ContentRange", "").rpartition("/")[2]
    size = int(whole) if whole.isdigit() else int(answer["ContentLength"])
    return Facts(size, _nanoseconds(answer["LastModified"]), answer.get("ETag", ""))


def _nanoseconds(time: Any) -> int:
    return int(time.timestamp()) * 10**9  # headers have seconds, lists have more


@contextmanager
def _errors_of_s3_explained() -> Iterator[None]:
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        raise _said(error.response) from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise RemoteError(_SIGN_IN) from None
    except exceptions.SSLError as error:
        raise not_trusted(error, "AWS_CA_BUNDLE") from None
    except (exceptions.ParamValidationError, exceptions.TokenRetrievalError) as error:
        raise RemoteError(f"S3 cannot be asked ({type(error).__name__})") from None
    except (exceptions.IncompleteReadError, exceptions.ResponseStreamingError):
        raise RemoteError("the connection to S3 was cut", again=True) from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError):
        raise RemoteError("the connection to S3 fails", again=True, silent=True) from None
    except exceptions.BotoCoreError as error:
        raise RemoteError(f"S3 cannot be asked ({type(error).__name__})") from None


def _said(response: dict[str, Any]) -> RemoteError:
    """What an answer of S3 that is no success means: its code, else its status."""
    code = str(response.get("Error", {}).get("Code", ""))
    if code in _CODES:
        return RemoteError(f"{_CODES[code]} ({code})")
    if code in _BUSY:
        return RemoteError(f"S3 failed ({code})", again=True)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return explained(int(status)) if status else RemoteError(f"S3 refuses it ({code})")
