"""The blob store in a local directory: the contract, and what can happen to files."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.blob_store import LocalBlobStore
from adapters.ports import BlobStore
from schemas.base import BlobRef
from schemas.errors import NotFound, SetupError, Unavailable
from tests.contracts.blob_store import BlobStoreContract


class TestLocalBlobStore(BlobStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> BlobStore:
        return LocalBlobStore(tmp_path / "blobs")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def file_of(root: Path, ref: BlobRef) -> Path:
    return root / ref.sha256[:2] / ref.sha256


@pytest.mark.parametrize("damaged", [b"", b"onf", b"two"])
async def test_get_raises_not_found_when_the_file_was_damaged_and_put_mends_it(root: Path, damaged: bytes) -> None:
    store = LocalBlobStore(root)
    ref = await store.put(b"one", "text/plain")
    file_of(root, ref).write_bytes(damaged)
    with pytest.raises(NotFound, match="no longer matches"):
        await store.get(ref)
    await store.put(b"one", "text/plain")
    assert await store.get(ref) == b"one"


async def test_blobs_are_private_when_stored(root: Path) -> None:
    ref = await LocalBlobStore(root).put(b"one", "text/plain")
    path = file_of(root, ref)
    assert (path.stat().st_mode & 0o077, path.parent.stat().st_mode & 0o077) == (0, 0)


async def test_put_is_unavailable_and_leaves_nothing_when_the_disk_is_full(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalBlobStore(root)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left"):
            await store.put(b"one", "text/plain")
    assert [path for path in root.rglob("*") if path.is_file()] == []
    await store.put(b"one", "text/plain")


async def test_store_is_unavailable_when_the_directory_is_gone(root: Path) -> None:
    store = LocalBlobStore(root)
    (root / "unfinished").rmdir()
    assert not await store.healthy()
    with pytest.raises(Unavailable):
        await store.put(b"one", "text/plain")


def test_open_refuses_when_a_file_is_in_the_way(root: Path) -> None:
    root.write_text("in the way")
    with pytest.raises(SetupError, match="blob directory"):
        LocalBlobStore(root)


def test_unfinished_files_are_removed_when_they_are_old(root: Path) -> None:
    LocalBlobStore(root)
    old, fresh = root / "unfinished" / "old", root / "unfinished" / "fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    LocalBlobStore(root)
    assert (old.exists(), fresh.exists()) == (False, True)


_PUT_FOREVER = """
import asyncio, itertools, sys
from pathlib import Path
from adapters.blob_store import LocalBlobStore

async def main():
    store = LocalBlobStore(Path(sys.argv[1]))
    for n in itertools.count():
        ref = await store.put(b"%d" % n * 20_000, "text/plain")
        print(ref.sha256, ref.size, flush=True)

asyncio.run(main())
"""


async def test_every_acknowledged_blob_is_there_when_the_writer_was_killed(root: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _PUT_FOREVER, str(root)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().split() for _ in range(50)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [line.split() for line in writer.communicate()[0].splitlines() if len(line.split()) == 2]
    store = LocalBlobStore(root)
    for sha256, size in acknowledged:
        assert len(await store.get(BlobRef(sha256=sha256, size=int(size), media_type="text/plain"))) == int(size)
