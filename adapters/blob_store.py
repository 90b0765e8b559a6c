"""`LocalBlobStore`: blobs as files named by their SHA-256 in a local directory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from adapters.ports import BlobStore
from schemas.base import BlobRef
from schemas.errors import NotFound, SetupError, Unavailable

# Unfinished files of a killed process; nobody writes one for an hour.
_ABANDONED_AFTER = 3600.0


class LocalBlobStore(BlobStore):
    """Files at `<root>/<first two digits>/<sha256>`, private to the user.

    A blob appears under its name complete and flushed, or not at all: it is written beside, flushed and renamed.
    Several processes may share a directory. Raises SetupError when the directory cannot be made.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / "unfinished"
        try:
            self._unfinished.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._remove_abandoned()
        except OSError as error:
            raise SetupError(f"the blob directory {root} cannot be used: {error.strerror}") from error

    async def put(self, data: bytes, media_type: str) -> BlobRef:
        ref = BlobRef(sha256=hashlib.sha256(data).hexdigest(), size=len(data), media_type=media_type)
        try:
            await asyncio.to_thread(self._write, self._path(ref), data)
        except OSError as error:
            raise Unavailable(f"a blob cannot be stored: {error.strerror}") from error
        return ref

    async def get(self, ref: BlobRef) -> bytes:
        try:
            data = await asyncio.to_thread(self._path(ref).read_bytes)
        except FileNotFoundError:
            raise NotFound(f"blob {ref.sha256} is not in the store") from None
        except OSError as error:
            raise Unavailable(f"blob {ref.sha256} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            raise NotFound(f"blob {ref.sha256} no longer matches its hash")
        return data

    async def healthy(self) -> bool:
        try:
            await asyncio.to_thread(self._try_write)
        except OSError:
            return False
        return True

    def _path(self, ref: BlobRef) -> Path:
        return self._root / ref.sha256[:2] / ref.sha256

    def _write(self, path: Path, data: bytes) -> None:
        with suppress(FileNotFoundError):
            if path.read_bytes() == data:  # a damaged file is written anew
                _flush_directory(path.parent)  # whoever wrote it may not have got so far yet
                return
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _flush_directory(self._root)
        descriptor, name = tempfile.mkstemp(dir=self._unfinished)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            Path(name).rename(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _flush_directory(path.parent)

    def _try_write(self) -> None:
        with tempfile.NamedTemporaryFile(dir=self._unfinished) as file:
            file.write(b"x" * 4096)

    def _remove_abandoned(self) -> None:
        for path in self._unfinished.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _ABANDONED_AFTER:
                    path.unlink()


def _flush_directory(path: Path) -> None:
    """A rename is durable once its directory is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
