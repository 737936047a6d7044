"""Addresses of pictures: s3:// and https://, written without what signs in there.

An address may hold a password (https://user:password@host) or a signature (?X-Amz-Signature=...). Both are
sent to its server and to nobody else: `str` and `repr` leave them out, and so does whatever is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from wildetect.errors import ConfigurationError

__all__ = ["Address", "is_address"]

_SCHEME: Final = re.compile(r"(s3|https?):/{1,2}(?!/)", re.IGNORECASE)
_OTHER: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_AS_THEY_ARE: Final = "/%:@!$&'()*+,;=~-._"
_FORMS: Final = "Give s3://BUCKET/FOLDER/, or https:// and the address of a folder, picture or list (.txt)."


def is_address(text: str) -> bool:
    """Whether a text is an address, of a kind that is read or not; a drive of Windows is none."""
    return _OTHER.match(text.strip()) is not None or _SCHEME.match(text.strip()) is not None


@dataclass(frozen=True, slots=True)
class Address:
    """Where something lies.

    Attributes:
        scheme: s3, https or http.
        host: Name of a server, with its port; of S3 the bucket.
        path: Below it without a slash at the start; of S3 a key as it is, else as it stands in an address.
        query: What follows the path, which may be a signature; never shown.
        sign_in: User and password; never shown.
    """

    scheme: str
    host: str
    path: str
    query: str = field(default="", repr=False, compare=False)
    sign_in: str = field(default="", repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Understand an address; one slash may be missing, as where a program took it for a path.

        Raises:
            ConfigurationError: It is of another kind, or has no host.
        """
        plain = text.strip()
        match = _SCHEME.match(plain)
        if match is None:
            kind = plain.partition("://")[0].lower()
            raise ConfigurationError(f"pictures at {kind}:// addresses are not read", hint=_FORMS)
        scheme, rest = match.group(1).lower(), plain[match.end() :]
        if scheme == "s3":
            bucket, _, key = rest.partition("/")
            found = cls(scheme, bucket, key.lstrip("/"))
        else:
            parts = urlsplit(f"{scheme}://{rest}")
            sign_in, _, host = parts.netloc.rpartition("@")
            path = quote(parts.path, safe=_AS_THEY_ARE).lstrip("/")
            found = cls(scheme, host.lower(), path, parts.query, sign_in)
        if not found.host or found.host.startswith(":"):
            raise ConfigurationError(f"{found} is not a valid address", hint=_FORMS)
        return found

    def __str__(self) -> str:
        """The address as it is shown and written, without what signs in."""
        return f"{self.scheme}://{self.host}/{self.path}"

    @property
    def url(self) -> str:
        """What the server is asked for, with the signature, without user and password."""
        return f"{self}?{self.query}" if self.query else str(self)

    @property
    def user(self) -> tuple[str, str] | None:
        """User and password, where the address holds them."""
        name, colon, password = self.sign_in.partition(":")
        return (unquote(name), unquote(password)) if colon else None

    @property
    def shown_path(self) -> str:
        """The path as a person reads it."""
        return self.path if self.scheme == "s3" else unquote(self.path)

    @property
    def name(self) -> str:
        """Its last part, as the name of a file."""
        return PurePosixPath(self.shown_path).name

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return PurePosixPath(self.name).suffix

    @property
    def is_folder(self) -> bool:
        """Whether it says itself that it is a folder."""
        return not self.path or self.path.endswith("/")

    @property
    def folder(self) -> Address:
        """Itself where it is a folder, else that which it lies in."""
        if self.is_folder:
            return self
        above, slash, _ = self.path.rpartition("/")
        return replace(self, path=f"{above}{slash}")

    def with_path(self, path: str) -> Address:
        """Another place on the same server, signed in in the same way."""
        return replace(self, path=path)

    def beside(self, name: str) -> Address:
        """A file of this name in the same folder."""
        above = self.path.rpartition("/")
        return self.with_path(f"{above[0]}{above[1]}{name if self.scheme == 's3' else quote(name)}")

    def joined(self, text: str) -> Address:
        """What a page or a list at this address means by a link: an address, or a path from here.

        Raises:
            ConfigurationError: It is an address of a kind that is not read.
        """
        if is_address(text):
            found = Address.parse(text)
            at_home = (found.scheme, found.host) == (self.scheme, self.host)
            return replace(found, sign_in=found.sign_in or self.sign_in) if at_home else found
        if self.scheme == "s3":
            return self.with_path(f"{self.folder.path.rstrip('/')}/{text}".lstrip("/"))
        found = Address.parse(urljoin(str(self), text))
        return replace(found, sign_in=self.sign_in, query=found.query or self.query)
