"""`S3BlobStore`: blobs as objects in a bucket of anything that speaks S3 (AWS, MinIO, SeaweedFS, Ceph, R2)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from adapters.ports import BlobStore
from schemas.base import BlobRef
from schemas.errors import NotFound, SetupError, Unavailable

if TYPE_CHECKING:
    # Both exist in the type stubs alone.
    from obstore import Attributes
    from obstore.store import S3Config

# A request that hangs ends after this; what is tried again is tried for as long as a delivery can spare.
_REQUEST_TIMEOUT = timedelta(seconds=30)
_CONNECT_TIMEOUT = timedelta(seconds=3)
_RETRY_FOR = timedelta(seconds=10)
_RETRIES = 3

_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3}[ \w]{0,40})")
# The bucket cannot be right by itself later; everything else of a store may.
_NO_BUCKET = "NoSuchBucket"
_NOT_IMPLEMENTED = "NotImplemented"
# What is written to see whether writing works.
_EMPTY = BlobRef(sha256=hashlib.sha256().hexdigest(), size=0, media_type="application/octet-stream")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where blobs go. `url` is `s3://bucket` or `s3://bucket/prefix`; an empty `endpoint` means AWS.

    Without keys, credentials are found as AWS's own clients find them (environment, web identity, instance role).
    """

    url: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_access_key: str = ""


class S3BlobStore(BlobStore):
    """Objects at `<prefix>/<first two digits>/<sha256>`, each written whole by one conditional request. Use `open`.

    A name that is taken is read back and compared: what stands there is the blob, or it is written anew. So putting
    twice, or a retry of a request whose answer was lost, ends in one right blob.
    """

    def __init__(self, bucket: Bucket) -> None:
        """Raises SetupError for an address that is none. Opens no connection; `open` does, and looks."""
        place = urlsplit(bucket.url)
        if place.scheme != "s3" or not place.netloc:
            raise SetupError("VAULTRA_BLOBS__URL must be s3://bucket or s3://bucket/prefix")
        if bucket.endpoint and urlsplit(bucket.endpoint).scheme not in ("http", "https"):
            raise SetupError("VAULTRA_BLOBS__ENDPOINT must begin with http:// or https://")
        if bool(bucket.access_key_id) != bool(bucket.secret_access_key):
            raise SetupError("VAULTRA_BLOBS__ACCESS_KEY_ID and VAULTRA_BLOBS__SECRET_ACCESS_KEY go together")
        self._where = bucket.url if not bucket.endpoint else f"{bucket.url} at {bucket.endpoint}"
        config: S3Config = {"region": bucket.region}
        if bucket.endpoint:
            config["endpoint"] = bucket.endpoint
        if bucket.access_key_id:
            config["access_key_id"] = bucket.access_key_id
            config["secret_access_key"] = bucket.secret_access_key
        try:
            self._store = S3Store(
                place.netloc,
                prefix=place.path.strip("/") or None,
                config=config,
                client_options={
                    "allow_http": bucket.endpoint.startswith("http://"),
                    "connect_timeout": _CONNECT_TIMEOUT,
                    "timeout": _REQUEST_TIMEOUT,
                },
                retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_FOR},
            )
        except BaseError as error:
            raise SetupError(f"the blob store {self._where} cannot be used: {_reason(error)}") from error

    @classmethod
    async def open(cls, bucket: Bucket) -> S3BlobStore:
        """The store, after a write that shows that it works.

        Raises SetupError for refused keys, a missing bucket and a store without conditional writes, Unavailable for
        one that does not answer.
        """
        store = cls(bucket)
        try:
            await store._create(_EMPTY, b"")
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise SetupError(
                f"the blob store {store._where} refuses the keys of VAULTRA_BLOBS: {_reason(error)}"
            ) from error
        except (FileNotFoundError, BaseError) as error:
            code = _reason(error)
            if code == _NO_BUCKET:
                raise SetupError(f"there is no bucket for the blobs, {store._where}: make it first") from error
            if isinstance(error, NotSupportedError) or code == _NOT_IMPLEMENTED:
                raise SetupError(f"the blob store {store._where} has no conditional writes (If-None-Match)") from error
            raise Unavailable(f"the blob store {store._where} cannot be reached: {code}") from error
        return store

    async def put(self, data: bytes, media_type: str) -> BlobRef:
        ref = BlobRef(sha256=hashlib.sha256(data).hexdigest(), size=len(data), media_type=media_type)
        with self._reaching("a blob cannot be stored"):
            if not await self._create(ref, data) and not await self._stands(ref):
                await self._write(ref, data, "overwrite")
        return ref

    async def get(self, ref: BlobRef) -> bytes:
        with self._reaching(f"blob {ref.sha256} cannot be read"):
            try:
                data = bytes(await (await obstore.get_async(self._store, _path(ref))).bytes_async())
            except FileNotFoundError as error:
                if _reason(error) == _NO_BUCKET:
                    raise Unavailable(f"the bucket of the blobs is gone: {self._where}") from error
                raise NotFound(f"blob {ref.sha256} is not in the store") from None
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            raise NotFound(f"blob {ref.sha256} no longer matches its hash")
        return data

    async def healthy(self) -> bool:
        """A conditional write of the empty blob: the store answers, takes the keys and would write."""
        try:
            await self._create(_EMPTY, b"")
        except (FileNotFoundError, BaseError):
            return False
        return True

    async def _create(self, ref: BlobRef, data: bytes) -> bool:
        """Whether the object was written; False when the name was taken."""
        try:
            await self._write(ref, data, "create")
        except AlreadyExistsError:
            return False
        return True

    async def _write(self, ref: BlobRef, data: bytes, mode: Literal["create", "overwrite"]) -> None:
        # One request, also for a great blob: parts could not be conditional together.
        attributes: Attributes = {"Content-Type": ref.media_type}
        await obstore.put_async(self._store, _path(ref), data, attributes=attributes, mode=mode, use_multipart=False)

    async def _stands(self, ref: BlobRef) -> bool:
        try:
            await self.get(ref)
        except NotFound:
            return False
        return True

    @contextmanager
    def _reaching(self, what: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, BaseError) as error:
            raise Unavailable(f"{what}: {_reason(error)} ({self._where})") from error


def _path(ref: BlobRef) -> str:
    return f"{ref.sha256[:2]}/{ref.sha256}"


def _reason(error: BaseException) -> str:
    """The store's own error code, else the status, else the first line: the rest is a dump of the client's insides."""
    text = str(error)
    if found := _CODE.search(text) or _STATUS.search(text):
        return found[1].strip()
    return text.partition("\n")[0].rpartition(" - ")[2].strip()[:200] or type(error).__name__
