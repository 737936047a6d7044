"""Pictures in S3, or a store that speaks as S3 does, by boto3 (extra `remote`).

Who signs in, where and to which region is what the environment and the profile say, as for every program
that uses Amazon's library: AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and so on.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from wildetect.errors import ConfigurationError
from wildetect.remote.address import Address
from wildetect.remote.asking import came, with_retries
from wildetect.remote.failures import RemoteError, explained, not_trusted
from wildetect.remote.store import CONNECT_SECONDS, SILENT_SECONDS, Facts, Piece

__all__ = ["S3"]

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
                hint="Install it: uv sync --extra remote",
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
        with _errors_explained():
            return _object_facts(self._client.head_object(Bucket=address.host, Key=address.path))

    def read(self, address: Address, start: int = 0, stop: int | None = None) -> Piece:
        """Bytes of an object.

        Raises:
            RemoteError: They do not come, or not whole.
        """
        part = (
            {}
            if start == 0 and stop is None
            else {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}
        )
        with _errors_explained():
            answer = self._client.get_object(Bucket=address.host, Key=address.path, **part)
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
        with _errors_explained():
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
def _errors_explained() -> Iterator[None]:
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
