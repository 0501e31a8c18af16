"""Storage in a bucket of S3, or of anything that speaks its protocol."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from testamur.errors import Unavailable
from testamur.storage.address import BucketAddress
from testamur.storage.model import StoredFile, checked_key, is_key

if TYPE_CHECKING:  # These are there for type checkers only.
    from obstore import GetResult
    from obstore.store import S3Config, S3Credential

# One request may take this long, also if it is a file of 64 MiB; a server that is there but silent is given up then.
ANSWER_SECONDS = 30
CONNECT_SECONDS = 2
# A request that failed for a reason which may pass is made again, all within moments: somebody waits for the answer.
RETRIES = 2
RETRY_SECONDS = 5
LISTED_AT_ONCE = 1000
# Not a key, so it is neither listed nor copied.
_PROBE = ".writable"
_CODE = re.compile(r"<Code>(\w{1,64})</Code>", re.ASCII)
# What the text of a failure holds, and what it means. The text itself may hold the access key, so it is not told.
_NO_BUCKET = "<Code>NoSuchBucket</Code>"
_REASONS = {
    _NO_BUCKET: "there is no such bucket",
    "dns error": "the name of its server is not known",
    "ConnectionRefused": "its server cannot be connected to",
    "TimedOut": "its server does not answer in time",
    "InvalidCertificate": "the certificate of its server is not trusted",
}

_log = structlog.get_logger(__name__)


class Bucket:
    """Files in one bucket, under their keys, behind a prefix if there is one.

    Without keys of access the usual ones of AWS are looked for: variables, a file, the role of the machine.
    """

    is_local = False

    def __init__(
        self,
        address: BucketAddress,
        *,
        access_key: str | None = None,
        secret_key: str | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._place = address.place
        self._was_written = False
        keys: S3Credential | None = None
        if access_key is not None and secret_key is not None:
            keys = {"access_key_id": access_key, "secret_access_key": secret_key, "token": None, "expires_at": None}
        self._store = S3Store(
            address.bucket,
            prefix=address.prefix or None,
            config=_config(address),
            client_options={
                "allow_http": address.is_plain_http,
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=answer_seconds),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=RETRY_SECONDS),
                "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1)},
            },
            # Not among the configuration, where a session token of the environment would be added to them.
            credential_provider=None if keys is None else lambda: keys,
        )

    @property
    def place(self) -> str:
        return self._place

    def read(self, key: str) -> bytes | None:
        with self._failures():
            found = self._find(key)
            return None if found is None else found.bytes().to_bytes()

    def open(self, key: str) -> BinaryIO | None:
        """A copy of the file on this machine: who reads it for minutes must not depend on the network meanwhile."""
        with self._failures():
            found = self._find(key)
        if found is None:
            return None
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - who asked closes it.
        try:
            with self._failures():
                for chunk in found.stream():
                    copy.write(chunk)
            copy.seek(0)
        except BaseException:
            copy.close()
            raise
        return cast("BinaryIO", copy)

    def size_bytes(self, key: str) -> int | None:
        return self._size_bytes(checked_key(key))

    def write(self, key: str, content: bytes) -> None:
        self._put(checked_key(key), content)

    def delete_all(self, prefix: str) -> None:
        checked_key(prefix)
        with self._failures():
            obstore.delete(self._store, [prefix])
            # Whole names only: what begins with `a/b` and goes on without a slash is another one's.
            for page in obstore.list(self._store, prefix, chunk_size=LISTED_AT_ONCE):
                obstore.delete(self._store, [found["path"] for found in page])

    def files(self) -> Iterator[StoredFile]:
        with self._failures():
            for page in obstore.list(self._store, chunk_size=LISTED_AT_ONCE):
                yield from (StoredFile(found["path"], found["size"]) for found in page if is_key(found["path"]))

    def check(self) -> None:
        """Writes once; later it only looks, because a write every few seconds would fill a bucket that keeps versions."""
        if not self._was_written or self._size_bytes(_PROBE) is None:
            self._put(_PROBE, b"")
            self._was_written = True

    def _size_bytes(self, path: str) -> int | None:
        with self._failures():
            try:
                return obstore.head(self._store, path)["size"]
            except FileNotFoundError:
                # The answer to this request has no body, so whether there is a bucket at all is not known.
                return None

    def _put(self, path: str, content: bytes) -> None:
        with self._failures():
            # One request, so that a crash leaves neither half a file nor parts that are paid for and never seen.
            obstore.put(self._store, path, content, use_multipart=False)

    def _find(self, key: str) -> "GetResult | None":
        checked_key(key)
        try:
            return obstore.get(self._store, key)
        except FileNotFoundError as error:
            # A file that is not there is an answer; a bucket that is not there is a failure.
            if _NO_BUCKET in str(error):
                raise
            return None

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            reason = _reason(error)
            _log.warning("storage_unavailable", place=self._place, reason=reason)
            # Who asks by the API may know that there is a bucket, not where it is.
            raise Unavailable(f"The bucket of files cannot be used now: {reason}") from None


def _config(address: BucketAddress) -> "S3Config":
    config: S3Config = {"virtual_hosted_style_request": not address.is_path_style}
    if address.region:
        config["region"] = address.region
    if address.endpoint:
        # This name, because as a variable of the environment it would go before the plainer one.
        config["aws_endpoint_url_s3"] = address.endpoint
        if not address.is_path_style:
            parts = urlsplit(address.endpoint)
            config["aws_endpoint_url_s3"] = parts._replace(netloc=f"{address.bucket}.{parts.netloc}").geturl()
    return config


def _reason(error: Exception) -> str:
    text = str(error)
    code = _CODE.search(text)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or "403 Forbidden" in text:
        return f"it refuses the credentials ({code[1]})" if code else "it refuses the credentials"
    for sign, reason in _REASONS.items():
        if sign in text:
            return reason
    return f"its server answers {code[1]}" if code else "the request failed"
