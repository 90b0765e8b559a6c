"""What every blob store promises. A store's own tests inherit `BlobStoreContract` and give the fixture `store`."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from adapters.ports import BlobStore
from schemas.base import BlobRef
from schemas.errors import NotFound


class BlobStoreContract:
    @pytest.fixture
    async def store(self) -> BlobStore:
        raise NotImplementedError("which store?")

    @pytest.mark.parametrize("data", [b"", b"\x00\xff", b"x" * 5_000_000], ids=["empty", "binary", "great"])
    async def test_get_returns_the_bytes_when_they_were_put(self, store: BlobStore, data: bytes) -> None:
        ref = await store.put(data, "application/octet-stream")
        assert ref == BlobRef(
            sha256=hashlib.sha256(data).hexdigest(), size=len(data), media_type="application/octet-stream"
        )
        assert await store.get(ref) == data

    async def test_put_returns_the_same_name_when_bytes_are_put_again(self, store: BlobStore) -> None:
        first = await store.put(b"same", "text/plain")
        second = await store.put(b"same", "image/png")
        assert (first.sha256, first.media_type, second.media_type) == (second.sha256, "text/plain", "image/png")
        assert await store.get(first) == await store.get(second) == b"same"

    async def test_put_keeps_all_when_many_put_at_once(self, store: BlobStore) -> None:
        blobs = [b"%d" % (n % 20) for n in range(100)]
        refs = await asyncio.gather(*(store.put(blob, "text/plain") for blob in blobs))
        assert await asyncio.gather(*(store.get(ref) for ref in refs)) == blobs

    async def test_get_raises_not_found_when_the_blob_is_absent(self, store: BlobStore) -> None:
        with pytest.raises(NotFound):
            await store.get(BlobRef(sha256="0" * 64, size=1, media_type="text/plain"))

    async def test_healthy_when_it_can_be_written(self, store: BlobStore) -> None:
        assert await store.healthy()
