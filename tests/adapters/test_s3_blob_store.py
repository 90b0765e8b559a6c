"""The blob store in a bucket: the contract on a real S3-compatible store, and what can happen between us and it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import obstore
import pytest

from adapters import s3_blob_store
from adapters.ports import BlobStore
from adapters.s3_blob_store import Bucket, S3BlobStore
from schemas.base import BlobRef
from schemas.errors import NotFound, SetupError, Unavailable
from tests.adapters.seaweed import Seaweed, seaweed
from tests.contracts.blob_store import BlobStoreContract


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with seaweed(tmp_path_factory.mktemp("seaweed")) as running:
        yield running


_numbers = count()


@pytest.fixture
def prefix() -> str:
    """A place of the test's own in the bucket."""
    return f"tests/{next(_numbers)}"


class TestS3BlobStore(BlobStoreContract):
    @pytest.fixture
    async def store(self, s3: Seaweed, prefix: str) -> BlobStore:
        return await S3BlobStore.open(s3.bucket(prefix))


def name_of(data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    return f"{digest[:2]}/{digest}"


async def test_blob_is_an_object_with_its_media_type_when_stored(s3: Seaweed, prefix: str) -> None:
    store = await S3BlobStore.open(s3.bucket(prefix))
    await store.put(b"one", "image/png")
    found = await obstore.get_async(s3.raw(prefix), name_of(b"one"))
    assert bytes(await found.bytes_async()) == b"one"
    assert found.attributes["Content-Type"] == "image/png"


async def test_first_object_stays_when_many_stores_put_the_same(s3: Seaweed, prefix: str) -> None:
    stores = [S3BlobStore(s3.bucket(prefix)) for _ in range(8)]
    await asyncio.gather(*(store.put(b"same", f"text/{n}") for n, store in enumerate(stores)))
    first = await obstore.head_async(s3.raw(prefix), name_of(b"same"))
    await asyncio.gather(*(store.put(b"same", "text/later") for store in stores))
    again = await obstore.get_async(s3.raw(prefix), name_of(b"same"))
    assert again.attributes["Content-Type"] != "text/later"
    assert first["last_modified"] == again.meta["last_modified"]


@pytest.mark.parametrize("damaged", [b"", b"onf", b"two and more"])
async def test_get_raises_not_found_when_the_object_was_damaged_and_put_mends_it(
    s3: Seaweed, prefix: str, damaged: bytes
) -> None:
    store = await S3BlobStore.open(s3.bucket(prefix))
    ref = await store.put(b"one", "image/png")
    await obstore.put_async(s3.raw(prefix), name_of(b"one"), damaged)
    with pytest.raises(NotFound, match="no longer matches"):
        await store.get(ref)
    await store.put(b"one", "image/png")
    assert await store.get(ref) == b"one"


async def test_open_refuses_when_the_keys_are_wrong(s3: Seaweed, prefix: str) -> None:
    for wrong, code in (
        (replace(s3.bucket(prefix), secret_access_key="guessed"), "SignatureDoesNotMatch"),
        (replace(s3.bucket(prefix), access_key_id="AKNOBODY"), "InvalidAccessKeyId"),
        (s3.reader(prefix), "AccessDenied"),
    ):
        with pytest.raises(SetupError, match=code) as caught:
            await S3BlobStore.open(wrong)
        assert "\n" not in str(caught.value)
        assert wrong.secret_access_key not in str(caught.value)


async def test_put_is_unavailable_and_get_works_when_the_keys_may_only_read(s3: Seaweed, prefix: str) -> None:
    ref = await (await S3BlobStore.open(s3.bucket(prefix))).put(b"one", "text/plain")
    reader = S3BlobStore(s3.reader(prefix))
    assert await reader.get(ref) == b"one"
    with pytest.raises(Unavailable, match="AccessDenied"):
        await reader.put(b"two", "text/plain")
    assert not await reader.healthy()


async def test_get_is_unavailable_when_the_bucket_is_gone(s3: Seaweed) -> None:
    store = S3BlobStore(s3.bucket("", name="never-made"))
    with pytest.raises(Unavailable, match="bucket of the blobs is gone"):
        await store.get(BlobRef(sha256="0" * 64, size=1, media_type="text/plain"))


async def test_store_is_unavailable_when_nobody_listens() -> None:
    nobody = Bucket(
        url="s3://vaultra", endpoint="http://127.0.0.1:1", access_key_id="a", secret_access_key="never shown"
    )
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        await S3BlobStore.open(nobody)
    assert "\n" not in str(caught.value)
    assert "never shown" not in str(caught.value)
    assert not await S3BlobStore(nobody).healthy()


async def test_store_is_unavailable_when_it_answers_nothing_and_works_when_it_is_back(
    s3: Seaweed, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_blob_store, "_REQUEST_TIMEOUT", s3_blob_store._CONNECT_TIMEOUT / 10)
    monkeypatch.setattr(s3_blob_store, "_RETRIES", 0)
    store = S3BlobStore(s3.bucket(prefix))
    ref = await store.put(b"one", "text/plain")
    with s3.frozen():
        for attempt in (store.put(b"two", "text/plain"), store.get(ref)):
            with pytest.raises(Unavailable):
                await attempt
        assert not await store.healthy()
    assert await S3BlobStore(s3.bucket(prefix)).get(ref) == b"one"


@pytest.mark.parametrize(
    ("bucket", "said"),
    [
        (Bucket("bucket"), "s3://bucket"),
        (Bucket("https://bucket"), "s3://bucket"),
        (Bucket("s3:///prefix"), "s3://bucket"),
        (Bucket("s3://b", endpoint="minio:9000"), "http:// or https://"),
        (Bucket("s3://b", access_key_id="alone"), "go together"),
    ],
)
def test_store_refuses_when_the_address_is_none(bucket: Bucket, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        S3BlobStore(bucket)
